"""Where an app wants to be told though it does not run (`/api/v1/push/subscription`)."""

from __future__ import annotations

from msgspec import UNSET, Struct, UnsetType, field
from starlette.routing import BaseRoute

from fedi.api.mastodon import entities
from fedi.api.mastodon.notifications import Nothing
from fedi.api.mastodon.route import NO_RECORD, Call, route
from fedi.database import Session
from fedi.database.tables import PushSubscription
from fedi.social import vapid
from fedi.social.errors import NotFound
from fedi.social.push import subscriptions

PATH = "/api/v1/push/subscription"


class Keys(Struct, kw_only=True):
    p256dh: str
    auth: str


class Subscription(Struct, kw_only=True):
    endpoint: str
    keys: Keys
    standard: bool = False


class Alerts(Struct, kw_only=True):
    mention: bool | UnsetType = UNSET
    quote: bool | UnsetType = UNSET
    status: bool | UnsetType = UNSET
    reblog: bool | UnsetType = UNSET
    follow: bool | UnsetType = UNSET
    follow_request: bool | UnsetType = UNSET
    favourite: bool | UnsetType = UNSET
    poll: bool | UnsetType = UNSET
    update: bool | UnsetType = UNSET
    quoted_update: bool | UnsetType = UNSET
    admin_sign_up: bool | UnsetType = field(default=UNSET, name="admin.sign_up")
    admin_report: bool | UnsetType = field(default=UNSET, name="admin.report")

    def said(self) -> dict[str, bool]:
        """What the app says of, by the names of alerts."""
        names = zip(self.__struct_fields__, self.__struct_encode_fields__, strict=True)
        return {
            alert: value for name, alert in names if (value := getattr(self, name)) is not UNSET
        }


class Data(Struct, kw_only=True):
    alerts: Alerts | None = None
    policy: str = ""


class New(Struct, kw_only=True):
    subscription: Subscription
    data: Data = field(default_factory=Data)
    policy: str = ""


class Changed(Struct, kw_only=True):
    data: Data = field(default_factory=Data)
    policy: str = ""


async def subscribe(call: Call) -> entities.WebPushSubscription:
    asked = await call.read(New)
    assert call.caller is not None
    alerts = asked.data.alerts
    async with call.easel.database.write() as tx:
        row = await subscriptions.subscribe(
            tx,
            call.account,
            call.caller.token,
            endpoint=asked.subscription.endpoint,
            public_key=asked.subscription.keys.p256dh,
            secret=asked.subscription.keys.auth,
            standard=asked.subscription.standard,
            alerts=alerts.said() if alerts is not None else {},
            policy=asked.data.policy or asked.policy or "all",
        )
        return await _shown(tx, row)


async def show(call: Call) -> entities.WebPushSubscription:
    async with call.easel.database.read() as session:
        return await _shown(session, await _mine(call, session))


async def change(call: Call) -> entities.WebPushSubscription:
    asked = await call.read(Changed)
    alerts = asked.data.alerts
    async with call.easel.database.write() as tx:
        row = await _mine(call, tx)
        said = alerts.said() if alerts is not None else None
        await subscriptions.change(tx, row, said, asked.data.policy or asked.policy)
        return await _shown(tx, row)


async def unsubscribe(call: Call) -> Nothing:
    assert call.caller is not None
    async with call.easel.database.write() as tx:
        await subscriptions.unsubscribe(tx, call.caller.token)
    return Nothing()


async def _mine(call: Call, session: Session) -> PushSubscription:
    assert call.caller is not None
    found = await subscriptions.of_token(session, call.caller.token)
    if found is None:
        raise NotFound(NO_RECORD)
    return found


async def _shown(session: Session, row: PushSubscription) -> entities.WebPushSubscription:
    alerts = {name.replace(".", "_"): row.alerts.get(name, False) for name in subscriptions.ALERTS}
    return entities.WebPushSubscription(
        id=str(row.id),
        endpoint=row.endpoint,
        standard=row.standard,
        alerts=entities.Alerts(**alerts),
        policy=row.policy,  # type: ignore[arg-type]
        server_key=await vapid.public_key(session),
    )


routes: list[BaseRoute] = [
    route("POST", PATH, subscribe, "push"),
    route("GET", PATH, show, "push"),
    route("PUT", PATH, change, "push"),
    route("DELETE", PATH, unsubscribe, "push"),
]
