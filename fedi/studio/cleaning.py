"""What paintings began with is let go: once a day, and when where it is from goes.

A tie between a picture and a painting lasts

- while the painting waits, whatever becomes of the source: what was allowed when it was asked for
  is painted. Only a source whose author is suspended, or an asker who is gone, ends it at once.
- then for `painting.inputs_days`, so that the recipe can be repeated, while the source still
  stands (`inputs.stands`): a file that was sent along has nowhere else to be, the picture of a
  post is there as long as its author shares it.

A copy with no tie goes, and its file with it. Beside that, an account's newest ones have the place
that the settings give it (`limits.make_room`).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from weakref import WeakKeyDictionary

from sqlalchemy import ColumnElement, func, or_
from sqlmodel import col, select

from fedi.database import Transaction
from fedi.database.tables import Account, MediaAttachment, Painting, PaintingInput, RemoteFile
from fedi.jobs import Claimed, chore, enqueue, handles
from fedi.runtime import Easel
from fedi.social.forgetting import FORGET_INPUTS
from fedi.studio import inputs, orphans
from fedi.studio.limits import WAITING

CLEAN = "clean"  # the job of every day; there is always one that waits for its time
EVERY = timedelta(days=1)
LOOK = timedelta(hours=1)  # between looks whether there is one
BATCH = 200  # paintings whose ties are looked at in one transaction
ATTEMPTS = 1000  # a job that lay dead would be the last

_looked: WeakKeyDictionary[Easel, datetime] = WeakKeyDictionary()


@chore
async def ask(easel: Easel, tx: Transaction, ending: bool) -> None:
    """Ask for the first job, once there is anything that could go; each asks for the next."""
    if ending or tx.now - _looked.setdefault(easel, tx.now) < LOOK:
        return
    _looked[easel] = tx.now
    for row in (Painting.id, MediaAttachment.id, RemoteFile.id):
        if (await tx.exec(select(row).limit(1))).first() is not None:
            await enqueue(tx, CLEAN, {}, delay=EVERY, unique_key=CLEAN)
            return


@handles(CLEAN, attempts=ATTEMPTS, at_once=1)
async def clean(easel: Easel, job: Claimed) -> None:
    """Let go of what is over, in short transactions; then look for files that nobody needs."""
    after = 0
    while True:
        async with easel.database.read() as session:
            query = (
                select(PaintingInput.painting_id)
                .where(col(PaintingInput.painting_id) > after)
                .order_by(col(PaintingInput.painting_id))
                .distinct()
                .limit(BATCH)
            )
            looked_at = (await session.exec(query)).all()
            these = col(PaintingInput.painting_id).in_(looked_at)
            some = select(PaintingInput.digest).where(these, _over(easel, session.now)).limit(1)
            found = (await session.exec(some)).first() if looked_at else None
        if found is not None:
            async with easel.database.write() as tx:
                await inputs.let_go(tx, these & _over(easel, tx.now))
        if len(looked_at) < BATCH:
            break
        after = looked_at[-1]
    async with easel.database.write() as tx:
        await job.finish(tx)
        await enqueue(tx, CLEAN, {}, delay=EVERY, unique_key=CLEAN)
        await orphans.ask(tx)


@handles(FORGET_INPUTS, attempts=5)
async def forget(easel: Easel, job: Claimed) -> None:
    """Where some pictures are from, or who began with them, has gone."""
    async with easel.database.write() as tx:
        of_these = or_(
            col(PaintingInput.medium_id).in_(job.payload.get("media_ids", [])),
            col(PaintingInput.account_id) == job.payload.get("account_id"),
        )
        await inputs.let_go(tx, of_these & _over(easel, tx.now))
        await job.finish(tx)


@handles(inputs.DROP, attempts=5)
async def drop(easel: Easel, job: Claimed) -> None:
    """Remove the files of copies that went."""
    for key in job.payload["keys"]:
        await easel.storage.delete(key)


def _over(easel: Easel, now: datetime) -> ColumnElement[bool]:
    """Which ties last no longer."""
    kept_for = timedelta(days=easel.settings.painting.inputs_days)
    painting = select(Painting.id).where(col(Painting.id) == col(PaintingInput.painting_id))
    waits = painting.where(col(Painting.state).in_(WAITING)).correlate(PaintingInput).exists()
    ended = func.coalesce(col(Painting.finished_at), col(Painting.created_at))
    long_ago = painting.where(ended < now - kept_for).correlate(PaintingInput).exists()
    gone = select(Account.id).where(
        col(Account.id) == col(PaintingInput.account_id), col(Account.deleted_at).is_not(None)
    )
    barred = (
        select(MediaAttachment.id)
        .join(Account, col(Account.id) == col(MediaAttachment.account_id))
        .where(
            col(MediaAttachment.id) == col(PaintingInput.medium_id),
            col(Account.suspended_at).is_not(None),
        )
    )
    return or_(
        gone.correlate(PaintingInput).exists(),
        barred.correlate(PaintingInput).exists(),
        ~waits & (long_ago | ~inputs.stands()),
    )
