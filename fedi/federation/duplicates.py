"""Which activities came already: each has its effect once, however often it is sent."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from sqlalchemy import delete
from sqlmodel import col

from fedi.database import Transaction
from fedi.database.insertion import insert_new
from fedi.database.tables import ReceivedActivity

REMEMBERED_FOR = timedelta(days=30)  # a signature is good for hours, a peer's retries for days
PRUNE_EVERY = 1024  # one activity in so many clears away what is older


async def first_time(tx: Transaction, actor: str | None, activity_id: str | None) -> bool:
    """Note that an activity came; False if it did before.

    The note is under its actor and its id together, so that nobody can use up another's id. What
    is undone before it came is noted, too: it comes too late.
    """
    key = hashlib.sha256(f"{actor}\n{activity_id}".encode()).hexdigest()
    new = await insert_new(tx, ReceivedActivity, {"digest": key, "received_at": tx.now})
    if tx.new_id() % PRUNE_EVERY == 0:
        old = delete(ReceivedActivity).where(
            col(ReceivedActivity.received_at) < tx.now - REMEMBERED_FOR
        )
        await tx.execute(old)
    return bool(new)
