"""Lists: made and changed, who is on them, and what those post."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from msgspec import Struct, field
from starlette.routing import BaseRoute

from fedi.api.mastodon import entities, finding, paging
from fedi.api.mastodon.accounts import numbers
from fedi.api.mastodon.paging import Paged, paged
from fedi.api.mastodon.route import NO_RECORD, Call, by_id, route
from fedi.api.mastodon.views import accounts as account_views
from fedi.api.mastodon.views import statuses as status_views
from fedi.database.tables import Account, UserList
from fedi.social import lists
from fedi.social.errors import NotFound

LISTS = "/api/v1/lists"


class Making(Struct, kw_only=True):
    title: str
    replies_policy: str = "list"
    exclusive: bool = False


class Changing(Struct, kw_only=True):
    """None: as it was."""

    title: str | None = None
    replies_policy: str | None = None
    exclusive: bool | None = None


class People(Struct, kw_only=True):
    account_ids: list[str] = field(default_factory=list)


def show(rows: Iterable[UserList]) -> list[entities.UserList]:
    """Lists, in the same order."""
    return [
        entities.UserList(
            id=str(row.id),
            title=row.title,
            replies_policy=cast(lists.Policy, row.replies_policy),
            exclusive=row.exclusive,
        )
        for row in rows
    ]


async def listed(call: Call) -> list[entities.UserList]:
    async with call.easel.database.read() as session:
        return show(await lists.of_account(session, call.account))


async def one(call: Call) -> entities.UserList:
    async with call.easel.database.read() as session:
        return show([await lists.find(session, call.account, call.id())])[0]


async def create(call: Call) -> entities.UserList:
    asked = await call.read(Making)
    async with call.easel.database.write() as tx:
        row = await lists.create(
            tx,
            call.account,
            asked.title,
            replies_policy=asked.replies_policy,
            exclusive=asked.exclusive,
        )
        return show([row])[0]


async def change(call: Call) -> entities.UserList:
    asked = await call.read(Changing)
    async with call.easel.database.write() as tx:
        row = await lists.find(tx, call.account, call.id())
        await lists.change(
            tx,
            row,
            asked.title,
            replies_policy=asked.replies_policy,
            exclusive=asked.exclusive,
        )
        return show([row])[0]


async def delete(call: Call) -> entities.Empty:
    async with call.easel.database.write() as tx:
        await tx.delete(await lists.find(tx, call.account, call.id()))
    return entities.Empty()


async def members(call: Call) -> Paged:
    asked = await call.read(paging.Asked)
    # Mastodon gives all who are on it for `limit=0`.
    page = None if asked.limit == "0" else asked.page(paging.USUAL_ACCOUNTS)
    async with call.easel.database.read() as session:
        row = await lists.find(session, call.account, call.id())
        found = await lists.members(session, row, page)
        shown = await account_views.show(call.easel, session, [who for _, who in found])
    return paged(shown, [key for key, _ in found])


async def add(call: Call) -> entities.Empty:
    asked = await call.read(People)
    ids = numbers(asked.account_ids, lists.MAX_MEMBERS)
    async with call.easel.database.write() as tx:
        row = await lists.find(tx, call.account, call.id())
        if len(ids) != len(set(asked.account_ids)):
            raise NotFound(NO_RECORD)
        account = await tx.get_one(Account, call.account.id)
        await lists.add(tx, account, row, ids)
    return entities.Empty()


async def remove(call: Call) -> entities.Empty:
    asked = await call.read(People)
    async with call.easel.database.write() as tx:
        row = await lists.find(tx, call.account, call.id())
        await lists.remove(tx, row, numbers(asked.account_ids, lists.MAX_MEMBERS))
    return entities.Empty()


async def timeline(call: Call) -> Paged:
    page = (await call.read(paging.Asked)).page()
    async with call.easel.database.read() as session:
        row = await lists.find(session, call.account, call.id())
        found = await lists.timeline(session, call.account, row, page)
        shown = await status_views.show(call.easel, session, call.account, found)
    return paged(shown, by_id(found))


async def with_account(call: Call) -> list[entities.UserList]:
    async with call.easel.database.read() as session:
        member = await finding.account(session, call.id())
        return show(await lists.with_member(session, call.account, member.id))


READ, WRITE = "read:lists", "write:lists"
routes: list[BaseRoute] = [
    route("GET", LISTS, listed, READ),
    route("POST", LISTS, create, WRITE),
    route("GET", f"{LISTS}/{{id}}", one, READ),
    route("PUT", f"{LISTS}/{{id}}", change, WRITE),
    route("DELETE", f"{LISTS}/{{id}}", delete, WRITE),
    route("GET", f"{LISTS}/{{id}}/accounts", members, READ),
    route("POST", f"{LISTS}/{{id}}/accounts", add, WRITE),
    route("DELETE", f"{LISTS}/{{id}}/accounts", remove, WRITE),
    route("GET", "/api/v1/timelines/list/{id}", timeline, READ),
    route("GET", "/api/v1/accounts/{id}/lists", with_account, READ),
]
