"""Search: posts, people and hashtags, and whatever is at an address elsewhere."""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute

from fedi import ids
from fedi.api.mastodon import entities, paging
from fedi.api.mastodon.route import Call, route
from fedi.api.mastodon.views import accounts as account_views
from fedi.api.mastodon.views import statuses as status_views
from fedi.api.mastodon.views import tags as tag_views
from fedi.database.tables import Account, Status
from fedi.federation import lookup
from fedi.social import accounts, search

MAX_FOUND = 40  # of each kind, as Mastodon
MAX_ACCOUNTS = 80
MAX_OFFSET = 10_000  # deeper nobody reads, and the database would count all the way

# Mastodon's own words.
NO_PAGES = "Search queries pagination is not supported without authentication"
NO_RESOLVING = (
    "Search queries that resolve remote resources are not supported without authentication"
)


class Query(Struct, kw_only=True):
    q: str
    type: str = ""
    resolve: bool = False
    following: bool = False
    account_id: str = ""
    exclude_unreviewed: bool = False  # nothing is reviewed here
    max_id: str = ""
    min_id: str = ""
    limit: str = ""
    offset: str = ""


class People(Struct, kw_only=True):
    q: str
    limit: str = ""
    offset: str = ""
    resolve: bool = False
    following: bool = False


async def everything(call: Call) -> entities.Search:
    asked = await call.read(Query)
    if call.viewer is None and asked.offset:
        raise HTTPException(401, NO_PAGES)
    if call.viewer is None and asked.resolve:
        raise HTTPException(401, NO_RESOLVING)
    query = asked.q.strip()
    if not query:
        raise HTTPException(400, "param is missing or the value is empty: q")
    if asked.resolve and call.viewer is not None and lookup.is_address(query):
        return await _show(call, *_sorted(await lookup.address(call.easel, call.viewer, query)))
    limit = min(ids.parse(asked.limit) or paging.USUAL, MAX_FOUND)
    offset = min(ids.parse(asked.offset) or 0, MAX_OFFSET) if asked.type else 0
    people: list[Account] = []
    posts: list[Status] = []
    found_tags: list[Any] = []
    met = await _met(call, query) if asked.resolve and asked.type in {"", "accounts"} else None
    async with call.easel.database.read() as session:
        if asked.type in {"", "accounts"} and not query.startswith("#"):
            people = await search.people.find(
                session, call.viewer, query, limit=limit, offset=offset, following=asked.following
            )
            if met is not None and not offset and not asked.following:
                people = [met, *(one for one in people if one.id != met.id)][:limit]
        if asked.type in {"", "statuses"}:
            author = await _author(session, asked.account_id)
            if author is not None or not asked.account_id:
                posts = await search.statuses.find(
                    session,
                    call.viewer,
                    search.understand(query),
                    limit=limit,
                    offset=offset,
                    author=author,
                    below=ids.parse(asked.max_id),
                    above=ids.parse(asked.min_id),
                )
        if asked.type in {"", "hashtags"} and not query.startswith("@"):
            found_tags = await search.tags.find(session, query, limit=limit, offset=offset)
    return await _show(call, people, posts, found_tags)


async def _show(
    call: Call, people: list[Account], posts: list[Status], found_tags: list[Any]
) -> entities.Search:
    async with call.easel.database.read() as session:
        return entities.Search(
            accounts=await account_views.show(call.easel, session, people),
            statuses=await status_views.show(call.easel, session, call.viewer, posts),
            hashtags=await tag_views.show(call.easel, session, call.viewer, found_tags),
        )


def _sorted(found: Account | Status | None) -> tuple[list[Account], list[Status], list[Any]]:
    return (
        [found] if isinstance(found, Account) else [],
        [found] if isinstance(found, Status) else [],
        [],
    )


async def _met(call: Call, query: str) -> Account | None:
    """Whom a handle names, asked for elsewhere if need be."""
    if not lookup.is_handle(query):
        return None
    found = await lookup.person(call.easel, query)
    gone = found is None or found.deleted_at is not None or found.suspended_at is not None
    return None if gone else found


async def _author(session: Any, account_id: str) -> Account | None:
    found = ids.parse(account_id)
    return await accounts.by_id(session, found) if found is not None else None


async def people(call: Call) -> list[entities.Account]:
    asked = await call.read(People)
    limit = min(ids.parse(asked.limit) or paging.USUAL_ACCOUNTS, MAX_ACCOUNTS)
    offset = min(ids.parse(asked.offset) or 0, MAX_OFFSET)
    met = await _met(call, asked.q) if asked.resolve and not offset else None
    async with call.easel.database.read() as session:
        found = await search.people.find(
            session, call.viewer, asked.q, limit=limit, offset=offset, following=asked.following
        )
        if met is not None and not asked.following:
            found = [met, *(one for one in found if one.id != met.id)][:limit]
        return await account_views.show(call.easel, session, found)


routes: list[BaseRoute] = [
    route("GET", "/api/v2/search", everything, "read:search", anybody=True),
    route("GET", "/api/v1/accounts/search", people, "read:accounts"),
]
