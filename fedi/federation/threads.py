"""What a post that came here is part of: what it answers, if we do not have it, and what answers
it.

One answer leads to a bounded number of fetches, one job each, however long its thread claims to
be; what is fetched is stored for the thread and put before nobody.
"""

from __future__ import annotations

from datetime import timedelta

from activitypub import origin
from activitypub.client import FetchError
from activitypub.errors import Malformed
from fedi.database import Transaction
from fedi.database.tables import Status
from fedi.federation import answers, remote
from fedi.jobs import Backoff, Claimed, Retry, enqueue, handles
from fedi.runtime import Easel
from fedi.social.statuses import SHOWN_TO_ALL

MAX_PARENTS = 20  # fetched for one answer; a chain of thousands is an attack
BACKOFF = Backoff(first=timedelta(minutes=1), factor=10)


async def look_up(tx: Transaction, status: Status) -> None:
    """Ask for what a post answers, and for what answers it.

    Args:
        status: a post from elsewhere that was sent here.
    """
    await _above(tx, status, MAX_PARENTS)
    if status.visibility in SHOWN_TO_ALL:
        await answers.look_up(tx, status, delay=answers.FRESH_AFTER)


async def _above(tx: Transaction, status: Status, left: int) -> None:
    """Ask for what a post answers, if it is another server's and not here; `left` is how many
    more may be fetched."""
    uri = status.in_reply_to_uri
    if uri is None or status.in_reply_to_id is not None or left < 1:
        return
    if origin.origin(uri) in {None, tx.instance.url}:
        return
    await enqueue(tx, "parent", {"uri": uri, "left": left}, unique_key=f"parent {uri}")


@handles("parent", attempts=3, at_once=4, backoff=BACKOFF)
async def parent(easel: Easel, job: Claimed) -> None:
    """Fetch a post that another one answers; then what that one answers, and at the beginning of
    the thread whatever else there is in it."""
    try:
        status = await remote.status(easel, job.payload["uri"])
    except Malformed:
        return
    except FetchError as error:
        if error.permanent:
            return
        raise Retry(error.reason) from error
    if status is None:
        return
    async with easel.database.write() as tx:
        await job.finish(tx)
        await _above(tx, status, job.payload["left"] - 1)
        if status.in_reply_to_uri is None:
            await answers.look_up(tx, status)
