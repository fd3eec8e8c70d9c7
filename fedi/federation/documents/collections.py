"""Collections, as other servers read them: each reader finds what they may see, and the counts
are of that."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from sqlmodel import col, select
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from activitypub import origin
from activitypub.objects import Collection
from activitypub.signatures import Refused
from fedi.database import Session
from fedi.database.tables import Account, Favourite, Follow, OutboxActivity, Pin, Status
from fedi.federation import synchronisation
from fedi.federation.documents.paging import FIRST, PAGE, Listing, asks_for_page
from fedi.federation.documents.posts import announce_document, create_document, kept_member
from fedi.federation.documents.reading import (
    VARY,
    OfAccount,
    OfPost,
    Reader,
    account_of,
    answer,
    for_all,
    of_account,
    of_post,
)
from fedi.federation.inbox import again, signed_by
from fedi.federation.translate import outward
from fedi.runtime import easel_of
from fedi.social import activities, featured_tags, pending, posts, statuses

Show = Callable[[list[Any]], Awaitable[Iterable[Any]]]
"""Makes the members that are shown of the rows of a page."""


async def respond(
    session: Session, request: Request, listing: Listing, show: Show, *, public: bool
) -> Response:
    """The collection, or the page of it that is asked for."""
    if not asks_for_page(request):
        return answer(listing.whole(await listing.total(session)), public=public)
    part = await listing.part(session, request)
    return answer(listing.page(part, await show(part.rows)).document(), public=public)


async def addresses(rows: list[Any]) -> Iterable[str]:
    """Members by their ids alone: what each of them says is its own server's to tell."""
    return [row if isinstance(row, str) else row.uri for row in rows]


@of_account
async def outbox(asked: OfAccount) -> Response:
    """`GET /users/NAME/outbox`: what the reader may see of what the account did: what it posted
    and boosted, and what else apps did for it by ActivityPub. To its owner the first page begins
    with what waits for pictures, which is not counted before it is posted."""
    request, session, reader, account = asked

    async def show(rows: list[Status | OutboxActivity]) -> Iterable[Any]:
        found = [row for row in rows if isinstance(row, Status)]
        shown: dict[int, Any] = {
            row.id: kept_member(row) for row in rows if isinstance(row, OutboxActivity)
        }
        for post in await posts.assemble(session, found, account):
            shown[post.status.id] = (
                create_document(session, post, reader.account)
                if post.status.reblog_of_id is None
                else await announce_document(session, post.status)
            )
        return [shown[row.id] for row in rows]

    listing = Listing(
        uri=account.outbox_uri,
        query=statuses.visible_to(reader.account).where(Status.account_id == account.id),
        key=col(Status.id),
        beside=(activities.seen_by(reader.account, account.id), col(OutboxActivity.id)),
        event_stream=f"{account.uri}/events/outbox",
    )
    waiting = await pending.of_account(session, reader.account, account)
    if waiting and request.query_params.get("page") == FIRST and len(request.query_params) == 1:
        part = await listing.part(session, request)
        made = [create_document(session, one.post, reader.account) for one in waiting]
        members = [*made, *await show(part.rows)]
        return answer(listing.page(part, members).document(), public=False)
    return await respond(session, request, listing, show, public=reader.account is None)


@of_account
async def followers(asked: OfAccount) -> Response:
    """`GET /users/NAME/followers`."""
    return await _people(asked, "followers", Follow.account_id, Follow.target_account_id)


@of_account
async def following(asked: OfAccount) -> Response:
    """`GET /users/NAME/following`."""
    return await _people(asked, "following", Follow.target_account_id, Follow.account_id)


async def _people(asked: OfAccount, name: str, listed: Any, whose: Any) -> Response:
    request, session, reader, account = asked
    uri = f"{account.uri}/{name}"
    if account.hide_collections and not reader.owns(account, "read:follows"):
        # A collection without a first page is what Mastodon takes for hidden.
        total = account.followers_count if name == "followers" else account.following_count
        return answer(Collection(id=uri, total_items=total).document())
    listing = Listing(
        uri=uri,
        query=select(col(Account.uri))
        .join(Follow, col(listed) == col(Account.id))
        .where(col(whose) == account.id, Follow.state == "accepted"),
        key=col(Follow.id),
    )
    public = not account.hide_collections
    return await respond(session, request, listing, addresses, public=public)


async def followers_synchronization(request: Request) -> Response:
    """`GET /users/NAME/followers_synchronization`: to a server, the followers at it (FEP-8fcf).

    Raises:
        HTTPException: nobody believable asks.
    """
    easel = easel_of(request)
    signed = await signed_by(easel, request, b"")
    if isinstance(signed, Refused):
        raise HTTPException(signed.status, signed.detail, {**VARY, **again(signed)})
    at = origin.origin(signed.owner)
    assert at is not None
    async with easel.database.read() as session:
        account = await account_of(session, request)
        uris = await synchronisation.followers_at(session, account, at)
    whole = Collection(id=synchronisation.address(account), items=tuple(uris))
    return answer(whole.document(), public=False)


@of_account
async def liked(asked: OfAccount) -> Response:
    """`GET /users/NAME/liked`. By whom a post is liked is between them and its author: a reader
    finds the likes of their own posts, and nobody but who likes is told of any other."""
    request, session, reader, account = asked
    uri = f"{account.uri}/liked"
    owns = reader.owns(account, "read:favourites")
    viewer = account if owns else reader.account
    if viewer is None or (not owns and viewer.id == account.id):
        return answer(Collection(id=uri).document())
    query = (
        statuses.visible_to(viewer)
        .join(Favourite, col(Favourite.status_id) == col(Status.id))
        .where(Favourite.account_id == account.id)
    )
    if not owns:
        query = query.where(col(Status.account_id) == viewer.id)
    listing = Listing(uri=uri, query=query, key=col(Favourite.id))
    return await respond(session, request, listing, addresses, public=False)


@of_account
async def featured(asked: OfAccount) -> Response:
    """`GET /users/NAME/collections/featured`: pinned posts, whole while they fill one page, which
    is how GoToSocial and older Mastodons read them."""
    request, session, reader, account = asked
    assert account.featured_uri is not None

    async def show(rows: list[Status]) -> list[Any]:
        pinned = await posts.assemble(session, rows, account)
        return [outward.note(post, session.instance, session.now).document() for post in pinned]

    query = (
        statuses.visible_to(reader.account)
        .join(Pin, col(Pin.status_id) == col(Status.id))
        .where(Pin.account_id == account.id, Status.account_id == account.id)
    )
    listing = Listing(uri=account.featured_uri, query=query, key=col(Pin.id))
    public = reader.account is None
    total = await listing.total(session)
    if asks_for_page(request) or total > PAGE:
        return await respond(session, request, listing, show, public=public)
    shown = await show((await listing.part(session, request)).rows)
    return answer(listing.whole(total, items=shown), public=public)


async def tags(request: Request) -> Response:
    """`GET /users/NAME/collections/tags`: the hashtags that the account shows."""
    async with easel_of(request).database.read() as session:
        account = await account_of(session, request)
        shown = [
            outward.hashtag(tag, session.instance).document()
            for tag in await featured_tags.of_account(session, account)
        ]
        uri = outward.featured_tags_uri(account)
        whole = Collection(id=uri, type="Collection", total_items=len(shown), items=tuple(shown))
        return answer(whole.document())


@of_post
async def replies(asked: OfPost) -> Response:
    """`GET …/replies`: the answers that we know of, the oldest first."""
    request, session, reader, status, _ = asked
    listing = Listing(
        uri=f"{status.uri}/replies",
        query=statuses.visible_to(reader.account).where(Status.in_reply_to_id == status.id),
        key=col(Status.id),
        newest_first=False,
        ordered=False,
    )
    part = await listing.part(session, request)
    page = listing.page(part, await addresses(part.rows))
    if asks_for_page(request):
        return answer(page.document(), public=_is_public(status, reader))
    # Mastodon reads the first page where it is embedded, and no other.
    whole = listing.whole(await listing.total(session), first=page)
    return answer(whole, public=_is_public(status, reader))


@of_post
async def context(asked: OfPost) -> Response:
    """`GET …/context`: the thread that a post begins, in its order (FEP-7888, FEP-f228).

    Raises:
        HTTPException: the reader may not see the post, or it begins no thread.
    """
    request, session, reader, status, post = asked
    uri = f"{status.uri}/context"
    if status.context_uri != uri:
        raise HTTPException(404, "No thread begins with that post.", headers=VARY)
    listing = Listing(
        uri=uri,
        query=statuses.visible_to(reader.account).where(Status.context_uri == uri),
        key=col(Status.id),
        newest_first=False,
        attributed_to=post.account.uri,
    )
    public = _is_public(status, reader)
    return await respond(session, request, listing, addresses, public=public)


def _is_public(status: Status, reader: Reader) -> bool:
    return for_all(status) and reader.account is None


@of_post
async def likes(asked: OfPost) -> Response:
    """`GET …/likes`: how many; by whom is between them and the author."""
    return _counted(asked, "likes", asked.status.favourites_count)


@of_post
async def shares(asked: OfPost) -> Response:
    """`GET …/shares`: how many."""
    return _counted(asked, "shares", asked.status.reblogs_count)


def _counted(asked: OfPost, name: str, total: int) -> Response:
    uri = f"{asked.status.uri}/{name}"
    document = Collection(id=uri, type="Collection", total_items=total).document()
    return answer(document, public=for_all(asked.status))


routes: list[BaseRoute] = [
    Route("/users/{name}/outbox", outbox),
    Route("/users/{name}/followers", followers),
    Route("/users/{name}/following", following),
    Route("/users/{name}/followers_synchronization", followers_synchronization),
    Route("/users/{name}/liked", liked),
    Route("/users/{name}/collections/featured", featured),
    Route("/users/{name}/collections/tags", tags),
    Route("/users/{name}/statuses/{key}/replies", replies),
    Route("/users/{name}/statuses/{key}/context", context),
    Route("/users/{name}/statuses/{key}/likes", likes),
    Route("/users/{name}/statuses/{key}/shares", shares),
]
