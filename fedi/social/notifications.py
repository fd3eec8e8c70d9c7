"""What people should know."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from sqlalchemy import delete, union_all
from sqlmodel import col, select

from fedi.database import Session, Transaction
from fedi.database.tables import Account, Block, Follow, Notification
from fedi.events import Event

Kind = Literal[
    "follow",
    "follow_request",
    "mention",
    "reblog",
    "favourite",
    "reaction",
    "quote",
    "update",
    "painting_failed",
]


async def notify(
    tx: Transaction,
    account: Account,
    from_account: Account,
    kind: Kind,
    status_id: int | None = None,
    painting_id: int | None = None,
) -> None:
    """Tell a local account something, once; nobody hears of themselves, or across a block, and
    of who is silenced only those hear who follow them.

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
    if kind != "painting_failed":
        await notify_all(tx, [account], from_account, kind, status_id)
        return
    _add(tx, account.id, from_account.id, kind, status_id, painting_id)


async def notify_all(
    tx: Transaction,
    accounts: Sequence[Account],
    from_account: Account,
    kind: Kind,
    status_id: int | None = None,
) -> None:
    """Tell the local ones among some accounts the same thing, as `notify` does, in one query."""
    wanted = [
        account.id
        for account in accounts
        if account.local and account.deleted_at is None and account.id != from_account.id
    ]
    if wanted and from_account.silenced_at is not None and kind != "follow_request":
        followers = select(col(Follow.account_id)).where(
            Follow.target_account_id == from_account.id,
            col(Follow.account_id).in_(wanted),
            Follow.state == "accepted",
        )
        wanted = list((await tx.execute(followers)).scalars())
    if not wanted:
        return
    unwilling = union_all(
        select(col(Notification.account_id)).where(
            col(Notification.account_id).in_(wanted),
            Notification.from_account_id == from_account.id,
            Notification.type == kind,
            Notification.status_id == status_id,
        ),
        select(col(Block.account_id)).where(
            col(Block.account_id).in_(wanted), Block.target_account_id == from_account.id
        ),
        select(col(Block.target_account_id)).where(
            Block.account_id == from_account.id, col(Block.target_account_id).in_(wanted)
        ),
    )
    not_these = set((await tx.execute(unwilling)).scalars())
    for account_id in dict.fromkeys(wanted):
        if account_id not in not_these:
            _add(tx, account_id, from_account.id, kind, status_id, None)


def _add(
    tx: Transaction,
    account_id: int,
    from_account_id: int,
    kind: Kind,
    status_id: int | None,
    painting_id: int | None,
) -> None:
    notification = Notification(
        id=tx.new_id(),
        account_id=account_id,
        from_account_id=from_account_id,
        type=kind,
        status_id=status_id,
        painting_id=painting_id,
        created_at=tx.now,
    )
    tx.add(notification)
    tx.emit(Event(f"account:{account_id}", "notification", {"id": str(notification.id)}))


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


async def forget(tx: Transaction, account_id: int, from_account_id: int) -> None:
    """An account wants to hear nothing of another, nor to have heard anything."""
    await tx.execute(
        delete(Notification).where(
            col(Notification.account_id) == account_id,
            col(Notification.from_account_id) == from_account_id,
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
