"""What people should know."""

from __future__ import annotations

from typing import Literal

from sqlalchemy import delete
from sqlmodel import col, select

from fedi.database import Session, Transaction
from fedi.database.tables import Account, Block, Notification
from fedi.events import Event

Kind = Literal[
    "follow", "follow_request", "mention", "reblog", "favourite", "update", "painting_failed"
]


async def notify(
    tx: Transaction,
    account: Account,
    from_account: Account,
    kind: Kind,
    status_id: int | None = None,
    painting_id: int | None = None,
) -> None:
    """Tell a local account something, once; nobody hears of themselves or of whom they block.

    Args:
        account: who should know; nothing happens for remote ones.
        from_account: who did it.
        kind: what they did.
        status_id: to or with which status.
        painting_id: which painting failed.
    """
    itself = account.id == from_account.id and kind != "painting_failed"
    if not account.local or itself or account.deleted_at is not None:
        return
    known = select(Notification.id).where(
        Notification.account_id == account.id,
        Notification.from_account_id == from_account.id,
        Notification.type == kind,
        Notification.status_id == status_id,
    )
    blocked = select(Block.id).where(
        Block.account_id == account.id, Block.target_account_id == from_account.id
    )
    if kind != "painting_failed" and (await tx.exec(known.union_all(blocked))).first() is not None:  # type: ignore[call-overload]
        return
    notification = Notification(
        id=tx.new_id(),
        account_id=account.id,
        from_account_id=from_account.id,
        type=kind,
        status_id=status_id,
        painting_id=painting_id,
        created_at=tx.now,
    )
    tx.add(notification)
    tx.emit(Event(f"account:{account.id}", "notification", {"id": str(notification.id)}))


async def withdraw(
    tx: Transaction,
    account_id: int,
    from_account_id: int,
    kind: Kind,
    status_id: int | None = None,
) -> None:
    """Take back what is not so any more."""
    await tx.execute(
        delete(Notification).where(
            col(Notification.account_id) == account_id,
            col(Notification.from_account_id) == from_account_id,
            col(Notification.type) == kind,
            col(Notification.status_id) == status_id
            if status_id is not None
            else col(Notification.status_id).is_(None),
        )
    )


async def newest(session: Session, account: Account, *, limit: int = 40) -> list[Notification]:
    """An account's notifications, the newest first."""
    rows = await session.exec(
        select(Notification)
        .where(Notification.account_id == account.id)
        .order_by(col(Notification.id).desc())
        .limit(limit)
    )
    return list(rows.all())
