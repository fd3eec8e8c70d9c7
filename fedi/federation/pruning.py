"""The `prune` job: every hour, what nobody here needs any more is let go (`social.pruning`)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from weakref import WeakKeyDictionary

from fedi.database import Transaction
from fedi.jobs import Claimed, chore, enqueue, handles
from fedi.runtime import Easel
from fedi.social import extensions, previews, pruning

EVERY = timedelta(hours=1)
BATCH = min(pruning.BATCH, previews.BATCH, extensions.BATCH)  # fewer than so many are the last
BATCHES = 100  # of each kind in one go; the rest is left for the next
ATTEMPTS = 1000  # a job that lay dead would be the last

_asked: WeakKeyDictionary[Easel, datetime] = WeakKeyDictionary()


@chore
async def ask(easel: Easel, tx: Transaction, ending: bool) -> None:
    """Ask for it once an hour, if there is anything to let go."""
    if ending or tx.now - _asked.setdefault(easel, tx.now) < EVERY:
        return
    _asked[easel] = tx.now
    if await pruning.is_due(tx, _kept_for(easel)) or await previews.is_stale(tx):
        await enqueue(tx, "prune", {}, unique_key="prune")


def _kept_for(easel: Easel) -> timedelta | None:
    """For how long posts are kept that a relay told of; None: for good."""
    days = easel.settings.federation.relayed_days
    return timedelta(days=days) if days else None


@handles("prune", attempts=ATTEMPTS, at_once=1)
async def prune(easel: Easel, job: Claimed) -> None:
    """Let go of what is too old, in short transactions."""
    await _in_batches(easel, pruning.drop_tombstones)
    await _in_batches(easel, previews.drop_stale)
    await _in_batches(easel, extensions.drop_old)
    kept_for = _kept_for(easel)
    if kept_for is not None:
        await _in_batches(easel, partial(pruning.drop_relayed, kept_for=kept_for))


async def _in_batches(easel: Easel, drop: Callable[[Transaction], Awaitable[int]]) -> None:
    for _ in range(BATCHES):
        async with easel.database.write() as tx:
            looked_at = await drop(tx)
        if looked_at < BATCH:
            return
