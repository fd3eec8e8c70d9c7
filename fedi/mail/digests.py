"""Digests: what somebody has not read of their notifications, once a day or once a week."""

from __future__ import annotations

from datetime import datetime, timedelta
from weakref import WeakKeyDictionary

from sqlalchemy import func, or_, update
from sqlmodel import col, select

from fedi.database import Transaction
from fedi.database.tables import Account, Login, Marker, Notification
from fedi.jobs import chore
from fedi.runtime import Easel
from fedi.social import letters

EVERY = {"daily": timedelta(days=1), "weekly": timedelta(weeks=1)}
LOOK = timedelta(minutes=15)  # between looks who is due
AT_ONCE = 200  # digests that are asked for in one look
MAX_LINES = 12
OFF = "/mail/digests/off"  # where who wants no more of them says so

_WORDS = {
    "follow": "{name} follows you",
    "follow_request": "{name} wants to follow you",
    "mention": "{name} mentioned you",
    "reblog": "{name} boosted a post of yours",
    "favourite": "{name} likes a post of yours",
    "reaction": "{name} reacted to a post of yours",
    "quote": "{name} quoted you",
    "remix": "{name} made a remix of a picture of yours",
    "quoted_update": "{name} edited a post that you quoted",
    "severed_relationships": "You lost ties to others",
    "poll": "A poll of {name} has ended",
    "scheduled_failed": "A post could not be published",
    "admin.report": "{name} reported somebody",
    "admin.sign_up": "{name} joined",
    "painting_failed": "A picture could not be painted",
    "painting_held": "A picture waits for a moderator",
    "painting_approved": "A picture was approved",
    "painting_refused": "A picture was refused",
}

_looked: WeakKeyDictionary[Easel, datetime] = WeakKeyDictionary()


@chore
async def ask(easel: Easel, tx: Transaction, ending: bool) -> None:
    """Ask for the digests that are due."""
    if ending or tx.now - _looked.setdefault(easel, tx.now - LOOK) < LOOK:
        return
    _looked[easel] = tx.now
    due = [
        (col(Login.digest) == name)
        & (col(Login.digested_at).is_(None) | (col(Login.digested_at) <= tx.now - period))
        for name, period in EVERY.items()
    ]
    query = (
        select(Login.account_id, Login.digest, Login.digested_at)
        .where(or_(*due), col(Login.email).is_not(None), col(Login.confirmed_at).is_not(None))
        .limit(AT_ONCE)
    )
    found = (await tx.exec(query)).all()
    for account_id, digest, before in found:
        since = (before or tx.now - EVERY[digest]).isoformat()
        key = f"digest {account_id}"
        await letters.write(tx, "digest", account_id=account_id, since=since, key=key)
    if found:
        await tx.execute(
            update(Login)
            .where(col(Login.account_id).in_([row[0] for row in found]))
            .values(digested_at=tx.now)
            .execution_options(synchronize_session=False)
        )


async def lines(tx: Transaction, account: Account, since: datetime) -> list[str]:
    """What somebody has not read since then, the newest first."""
    read = (
        select(Marker.last_read_id)
        .where(Marker.account_id == account.id, Marker.timeline == "notifications")
        .limit(1)
    )
    last_read = (await tx.exec(read)).first() or 0
    unread = (
        (col(Notification.account_id) == account.id)
        & (col(Notification.id) > last_read)
        & (col(Notification.created_at) >= since)
        & col(Notification.type).in_(list(_WORDS))
        & ~col(Notification.filtered)
    )
    rows = await tx.exec(
        select(Notification.type, Account)
        .join(Account, col(Account.id) == col(Notification.from_account_id))
        .where(unread)
        .order_by(col(Notification.id).desc())
        .limit(MAX_LINES)
    )
    said = [_WORDS[kind].format(name=f"@{who.acct}") + "." for kind, who in rows.all()]
    counted = await tx.execute(select(func.count()).select_from(Notification).where(unread))
    more = int(counted.scalar() or 0) - len(said)
    if more > 0:
        said.append(f"And {more} more.")
    return said
