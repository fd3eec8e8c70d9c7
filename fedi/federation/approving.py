"""The `approval` job: whether the author of a post agrees to an answer from elsewhere (GoToSocial).

Only a stamp that the server of that author shows is leave; without one nobody is shown the answer.
"""

from __future__ import annotations

from datetime import timedelta

from fedi.database.tables import Account, Status
from fedi.federation import stamps
from fedi.jobs import Backoff, Claimed, handles
from fedi.runtime import Easel
from fedi.social import consent

BACKOFF = Backoff(first=timedelta(minutes=1), factor=10)
STAMPS = frozenset({"ReplyApproval", "ReplyAuthorization", "Accept"})


@handles("approval", attempts=4, at_once=4, backoff=BACKOFF)
async def approval(easel: Easel, job: Claimed) -> None:
    """Read the stamp of an answer that is held, and settle whether it may be seen."""
    async with easel.database.read() as session:
        status = await session.get(Status, job.payload["status_id"])
        if status is None or not status.held or status.local or status.in_reply_to_id is None:
            return
        parent = await session.get(Status, status.in_reply_to_id)
        author = await session.get(Account, status.account_id)
        assert parent is not None and author is not None
        owner = await session.get(Account, parent.account_id)
        assert owner is not None
        # What came before its post waits until somebody looks; perhaps it needed no stamp.
        waits = status.approval == consent.PENDING
        good = waits and not await consent.is_needed(session, author, parent)
    stamp = status.approved_by
    if not good and stamp is not None and not owner.local:
        with stamps.reading():
            good = await stamps.holds(easel, stamp, STAMPS, owner, parent, status)
    async with easel.database.write() as tx:
        if good:
            await consent.settle(tx, status, stamp)
        await job.finish(tx)
