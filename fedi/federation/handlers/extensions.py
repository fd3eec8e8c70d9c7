"""Everything that means nothing here: activities of types that we never heard of, and a Create or
an Update of objects of such types. Those of ours whom they are for find them in their inbox."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from activitypub.addressing import PUBLIC_NAMES
from activitypub.errors import Malformed
from activitypub.objects import Activity, values
from activitypub.objects.actor import ACTOR_TYPES
from activitypub.objects.note import NOTE_TYPES
from fedi.database import Transaction
from fedi.database.tables import Account
from fedi.federation.handlers.effects import Effect, Handler
from fedi.runtime import Easel
from fedi.social import extensions

# PeerTube 7 tells all followers of each time that somebody watches a film.
COUNTED_ELSEWHERE = frozenset({"View"})
KNOWN = NOTE_TYPES | ACTOR_TYPES


def handler_of(activity: Activity, document: Mapping[str, Any]) -> Handler | None:
    """Who keeps what is of no known type; None, if nobody needs to.

    Args:
        activity: what came, of a type that has no handler, or that makes or changes something.
        document: the same, as it came.
    """
    if activity.type in COUNTED_ELSEWHERE:
        return None
    if activity.type == "Update":
        return _update if _is_strange(activity) else None

    async def keep(easel: Easel, actor: Account, activity: Activity) -> Effect | None:
        named = [*activity.to, *activity.cc, *activity.audience, *activity.bto, *activity.bcc]
        for_followers = bool(actor.followers_uri) and actor.followers_uri in named
        people = [uri for uri in named if uri not in PUBLIC_NAMES]

        async def effect(tx: Transaction) -> None:
            await extensions.keep(tx, actor, document, people, for_followers=for_followers)

        return effect

    return keep if activity.type != "Create" or _is_strange(activity) else None


def _is_strange(activity: Activity) -> bool:
    """Whether an activity brings an object of a type that we never heard of."""
    if activity.object is None or activity.object_id is None:
        return False
    try:
        return values.kind(activity.object) not in KNOWN
    except Malformed:
        return False


async def _update(easel: Easel, actor: Account, activity: Activity) -> Effect | None:
    object_ = activity.object
    assert object_ is not None

    async def effect(tx: Transaction) -> None:
        await extensions.change(tx, actor, object_)

    return effect
