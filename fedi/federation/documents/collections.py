"""Collections, as other servers read them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from sqlalchemy import func
from sqlmodel import col, select
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from activitypub.objects import Collection, CollectionPage
from fedi.database import Session
from fedi.database.tables import Account, Pin, Status
from fedi.federation import translate
from fedi.federation.documents.posts import announce_document, create_document
from fedi.federation.documents.reading import (
    COUNTED,
    account_of,
    answer,
    easel_of,
    reader_of,
    status_of,
)
from fedi.social import follows, posts, statuses, timelines

PAGE = 20  # items of a collection's page


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
    easel = easel_of(request)
    async with easel.database.read() as session:
        account = await account_of(session, request)
        whole = _collection(request, account.outbox_uri, await _count(session, account))
        if whole is not None:
            return whole
        max_id = _number(request, "max_id")
        page = timelines.Page(limit=PAGE, max_id=max_id)
        shown = await timelines.of_account(session, None, account, page)
        items = [
            create_document(session, post)
            if post.status.reblog_of_id is None
            else await announce_document(session, post.status)
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
    async with easel_of(request).database.read() as session:
        account = await account_of(session, request)
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
    async with easel_of(request).database.read() as session:
        account = await account_of(session, request)
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
    easel = easel_of(request)
    reader = await reader_of(request, easel)
    async with easel.database.read() as session:
        found = await status_of(request, session, reader)
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
    easel = easel_of(request)
    reader = await reader_of(request, easel)
    async with easel.database.read() as session:
        found = await status_of(request, session, reader)
    if isinstance(found, Response):
        return found
    status, _ = found
    total = status.favourites_count if name == "likes" else status.reblogs_count
    return answer(
        Collection(id=f"{status.uri}/{name}", type="Collection", total_items=total).document(),
        public=status.visibility in COUNTED,
    )


routes: list[BaseRoute] = [
    Route("/users/{name}/outbox", outbox),
    Route("/users/{name}/followers", followers),
    Route("/users/{name}/following", following),
    Route("/users/{name}/collections/featured", featured),
    Route("/users/{name}/statuses/{key}/replies", replies),
    Route("/users/{name}/statuses/{key}/likes", likes),
    Route("/users/{name}/statuses/{key}/shares", shares),
]
