"""What there is to discover: people here and elsewhere, and what many look at."""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from sqlmodel import col
from starlette.routing import BaseRoute

from fedi import ids
from fedi.api.mastodon import entities, paging
from fedi.api.mastodon.paging import Paged, paged
from fedi.api.mastodon.route import Call, by_id, route
from fedi.api.mastodon.views import accounts as account_views
from fedi.api.mastodon.views import links as link_views
from fedi.api.mastodon.views import statuses as status_views
from fedi.api.mastodon.views import tags as tag_views
from fedi.database.tables import Status
from fedi.social import paging as listing_pages
from fedi.social import suggestions
from fedi.social.trends import listing, verdicts

MAX_PEOPLE = 80
MAX_TRENDS = 20  # hashtags, as Mastodon
USUAL_TRENDS = 10
MAX_POSTS = 40
MAX_OFFSET = 1000

LEGACY = {"friends_of_friends": "past_interactions", "most_followed": "global"}


class Part(Struct, kw_only=True):
    limit: str = ""
    offset: str = ""

    def bounds(self, usual: int, most: int) -> dict[str, int]:
        return {
            "limit": min(ids.parse(self.limit) or usual, most),
            "offset": min(ids.parse(self.offset) or 0, MAX_OFFSET),
        }


class About(paging.Asked, kw_only=True):
    url: str


class Directory(Part, kw_only=True):
    local: bool = False
    order: str = "active"


async def directory(call: Call) -> list[entities.Account]:
    asked = await call.read(Directory)
    bounds = asked.bounds(paging.USUAL_ACCOUNTS, MAX_PEOPLE)
    async with call.easel.database.read() as session:
        found = await suggestions.directory(
            session, call.viewer, local=asked.local, newest=asked.order == "new", **bounds
        )
        return await account_views.show(call.easel, session, found)


async def suggested(call: Call) -> list[entities.Suggestion]:
    asked = await call.read(Part)
    limit = asked.bounds(paging.USUAL_ACCOUNTS, MAX_PEOPLE)["limit"]
    async with call.easel.database.read() as session:
        found = await suggestions.of_account(session, call.account, limit)
        shown = await account_views.show(call.easel, session, [who for who, _ in found])
    return [
        entities.Suggestion(account=account, source=LEGACY[why], sources=[why])
        for account, (_, why) in zip(shown, found, strict=True)
    ]


async def suggested_people(call: Call) -> list[entities.Account]:
    return [suggestion.account for suggestion in await suggested(call)]


async def dismiss(call: Call) -> dict[str, Any]:
    async with call.easel.database.write() as tx:
        await suggestions.dismiss(tx, call.account, call.id())
    return {}


async def trending_tags(call: Call) -> list[entities.Tag]:
    bounds = (await call.read(Part)).bounds(USUAL_TRENDS, MAX_TRENDS)
    async with call.easel.database.read() as session:
        found = await listing.tags(session, call.viewer, _which(call), **bounds)
        return await tag_views.show(call.easel, session, call.viewer, found)


async def trending_statuses(call: Call) -> list[entities.Status]:
    bounds = (await call.read(Part)).bounds(paging.USUAL, MAX_POSTS)
    async with call.easel.database.read() as session:
        found = await listing.statuses(session, call.viewer, _which(call), **bounds)
        return await status_views.show(call.easel, session, call.viewer, found)


async def trending_links(call: Call) -> list[entities.TrendsLink]:
    bounds = (await call.read(Part)).bounds(USUAL_TRENDS, MAX_TRENDS)
    async with call.easel.database.read() as session:
        found = await listing.links(session, call.viewer, _which(call), **bounds)
        return await link_views.show(call.easel, session, found)


def _which(call: Call) -> verdicts.Which:
    return verdicts.which(call.easel.settings.trends)


async def about_link(call: Call) -> Paged:
    """Posts of the last days with a link, of whoever wants to be found."""
    asked = await call.read(About)
    async with call.easel.database.read() as session:
        query = await listing.with_link(session, call.viewer, asked.url)
        found = await listing_pages.rows(session, query, asked.page(), col(Status.id))
        shown = await status_views.show(call.easel, session, call.viewer, found)
    return paged(shown, by_id(found))


READ = "read"
routes: list[BaseRoute] = [
    route("GET", "/api/v1/directory", directory, READ, anybody=True),
    route("GET", "/api/v2/suggestions", suggested, READ),
    route("GET", "/api/v1/suggestions", suggested_people, READ),
    route("DELETE", "/api/v1/suggestions/{id}", dismiss, "write:accounts"),
    route("GET", "/api/v1/trends", trending_tags, READ, anybody=True),
    route("GET", "/api/v1/trends/tags", trending_tags, READ, anybody=True),
    route("GET", "/api/v1/trends/statuses", trending_statuses, READ, anybody=True),
    route("GET", "/api/v1/trends/links", trending_links, READ, anybody=True),
    route("GET", "/api/v1/timelines/link", about_link, "read:statuses", anybody=True),
]
