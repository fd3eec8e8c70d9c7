"""Everything that means nothing here: activities of types that we never heard of, and a Create or
an Update of objects of such types. Those of ours whom they are for find them in their inbox; and
so they do what somebody puts into a collection of their own, of which only pins mean anything."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from activitypub.addressing import PUBLIC_NAMES
from activitypub.client import FetchError
from activitypub.errors import Malformed
from activitypub.objects import Activity, values
from activitypub.objects.actor import ACTOR_TYPES
from activitypub.objects.note import NOTE_TYPES
from fedi.database import Transaction
from fedi.database.tables import Account
from fedi.federation.handlers.effects import Effect, Handler
from fedi.runtime import Easel
from fedi.social import extensions
from fedi.social.errors import SocialError

# PeerTube 7 tells its followers, as the server, of each time that somebody watches a film: that is
# for counting. Of people who say by an app what they saw, it is kept.
COUNTED_ELSEWHERE = frozenset({"View"})
SERVER = "Application"

SORTED = frozenset({"Add", "Remove"})  # which may mean something here, and are kept all the same
KNOWN = NOTE_TYPES | ACTOR_TYPES


def handler_of(activity: Activity, document: Mapping[str, Any]) -> Handler | None:
    """Who keeps what is of no known type; None, if nobody needs to.

    Args:
        activity: what came, of a type that has no handler, or that makes or changes something.
        document: the same, as it came.
    """
    if activity.type == "Update":
        return _update if _is_strange(activity) else None
    if activity.type == "Create" and not _is_strange(activity):
        return None

    async def keep(easel: Easel, actor: Account, activity: Activity) -> Effect | None:
        if activity.type in COUNTED_ELSEWHERE and actor.actor_type == SERVER:
            return None
        return _kept(actor, activity, document)

    return keep


def kept_besides(document: Mapping[str, Any], handler: Handler | None) -> Handler:
    """What an Add or a Remove does here, if it does anything, and that it is kept.

    Args:
        document: it, as it came.
        handler: who does what it means here.
    """

    async def both(easel: Easel, actor: Account, activity: Activity) -> Effect | None:
        done = None
        try:
            done = await handler(easel, actor, activity) if handler is not None else None
        except Malformed:
            pass  # what is there is no post: nothing is pinned
        except FetchError as error:
            if not error.permanent:
                raise
        kept = _kept(actor, activity, document)

        async def effect(tx: Transaction) -> None:
            if done is not None:
                with contextlib.suppress(SocialError):  # one too many, or not for everybody
                    await done(tx)
            await kept(tx)

        return effect

    return both


def _kept(actor: Account, activity: Activity, document: Mapping[str, Any]) -> Effect:
    """That those of ours whom an activity is for find it in their inbox."""
    named = [*activity.to, *activity.cc, *activity.audience, *activity.bto, *activity.bcc]
    for_followers = bool(actor.followers_uri) and actor.followers_uri in named
    # Mastodon 4.6 says to nobody what it tells all followers.
    for_followers = for_followers or (not named and activity.type in SORTED)
    people = [uri for uri in named if uri not in PUBLIC_NAMES]

    async def effect(tx: Transaction) -> None:
        await extensions.keep(tx, actor, document, people, for_followers=for_followers)

    return effect


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
