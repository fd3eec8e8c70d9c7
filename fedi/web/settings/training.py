"""`/settings/training`: whether others may train on one's pictures; what of them went out, when and
to whom; what was learned from them here; and what was said of it before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from fedi.database.tables import Account, ConsentChange
from fedi.runtime import easel_of
from fedi.social import posts, statuses
from fedi.social.errors import SocialError
from fedi.social.paging import Page
from fedi.social.sessions import SignedIn
from fedi.social.training import choices, ledger, lessons, standing
from fedi.social.training.ledger import Given
from fedi.social.training.lessons import Lesson
from fedi.studio.remote_files import claims, gallery
from fedi.web import cursors, forms, visitors
from fedi.web.settings import sheets
from fedi.web.views.posts import Moment, moment, tiles

HERE = "/settings/training"
SHOWN = 40  # exports, styles, and changes, the latest first; apps page through all of them
PICTURES = 24  # of a style on one page, as on walls


@dataclass(frozen=True, slots=True)
class Gone:
    """What went out with one export."""

    to: str
    purpose: str
    live: bool
    when: Moment
    pictures: int
    withdrawn: int


@dataclass(frozen=True, slots=True)
class Learned:
    """What a style was learned from, here. `asked`: by whoever asked for that very style."""

    path: str
    name: str
    asked: bool
    when: Moment
    pictures: int
    withdrawn: int
    removed: Moment | None


@dataclass(frozen=True, slots=True)
class Said:
    """What was said of training once."""

    when: Moment
    words: str
    post: str  # its path, if it was said of that alone


@visitors.signed_in
async def ask(request: Request, visitor: SignedIn) -> Response:
    """`GET /settings/training`."""
    account = visitor.account
    typed = {"credit": account.training_credit, "licence": account.training_licence}
    if standing.allows(account):
        typed["training"] = "1"
    return await _page(request, account, typed)


@visitors.signed_in
async def change(request: Request, visitor: SignedIn) -> Response:
    """`POST /settings/training`."""
    fields = await forms.read(request)
    try:
        sheets.count(request, visitor)
        async with easel_of(request).database.write() as tx:
            account = await tx.get_one(Account, visitor.account.id)
            await choices.consent(
                tx,
                account,
                _allowed(account, fields),
                credit=fields.get("credit", ""),
                licence=fields.get("licence", ""),
            )
    except SocialError as error:
        return await _page(request, visitor.account, fields, error)
    return sheets.back(HERE, kept=True)


@visitors.signed_in
async def of_style(request: Request, visitor: SignedIn) -> Response:
    """`GET /settings/training/styles/ID`: which of one's pictures a style was learned from."""
    easel, account = easel_of(request), visitor.account
    max_id = cursors.max_id(request)
    async with easel.database.read() as session:
        lesson = await lessons.find(session, account, request.path_params["id"])
        wanted = Page(PICTURES + 1, max_id)
        found = await lessons.pictures(session, account, lesson.style, wanted)
        older = found[PICTURES - 1][0].id if len(found) > PICTURES else None
        found = found[:PICTURES]
        pictures = {item.media_id for item, _ in found}
        shown = await statuses.load_many(session, account, (item.status_id for item, _ in found))
        those = [
            replace(post, media=[one for one in post.media if one.id in pictures])
            for post in await posts.assemble(session, shown.values(), account)
        ]
        hung = await gallery.of(easel, session, claims.of_posts(those))
    hanging = tiles(those, hung, account)
    here = f"{HERE}/styles/{lesson.style.id}"
    return sheets.show(
        request,
        "training_style.html",
        style=_learned(lesson),
        tiles=hanging,
        missing=len(found) - len(hanging),
        older=f"{here}?max_id={older}" if older else None,
        newer=here if max_id else None,
    )


def _allowed(account: Account, fields: Mapping[str, str]) -> bool | None:
    """What a form says; None: only on what terms. A box that was empty before, and is, takes back
    no post that its author let in by itself: there is a button for that."""
    if "training" in fields and "everything" not in fields:
        return True
    return False if standing.allows(account) or "everything" in fields else None


async def _page(
    request: Request,
    account: Account,
    typed: Mapping[str, str],
    error: SocialError | None = None,
) -> Response:
    async with easel_of(request).database.read() as session:
        given = await ledger.given(session, account, Page(SHOWN))
        learned = await lessons.of_author(session, account, Page(SHOWN))
        said = await choices.history(session, account, Page(SHOWN))
        own = await choices.count_own(session, account)
    return sheets.show(
        request,
        "training.html",
        error=error,
        typed=typed,
        credits=choices.CREDITS,
        licences=choices.LICENCES,
        own=own,
        consents=standing.allows(account),
        gone=_gone(given),
        learned=[_learned(one) for one in learned],
        said=[_said(account, one) for one in said],
    )


def _gone(given: Sequence[Given]) -> list[Gone]:
    return [
        Gone(
            to=one.export.recipient,
            purpose=one.export.purpose,
            live=one.export.kind == ledger.STREAM,
            when=moment(one.last_sent_at),
            pictures=one.items,
            withdrawn=one.withdrawn,
        )
        for one in given
    ]


def _learned(one: Lesson) -> Learned:
    style = one.style
    return Learned(
        path=f"{HERE}/styles/{style.id}",
        name=style.purpose,
        asked=style.kind == lessons.ASKED,
        when=moment(style.created_at),
        pictures=one.pictures,
        withdrawn=one.withdrawn,
        removed=None if style.revoked_at is None else moment(style.revoked_at),
    )


def _said(account: Account, one: ConsentChange) -> Said:
    if one.status_id is None:
        terms = f"{choices.CREDITS.get(one.credit, one.credit)}. "
        terms += f"{choices.LICENCES.get(one.licence, one.licence)}."
        words = f"Yes, on all pictures. {terms}" if one.allowed else "No."
        return Said(moment(one.created_at), words, "")
    words = {True: "Yes", False: "No", None: "As on all pictures"}[one.allowed]
    return Said(moment(one.created_at), words, f"/@{account.username}/{one.status_id}")


routes: list[BaseRoute] = [
    Route(HERE, ask, methods=["GET"]),
    Route(HERE, change, methods=["POST"]),
    Route(f"{HERE}/styles/{{id:int}}", of_style, methods=["GET"]),
]
