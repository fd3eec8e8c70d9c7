"""Quotes of statuses: who quotes one, and leave that is taken back."""

from __future__ import annotations

from starlette.routing import BaseRoute

from fedi import ids
from fedi.api.mastodon import entities, finding, paging
from fedi.api.mastodon.paging import Paged, paged
from fedi.api.mastodon.route import Call, by_id, route
from fedi.api.mastodon.statuses import STATUSES, own
from fedi.api.mastodon.views import statuses as views
from fedi.database.tables import Account
from fedi.social import quoting

QUOTES = f"{STATUSES}/{{id}}/quotes"


async def listed(call: Call) -> Paged:
    page = (await call.read(paging.Asked)).page()
    async with call.easel.database.read() as session:
        status = await finding.status(session, call.viewer, call.id())
        found = await quoting.of_status(session, call.viewer, status, page)
        shown = await views.show(call.easel, session, call.viewer, found)
    return paged(shown, by_id(found))


async def revoke(call: Call) -> entities.Status:
    quoting_id = ids.parse(call.text("quoting_id")) or 0
    async with call.easel.database.write() as tx:
        author = await tx.get_one(Account, call.account.id)
        status = await own(tx, call)
        await quoting.revoke(tx, author, status, quoting_id)
    async with call.easel.database.read() as session:
        found = await finding.status(session, call.account, quoting_id)
        return await views.show_one(call.easel, session, call.account, found)


routes: list[BaseRoute] = [
    route("GET", QUOTES, listed, "read:statuses", anybody=True),
    route("POST", f"{QUOTES}/{{quoting_id}}/revoke", revoke, "write:statuses"),
]
