"""Timelines: home, public, by hashtag; and what somebody keeps or likes."""

from __future__ import annotations

import re

from msgspec import field
from starlette.routing import BaseRoute

from fedi.api.mastodon import paging
from fedi.api.mastodon.paging import Paged, paged
from fedi.api.mastodon.route import NO_RECORD, Call, by_id, route
from fedi.api.mastodon.views import statuses as views
from fedi.social import bookmarks, favourites, text, timelines
from fedi.social.errors import NotFound

MAX_TAGS = 4  # beside the one in the path, in each of three lists; as Mastodon

_TAG = re.compile(rf"\w{{1,{text.MAX_TAG_LENGTH}}}")


class Feed(paging.Asked, kw_only=True):
    local: bool = False
    remote: bool = False


class TagFeed(Feed, kw_only=True):
    any: list[str] = field(default_factory=list)
    all: list[str] = field(default_factory=list)
    none: list[str] = field(default_factory=list)


async def home(call: Call) -> Paged:
    page = (await call.read(paging.Asked)).page()
    async with call.easel.database.read() as session:
        found = await timelines.home(session, call.account, page)
        shown = await views.show(call.easel, session, call.account, found)
    return paged(shown, by_id(found))


async def public(call: Call) -> Paged:
    asked = await call.read(Feed)
    async with call.easel.database.read() as session:
        found = await timelines.public(
            session, call.viewer, asked.page(), local=asked.local, remote=asked.remote
        )
        shown = await views.show(call.easel, session, call.viewer, found)
    return paged(shown, by_id(found))


async def tag(call: Call) -> Paged:
    asked = await call.read(TagFeed)
    if not _TAG.fullmatch(call.text("name")):
        raise NotFound(NO_RECORD)
    async with call.easel.database.read() as session:
        found = await timelines.tagged(
            session,
            call.viewer,
            call.text("name"),
            asked.page(),
            other=asked.any[:MAX_TAGS],
            every=asked.all[:MAX_TAGS],
            without=asked.none[:MAX_TAGS],
            local=asked.local,
            remote=asked.remote,
        )
        shown = await views.show(call.easel, session, call.viewer, found)
    return paged(shown, by_id(found))


async def kept(call: Call) -> Paged:
    page = (await call.read(paging.Asked)).page()
    async with call.easel.database.read() as session:
        found = await bookmarks.listed(session, call.account, page)
        shown = await views.show(call.easel, session, call.account, [row for row, _ in found])
    return paged(shown, [key for _, key in found])


async def liked(call: Call) -> Paged:
    page = (await call.read(paging.Asked)).page()
    async with call.easel.database.read() as session:
        found = await favourites.listed(session, call.account, page)
        shown = await views.show(call.easel, session, call.account, [row for row, _ in found])
    return paged(shown, [key for _, key in found])


READ = "read:statuses"
routes: list[BaseRoute] = [
    route("GET", "/api/v1/timelines/home", home, READ),
    route("GET", "/api/v1/timelines/public", public, READ, anybody=True),
    route("GET", "/api/v1/timelines/tag/{name}", tag, READ, anybody=True),
    route("GET", "/api/v1/bookmarks", kept, "read:bookmarks"),
    route("GET", "/api/v1/favourites", liked, "read:favourites"),
]
