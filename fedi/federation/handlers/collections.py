"""Add and Remove: posts that somebody pins to their profile, in a collection of their own."""

from __future__ import annotations

from activitypub import origin
from activitypub.objects import Activity, values
from activitypub.objects.note import NOTE_TYPES
from fedi.database import Transaction
from fedi.database.tables import Account
from fedi.federation import remote
from fedi.federation.handlers.effects import Effect, status_by_uri
from fedi.runtime import Easel
from fedi.social import pins


def _is_pin(actor: Account, activity: Activity) -> bool:
    """Whether it is a post of the actor's and their very own collection of pinned posts."""
    if not actor.featured_uri or activity.target != actor.featured_uri:
        return False
    if activity.object is not None and values.kind(activity.object) not in NOTE_TYPES:
        return False  # Mastodon features hashtags in the same collection
    return origin.same_origin(activity.object_id, actor.uri)


async def add(easel: Easel, actor: Account, activity: Activity) -> Effect | None:
    if not _is_pin(actor, activity) or activity.object_id is None:
        return None
    status = await remote.status(easel, activity.object_id)
    if status is None or status.account_id != actor.id:
        return None

    async def effect(tx: Transaction) -> None:
        await pins.add(tx, actor, status)

    return effect


async def remove(easel: Easel, actor: Account, activity: Activity) -> Effect | None:
    if not _is_pin(actor, activity):
        return None

    async def effect(tx: Transaction) -> None:
        status = await status_by_uri(tx, activity.object_id)
        if status is not None:
            await pins.remove(tx, actor, status)

    return effect
