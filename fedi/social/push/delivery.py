"""The job `push`: one message to one app."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete
from sqlmodel import col

from activitypub.client import FetchError
from fedi import logs
from fedi.database import Session
from fedi.database.tables import AccessToken, Account, Notification, PushSubscription
from fedi.jobs import Backoff, Claimed, Retry, handles
from fedi.runtime import Easel
from fedi.social import credentials, vapid
from fedi.social.push import encryption, messages

ATTEMPTS = 6  # over some hours: older news is no news
PER_SERVICE = 4  # messages to one push service at once
GONE = frozenset({404, 410})  # RFC 8030, 7.3: the subscription has ended
AGAIN = frozenset({408, 425, 429})  # and every 5xx
OLDEST = timedelta(days=2)  # as long as a service would keep it

log = logs.get(__name__)


@handles(
    "push",
    attempts=ATTEMPTS,
    at_once=16,
    per_lane=PER_SERVICE,
    backoff=Backoff(first=timedelta(seconds=30), most=timedelta(hours=4)),
)
async def push(easel: Easel, job: Claimed) -> None:
    """Push a notification, if there still is one, and somebody to push it to."""
    async with easel.database.read() as session:
        row = await session.get(PushSubscription, int(job.payload["subscription_id"]))
        message = await _message(easel, session, row, int(job.payload["notification_id"]))
        key = await vapid.private_key(session)
    if row is None or message is None or key is None:
        return
    settings = easel.settings.instance
    body, headers = encryption.request(
        message,
        endpoint=row.endpoint,
        public_key=row.public_key,
        secret=row.secret,
        standard=row.standard,
        vapid=key,
        contact=f"mailto:{settings.contact}" if settings.contact else settings.url,
        now=easel.clock.now(),
    )
    try:
        answer = await easel.client.submit(row.endpoint, body, headers)
    except FetchError as error:
        if error.permanent:  # an address that may not be asked: nothing will change that
            await _remove(easel, row, error.reason)
            return
        raise Retry(error.reason) from error
    if answer.ok:
        return
    if answer.status in GONE:
        await _remove(easel, row, "It has ended.")
        return
    reason = f"The push service answered {answer.status}."
    if answer.status in AGAIN or answer.status >= 500:
        wait = timedelta(seconds=answer.retry_after) if answer.retry_after else None
        raise Retry(reason, wait)
    log.warning("push_refused", subscription=row.id, status=answer.status)


async def _message(
    easel: Easel, session: Session, row: PushSubscription | None, notification_id: int
) -> bytes | None:
    """What is to be said now; None if the app, the account or the notification has gone."""
    if row is None:
        return None
    token = await session.get(AccessToken, row.token_id)
    account = await session.get(Account, row.account_id)
    told = await session.get(Notification, notification_id)
    if token is None or token.revoked_at is not None or told is None or account is None:
        return None
    if await credentials.hindrance(session, account) is not None:
        return None
    if told.filtered or told.created_at < easel.clock.now() - OLDEST:
        return None
    return await messages.message(session, easel.settings.instance, account, told)


async def _remove(easel: Easel, row: PushSubscription, reason: str) -> None:
    log.info("push_subscription_removed", subscription=row.id, reason=reason)
    async with easel.database.write() as tx:
        await tx.execute(
            delete(PushSubscription).where(
                col(PushSubscription.id) == row.id, col(PushSubscription.endpoint) == row.endpoint
            )
        )
