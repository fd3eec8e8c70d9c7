"""Marking what went out and is not offered any more, where no author's word did it in its own
transaction: a post that was deleted, an account that moderators hide, a remix of either.

That takes a look at everything that went out. So nobody's request waits for it, and none can ask
for it: a job does it every few minutes, an export and a stream for themselves.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from weakref import WeakKeyDictionary

from fedi.database import Transaction
from fedi.jobs import Claimed, chore, enqueue, handles
from fedi.runtime import Easel
from fedi.social.training import ledger

MARK = "dataset_mark"
EVERY = timedelta(minutes=10)
ATTEMPTS = 5  # the next one comes anyway

_looked: WeakKeyDictionary[Easel, datetime] = WeakKeyDictionary()


@chore
async def ask(easel: Easel, tx: Transaction, ending: bool) -> None:
    """Ask for it now and then, once anything went out."""
    if ending or tx.now - _looked.setdefault(easel, tx.now) < EVERY:
        return
    _looked[easel] = tx.now
    if await ledger.is_anything_out(tx):
        await enqueue(tx, MARK, {}, unique_key=MARK)


@handles(MARK, attempts=ATTEMPTS, at_once=1)
async def mark(easel: Easel, job: Claimed) -> None:
    """Mark it."""
    await catch_up(easel)


async def catch_up(easel: Easel) -> None:
    """Mark all that is to be marked: looked for in reading, marked in short transactions."""
    while True:
        async with easel.database.read() as session:
            found = await ledger.overdue(session)
        if not found:
            return
        async with easel.database.write() as tx:
            await ledger.withdraw(tx, item_ids=found)
