"""Posts that somebody shows at the top of their profile."""

from __future__ import annotations

from sqlalchemy import delete, func
from sqlmodel import col, select

from fedi.database import Transaction
from fedi.database.insertion import add_once
from fedi.database.tables import Account, Pin, Status
from fedi.social.errors import Invalid
from fedi.social.visibility import SHOWN_TO_ALL

MAX_PINS = 20  # kept of somebody elsewhere; Mastodon lets people pin 5, others more


async def add(tx: Transaction, account: Account, status: Status) -> None:
    """Pin a post; pinning twice is pinning once.

    Raises:
        Invalid: it is not theirs, a boost, not for everybody, or one too many.
    """
    if status.account_id != account.id or status.reblog_of_id is not None:
        raise Invalid("Only own posts can be pinned.")
    if status.visibility not in SHOWN_TO_ALL:
        raise Invalid("Only posts for everybody can be pinned.")
    mine = select(func.count()).select_from(Pin).where(col(Pin.account_id) == account.id)
    if ((await tx.execute(mine)).scalar() or 0) >= MAX_PINS:
        raise Invalid(f"At most {MAX_PINS} posts can be pinned.")
    pin = Pin(id=tx.new_id(), account_id=account.id, status_id=status.id, created_at=tx.now)
    await add_once(tx, pin)


async def remove(tx: Transaction, account: Account, status: Status) -> None:
    """Pin a post no more; nothing happens if it was not."""
    await tx.execute(
        delete(Pin).where(col(Pin.account_id) == account.id, col(Pin.status_id) == status.id)
    )
