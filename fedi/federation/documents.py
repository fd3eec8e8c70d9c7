"""What other servers read: actors, posts and collections, each only to those who may see it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple, cast

from sqlalchemy import func
from sqlmodel import col, select
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from activitypub import json
from activitypub.context import ACTIVITY_JSON, accepts_activity, with_context
from activitypub.objects import Approval, Collection, CollectionPage, Tombstone
from activitypub.objects import activity as activities
from activitypub.signatures import Refused
from fedi.database import Session
from fedi.database.tables import Account, Pin, Status
from fedi.federation import translate
from fedi.federation.inbox import signed_by
from fedi.federation.outgoing import announce_of
from fedi.runtime import Easel
from fedi.social import accounts, follows, posts, quotes, statuses, timelines

PAGE = 20  # items of a collection's page
MAX_AGE_S = 60  # how long a public document may be kept by a cache in front of us
VARY = {"Vary": "Accept, Signature"}
COUNTED = ("public", "unlisted")


def _easel(request: Request) -> Easel:
    return cast(Easel, request.app.state.easel)


def answer(document: dict[str, Any], *, status: int = 200, public: bool = True) -> Response:
    """A document as ActivityStreams."""
    cache = f"public, max-age={MAX_AGE_S}" if public else "private, no-store"
    return Response(
        json.encode(with_context(document)),
        status,
        headers={**VARY, "Cache-Control": cache},
        media_type=ACTIVITY_JSON,
    )


class _Reader(NamedTuple):
    """Who reads: the owner of the key that signed, as far as we know them; else nobody."""

    account: Account | None
    refused: Refused | None  # why the signature was not believed


async def _reader(request: Request, easel: Easel) -> _Reader:
    """Who reads. A signature that we cannot believe counts as none: Fedify 2.3 tries its second
    kind of signature after any 4xx, and would not learn that a post is gone from a 401."""
    if "signature" not in request.headers:
        return _Reader(None, None)
    signed = await signed_by(easel, request, b"")
    if isinstance(signed, Refused):
        return _Reader(None, signed)
    async with easel.database.read() as session:
        return _Reader(await accounts.by_uri(session, signed.owner), None)


def _wants_page(request: Request) -> bool:
    return not accepts_activity(request.headers.get("accept"))


async def _account(session: Session, request: Request) -> Account:
    """The account of the path.

    Raises:
        HTTPException: there is none.
    """
    uri = f"{session.instance.url}/users/{request.path_params['name']}"
    account = await accounts.by_uri(session, uri)
    if account is None or not account.local:
        raise HTTPException(404, "There is no such account.", headers=VARY)
    if account.deleted_at is not None:
        raise HTTPException(410, "That account is deleted.", headers=VARY)
    return account


async def instance_actor(request: Request) -> Response:
    """`GET /actor`: who signs for the instance. Readable by all, or nobody could ever check."""
    async with _easel(request).database.read() as session:
        actor = await accounts.instance_actor(session)
    assert actor is not None
    if _wants_page(request):
        return RedirectResponse("/about", 302, headers=VARY)
    return answer(translate.actor(actor, _easel(request).settings.instance).document())


async def actor(request: Request) -> Response:
    """`GET /users/NAME`."""
    async with _easel(request).database.read() as session:
        uri = f"{session.instance.url}/users/{request.path_params['name']}"
        account = await accounts.by_uri(session, uri)
        if account is not None and account.local and account.deleted_at is not None:
            if _wants_page(request):
                raise HTTPException(410, "That account is deleted.", headers=VARY)
            stone = Tombstone(id=uri, former_type="Person", deleted=account.deleted_at)
            return answer(stone.document(), status=410)
        account = await _account(session, request)
        if _wants_page(request):
            return RedirectResponse(account.url, 302, headers=VARY)
        return answer(translate.actor(account, session.instance).document())


async def _status(
    request: Request, session: Session, reader: _Reader
) -> tuple[Status, posts.Post] | Response:
    """The status of the path, as its author sees it; or the tombstone that is left of it.

    Raises:
        HTTPException: there is none, or none for this reader: the two look alike. What could be
            there for somebody who signs well is a 401 to who signed badly.
    """
    params = request.path_params
    uri = f"{session.instance.url}/users/{params['name']}/statuses/{params['key']}"
    status = await statuses.load_by_uri(session, reader.account, uri)
    if status is not None and status.reblog_of_id is None:
        author = await accounts.by_id(session, status.account_id)
        [post] = await posts.assemble(session, [status], author)
        return status, post
    gone = (await session.exec(select(Status).where(Status.uri == uri))).first()
    if (
        gone is not None
        and gone.deleted_at is not None
        and gone.visibility in COUNTED
        and not _wants_page(request)
    ):
        stone = Tombstone(id=uri, former_type="Note", deleted=gone.deleted_at)
        return answer(stone.document(), status=410)
    if gone is not None and gone.deleted_at is not None and gone.visibility in COUNTED:
        raise HTTPException(410, "That post is deleted.", headers=VARY)
    if reader.refused is not None:
        raise HTTPException(reader.refused.status, reader.refused.detail, headers=VARY)
    raise HTTPException(404, "There is no such post.", headers=VARY)


async def note(request: Request) -> Response:
    """`GET /users/NAME/statuses/KEY`."""
    easel = _easel(request)
    reader = await _reader(request, easel)
    async with easel.database.read() as session:
        found = await _status(request, session, reader)
        if isinstance(found, Response):
            return found
        status, post = found
        if _wants_page(request):
            return RedirectResponse(status.url, 302, headers=VARY)
        document = translate.note(post, session.instance).document()
        return answer(document, public=status.visibility in COUNTED)


async def activity(request: Request) -> Response:
    """`GET /users/NAME/statuses/KEY/activity`: the Create of a post, or a boost's Announce."""
    easel = _easel(request)
    reader = await _reader(request, easel)
    params = request.path_params
    async with easel.database.read() as session:
        uri = f"{session.instance.url}/users/{params['name']}/statuses/{params['key']}/activity"
        boost = await statuses.load_by_uri(session, reader.account, uri)
        if boost is not None and boost.reblog_of_id is not None:
            document = await _announce(session, boost)
            return answer(document, public=boost.visibility in COUNTED)
        found = await _status(request, session, reader)
        if isinstance(found, Response):
            return found
        document = _create(session, found[1])
        return answer(document, public=found[0].visibility in COUNTED)


async def _announce(session: Session, boost: Status) -> dict[str, Any]:
    """The Announce that a boost is."""
    author = await accounts.by_id(session, boost.account_id)
    assert author is not None
    made = await announce_of(session, boost, author)
    assert made is not None  # what it boosts goes only together with it
    return made.document()


def _create(session: Session, post: posts.Post) -> dict[str, Any]:
    """The Create of a post, as its author sees it."""
    document = translate.note(post, session.instance).document()
    return activities.create(post.status.activity_uri, post.account.uri, document).document()


def _number(request: Request, name: str) -> int | None:
    value = request.query_params.get(name)
    if value is None:
        return None
    if not value.isascii() or not value.isdigit() or len(value) > 19 or int(value) >= 2**63:
        raise HTTPException(400, f"The parameter {name} is no id.")
    return int(value)


def _collection(
    request: Request, uri: str, total: int | None, *, pages: bool = True
) -> Response | None:
    """The collection itself; None if a page of it is asked for."""
    if request.query_params.get("page") and pages:
        return None
    first = f"{uri}?page=true" if pages else None
    return answer(Collection(id=uri, total_items=total, first=first).document())


def _page(uri: str, max_id: int | None, items: Sequence[Any], next_id: int | None) -> Response:
    here = f"{uri}?page=true" + (f"&max_id={max_id}" if max_id is not None else "")
    page = CollectionPage(
        id=here,
        part_of=uri,
        next=f"{uri}?page=true&max_id={next_id}" if next_id is not None else None,
        items=tuple(items),
    )
    return answer(page.document())


async def outbox(request: Request) -> Response:
    """`GET /users/NAME/outbox`: what everybody may see."""
    easel = _easel(request)
    async with easel.database.read() as session:
        account = await _account(session, request)
        whole = _collection(request, account.outbox_uri, await _count(session, account))
        if whole is not None:
            return whole
        max_id = _number(request, "max_id")
        page = timelines.Page(limit=PAGE, max_id=max_id)
        shown = await timelines.of_account(session, None, account, page)
        items = [
            _create(session, post)
            if post.status.reblog_of_id is None
            else await _announce(session, post.status)
            for post in await posts.assemble(session, shown, account)
        ]
        next_id = shown[-1].id if len(shown) == PAGE else None
        return _page(account.outbox_uri, max_id, items, next_id)


async def _count(session: Session, account: Account) -> int:
    visible = statuses.visible_to(None).where(Status.account_id == account.id).subquery()
    return int((await session.execute(select(func.count()).select_from(visible))).scalar() or 0)


Lister = Callable[..., Awaitable[list[tuple[Any, Account]]]]


async def followers(request: Request) -> Response:
    """`GET /users/NAME/followers`."""
    return await _people(request, "followers", follows.followers)


async def following(request: Request) -> Response:
    """`GET /users/NAME/following`."""
    return await _people(request, "following", follows.following)


async def _people(request: Request, name: str, lister: Lister) -> Response:
    async with _easel(request).database.read() as session:
        account = await _account(session, request)
        uri = f"{account.uri}/{name}"
        total = account.followers_count if name == "followers" else account.following_count
        if account.hide_collections:
            # A collection without a first page is what Mastodon takes for hidden.
            hidden = _collection(request, uri, total, pages=False)
            assert hidden is not None
            return hidden
        whole = _collection(request, uri, total)
        if whole is not None:
            return whole
        max_id = _number(request, "max_id")
        rows = await lister(session, account, max_id=max_id, limit=PAGE)
        next_id = rows[-1][0].id if len(rows) == PAGE else None
        return _page(uri, max_id, [other.uri for _, other in rows], next_id)


async def featured(request: Request) -> Response:
    """`GET /users/NAME/collections/featured`: pinned posts."""
    async with _easel(request).database.read() as session:
        account = await _account(session, request)
        query = (
            statuses.visible_to(None)
            .join(Pin, col(Pin.status_id) == col(Status.id))
            .where(Pin.account_id == account.id, Status.account_id == account.id)
            .order_by(col(Pin.id).desc())
            .limit(PAGE)
        )
        pinned = await posts.assemble(session, (await session.exec(query)).all(), account)
        items = tuple(translate.note(post, session.instance).document() for post in pinned)
        assert account.featured_uri is not None
        return answer(
            Collection(id=account.featured_uri, total_items=len(items), items=items).document()
        )


async def replies(request: Request) -> Response:
    """`GET …/replies`: the public answers that we know of, the oldest first."""
    easel = _easel(request)
    reader = await _reader(request, easel)
    async with easel.database.read() as session:
        found = await _status(request, session, reader)
        if isinstance(found, Response):
            return found
        status, _ = found
        after = _number(request, "min_id")
        query = statuses.visible_to(None).where(Status.in_reply_to_id == status.id)
        if after is not None:
            query = query.where(col(Status.id) > after)
        rows = (await session.exec(query.order_by(col(Status.id)).limit(PAGE))).all()
        uri = f"{status.uri}/replies"
        here = f"{uri}?page=true" + (f"&min_id={after}" if after is not None else "")
        page = CollectionPage(
            id=here,
            type="CollectionPage",
            part_of=uri,
            next=f"{uri}?page=true&min_id={rows[-1].id}" if len(rows) == PAGE else None,
            items=tuple(reply.uri for reply in rows),
        )
        public = status.visibility in COUNTED
        if request.query_params.get("page"):
            return answer(page.document(), public=public)
        whole = Collection(id=uri, type="Collection", first_page=page)
        return answer(whole.document(), public=public)


async def likes(request: Request) -> Response:
    """`GET …/likes`: how many; by whom is between them and the author."""
    return await _counted(request, "likes")


async def shares(request: Request) -> Response:
    """`GET …/shares`: how many."""
    return await _counted(request, "shares")


async def _counted(request: Request, name: str) -> Response:
    easel = _easel(request)
    reader = await _reader(request, easel)
    async with easel.database.read() as session:
        found = await _status(request, session, reader)
    if isinstance(found, Response):
        return found
    status, _ = found
    total = status.favourites_count if name == "likes" else status.reblogs_count
    return answer(
        Collection(id=f"{status.uri}/{name}", type="Collection", total_items=total).document(),
        public=status.visibility in COUNTED,
    )


async def stamp(request: Request) -> Response:
    """`GET /users/NAME/stamps/KEY`: that an author agrees to being quoted (FEP-044f).

    Readable by all: it says nothing but which two posts it is about.
    """
    key = request.path_params["key"]
    async with _easel(request).database.read() as session:
        account = await _account(session, request)
        number = int(key) if key.isascii() and key.isdigit() and len(key) < 19 else 0
        found = await quotes.find_stamp(session, account, number)
        quoted = await session.get(Status, found.status_id) if found is not None else None
        if found is None or quoted is None:
            raise HTTPException(404, "There is no such leave, or no longer.", headers=VARY)
        return answer(
            Approval(
                id=quotes.stamp_uri(account, found),
                type="QuoteAuthorization",
                attributed_to=account.uri,
                object=found.quoting_uri,
                target=quoted.uri,
            ).document()
        )


routes: list[BaseRoute] = [
    Route("/actor", instance_actor),
    Route("/users/{name}", actor),
    Route("/users/{name}/outbox", outbox),
    Route("/users/{name}/followers", followers),
    Route("/users/{name}/following", following),
    Route("/users/{name}/collections/featured", featured),
    Route("/users/{name}/stamps/{key}", stamp),
    Route("/users/{name}/statuses/{key}", note),
    Route("/users/{name}/statuses/{key}/activity", activity),
    Route("/users/{name}/statuses/{key}/replies", replies),
    Route("/users/{name}/statuses/{key}/likes", likes),
    Route("/users/{name}/statuses/{key}/shares", shares),
]
