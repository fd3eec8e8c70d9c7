"""`/messages`: who writes to whom, one conversation, and a message to somebody."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from fedi.database import Session
from fedi.database.tables import Account, Conversation, Status
from fedi.federation import remote
from fedi.runtime import easel_of
from fedi.social import (
    accounts,
    attempts,
    correspondence,
    drafts,
    posts,
    preferences,
    statuses,
    text,
)
from fedi.social.drafts import Draft
from fedi.social.errors import Invalid, SocialError
from fedi.social.paging import Page
from fedi.social.posts import Post
from fedi.social.sessions import SignedIn
from fedi.studio import imagine, media
from fedi.studio.remote_files import claims, gallery
from fedi.studio.remote_files.gallery import Gallery
from fedi.web import bringing, cursors, forms, sifting, visitors, words
from fedi.web.intents import LOOK_UPS
from fedi.web.settings import sheets
from fedi.web.settings.people import of_many
from fedi.web.views import people
from fedi.web.views.links import excerpt
from fedi.web.views.people import Maker
from fedi.web.views.posts import Moment, moment

HERE = "/messages"
NEW = f"{HERE}/new"
LENGTH = 20  # conversations on one page, as Mastodon
MOST = 100  # messages of one that are looked at; those before stand in the thread
EXCERPT = 140  # characters
FACES = 4  # people of a conversation that are named
_NAMED = re.compile(r"(?:@\S+\s+)+")  # with whom a message begins, so that they hear of it


@dataclass(frozen=True, slots=True)
class Talk:
    """A conversation, as it is listed."""

    id: str
    makers: list[Maker]
    others: int
    words: str
    when: Moment | None
    unread: bool


@visitors.signed_in
async def show(request: Request, visitor: SignedIn) -> Response:
    """`GET /messages`."""
    easel, account = easel_of(request), visitor.account
    max_id = cursors.max_id(request)
    async with easel.database.read() as session:
        rows = await correspondence.of_account(session, account, Page(LENGTH + 1, max_id))
        found = rows[:LENGTH]
        known = await _people(session, account, found)
        last = await statuses.load_many(session, account, [row.last_status_id for row in found])
        assembled = await posts.assemble(session, last.values(), account)
        sieve = await sifting.sieve(session, account, "thread")
        hung = await gallery.of(easel, session, of_many(list(known.values())))
    latest = {post.status.id: post for post in assembled if not sieve.hides(post)}
    return sheets.show(
        request,
        "messages.html",
        here="messages",
        talks=[
            _talk(row, _with(row, account, known), latest.get(row.last_status_id), hung, account)
            for row in found
        ],
        older=f"{HERE}?max_id={found[-1].last_status_id}" if len(rows) > LENGTH else None,
        newer=HERE if max_id else None,
    )


def _talk(
    row: Conversation, people_: Sequence[Account], last: Post | None, hung: Gallery, viewer: Account
) -> Talk:
    words = ""
    if last is not None:
        said = text.plain(last.status.content)
        said = said[named.end() :] if (named := _NAMED.match(said)) else said
        words = last.status.spoiler_text or said
    return Talk(
        id=str(row.id),
        makers=[people.maker(one, hung, viewer) for one in people_[:FACES]],
        others=max(0, len(people_) - FACES),
        words=excerpt(words, EXCERPT),
        when=moment(last.status.created_at) if last is not None else None,
        unread=row.unread,
    )


async def _people(
    session: Session, account: Account, rows: Sequence[Conversation]
) -> dict[int, Account]:
    wanted = {one for row in rows for one in row.participants} | {account.id}
    return await posts.accounts_of(session, wanted)


def _with(row: Conversation, account: Account, known: Mapping[int, Account]) -> list[Account]:
    """The others of a conversation, who are still there; one with oneself has oneself in it."""
    found = [known[one] for one in row.participants or [account.id] if one in known]
    return [one for one in found if accounts.is_person(one) and one.suspended_at is None]


@visitors.signed_in
async def show_one(request: Request, visitor: SignedIn) -> Response:
    """`GET /messages/ID`: what was written, and a reply. Who has seen it has read it."""
    row = await _find(request, visitor)
    answer = await _thread(request, visitor, row, {})
    if row.unread:
        async with easel_of(request).database.write() as tx:
            await correspondence.mark(tx, visitor.account, row.id, unread=False)
    return answer


@visitors.signed_in
async def reply(request: Request, visitor: SignedIn) -> Response:
    """`POST /messages/ID`: a message to those of the conversation, and to nobody else."""
    row = await _find(request, visitor)
    easel = easel_of(request)
    async with bringing.read(request) as (fields, files):
        try:
            async with easel.database.read() as session:
                known = await _people(session, visitor.account, [row])
                written = await correspondence.thread(session, visitor.account, row, MOST)
            to = _with(row, visitor.account, known)
            if not to:
                raise Invalid("Those you wrote with are not here any more.")
            brought = await bringing.take(easel, visitor.account, fields, files)
            await _write(request, visitor, to, fields, brought, written[-1] if written else None)
        except SocialError as error:
            return await _thread(request, visitor, row, fields, error)
    return sheets.back(words.sent(f"{HERE}/{row.id}", fields))


@visitors.signed_in
async def put_away(request: Request, visitor: SignedIn) -> Response:
    """`POST /messages/ID/away`: the next message in it brings it back."""
    await forms.read(request)
    sheets.count(request, visitor)
    async with easel_of(request).database.write() as tx:
        await tx.delete(await correspondence.find(tx, visitor.account, _number(request)))
    return sheets.back(HERE)


@visitors.signed_in
async def ask(request: Request, visitor: SignedIn) -> Response:
    """`GET /messages/new?to=HANDLE`."""
    return await _new(request, visitor, {"who": request.query_params.get("to", "")[:1000]})


@visitors.signed_in
async def begin(request: Request, visitor: SignedIn) -> Response:
    """`POST /messages/new`."""
    async with bringing.read(request) as (fields, files):
        try:
            brought = await bringing.take(easel_of(request), visitor.account, fields, files)
            to = await _named(request, visitor, fields.get("who", ""))
            made = await _write(request, visitor, to, fields, brought, None)
            found = None
            if made is not None:
                async with easel_of(request).database.read() as session:
                    found = await correspondence.with_last(session, visitor.account, made)
        except SocialError as error:
            return await _new(request, visitor, fields, error)
    path = f"{HERE}/{found.id}" if found is not None else HERE
    return sheets.back(words.sent(path, fields))


async def _named(request: Request, visitor: SignedIn, typed: str) -> list[Account]:
    """Those whom a field names by their addresses, asked for elsewhere if need be.

    Raises:
        Invalid: it names nobody, somebody who is not to be found, or too many.
    """
    handles = [one.strip("@") for one in re.split(r"[\s,;]+", text.clean(typed)) if one.strip("@")]
    handles = list(dict.fromkeys(handles))
    if not handles:
        raise Invalid("Say to whom, by their address: @name@other.example.")
    if len(handles) > text.MAX_MENTIONS:
        raise Invalid(f"A message goes to at most {text.MAX_MENTIONS} people.")
    easel, found = easel_of(request), []
    for handle in handles:
        async with easel.database.read() as session:
            known = await accounts.by_handle(session, handle)
        if known is None and "@" in handle:
            sheets.count(request, visitor, LOOK_UPS)
            try:
                known = await remote.resolve(easel, handle)
            except SocialError as error:
                raise Invalid(f"@{handle[:100]} is not to be found.") from error
        if known is None or not accounts.is_person(known) or known.suspended_at is not None:
            raise Invalid(f"@{handle[:100]} is not to be found.")
        found.append(known)
    return found


async def _write(
    request: Request,
    visitor: SignedIn,
    to: Sequence[Account],
    fields: Mapping[str, str],
    brought: list[int],
    last: Status | None,
) -> int | None:
    """Write to people.

    Returns:
        The id of the post; None if its picture is painted first.
    """
    words = fields.get("words", "")
    easel = easel_of(request)
    sheets.count(request, visitor, attempts.POSTS_OF_ACCOUNT)
    if not words.strip() and not brought:
        raise Invalid("Write something, or choose a picture.")
    typed = set(text.handles(words))
    others = [one for one in to if one.id != visitor.account.id]
    # Other servers tell those alone who are named.
    named = "".join(f"@{one.acct} " for one in others if one.acct.lower() not in typed)
    usual = preferences.usual(visitor.login)
    draft = Draft(
        text=f"{named}{words}",
        spoiler_text=fields.get("warning", ""),
        sensitive="covered" in fields if brought else usual.sensitive,
        visibility="direct",
        language=usual.language,
        quoters=usual.quoters,
        in_reply_to_id=last.id if last is not None else None,
        media_ids=brought,
        recipients=[one.id for one in others],
    )
    async with easel.database.write() as tx:
        made = await imagine.post(tx, easel.settings.painting, visitor.account, draft)
    return made.id if isinstance(made, Status) else None


async def _thread(
    request: Request,
    visitor: SignedIn,
    row: Conversation,
    typed: Mapping[str, str],
    error: SocialError | None = None,
) -> Response:
    easel, account = easel_of(request), visitor.account
    async with easel.database.read() as session:
        known = await _people(session, account, [row])
        rows = await correspondence.thread(session, account, row, MOST)
        found = await posts.assemble(session, rows, account)
        sieve = await sifting.sieve(session, account, "thread")
        to = _with(row, account, known)
        hung = await gallery.of(easel, session, [*claims.of_posts(found), *of_many(to)])
        places = await bringing.places(easel, session, account, typed)
    return sheets.show(
        request,
        "conversation.html",
        error=error,
        here="messages",
        modules=("deeds", "writing"),
        path=f"{HERE}/{row.id}",
        makers=[people.maker(one, hung, account) for one in to],
        posts=sieve.shown(found, hung),
        typed=typed,
        covered=_covered(visitor, typed, error),
        places=places,
        bringing=bringing,
        longest_description=media.MAX_DESCRIPTION,
        command=easel_of(request).settings.painting.command,
        longest=text.MAX_TEXT,
        longest_warning=drafts.MAX_SPOILER,
    )


def _covered(visitor: SignedIn, typed: Mapping[str, str], error: SocialError | None) -> bool:
    """Whether pictures are to be covered: as it was said, else as usual."""
    return "covered" in typed if error is not None else preferences.usual(visitor.login).sensitive


async def _new(
    request: Request,
    visitor: SignedIn,
    typed: Mapping[str, str],
    error: SocialError | None = None,
) -> Response:
    easel = easel_of(request)
    async with easel.database.read() as session:
        places = await bringing.places(easel, session, visitor.account, typed)
    return sheets.show(
        request,
        "new_message.html",
        error=error,
        here="messages",
        modules=("writing",),
        place=words.place(typed) or (_place(typed) if error is None else NEW),
        typed=typed,
        covered=_covered(visitor, typed, error),
        places=places,
        bringing=bringing,
        longest_description=media.MAX_DESCRIPTION,
        command=easel_of(request).settings.painting.command,
        longest=text.MAX_TEXT,
        longest_warning=drafts.MAX_SPOILER,
    )


def _place(typed: Mapping[str, str]) -> str:
    """Under which address a browser keeps what is typed: a message to somebody is kept for them."""
    return f"{NEW}?to={typed['who']}" if typed["who"] else NEW


async def _find(request: Request, visitor: SignedIn) -> Conversation:
    async with easel_of(request).database.read() as session:
        return await correspondence.find(session, visitor.account, _number(request))


def _number(request: Request) -> int:
    return int(request.path_params["id"])


routes: list[BaseRoute] = [
    Route(HERE, show, methods=["GET"]),
    Route(NEW, ask, methods=["GET"]),
    Route(NEW, begin, methods=["POST"]),
    Route(f"{HERE}/{{id:int}}", show_one, methods=["GET"]),
    Route(f"{HERE}/{{id:int}}", reply, methods=["POST"]),
    Route(f"{HERE}/{{id:int}}/away", put_away, methods=["POST"]),
]
