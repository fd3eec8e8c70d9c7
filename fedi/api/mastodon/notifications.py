"""What somebody is told, one by one (`/api/v1/notifications`)."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field
from starlette.routing import BaseRoute

from fedi import ids
from fedi.api.mastodon import entities
from fedi.api.mastodon.paging import Asked, Paged, paged
from fedi.api.mastodon.route import NO_RECORD, Call, by_id, route
from fedi.api.mastodon.views import notifications as views
from fedi.social import notification_lists
from fedi.social.errors import NotFound
from fedi.social.notification_lists import Wanted

USUAL = 40  # notifications of a page
USUAL_COUNT = 100  # unread ones that are counted, if it is not said
PREFIX = "/api/v1/notifications"


class Which(Asked, kw_only=True):
    """Which notifications are asked for."""

    types: list[str] = field(default_factory=list)
    exclude_types: list[str] = field(default_factory=list)
    account_id: str = ""
    include_filtered: bool = False

    def wanted(self) -> Wanted:
        """As `notification_lists` takes it: of types that are not known there are none."""
        named = set(self.types) or set(views.TYPES.values())
        account_id = ids.parse(self.account_id) if self.account_id else None
        return Wanted(
            kinds=views.kinds(named - set(self.exclude_types)),
            from_account_id=-1 if self.account_id and account_id is None else account_id,
            filtered=self.include_filtered,
        )


class Counting(Which, kw_only=True):
    def most(self) -> int:
        """How many are counted at most."""
        return min(ids.parse(self.limit) or USUAL_COUNT, notification_lists.MAX_COUNT)


class Count(Struct):
    count: int


class Nothing(Struct):
    """`{}`."""


async def listed(call: Call) -> Paged:
    asked = await call.read(Which)
    async with call.easel.database.read() as session:
        rows = await notification_lists.listed(
            session, call.account, asked.wanted(), asked.page(USUAL)
        )
        shown = await views.show(call.easel, session, call.account, rows)
    return paged(shown, by_id(rows))


async def one(call: Call) -> entities.Notification:
    async with call.easel.database.read() as session:
        row = await notification_lists.find(session, call.account, call.id())
        shown: list[Any] = []
        if row is not None:
            shown = await views.show(call.easel, session, call.account, [row])
    if not shown:
        raise NotFound(NO_RECORD)
    found: entities.Notification = shown[0]
    return found


async def clear(call: Call) -> Nothing:
    async with call.easel.database.write() as tx:
        await notification_lists.clear(tx, call.account)
    return Nothing()


class Dismissed(Struct, kw_only=True):
    id: str


async def dismiss(call: Call) -> Nothing:
    async with call.easel.database.write() as tx:
        number = call.id()
        if await notification_lists.find(tx, call.account, number) is None:
            raise NotFound(NO_RECORD)
        await notification_lists.clear(tx, call.account, number)
    return Nothing()


async def dismiss_named(call: Call) -> Nothing:
    """As apps asked before Mastodon 3: the id is a parameter."""
    asked = await call.read(Dismissed)
    number = ids.parse(asked.id)
    if number is None:
        raise NotFound(NO_RECORD)
    async with call.easel.database.write() as tx:
        await notification_lists.clear(tx, call.account, number)
    return Nothing()


async def unread_count(call: Call) -> Count:
    asked = await call.read(Counting)
    async with call.easel.database.read() as session:
        return Count(
            await notification_lists.unread(session, call.account, asked.wanted(), asked.most())
        )


READ, WRITE = "read:notifications", "write:notifications"

# Asked for after the fixed paths: those of `notification_policies`, too.
fixed: list[BaseRoute] = [
    route("GET", PREFIX, listed, READ),
    route("POST", f"{PREFIX}/clear", clear, WRITE),
    route("POST", f"{PREFIX}/dismiss", dismiss_named, WRITE),
    route("GET", f"{PREFIX}/unread_count", unread_count, READ),
]
by_number: list[BaseRoute] = [
    route("GET", f"{PREFIX}/{{id}}", one, READ),
    route("POST", f"{PREFIX}/{{id}}/dismiss", dismiss, WRITE),
]
