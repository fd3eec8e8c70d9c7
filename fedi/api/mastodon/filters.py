"""Filters: what somebody does not want to see, by words and by single posts."""

from __future__ import annotations

from datetime import timedelta

from msgspec import Struct, field
from starlette.routing import BaseRoute

from fedi.api.mastodon import entities, finding
from fedi.api.mastodon.accounts import numbers
from fedi.api.mastodon.route import Call, route
from fedi.api.mastodon.views.statuses import filter_entity
from fedi.database import Session, Transaction
from fedi.database.tables import Account, Filter, FilterKeyword, FilterStatus
from fedi.social import filters
from fedi.social.errors import Invalid

FILTERS = "/api/v2/filters"
STAYS = "as it was"
MAX_SECONDS = 100 * 365 * 24 * 3600


class Attributes(Struct, kw_only=True):
    """A keyword that is made, changed (by its id) or taken away."""

    id: str = ""
    keyword: str | None = None
    whole_word: bool | None = None
    destroy: bool = field(default=False, name="_destroy")


class Saying(Struct, kw_only=True):
    """None: as it was."""

    title: str | None = None
    context: list[str] | None = None
    filter_action: str | None = None
    expires_in: str | None = STAYS
    keywords_attributes: list[Attributes] = field(default_factory=list)


class Keyword(Struct, kw_only=True):
    keyword: str | None = None
    whole_word: bool | None = None


class Named(Struct, kw_only=True):
    status_id: str


def expire(tx: Transaction, row: Filter, expires_in: str | None) -> None:
    """Have a filter end in so many seconds, or never.

    Raises:
        Invalid: that is no number of them.
    """
    if expires_in == STAYS:
        return
    if not expires_in:
        row.expires_at = None
        return
    if not expires_in.isascii() or not expires_in.isdigit() or len(expires_in) > 12:
        raise Invalid("expires_in is a number of seconds.")
    row.expires_at = tx.now + timedelta(seconds=min(int(expires_in), MAX_SECONDS))


def keyword_entity(row: FilterKeyword) -> entities.FilterKeyword:
    return entities.FilterKeyword(id=str(row.id), keyword=row.keyword, whole_word=row.whole_word)


def status_entity(row: FilterStatus) -> entities.FilterStatus:
    return entities.FilterStatus(id=str(row.id), status_id=str(row.status_id))


def whole(found: filters.Whole) -> entities.Filter:
    """A filter, with all that it is for."""
    return filter_entity(
        found.filter,
        keywords=[keyword_entity(one) for one in found.keywords],
        statuses=[status_entity(one) for one in found.statuses],
    )


async def listed(call: Call) -> list[entities.Filter]:
    async with call.easel.database.read() as session:
        return [whole(one) for one in await filters.of_account(session, call.account)]


async def one(call: Call) -> entities.Filter:
    async with call.easel.database.read() as session:
        return await _show(session, await filters.find(session, call.account, call.id()))


async def _show(session: Session, row: Filter) -> entities.Filter:
    return whole((await filters.whole(session, [row]))[0])


async def create(call: Call) -> entities.Filter:
    asked = await call.read(Saying)
    async with call.easel.database.write() as tx:
        account = await tx.get_one(Account, call.account.id)
        row = await filters.create(tx, account)
        await _say(tx, account, row, asked)
        return await _show(tx, row)


async def change(call: Call) -> entities.Filter:
    asked = await call.read(Saying)
    async with call.easel.database.write() as tx:
        row = await filters.find(tx, call.account, call.id())
        await _say(tx, call.account, row, asked)
        return await _show(tx, row)


async def _say(tx: Transaction, account: Account, row: Filter, asked: Saying) -> None:
    expire(tx, row, asked.expires_in)
    await filters.change(
        tx, row, title=asked.title, context=asked.context, action=asked.filter_action
    )
    for entry in asked.keywords_attributes:
        whole_word = entry.whole_word
        if not entry.id:
            if not entry.destroy:
                await filters.add_keyword(
                    tx, row, entry.keyword or "", whole_word=whole_word is not False
                )
            continue
        [keyword_id] = numbers([entry.id], 1) or [0]
        known = await filters.keyword(tx, account, keyword_id)
        if known.filter_id != row.id:
            raise Invalid("That keyword is of another filter.")
        if entry.destroy:
            await tx.delete(known)
            await tx.flush()
        else:
            await filters.change_keyword(
                tx, row, known, keyword=entry.keyword, whole_word=whole_word
            )


async def delete(call: Call) -> entities.Empty:
    async with call.easel.database.write() as tx:
        row = await filters.find(tx, call.account, call.id())
        filters.announce(tx, row)
        await tx.delete(row)
    return entities.Empty()


# ---- keywords -----------------------------------------------------------------------------------


async def keywords(call: Call) -> list[entities.FilterKeyword]:
    return _keywords(await one(call))


def _keywords(found: entities.Filter) -> list[entities.FilterKeyword]:
    return found.keywords if isinstance(found.keywords, list) else []


async def add_keyword(call: Call) -> entities.FilterKeyword:
    asked = await call.read(Keyword)
    async with call.easel.database.write() as tx:
        row = await filters.find(tx, call.account, call.id())
        made = await filters.add_keyword(
            tx, row, asked.keyword or "", whole_word=asked.whole_word is not False
        )
        return keyword_entity(made)


async def keyword(call: Call) -> entities.FilterKeyword:
    async with call.easel.database.read() as session:
        return keyword_entity(await filters.keyword(session, call.account, call.id()))


async def change_keyword(call: Call) -> entities.FilterKeyword:
    asked = await call.read(Keyword)
    async with call.easel.database.write() as tx:
        known = await filters.keyword(tx, call.account, call.id())
        row = await tx.get_one(Filter, known.filter_id)
        await filters.change_keyword(
            tx, row, known, keyword=asked.keyword, whole_word=asked.whole_word
        )
        return keyword_entity(known)


async def delete_keyword(call: Call) -> entities.Empty:
    async with call.easel.database.write() as tx:
        known = await filters.keyword(tx, call.account, call.id())
        filters.announce(tx, await tx.get_one(Filter, known.filter_id))
        await tx.delete(known)
    return entities.Empty()


# ---- single posts -------------------------------------------------------------------------------


async def statuses(call: Call) -> list[entities.FilterStatus]:
    found = (await one(call)).statuses
    return found if isinstance(found, list) else []


async def add_status(call: Call) -> entities.FilterStatus:
    asked = await call.read(Named)
    [status_id] = numbers([asked.status_id], 1) or [0]
    async with call.easel.database.write() as tx:
        row = await filters.find(tx, call.account, call.id())
        shown = await finding.status(tx, call.account, status_id)
        return status_entity(await filters.add_status(tx, row, shown.id))


async def status(call: Call) -> entities.FilterStatus:
    async with call.easel.database.read() as session:
        return status_entity(await filters.status(session, call.account, call.id()))


async def delete_status(call: Call) -> entities.FilterStatus:
    async with call.easel.database.write() as tx:
        known = await filters.status(tx, call.account, call.id())
        shown = status_entity(known)
        filters.announce(tx, await tx.get_one(Filter, known.filter_id))
        await tx.delete(known)
    return shown


READ, WRITE = "read:filters", "write:filters"
routes: list[BaseRoute] = [
    route("GET", FILTERS, listed, READ),
    route("POST", FILTERS, create, WRITE),
    route("GET", f"{FILTERS}/keywords/{{id}}", keyword, READ),
    route("PUT", f"{FILTERS}/keywords/{{id}}", change_keyword, WRITE),
    route("DELETE", f"{FILTERS}/keywords/{{id}}", delete_keyword, WRITE),
    route("GET", f"{FILTERS}/statuses/{{id}}", status, READ),
    route("DELETE", f"{FILTERS}/statuses/{{id}}", delete_status, WRITE),
    route("GET", f"{FILTERS}/{{id}}", one, READ),
    route("PUT", f"{FILTERS}/{{id}}", change, WRITE),
    route("DELETE", f"{FILTERS}/{{id}}", delete, WRITE),
    route("GET", f"{FILTERS}/{{id}}/keywords", keywords, READ),
    route("POST", f"{FILTERS}/{{id}}/keywords", add_keyword, WRITE),
    route("GET", f"{FILTERS}/{{id}}/statuses", statuses, READ),
    route("POST", f"{FILTERS}/{{id}}/statuses", add_status, WRITE),
]
