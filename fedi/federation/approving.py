"""The `approval` job: whether the author of a post agrees to an answer from elsewhere (GoToSocial).

Only a stamp that the server of that author shows is leave; without one nobody is shown the answer.
"""

from __future__ import annotations

from datetime import timedelta

from activitypub import origin
from activitypub.client import FetchError
from activitypub.errors import Malformed
from activitypub.objects import Activity, Approval, values
from fedi.database.tables import Account, Status
from fedi.federation import remote
from fedi.jobs import Backoff, Claimed, Retry, handles
from fedi.runtime import Easel
from fedi.social import consent

BACKOFF = Backoff(first=timedelta(minutes=1), factor=10)
STAMPS = frozenset({"ReplyApproval", "ReplyAuthorization"})


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
    try:
        good = good or await _agreed(easel, status, parent, owner)
    except Malformed:
        pass
    except FetchError as error:
        if not error.permanent:
            raise Retry(error.reason) from error
    async with easel.database.write() as tx:
        if good:
            await consent.settle(tx, status, stamp)
        await job.finish(tx)


async def _agreed(easel: Easel, status: Status, parent: Status, owner: Account) -> bool:
    """Whether the stamp is of the author of what is answered, and for this answer to it."""
    stamp = status.approved_by
    if stamp is None or owner.local or not origin.same_origin(stamp, owner.uri):
        return False
    got = await easel.client.get_document(stamp, await remote.instance_signer(easel))
    if values.kind(got.document) == "Accept":  # GoToSocial 0.17 and 0.18 stamped with it
        accept = Activity.parse(got.document)
        return (accept.id, accept.actor, accept.object_id) == (stamp, owner.uri, status.uri)
    shown = Approval.parse(got.document)
    return (
        shown.type in STAMPS
        and shown.id == stamp
        and shown.attributed_to == owner.uri
        and shown.object == status.uri
        and shown.target == parent.uri
    )
