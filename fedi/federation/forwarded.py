"""Activities that somebody else sends on, as servers do with the answers in a thread: believed if
they prove by themselves who made them, or if their own server still says the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

from activitypub import json, origin, proofs
from activitypub.client import FetchError
from activitypub.errors import Malformed
from activitypub.objects import Activity
from activitypub.signatures import Reason, Refused, Verified
from fedi.federation import newcomers, remote
from fedi.runtime import Easel

# A proof that says nothing is no proof; one that lies is the end of it (FEP-8b32, Verification).
ANOTHER_WAY = frozenset(
    {Reason.UNSIGNED, Reason.UNSUPPORTED, Reason.EXPIRED, Reason.KEY_ID, Reason.KEY_UNAVAILABLE}
)
REFETCHES_AT_ONCE = 16  # a sender of forgeries must not make us ask everybody

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
    proven = await proofs.verify(
        document, remote.keys(easel).find, easel.clock.now(), size=len(body)
    )
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
