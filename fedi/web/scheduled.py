"""`/scheduled`: posts for later. When each goes out, and how that is changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from fedi.database.tables import Account, MediaAttachment, Painting, ScheduledStatus
from fedi.runtime import easel_of
from fedi.social import attempts, scheduling, text
from fedi.social.drafts import Draft
from fedi.social.errors import Invalid, SocialError
from fedi.social.paging import Page
from fedi.social.sessions import SignedIn
from fedi.studio import scheduled
from fedi.studio.remote_files import gallery
from fedi.studio.remote_files.gallery import Gallery
from fedi.web import cursors, forms, later, visitors
from fedi.web.intents import AUDIENCES
from fedi.web.settings import sheets
from fedi.web.views.links import excerpt
from fedi.web.views.pictures import Picture, picture
from fedi.web.views.posts import Moment, moment

HERE = "/scheduled"
LENGTH = 40  # on one page
EXCERPT = 300  # characters of what a post says


@dataclass(frozen=True, slots=True)
class Waiting:
    """A post for later, as it is listed. `making` is the page of the picture that is being painted
    for it, if one is; `error` says why it could not be posted in time, or will not be."""

    id: str
    when: Moment
    typed: str
    words: str
    language: str | None
    warning: str
    audience: str
    pictures: list[Picture]
    asks: bool
    making: str
    error: str


@visitors.signed_in
async def show(request: Request, visitor: SignedIn) -> Response:
    """`GET /scheduled`: the latest written first."""
    return await _page(request, visitor)


@visitors.signed_in
async def move(request: Request, visitor: SignedIn) -> Response:
    """`POST /scheduled/ID/move`: to another time."""
    fields, number = await forms.read(request), _number(request)
    try:
        sheets.count(request, visitor)
        when = later.when(fields)
        if when is None:
            raise Invalid(later.NO_MOMENT)
        easel = easel_of(request)
        async with easel.database.write() as tx:
            author = await tx.get_one(Account, visitor.account.id)
            held = await scheduled.hold(tx, author, number)
            await scheduled.move(tx, easel.settings.painting, author, held, when)
    except SocialError as error:
        return await _page(request, visitor, fields, error, number)
    return sheets.back(HERE, kept=True)


@visitors.signed_in
async def post_now(request: Request, visitor: SignedIn) -> Response:
    """`POST /scheduled/ID/now`: it waits no longer."""
    await forms.read(request)
    easel, number = easel_of(request), _number(request)
    try:
        attempts.by_account(easel, attempts.POSTS_OF_ACCOUNT, visitor.account)
        async with easel.database.write() as tx:
            author = await tx.get_one(Account, visitor.account.id)
            held = await scheduled.hold(tx, author, number)
            await scheduled.carry_out(tx, easel.settings.painting, author, held)
    except SocialError as error:
        return await _page(request, visitor, {}, error, number)
    return sheets.back(HERE, kept=True)


@visitors.signed_in
async def take_back(request: Request, visitor: SignedIn) -> Response:
    """`POST /scheduled/ID/away`: it is not posted. Its pictures stay where they are."""
    await forms.read(request)
    sheets.count(request, visitor)
    async with easel_of(request).database.write() as tx:
        held = await scheduled.hold(tx, visitor.account, _number(request))
        await scheduled.take_back(tx, held)
    return sheets.back(HERE, kept=True)


async def _page(
    request: Request,
    visitor: SignedIn,
    typed: Mapping[str, str] | None = None,
    error: SocialError | None = None,
    about: int = 0,
) -> Response:
    """The list; with what was typed about one of them, and what is wrong with it."""
    easel, max_id = easel_of(request), cursors.max_id(request)
    async with easel.database.read() as session:
        rows = await scheduling.of_account(session, visitor.account, Page(LENGTH + 1, max_id))
        media = await scheduling.media_of(session, rows)
        to_come = await scheduled.to_come(session, rows)
        hung = await gallery.of(easel, session, [])
    return sheets.show(
        request,
        "scheduled.html",
        error=error,
        here="scheduled",
        modules=("times",),
        waiting=[_waiting(row, media, to_come.get(row.uri), hung) for row in rows[:LENGTH]],
        about=str(about),
        gone=about not in {row.id for row in rows[:LENGTH]},
        typed=typed or {},
        older=f"{HERE}?max_id={rows[LENGTH - 1].id}" if len(rows) > LENGTH else None,
        newer=HERE if max_id else None,
    )


def _waiting(
    row: ScheduledStatus,
    media: Mapping[int, MediaAttachment],
    painting: Painting | None,
    hung: Gallery,
) -> Waiting:
    draft = scheduling.draft_of(row)
    said = draft if painting is None else msgspec.convert(painting.draft, Draft)
    there: Sequence[MediaAttachment] = [media[one] for one in draft.media_ids if one in media]
    return Waiting(
        id=str(row.id),
        when=moment(row.scheduled_at),
        typed=row.scheduled_at.strftime(later.TYPED),
        words=excerpt(_said(said), EXCERPT),
        language=draft.language,
        warning=draft.spoiler_text,
        audience=AUDIENCES[draft.visibility],
        pictures=[picture(one, False, hung) for one in there],
        asks=draft.poll is not None,
        making="" if painting is None else f"/studio/{painting.id}",
        error=row.error,
    )


def _said(draft: Draft) -> str:
    return text.plain(text.sanitise(draft.content_html)) if draft.content_html else draft.text


def _number(request: Request) -> int:
    return int(request.path_params["id"])


routes: list[BaseRoute] = [
    Route(HERE, show, methods=["GET"]),
    Route(f"{HERE}/{{id:int}}/move", move, methods=["POST"]),
    Route(f"{HERE}/{{id:int}}/now", post_now, methods=["POST"]),
    Route(f"{HERE}/{{id:int}}/away", take_back, methods=["POST"]),
]
