"""How far somebody has read a timeline, for all of their apps."""

from __future__ import annotations

from sqlmodel import col, select

from fedi.database import Session, Transaction
from fedi.database.insertion import insert_into
from fedi.database.tables import Account, Marker


async def of_account(session: Session, account: Account) -> list[Marker]:
    """All markers of an account."""
    rows = await session.exec(
        select(Marker).where(Marker.account_id == account.id).order_by(col(Marker.timeline))
    )
    return list(rows.all())


async def put(tx: Transaction, account: Account, timeline: str, last_read_id: int) -> None:
    """Note how far a timeline is read; each time it is a version more."""
    insert = insert_into(tx, Marker).values(
        account_id=account.id,
        timeline=timeline,
        last_read_id=last_read_id,
        version=1,
        updated_at=tx.now,
    )
    said = {
        "last_read_id": last_read_id,
        "version": Marker.version + 1,  # type: ignore[operator, unused-ignore]
        "updated_at": tx.now,
    }
    await tx.execute(
        insert.on_conflict_do_update(index_elements=["account_id", "timeline"], set_=said)
    )
