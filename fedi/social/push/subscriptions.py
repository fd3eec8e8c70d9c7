"""Which apps want to be told of what, and where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

import sqlalchemy
from sqlalchemy import bindparam, delete
from sqlmodel import col, select

from activitypub.origin import origin
from fedi.database import Session, Transaction
from fedi.database.insertion import table_of
from fedi.database.tables import AccessToken, Account, Follow, PushSubscription
from fedi.jobs.queue import NewJob, enqueue_many
from fedi.social.errors import Invalid
from fedi.social.push import encryption

ALERTS = (
    "mention",
    "quote",
    "status",
    "reblog",
    "follow",
    "follow_request",
    "favourite",
    "poll",
    "update",
    "quoted_update",
    "admin.sign_up",
    "admin.report",
)
POLICIES = ("all", "followed", "follower", "none")
MAX_ENDPOINT = 2048  # characters; those of the large services have up to 500

# Under which alert an app knows what Easel alone tells; all else goes by its own name.
ALERT_OF = {
    "reaction": "favourite",
    "remix": "mention",
    "scheduled_failed": "mention",
    "painting_failed": "mention",
    "painting_held": "mention",
    "painting_refused": "mention",
    "painting_approved": "status",
}

_SUBSCRIBED, _TOKENS = table_of(PushSubscription).c, table_of(AccessToken).c
_HEARING = sqlalchemy.select(_SUBSCRIBED.id).where(
    _SUBSCRIBED.account_id.in_(bindparam("accounts", expanding=True)),
    _SUBSCRIBED.policy != "none",
    _TOKENS.id == _SUBSCRIBED.token_id,
    _TOKENS.revoked_at.is_(None),
)


async def subscribe(
    tx: Transaction,
    account: Account,
    token: AccessToken,
    *,
    endpoint: str,
    public_key: str,
    secret: str,
    standard: bool,
    alerts: Mapping[str, bool],
    policy: str,
) -> PushSubscription:
    """Tell the app of this token; each has one subscription, and the last one counts.

    Raises:
        Invalid: the address is none, or a key is none.
    """
    if origin(endpoint) is None or len(endpoint) > MAX_ENDPOINT:
        raise Invalid("The endpoint must be an address of the web.")
    if not encryption.is_point(public_key):
        raise Invalid("The key p256dh must be a public key of P-256.")
    if encryption.decoded(secret, encryption.SECRET_BYTES) is None:
        raise Invalid("The key auth must have 16 bytes.")
    await unsubscribe(tx, token)
    row = PushSubscription(
        id=tx.new_id(),
        token_id=token.id,
        account_id=account.id,
        endpoint=endpoint,
        public_key=public_key,
        secret=secret,
        standard=standard,
        alerts=_known(alerts),
        policy=_policy(policy),
        created_at=tx.now,
    )
    tx.add(row)
    await tx.flush()
    return row


async def change(
    tx: Transaction, row: PushSubscription, alerts: Mapping[str, bool] | None, policy: str
) -> None:
    """Change what a subscription is for; an empty `policy` stays as it is."""
    if alerts is not None:
        row.alerts = {**row.alerts, **_known(alerts)}
    if policy:
        row.policy = _policy(policy)
    tx.add(row)
    await tx.flush()


def _known(alerts: Mapping[str, bool]) -> dict[str, bool]:
    return {name: bool(alerts[name]) for name in ALERTS if name in alerts}


def _policy(policy: str) -> str:
    if policy not in POLICIES:
        raise Invalid("The policy must be all, followed, follower or none.")
    return policy


async def of_token(session: Session, token: AccessToken) -> PushSubscription | None:
    """The subscription of an app."""
    query = select(PushSubscription).where(PushSubscription.token_id == token.id)
    return (await session.exec(query)).first()


async def unsubscribe(tx: Transaction, token: AccessToken) -> None:
    """Tell the app of this token no more."""
    await tx.execute(delete(PushSubscription).where(col(PushSubscription.token_id) == token.id))


class Told(NamedTuple):
    """A notification that was just written: whom it is for, who did it, and its id."""

    account_id: int
    from_account_id: int
    notification_id: int


async def tell(tx: Transaction, told: Sequence[Told], kind: str) -> None:
    """Ask for the jobs that push notifications of one kind.

    Args:
        tx: the transaction that wrote them.
        told: the notifications.
        kind: what was done (`social.notifications.Kind`).
    """
    if not told:
        return
    ids = list({each.account_id for each in told})
    # Nearly nobody has any: what is asked of every notification is made once.
    found = set((await tx.execute_core(_HEARING, {"accounts": ids})).scalars())
    if not found:
        return
    rows = (
        await tx.exec(select(PushSubscription).where(col(PushSubscription.id).in_(found)))
    ).all()
    alert = ALERT_OF.get(kind, kind)
    jobs = [
        NewJob(
            {"subscription_id": row.id, "notification_id": each.notification_id},
            lane=urlsplit(row.endpoint).hostname or "",
        )
        for row in rows
        if row.alerts.get(alert)
        for each in told
        if each.account_id == row.account_id
        and (
            row.policy == "all"
            or each.account_id == each.from_account_id
            or await _follows(tx, row, each.from_account_id)
        )
    ]
    await enqueue_many(tx, "push", jobs)


async def _follows(tx: Transaction, row: PushSubscription, other_id: int) -> bool:
    """Whether somebody is of those whose doings a subscription is for."""
    pair = (row.account_id, other_id) if row.policy == "followed" else (other_id, row.account_id)
    query = select(Follow.id).where(
        Follow.account_id == pair[0],
        Follow.target_account_id == pair[1],
        Follow.state == "accepted",
    )
    return (await tx.exec(query)).first() is not None
