"""What people do to statuses: like, boost, keep, pin, mute; and who did."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from msgspec import Struct
from starlette.routing import BaseRoute, Route

from fedi.api.mastodon import entities, finding, paging, throttle
from fedi.api.mastodon.paging import Paged, paged
from fedi.api.mastodon.route import Call, route
from fedi.api.mastodon.views import accounts as account_views
from fedi.api.mastodon.views import statuses as views
from fedi.database import Transaction
from fedi.database.tables import Account, Status
from fedi.social import bookmarks, favourites, mutes, pins, reblogs

STATUS = "/api/v1/statuses/{id}"


class Boosting(Struct, kw_only=True):
    visibility: str = "public"


class Nothing(Struct):
    """Nothing is asked besides."""


Deed = Callable[[Transaction, Account, Status, Any], Awaitable[Any]]


async def _like(tx: Transaction, account: Account, status: Status, asked: Any) -> None:
    await favourites.add(tx, account, status)


async def _unlike(tx: Transaction, account: Account, status: Status, asked: Any) -> None:
    await favourites.remove(tx, account, status)


async def _boost(tx: Transaction, account: Account, status: Status, asked: Boosting) -> Status:
    return await reblogs.add(tx, account, status, for_followers=asked.visibility == "private")


async def _unboost(tx: Transaction, account: Account, status: Status, asked: Any) -> None:
    await reblogs.remove(tx, account, status)


async def _keep(tx: Transaction, account: Account, status: Status, asked: Any) -> None:
    await bookmarks.add(tx, account, status)


async def _unkeep(tx: Transaction, account: Account, status: Status, asked: Any) -> None:
    await bookmarks.remove(tx, account, status)


async def _pin(tx: Transaction, account: Account, status: Status, asked: Any) -> None:
    await pins.add(tx, account, status)


async def _unpin(tx: Transaction, account: Account, status: Status, asked: Any) -> None:
    await pins.remove(tx, account, status)


async def _mute(tx: Transaction, account: Account, status: Status, asked: Any) -> None:
    await mutes.mute_thread(tx, account, status)


async def _unmute(tx: Transaction, account: Account, status: Status, asked: Any) -> None:
    await mutes.unmute_thread(tx, account, status)


def _deed(verb: str, do: Deed, scope: str, kind: type[Struct] = Nothing) -> Route:
    """A route that does one thing to a status, and answers with how it is now."""

    async def handler(call: Call) -> entities.Status:
        asked = await call.read(kind)
        if verb == "unreblog":
            call.count(throttle.DELETIONS)
        async with call.easel.database.write() as tx:
            account = await tx.get_one(Account, call.account.id)
            status = await finding.status(tx, account, call.id())
            if status.reblog_of_id is not None:  # a boost stands for what it boosts
                status = await finding.status(tx, account, status.reblog_of_id)
            done = await do(tx, account, status, asked)
            shown_id = done.id if isinstance(done, Status) else status.id
        async with call.easel.database.read() as session:
            status = await finding.status(session, call.account, shown_id)
            return await views.show_one(call.easel, session, call.account, status)

    return route("POST", f"{STATUS}/{verb}", handler, scope)


async def favourited_by(call: Call) -> Paged:
    page = (await call.read(paging.Asked)).page(paging.USUAL_ACCOUNTS)
    async with call.easel.database.read() as session:
        status = await finding.status(session, call.viewer, call.id())
        found = await favourites.by(session, status, page)
        shown = await account_views.show(call.easel, session, [who for who, _ in found])
    return paged(shown, [key for _, key in found])


async def reblogged_by(call: Call) -> Paged:
    page = (await call.read(paging.Asked)).page(paging.USUAL_ACCOUNTS)
    async with call.easel.database.read() as session:
        status = await finding.status(session, call.viewer, call.id())
        found = await reblogs.by(session, call.viewer, status, page)
        shown = await account_views.show(call.easel, session, [who for who, _ in found])
    return paged(shown, [key for _, key in found])


routes: list[BaseRoute] = [
    _deed("favourite", _like, "write:favourites"),
    _deed("unfavourite", _unlike, "write:favourites"),
    _deed("reblog", _boost, "write:statuses", Boosting),
    _deed("unreblog", _unboost, "write:statuses"),
    _deed("bookmark", _keep, "write:bookmarks"),
    _deed("unbookmark", _unkeep, "write:bookmarks"),
    _deed("pin", _pin, "write:accounts"),
    _deed("unpin", _unpin, "write:accounts"),
    _deed("mute", _mute, "write:mutes"),
    _deed("unmute", _unmute, "write:mutes"),
    route("GET", f"{STATUS}/favourited_by", favourited_by, "read:accounts", anybody=True),
    route("GET", f"{STATUS}/reblogged_by", reblogged_by, "read:accounts", anybody=True),
]
