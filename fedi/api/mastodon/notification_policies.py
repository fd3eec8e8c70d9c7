"""Of whom somebody wants to hear, and who waits to be heard of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, cast

from msgspec import Struct, field
from starlette.routing import BaseRoute

from fedi import ids
from fedi.api.mastodon import entities, grouped_notifications, notifications
from fedi.api.mastodon.notifications import READ, WRITE, Nothing
from fedi.api.mastodon.paging import USUAL_ACCOUNTS, Asked, Paged, paged
from fedi.api.mastodon.route import NO_RECORD, Call, route
from fedi.api.mastodon.views import accounts, statuses
from fedi.database import Session
from fedi.database.tables import NotificationPolicy
from fedi.social import notification_policies as policies
from fedi.social import notification_requests as requests
from fedi.social.errors import NotFound
from fedi.social.notification_requests import Waiting

PREFIX = f"{notifications.PREFIX}/requests"

Handling = Literal["", "accept", "filter", "drop"]


class Rules(Struct, kw_only=True):
    for_not_following: Handling = ""
    for_not_followers: Handling = ""
    for_new_accounts: Handling = ""
    for_private_mentions: Handling = ""
    for_limited_accounts: Handling = ""


class FirstRules(Struct, kw_only=True):
    """As Mastodon 4.3 asked first: set aside, or not."""

    filter_not_following: bool | None = None
    filter_not_followers: bool | None = None
    filter_new_accounts: bool | None = None
    filter_private_mentions: bool | None = None


async def policy(call: Call) -> entities.NotificationPolicy:
    async with call.easel.database.read() as session:
        return await _shown(call, session, await policies.of(session, call.account))


async def change(call: Call) -> entities.NotificationPolicy:
    asked = await call.read(Rules)
    said = {name: getattr(asked, name) for name in policies.RULES if getattr(asked, name)}
    async with call.easel.database.write() as tx:
        return await _shown(call, tx, await policies.change(tx, call.account, said))


async def first_policy(call: Call) -> entities.V1NotificationPolicy:
    async with call.easel.database.read() as session:
        return await _first(call, session, await policies.of(session, call.account))


async def change_first(call: Call) -> entities.V1NotificationPolicy:
    asked = await call.read(FirstRules)
    said = {
        name.replace("filter_", "for_"): policies.FILTER if value else policies.ACCEPT
        for name in FirstRules.__struct_fields__
        if (value := getattr(asked, name)) is not None
    }
    async with call.easel.database.write() as tx:
        return await _first(call, tx, await policies.change(tx, call.account, said))


async def _summary(call: Call, session: Session) -> entities.PolicySummary:
    waiting, set_aside = await requests.pending(session, call.account)
    return entities.PolicySummary(
        pending_requests_count=waiting, pending_notifications_count=set_aside
    )


async def _shown(
    call: Call, session: Session, row: NotificationPolicy
) -> entities.NotificationPolicy:
    handlings = {
        name: cast(Literal["accept", "filter", "drop"], getattr(row, name))
        for name in policies.RULES
    }
    return entities.NotificationPolicy(**handlings, summary=await _summary(call, session))


async def _first(
    call: Call, session: Session, row: NotificationPolicy
) -> entities.V1NotificationPolicy:
    return entities.V1NotificationPolicy(
        filter_not_following=row.for_not_following != policies.ACCEPT,
        filter_not_followers=row.for_not_followers != policies.ACCEPT,
        filter_new_accounts=row.for_new_accounts != policies.ACCEPT,
        filter_private_mentions=row.for_private_mentions != policies.ACCEPT,
        summary=await _summary(call, session),
    )


class Named(Struct, kw_only=True):
    id: list[str] = field(default_factory=list)

    def numbers(self) -> list[int]:
        """Raises:
        NotFound: one is no id.
        """
        found = [ids.parse(text) for text in dict.fromkeys(self.id)]
        if None in found:
            raise NotFound(NO_RECORD)
        return [number for number in found if number is not None]


class Merged(Struct):
    merged: bool


async def listed(call: Call) -> Paged:
    asked = await call.read(Asked)
    async with call.easel.database.read() as session:
        found = await requests.listed(session, call.account, asked.page(USUAL_ACCOUNTS))
        shown = await _requests(call, session, found)
    return paged(shown, [one.request.id for one in found])


async def one(call: Call) -> entities.NotificationRequest:
    async with call.easel.database.read() as session:
        found = await requests.find(session, call.account, call.id())
        [shown] = await _requests(call, session, [found])
        return shown


async def accept(call: Call) -> Nothing:
    async with call.easel.database.write() as tx:
        await requests.accept(tx, call.account, [call.id()])
    return Nothing()


async def dismiss(call: Call) -> Nothing:
    async with call.easel.database.write() as tx:
        await requests.dismiss(tx, call.account, [call.id()])
    return Nothing()


async def accept_all(call: Call) -> Nothing:
    asked = await call.read(Named)
    async with call.easel.database.write() as tx:
        await requests.accept(tx, call.account, asked.numbers())
    return Nothing()


async def dismiss_all(call: Call) -> Nothing:
    asked = await call.read(Named)
    async with call.easel.database.write() as tx:
        await requests.dismiss(tx, call.account, asked.numbers())
    return Nothing()


async def merged(call: Call) -> Merged:
    """What was accepted stands among the others at once."""
    return Merged(True)


async def _requests(
    call: Call, session: Session, found: Sequence[Waiting]
) -> list[entities.NotificationRequest]:
    people = await accounts.show(call.easel, session, [one.account for one in found])
    last = [one.request.last_status_id for one in found]
    by_id = await statuses.show_by_id(call.easel, session, call.account, last)
    return [
        entities.NotificationRequest(
            id=str(one.request.id),
            created_at=entities.moment(one.request.created_at),
            updated_at=entities.moment(one.request.updated_at),
            notifications_count=str(one.count),
            account=person,
            last_status=by_id.get(one.request.last_status_id or 0, entities.UNSET),
        )
        for one, person in zip(found, people, strict=True)
    ]


routes: list[BaseRoute] = [
    *notifications.fixed,
    *grouped_notifications.fixed,
    route("GET", "/api/v2/notifications/policy", policy, READ),
    route("PATCH", "/api/v2/notifications/policy", change, WRITE),
    route("GET", "/api/v1/notifications/policy", first_policy, READ),
    route("PATCH", "/api/v1/notifications/policy", change_first, WRITE),
    route("GET", PREFIX, listed, READ),
    route("POST", f"{PREFIX}/accept", accept_all, WRITE),
    route("POST", f"{PREFIX}/dismiss", dismiss_all, WRITE),
    route("GET", f"{PREFIX}/merged", merged, READ),
    route("GET", f"{PREFIX}/{{id}}", one, READ),
    route("POST", f"{PREFIX}/{{id}}/accept", accept, WRITE),
    route("POST", f"{PREFIX}/{{id}}/dismiss", dismiss, WRITE),
    *notifications.by_number,
    *grouped_notifications.by_key,
]
