"""What a post that came here is part of: what it answers, if we do not have it, and what answers
it.

One answer leads to a bounded number of fetches, one job each, however long its thread claims to
be; what is fetched is stored for the thread and put before nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from activitypub import origin
from activitypub.client import FetchError
from activitypub.errors import Malformed
from fedi.database import Transaction
from fedi.database.tables import Status
from fedi.federation import answers, remote
from fedi.jobs import Backoff, Claimed, NewJob, enqueue_many, handles
from fedi.runtime import Easel
from fedi.social.statuses import SHOWN_TO_ALL, NewStatus

MAX_PARENTS = 20  # fetched for one answer; a chain of thousands is an attack
BACKOFF = Backoff(first=timedelta(minutes=1), factor=10)


async def look_up(tx: Transaction, status: Status) -> None:
    """Ask for what a post answers, and for what answers it.

    Args:
        status: a post from elsewhere that was sent here.
    """
    await _above(tx, [status], MAX_PARENTS)
    if status.visibility in SHOWN_TO_ALL:
        await answers.look_up(tx, status, delay=answers.FRESH_AFTER)


async def look_up_all(tx: Transaction, statuses: Sequence[NewStatus]) -> None:
    """`look_up` for many that have just been stored."""
    await _above(tx, statuses, MAX_PARENTS)
    shown = [status for status in statuses if status.visibility in SHOWN_TO_ALL]
    await answers.look_up_new(tx, shown, delay=answers.FRESH_AFTER)


async def _above(tx: Transaction, statuses: Iterable[Status | NewStatus], left: int) -> None:
    """Ask for what posts answer, if it is another server's and not here; `left` is how many
    more may be fetched."""
    wanted = {
        status.in_reply_to_uri
        for status in statuses
        if status.in_reply_to_uri is not None and status.in_reply_to_id is None
    }
    jobs = [
        NewJob({"uri": uri, "left": left}, unique_key=f"parent {uri}")
        for uri in sorted(wanted)
        if left > 0 and origin.origin(uri) not in {None, tx.instance.url}
    ]
    await enqueue_many(tx, "parent", jobs)


@handles("parent", attempts=3, at_once=4, backoff=BACKOFF)
async def parent(easel: Easel, job: Claimed) -> None:
    """Fetch a post that another one answers; then what that one answers, and at the beginning of
    the thread whatever else there is in it."""
    try:
        status = await remote.status(easel, job.payload["uri"])
    except Malformed:
        return
    except FetchError as error:
        remote.retry(error)
        return
    if status is None:
        return
    async with easel.database.write() as tx:
        await job.finish(tx)
        await _above(tx, [status], job.payload["left"] - 1)
        if status.in_reply_to_uri is None:
            await answers.look_up(tx, status)
