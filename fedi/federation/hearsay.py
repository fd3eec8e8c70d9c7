"""Activities that another sends than their actor, as servers do with the answers in a thread.

One is believed if it proves by itself who made it, or if its own server still shows the same. Of
what is neither, those who may be heard give a hint where to look.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy.orm import aliased
from sqlmodel import col, select

from activitypub import json, origin, proofs
from activitypub.client import FetchError
from activitypub.errors import Malformed
from activitypub.objects import Activity
from activitypub.signatures import Reason, Refused, Verified
from fedi.database.tables import Account, Follow, Status
from fedi.federation import keys, newcomers, remote, threads
from fedi.jobs import Backoff, Claimed, enqueue, handles
from fedi.runtime import Easel
from fedi.social import accounts, follows

# A proof that says nothing is no proof; one that lies is the end of it (FEP-8b32, Verification).
ANOTHER_WAY = frozenset(
    {Reason.UNSIGNED, Reason.UNSUPPORTED, Reason.EXPIRED, Reason.KEY_ID, Reason.KEY_UNAVAILABLE}
)
REFETCHES_AT_ONCE = 16  # a sender of forgeries must not make us ask everybody

CONFIRMABLE = frozenset({"Create", "Delete", "Update"})  # its server can be asked whether it is so
CONFIRM_AFTER = timedelta(seconds=10)  # many may pass on the same; it is asked for once
BACKOFF = Backoff(first=timedelta(minutes=1), factor=10)

_refetching: WeakKeyDictionary[Easel, int] = WeakKeyDictionary()


async def believed(
    easel: Easel, document: Mapping[str, Any], activity: Activity, body: bytes
) -> bytes | Refused:
    """What to take in as the work of the activity's actor, though another signed the request.

    Returns:
        The body: as it came, if it is proven; as its own server shows it otherwise.
    """
    if origin.same_origin(activity.actor, easel.settings.instance.url):
        return Refused(
            reason=Reason.NOT_OWNER, detail="Nobody brings us what somebody of ours said."
        )
    proven = await proofs.verify(document, keys.of(easel).find, easel.clock.now(), size=len(body))
    if isinstance(proven, Verified):
        return body
    if proven.reason not in ANOTHER_WAY:
        return proven
    if not origin.same_origin(activity.id, activity.actor):
        return _refused(proven)
    under_way = _refetching.get(easel, 0)
    if under_way >= REFETCHES_AT_ONCE:
        return Refused(
            reason=Reason.KEY_UNAVAILABLE, detail="Too many activities are looked up.", status=503
        )
    _refetching[easel] = under_way + 1
    try:
        return await _refetched(easel, activity, proven)
    finally:
        _refetching[easel] -= 1


async def _refetched(easel: Easel, activity: Activity, proven: Refused) -> bytes | Refused:
    assert activity.id is not None
    try:
        await newcomers.meet(easel, activity.id)
        got = await easel.client.get_document(activity.id, await remote.instance_signer(easel))
        found = Activity.parse(got.document)
    except Malformed:
        return _refused(proven)
    except FetchError as error:
        if not error.permanent:
            return Refused(reason=Reason.KEY_UNAVAILABLE, detail=error.reason, status=503)
        return _refused(proven)
    if (found.id, found.actor, found.type) != (activity.id, activity.actor, activity.type):
        return _refused(proven)
    return json.encode(got.document)


def _refused(proven: Refused) -> Refused:
    detail = f"Refused: {origin.Forbidden.NOT_SIGNER}."
    if proven.reason is not Reason.UNSIGNED:
        detail += f" {proven.detail}"
    return Refused(reason=Reason.UNPROVEN, detail=detail)


async def take(easel: Easel, activity: Activity, signer: str) -> bool:
    """Take in what somebody passed on: as a hint to ask the server that it is from.

    Only those whom somebody here follows may do so, and only what is addressed to their own
    followers; all else is somebody speaking for another.

    Args:
        activity: what came.
        signer: who sent it, and is not its actor.

    Returns:
        Whether it was taken.
    """
    actor = activity.actor
    if activity.type not in CONFIRMABLE or actor is None:
        return False
    if origin.same_origin(actor, easel.settings.instance.url) or origin.check(activity, actor):
        return False
    addressed = [*activity.to, *activity.cc, *activity.audience]
    follower = aliased(Account)
    query = (
        select(Follow.id)
        .join(Account, col(Account.id) == col(Follow.target_account_id))
        .join(follower, col(follower.id) == col(Follow.account_id))
        .where(
            Account.uri == signer,
            col(Account.followers_uri).in_(addressed),
            col(Account.suspended_at).is_(None),
            Follow.state == follows.ACCEPTED,
            col(follower.domain).is_(None),
        )
    )
    async with easel.database.read() as session:
        if (await session.exec(query.limit(1))).first() is None:
            return False
    hint = {"type": activity.type, "actor": actor, "id": activity.id, "object": activity.object_id}
    async with easel.database.write() as tx:
        key = f"forwarded {activity.type} {activity.object_id}"
        await enqueue(tx, "forwarded", hint, delay=CONFIRM_AFTER, unique_key=key)
    return True


@handles("forwarded", attempts=5, at_once=4, backoff=BACKOFF)
async def forwarded(easel: Easel, job: Claimed) -> None:
    """Ask the server of an actor whether it is so; then do what it says, not what was passed on."""
    actor, uri = job.payload["actor"], job.payload["object"]
    try:
        match job.payload["type"]:
            case "Create":
                status = await remote.status(
                    easel, uri, belongs=lambda note: note.attributed_to == actor
                )
                confirmed = False
            case "Delete":
                status, confirmed = None, await _is_gone(easel, actor, uri)
            case _:
                status, confirmed = None, True  # the handler reads it from there
    except Malformed:
        return
    except FetchError as error:
        remote.retry(error)
        return
    async with easel.database.write() as tx:
        if status is not None:
            await threads.look_up(tx, status)
        if confirmed:
            hint = Activity(
                id=job.payload["id"], type=job.payload["type"], actor=actor, object_id=uri
            )
            body = json.encode(hint.document()).decode()
            lane = origin.host(actor) or ""
            await enqueue(tx, "incoming", {"body": body, "signer": actor}, lane=lane)
        await job.finish(tx)


async def _is_gone(easel: Easel, actor: str, uri: str) -> bool:
    """Whether what we know under an id is gone where it came from.

    Raises:
        FetchError: that cannot be told now.
    """
    async with easel.database.read() as session:
        known = (await session.exec(select(Status).where(Status.uri == uri))).first()
        author = await accounts.by_uri(session, actor)
    if uri == actor:
        return author is not None and await remote.is_gone(easel, actor)
    if known is None or author is None or known.account_id != author.id:
        return False
    return await remote.reread(easel, known) is None
