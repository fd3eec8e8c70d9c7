"""Who may follow, and which domains are hidden."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from msgspec import Struct
from starlette.routing import BaseRoute, Route

from fedi.api.mastodon import entities, finding, paging
from fedi.api.mastodon.paging import Paged, paged
from fedi.api.mastodon.relationships import show as show_relations
from fedi.api.mastodon.route import Call, route
from fedi.api.mastodon.views import accounts as views
from fedi.database import Transaction
from fedi.database.tables import Account, Follow
from fedi.social import follows, hiding, requests

REQUESTS, DOMAINS = "/api/v1/follow_requests", "/api/v1/domain_blocks"
USUAL_DOMAINS = 100  # of a page; Mastodon's


class Domain(Struct, kw_only=True):
    domain: str


async def waiting(call: Call) -> Paged:
    page = (await call.read(paging.Asked)).page(paging.USUAL_ACCOUNTS)
    async with call.easel.database.read() as session:
        found = await requests.listed(session, call.account, page)
        shown = await views.show(call.easel, session, [other for _, other in found])
    return paged(shown, [follow.id for follow, _ in found])


def _answer(verb: str, change: Callable[[Transaction, Follow], Awaitable[None]]) -> Route:
    async def handler(call: Call) -> entities.Relationship:
        async with call.easel.database.write() as tx:
            asking = await finding.account(tx, call.id())
            account = await tx.get_one(Account, call.account.id)
            await change(tx, await requests.of(tx, account, asking))
            [shown] = await show_relations(tx, account, [asking.id])
        return shown

    return route("POST", f"{REQUESTS}/{{id}}/{verb}", handler, "write:follows")


async def hidden(call: Call) -> Paged:
    page = (await call.read(paging.Asked)).page(USUAL_DOMAINS)
    async with call.easel.database.read() as session:
        found = await hiding.listed(session, call.account, page)
    return paged([row.domain for row in found], [row.id for row in found])


async def hide(call: Call) -> entities.Empty:
    asked = await call.read(Domain)
    async with call.easel.database.write() as tx:
        await hiding.add(tx, call.account, asked.domain)
    return entities.Empty()


async def show(call: Call) -> entities.Empty:
    asked = await call.read(Domain)
    async with call.easel.database.write() as tx:
        await hiding.remove(tx, call.account, asked.domain)
    return entities.Empty()


routes: list[BaseRoute] = [
    route("GET", REQUESTS, waiting, "read:follows"),
    _answer("authorize", follows.accept),
    _answer("reject", follows.reject),
    route("GET", DOMAINS, hidden, "read:blocks"),
    route("POST", DOMAINS, hide, "write:blocks"),
    route("DELETE", DOMAINS, show, "write:blocks"),
]
