"""What those who run this instance did: written down with it, in one transaction, and kept."""

from __future__ import annotations

from typing import Any

from sqlmodel import col, select

from fedi.database import Session, Transaction
from fedi.database.tables import Account, AuditEntry
from fedi.social import paging
from fedi.social.paging import Page

MAX_TARGET = 300  # characters


async def note(
    tx: Transaction,
    staff: Account | None,
    action: str,
    target: str,
    target_id: int | None = None,
    **details: Any,
) -> None:
    """Write down what was done.

    Args:
        staff: who did it; the command line, if None.
        action: such as `account.suspend`.
        target: to what, as people know it.
        target_id: the number of its row.
        details: what else is worth knowing, as JSON.
    """
    tx.add(
        AuditEntry(
            id=tx.new_id(),
            account_id=None if staff is None else staff.id,
            actor="" if staff is None else staff.acct,
            action=action,
            target=target[:MAX_TARGET],
            target_id=target_id,
            details=details,
            created_at=tx.now,
        )
    )
    await tx.flush()


async def newest(
    session: Session, page: Page, *, actor: str = "", target: str = ""
) -> list[AuditEntry]:
    """What was done last.

    Args:
        actor: by whom alone.
        target: to what alone.
    """
    query = select(AuditEntry)
    if actor:
        query = query.where(AuditEntry.actor == actor)
    if target:
        query = query.where(AuditEntry.target == target)
    return await paging.rows(session, query, page, col(AuditEntry.id))
