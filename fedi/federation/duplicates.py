"""Which activities came already: each has its effect once, however often it is sent."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import bindparam, delete, select
from sqlmodel import col

from fedi.database import Transaction
from fedi.database.insertion import insert_many, table_of
from fedi.database.tables import ReceivedActivity

REMEMBERED_FOR = timedelta(days=30)  # a signature is good for hours, a peer's retries for days
PRUNE_EVERY = 1024  # one activity in so many clears away what is older


_RECEIVED = table_of(ReceivedActivity).c
_KNOWN = select(_RECEIVED.digest).where(_RECEIVED.digest.in_(bindparam("keys", expanding=True)))


async def first_time(tx: Transaction, actor: str | None, activity_id: str | None) -> bool:
    """Note that an activity came; False if it did before.

    The note is under its actor and its id together, so that nobody can use up another's id. What
    is undone before it came is noted, too: it comes too late.
    """
    return (await first_times(tx, [(actor, activity_id)]))[0]


async def first_times(tx: Transaction, came: Sequence[tuple[str | None, str | None]]) -> list[bool]:
    """`first_time` for many: actors and the ids of their activities."""
    keys = [_key(actor, activity_id) for actor, activity_id in came]
    known = set((await tx.execute_core(_KNOWN, {"keys": keys})).scalars())
    now = tx.now
    # In one order everywhere, so that two transactions never wait for each other's.
    rows = [{"digest": key, "received_at": now} for key in sorted(set(keys) - known)]
    new = await insert_many(tx, ReceivedActivity, rows, "digest")
    await _prune(tx, len(came))
    found = []
    for key in keys:
        found.append(key in new)
        new.discard(key)
    return found


def _key(actor: str | None, activity_id: str | None) -> str:
    return hashlib.sha256(f"{actor}\n{activity_id}".encode()).hexdigest()


async def _prune(tx: Transaction, came: int) -> None:
    if tx.new_id() % PRUNE_EVERY < came:
        old = delete(ReceivedActivity).where(
            col(ReceivedActivity.received_at) < tx.now - REMEMBERED_FOR
        )
        await tx.execute(old)
