"""The page on which words are written: a post, or a reply to one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import cast

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from fedi import ids
from fedi.database import Session
from fedi.database.tables import Account, Status
from fedi.runtime import easel_of
from fedi.settings import PaintingSettings
from fedi.social import attempts, drafts, posts, preferences, statuses, text
from fedi.social.drafts import Draft
from fedi.social.errors import Invalid, SocialError
from fedi.social.posts import Post
from fedi.social.sessions import SignedIn
from fedi.studio import imagine, media
from fedi.studio.dispatcher import Dispatcher
from fedi.studio.remote_files import claims, gallery
from fedi.studio.scheduled import keep
from fedi.uploads.forms import UploadedFile
from fedi.web import (
    asking,
    bringing,
    deeds,
    editing,
    forms,
    languages,
    later,
    replies,
    scheduled,
    visitors,
    words,
)
from fedi.web.intents import AUDIENCES
from fedi.web.render import private_page
from fedi.web.settings import sheets
from fedi.web.studio import proposals, typed
from fedi.web.studio.composer import QUOTING
from fedi.web.studio.proposals import Names, Proposals
from fedi.web.views import posts as post_views

POLL_AND_PICTURE = "A post with a picture asks nothing: leave out the poll."


@dataclass(frozen=True, slots=True)
class Written:
    """What stands in the form; `typed` has the fields of `asking`, `bringing` and `later`."""

    words: str = ""
    warning: str = ""
    audience: str = "public"
    language: str = ""
    quoters: str = "public"
    training: str = ""
    covered: bool = False
    typed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Anew:
    """A post for later that stands in the form, to be changed (`rewriting`).

    Attributes:
        number: leads to it.
        uri: the id that it will have when it is posted.
        utc: the moment that stands in the form, unless somebody typed another.
        making: the page of the picture that is being painted for it, if one is.
        ends: when its poll may end.
    """

    number: int
    uri: str
    utc: str = ""
    making: str = ""
    ends: Mapping[str, str] = field(default_factory=lambda: asking.ENDS)


@visitors.signed_in
async def ask(request: Request, visitor: SignedIn) -> Response:
    """`GET /compose?reply_to=ID`: what shall it say? `?edit=ID`: what shall it say instead? With
    `had-N=ID` pictures stand in it that one brought and has not posted, with `words=TEXT`."""
    if "edit" in request.query_params:
        return await editing.ask(request, visitor, ids.parse(request.query_params["edit"]))
    easel = easel_of(request)
    query = forms.parsed(request.url.query)
    number = ids.parse(query.get("reply_to"))
    if number is None:
        had = {name: query[name] for name in bringing.HAD if name in query}
        words = text.clean(query.get("words", ""))[: text.MAX_TEXT] if had else ""
        return await page(request, visitor, begun(visitor, words, had), None)
    async with easel.database.read() as session:
        parent = await deeds.load(session, visitor.account, number)
    reply = replies.to(parent, visitor)
    written = begun(visitor, reply.words())
    written = replace(written, warning=reply.warning, audience=reply.audience)
    return await page(request, visitor, written, parent)


def begun(visitor: SignedIn, words: str, typed: Mapping[str, str] | None = None) -> Written:
    """A form as somebody usually posts, with words in it; `typed` may name pictures of theirs."""
    usual = visitor.login.preferences
    return Written(
        words=words,
        audience=str(usual.get("posting:default:visibility") or "public"),
        language=str(usual.get("posting:default:language") or ""),
        quoters=preferences.usual(visitor.login).quoters,
        covered=usual.get("posting:default:sensitive") is True,
        typed=typed or {},
    )


@visitors.signed_in
async def post(request: Request, visitor: SignedIn) -> Response:
    """`POST /compose`: it is posted, or painted first if its words ask for a picture; now, or when
    it is time."""
    async with bringing.read(request) as (fields, files):
        return await _post(request, visitor, fields, files)


async def _post(
    request: Request,
    visitor: SignedIn,
    fields: dict[str, str],
    files: Mapping[str, UploadedFile],
) -> Response:
    easel, written = easel_of(request), read(fields)
    number = ids.parse(fields.get("reply_to"))
    try:
        attempts.by_account(easel, attempts.POSTS_OF_ACCOUNT, visitor.account)
        brought = await bringing.take(easel, visitor.account, fields, files)
        async with easel.database.write() as tx:
            draft, moment = await _draft(tx, visitor, written, number, brought), later.when(fields)
            await refuse_poll_and_picture(tx, easel.settings.painting, draft)
            if moment is not None:
                author = await tx.get_one(Account, visitor.account.id)
                await keep(tx, easel.settings.painting, author, draft, moment)
                return sheets.back(words.sent(scheduled.HERE, fields), kept=True)
            made = await imagine.post(tx, easel.settings.painting, visitor.account, draft)
    except SocialError as error:
        async with easel.database.read() as session:
            parent = await answered(session, visitor, number)
        return await page(request, visitor, written, parent, error)
    number = made.id if isinstance(made, Status) else made.status_id
    path = f"/@{visitor.account.username}/{number}" if number else visitors.HOME
    return sheets.back(words.sent(path, fields))


@visitors.signed_in
async def propose(request: Request, visitor: SignedIn) -> Response:
    """`POST /compose/propose`: the form as it was, and in it what a helper proposes from its words
    and pictures; or, with `take`, the form with one of the proposals in it."""
    easel = easel_of(request)
    error: SocialError | None = None
    proposed: Proposals | None = None
    async with bringing.read(request) as (fields, files):
        form = fields
        try:
            brought = await bringing.take(easel, visitor.account, fields, files)
            places = {ids.parse(fields.get(f"had-{n}")): f"alt-{n}" for n in bringing.PLACES}
            names = Names(
                prompt="",
                status="words",
                spoiler_text="warning",
                alt_texts={media_id: places[media_id] for media_id in brought},
            )
            if fields.get("take"):
                form, proposed = proposals.taken(fields, fields, names)
            else:
                dispatcher = cast(Dispatcher, request.app.state.dispatcher)
                advice = await dispatcher.assistance.propose(
                    visitor.account,
                    "",
                    draft=fields.get("words", ""),
                    media_ids=brought,
                    language=fields.get("language", "")[: typed.MAX_LANGUAGE],
                )
                proposed = proposals.shown(advice, fields, names)
        except SocialError as refusal:
            error = refusal
    async with easel.database.read() as session:
        parent = await answered(session, visitor, ids.parse(fields.get("reply_to")))
    return await page(request, visitor, read(form), parent, error, proposed=proposed)


def read(fields: Mapping[str, str]) -> Written:
    """What was sent."""
    return Written(
        words=fields.get("words", ""),
        warning=fields.get("warning", ""),
        audience=fields.get("audience", ""),
        language=fields.get("language", ""),
        quoters=fields.get("quoters", ""),
        training=fields.get("training", ""),
        typed=fields,
        covered="covered" in fields,
    )


def quoters(written: Written, usual: str) -> str:
    """Who may quote it; as usual, if the form says nothing.

    Raises:
        Invalid: nobody is called so.
    """
    if written.quoters and written.quoters not in QUOTING:
        raise Invalid(f"Who may quote it is one of {', '.join(QUOTING)}.")
    return written.quoters or usual


async def refuse_poll_and_picture(
    session: Session, settings: PaintingSettings, draft: Draft
) -> None:
    """Refuse a post that asks something, and asks for a picture.

    Raises:
        Invalid: it does; or what it asks for is not understood.
    """
    if draft.poll is not None and await imagine.asked(session, settings, draft) is not None:
        raise Invalid(POLL_AND_PICTURE)


async def _draft(
    session: Session, visitor: SignedIn, written: Written, number: int | None, brought: list[int]
) -> Draft:
    usual = preferences.usual(visitor.login)
    parent = None if number is None else await deeds.find(session, visitor.account, number)
    return Draft(
        text=written.words,
        spoiler_text=written.warning,
        sensitive=written.covered if brought else usual.sensitive,
        visibility=written.audience,
        language=written.language or None,
        in_reply_to_id=None if parent is None else parent.id,
        quoters=quoters(written, usual.quoters),
        training=typed.training({"training": written.training}),
        media_ids=brought,
        poll=asking.read(written.typed),
    )


async def answered(session: Session, visitor: SignedIn, number: int | None) -> Post | None:
    """What is answered, if it is still there."""
    status = await statuses.load(session, visitor.account, number or 0)
    if status is None:
        return None
    [found] = await posts.assemble(session, [status], visitor.account)
    return found


async def page(
    request: Request,
    visitor: SignedIn,
    written: Written,
    parent: Post | None,
    error: SocialError | None = None,
    anew: Anew | None = None,
    proposed: Proposals | None = None,
) -> Response:
    """The form, with what stands in it and what it answers, what is wrong with it, and what is
    proposed for it; `anew`: of a post for later."""
    easel = easel_of(request)
    async with easel.database.read() as session:
        hung = await gallery.of(easel, session, claims.of_posts([parent] if parent else []))
        places = await bringing.places(easel, session, visitor.account, written.typed)
    answer = private_page(
        request,
        "compose.html",
        sheets=("forms", "settings"),
        status=error.status if error is not None else 200,
        modules=("times", "writing"),
        here="compose" if anew is None else "scheduled",
        form_key=forms.key(request),
        error=str(error) if error is not None else "",
        parent=post_views.shown(parent, hung, visitor.account) if parent is not None else None,
        parent_id=str(parent.status.id) if parent is not None else "",
        written=written,
        anew=anew,
        proposals=proposed,
        audiences=AUDIENCES,
        quoting=QUOTING,
        training=typed.TRAINING,
        languages=languages.offered(written.language),
        asking=asking,
        typed=written.typed,
        places=places,
        place=words.place(written.typed)
        or _place(parent, places[0].had if error is None else "", anew),
        bringing=bringing,
        longest_description=media.MAX_DESCRIPTION,
        command=easel_of(request).settings.painting.command,
        longest=text.MAX_TEXT,
        longest_warning=drafts.MAX_SPOILER,
    )
    return forms.patient(answer, error)


def _place(parent: Post | None, had: str, anew: Anew | None) -> str:
    """Under which address a browser keeps what is typed. A reply is no post of its own, and what
    was shared with us (`sharing`) leaves alone what somebody had begun before."""
    if anew is not None:
        return f"{scheduled.HERE}/{anew.number}/change"
    if parent is not None:
        return f"/compose?reply_to={parent.status.id}"
    return f"/compose?had-1={had}" if had else "/compose"


routes: list[BaseRoute] = [
    Route("/compose", ask, methods=["GET"]),
    Route("/compose", post, methods=["POST"]),
    Route("/compose/propose", propose, methods=["POST"]),
]
