"""Whom a profile shows besides, and whom one knows among its followers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from msgspec import Struct
from starlette.routing import BaseRoute, Route

from fedi.api.mastodon import entities, finding, paging
from fedi.api.mastodon.accounts import ACCOUNTS, numbers
from fedi.api.mastodon.paging import Paged, paged
from fedi.api.mastodon.relationships import show as show_relations
from fedi.api.mastodon.route import Call, route
from fedi.api.mastodon.views import accounts as views
from fedi.database import Transaction
from fedi.database.tables import Account
from fedi.social import endorsements

MAX_MANY = 40  # accounts whose familiar followers are asked for at once


class Many(Struct, kw_only=True):
    id: list[str] = []


async def own(call: Call) -> Paged:
    async with call.easel.database.read() as session:
        account = await session.get_one(Account, call.account.id)
    return await _endorsed(call, account)


async def of_account(call: Call) -> Paged:
    async with call.easel.database.read() as session:
        account = await finding.account(session, call.id())
    return await _endorsed(call, account)


async def _endorsed(call: Call, account: Account) -> Paged:
    page = (await call.read(paging.Asked)).page(paging.USUAL_ACCOUNTS)
    async with call.easel.database.read() as session:
        found = await endorsements.listed(session, account, page)
        shown = await views.show(call.easel, session, [other for _, other in found])
    return paged(shown, [row.id for row, _ in found])


Change = Callable[[Transaction, Account, Account], Awaitable[None]]


def _changing(verb: str, change: Change) -> Route:
    """A route that shows somebody, or no longer, and answers with what they are."""

    async def handler(call: Call) -> entities.Relationship:
        async with call.easel.database.write() as tx:
            target = await finding.account(tx, call.id())
            account = await tx.get_one(Account, call.account.id)
            await change(tx, account, target)
            [shown] = await show_relations(tx, account, [target.id])
        return shown

    return route("POST", f"{ACCOUNTS}/{{id}}/{verb}", handler, "write:accounts")


async def familiar(call: Call) -> list[entities.FamiliarFollowers]:
    asked = await call.read(Many)
    async with call.easel.database.read() as session:
        known = await finding.accounts_by_id(session, numbers(asked.id, MAX_MANY))
        found = await endorsements.familiar(session, call.account, [one.id for one in known])
        return [
            entities.FamiliarFollowers(
                id=str(one), accounts=await views.show(call.easel, session, others)
            )
            for one, others in found.items()
        ]


routes: list[BaseRoute] = [
    route("GET", "/api/v1/endorsements", own, "read:accounts"),
    route("GET", f"{ACCOUNTS}/familiar_followers", familiar, "read:follows"),
    route("GET", f"{ACCOUNTS}/{{id}}/endorsements", of_account, "read:accounts", anybody=True),
    _changing("endorse", endorsements.add),
    _changing("unendorse", endorsements.remove),
    _changing("pin", endorsements.add),  # as they were called before Mastodon 4.4
    _changing("unpin", endorsements.remove),
]
