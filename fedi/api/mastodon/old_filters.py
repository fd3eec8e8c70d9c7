"""Filters as Mastodon had them before 4.0: one keyword each, by the id of which it is named."""

from __future__ import annotations

from typing import cast

from msgspec import Struct
from starlette.routing import BaseRoute

from fedi.api.mastodon import entities
from fedi.api.mastodon.filters import STAYS, expire
from fedi.api.mastodon.route import Call, route
from fedi.database import Session
from fedi.database.tables import Account, Filter, FilterKeyword
from fedi.social import filters

FILTERS = "/api/v1/filters"


class Saying(Struct, kw_only=True):
    phrase: str
    context: list[str]
    irreversible: bool = False
    whole_word: bool = False
    expires_in: str | None = STAYS


def _entity(row: Filter, keyword: FilterKeyword) -> entities.V1Filter:
    return entities.V1Filter(
        id=str(keyword.id),
        phrase=keyword.keyword,
        context=cast(list[entities.FilterContext], row.context),
        whole_word=keyword.whole_word,
        expires_at=entities.optional_moment(row.expires_at),
        irreversible=row.action == "hide",
    )


async def listed(call: Call) -> list[entities.V1Filter]:
    async with call.easel.database.read() as session:
        found = await filters.of_account(session, call.account)
    return [_entity(one.filter, keyword) for one in found for keyword in one.keywords]


async def _found(session: Session, call: Call) -> tuple[Filter, FilterKeyword]:
    keyword = await filters.keyword(session, call.account, call.id())
    return await filters.find(session, call.account, keyword.filter_id), keyword


async def one(call: Call) -> entities.V1Filter:
    async with call.easel.database.read() as session:
        return _entity(*await _found(session, call))


async def create(call: Call) -> entities.V1Filter:
    asked = await call.read(Saying)
    async with call.easel.database.write() as tx:
        account = await tx.get_one(Account, call.account.id)
        row = await filters.create(tx, account)
        expire(tx, row, asked.expires_in)
        action = "hide" if asked.irreversible else "warn"
        await filters.change(
            tx,
            row,
            title=asked.phrase[: filters.MAX_TITLE],
            context=asked.context,
            action=action,
        )
        keyword = await filters.add_keyword(tx, row, asked.phrase, whole_word=asked.whole_word)
        return _entity(row, keyword)


async def change(call: Call) -> entities.V1Filter:
    asked = await call.read(Saying)
    async with call.easel.database.write() as tx:
        row, keyword = await _found(tx, call)
        expire(tx, row, asked.expires_in)
        action = "hide" if asked.irreversible else "warn"
        await filters.change(tx, row, context=asked.context, action=action)
        await filters.change_keyword(
            tx, row, keyword, keyword=asked.phrase, whole_word=asked.whole_word
        )
        return _entity(row, keyword)


async def delete(call: Call) -> entities.Empty:
    """Take away a keyword, and with the last one its filter."""
    async with call.easel.database.write() as tx:
        row, keyword = await _found(tx, call)
        [found] = await filters.whole(tx, [row])
        filters.announce(tx, row)
        await tx.delete(row if len(found.keywords) == 1 and not found.statuses else keyword)
    return entities.Empty()


READ, WRITE = "read:filters", "write:filters"
routes: list[BaseRoute] = [
    route("GET", FILTERS, listed, READ),
    route("POST", FILTERS, create, WRITE),
    route("GET", f"{FILTERS}/{{id}}", one, READ),
    route("PUT", f"{FILTERS}/{{id}}", change, WRITE),
    route("DELETE", f"{FILTERS}/{{id}}", delete, WRITE),
]
