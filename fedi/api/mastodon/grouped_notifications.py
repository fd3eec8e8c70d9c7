"""What somebody is told, in groups (`/api/v2/notifications`)."""

from __future__ import annotations

from typing import Literal

from msgspec import field
from starlette.routing import BaseRoute

from fedi.api.mastodon import entities
from fedi.api.mastodon.notifications import READ, WRITE, Count, Counting, Nothing, Which
from fedi.api.mastodon.paging import USUAL_ACCOUNTS, Asked, Paged, paged
from fedi.api.mastodon.route import NO_RECORD, Call, route
from fedi.api.mastodon.views import accounts as account_views
from fedi.api.mastodon.views import notifications as views
from fedi.social import notification_lists
from fedi.social.errors import NotFound
from fedi.social.notifications import GROUPED

USUAL = 40  # groups of a page
PREFIX = "/api/v2/notifications"


class Grouping(Which, kw_only=True):
    grouped_types: list[str] = field(default_factory=list)
    expand_accounts: Literal["full", "partial_avatars"] = "full"

    def grouped(self) -> frozenset[str]:
        return _grouped(self.grouped_types)


class CountingGroups(Counting, kw_only=True):
    grouped_types: list[str] = field(default_factory=list)


def _grouped(types: list[str]) -> frozenset[str]:
    """The kinds that may be grouped: those that the app names, or all that can be."""
    return views.kinds(set(types) & GROUPED if types else GROUPED)


async def listed(call: Call) -> Paged:
    asked = await call.read(Grouping)
    async with call.easel.database.read() as session:
        found = await notification_lists.groups(
            session, call.account, asked.wanted(), asked.page(USUAL), asked.grouped()
        )
        shown = await views.show_groups(
            call.easel,
            session,
            call.account,
            found,
            partial=asked.expand_accounts == "partial_avatars",
        )
    newest = max((group.page[0].id for group in found), default=None)
    oldest = min((group.page[-1].id for group in found), default=None)
    return Paged(shown, newest, oldest)


async def one(call: Call) -> entities.GroupedNotifications:
    async with call.easel.database.read() as session:
        found = await notification_lists.group(session, call.account, call.text("group_key"))
        if found is None:
            raise NotFound(NO_RECORD)
        return await views.show_groups(call.easel, session, call.account, [found], partial=False)


async def accounts(call: Call) -> Paged:
    asked = await call.read(Asked)
    async with call.easel.database.read() as session:
        rows = await notification_lists.accounts(
            session, call.account, call.text("group_key"), asked.page(USUAL_ACCOUNTS)
        )
        shown = await account_views.show(call.easel, session, [row[0] for row in rows])
    return paged(shown, [row[1] for row in rows])


async def dismiss(call: Call) -> Nothing:
    async with call.easel.database.write() as tx:
        await notification_lists.clear_group(tx, call.account, call.text("group_key"))
    return Nothing()


async def unread_count(call: Call) -> Count:
    asked = await call.read(CountingGroups)
    async with call.easel.database.read() as session:
        found = await notification_lists.unread(
            session,
            call.account,
            asked.wanted(),
            asked.most(),
            _grouped(asked.grouped_types),
        )
    return Count(found)


fixed: list[BaseRoute] = [
    route("GET", PREFIX, listed, READ),
    route("GET", f"{PREFIX}/unread_count", unread_count, READ),
]
by_key: list[BaseRoute] = [
    route("GET", f"{PREFIX}/{{group_key}}", one, READ),
    route("GET", f"{PREFIX}/{{group_key}}/accounts", accounts, READ),
    route("POST", f"{PREFIX}/{{group_key}}/dismiss", dismiss, WRITE),
]
