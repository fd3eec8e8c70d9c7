"""Whom somebody blocks, and whom they mute."""

from __future__ import annotations

from msgspec import structs
from starlette.routing import BaseRoute

from fedi.api.mastodon import entities, paging
from fedi.api.mastodon.paging import Paged, paged
from fedi.api.mastodon.route import Call, route
from fedi.api.mastodon.views import accounts as views
from fedi.social import blocks, mutes


async def blocked(call: Call) -> Paged:
    page = (await call.read(paging.Asked)).page(paging.USUAL_ACCOUNTS)
    async with call.easel.database.read() as session:
        found = await blocks.listed(session, call.account, page)
        shown = await views.show(call.easel, session, [other for _, other in found])
    return paged(shown, [block.id for block, _ in found])


async def muted(call: Call) -> Paged:
    page = (await call.read(paging.Asked)).page(paging.USUAL_ACCOUNTS)
    async with call.easel.database.read() as session:
        found = await mutes.listed(session, call.account, page)
        shown = await views.show(call.easel, session, [other for _, other in found])
    entries = [
        entities.MutedAccount(
            **structs.asdict(one), mute_expires_at=entities.optional_moment(mute.expires_at)
        )
        for one, (mute, _) in zip(shown, found, strict=True)
    ]
    return paged(entries, [mute.id for mute, _ in found])


routes: list[BaseRoute] = [
    route("GET", "/api/v1/blocks", blocked, "read:blocks"),
    route("GET", "/api/v1/mutes", muted, "read:mutes"),
]
