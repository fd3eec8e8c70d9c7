"""Whom and what somebody does not want to see or hear of. Nobody is told, and no tie is cut."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, delete, or_
from sqlmodel import col, select

from fedi.database import Session, Transaction
from fedi.database.insertion import insert_into, insert_new
from fedi.database.tables import Account, Mute, Status, ThreadMute
from fedi.social.errors import Invalid


def lasting(now: datetime) -> ColumnElement[bool]:
    """A mute that has not ended."""
    return or_(col(Mute.expires_at).is_(None), col(Mute.expires_at) > now)


async def add(
    tx: Transaction,
    account: Account,
    target: Account,
    *,
    notifications: bool = True,
    expires_at: datetime | None = None,
) -> None:
    """See no posts of somebody any more; muted again, it is as it is said now.

    Args:
        account: who mutes.
        target: whom.
        notifications: whether to hear nothing of them, either.
        expires_at: until when; None: for good.

    Raises:
        Invalid: it is themselves.
    """
    if account.id == target.id:
        raise Invalid("Nobody can mute themselves.")
    said = {"notifications": notifications, "expires_at": expires_at}
    insert = insert_into(tx, Mute).values(
        id=tx.new_id(),
        account_id=account.id,
        target_account_id=target.id,
        created_at=tx.now,
        **said,
    )
    await tx.execute(
        insert.on_conflict_do_update(index_elements=["account_id", "target_account_id"], set_=said)
    )


async def remove(tx: Transaction, account: Account, target: Account) -> None:
    """See them again; nothing happens if they were not muted."""
    await tx.execute(
        delete(Mute).where(
            col(Mute.account_id) == account.id, col(Mute.target_account_id) == target.id
        )
    )


async def of_account(session: Session, account: Account) -> list[int]:
    """The ids of those whose posts somebody does not want to see now."""
    query = select(Mute.target_account_id).where(
        col(Mute.account_id) == account.id, lasting(session.now)
    )
    return list((await session.exec(query)).all())


async def mute_thread(tx: Transaction, account: Account, status: Status) -> None:
    """Hear no more of the thread of a post."""
    if status.context_uri is None:
        raise Invalid("That post is in no thread.")
    row = {"account_id": account.id, "context_uri": status.context_uri, "created_at": tx.now}
    await insert_new(tx, ThreadMute, row)


async def unmute_thread(tx: Transaction, account: Account, status: Status) -> None:
    """Hear of it again."""
    await tx.execute(
        delete(ThreadMute).where(
            col(ThreadMute.account_id) == account.id,
            col(ThreadMute.context_uri) == status.context_uri,
        )
    )
