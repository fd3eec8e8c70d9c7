"""The `poll_end` job: a poll is over, and those who have to do with it are told."""

from __future__ import annotations

from activitypub.client import FetchError
from activitypub.errors import Malformed
from fedi.database.tables import Account, Status
from fedi.federation.handlers import rereading
from fedi.jobs import Claimed, handles
from fedi.runtime import Easel
from fedi.social import polls


@handles("poll_end", attempts=6, at_once=4)
async def poll_end(easel: Easel, job: Claimed) -> None:
    """Tell of the end of a poll; of one elsewhere, its author's server is asked for the counts."""
    status_id: int = job.payload["status_id"]
    async with easel.database.read() as session:
        status = await session.get(Status, status_id)
        poll = await polls.of_status(session, status_id)
    if status is None or poll is None or status.deleted_at is not None:
        return
    effect = None
    if not status.local:
        try:
            effect = await rereading.again(easel, status)
        except (FetchError, Malformed):
            effect = None  # the counts that are here will do
    async with easel.database.write() as tx:
        if effect is not None:
            await effect(tx)
        current = await tx.get(Status, status_id)
        poll = await polls.of_status(tx, status_id)
        if current is not None and current.deleted_at is None and poll is not None:
            if poll.ends_at is not None and poll.ends_at > tx.now:
                await polls.expect_end(tx, poll)  # its author changed their mind
            elif not (current.local and poll.closed):
                author = await tx.get_one(Account, current.account_id)
                await polls.end(tx, current, poll, author)
        await job.finish(tx)
