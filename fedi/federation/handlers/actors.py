"""Update and Delete of an actor itself."""

from __future__ import annotations

from activitypub.objects import Activity, Actor
from fedi.database import Transaction
from fedi.database.tables import Account
from fedi.federation import remote
from fedi.federation.handlers.effects import Effect
from fedi.runtime import Easel
from fedi.social import accounts


async def update(easel: Easel, actor: Account, activity: Activity) -> Effect | None:
    """The actor has changed: only their own server is believed about how."""
    if activity.object_id != actor.uri:
        return None
    if activity.object is not None:
        Actor.parse(activity.object)  # what is no actor is refused before anybody is asked
    await remote.fetch(easel, actor.uri, fresh=True)
    remote.keys(easel).forget_owner(actor.uri)
    return None


async def delete(easel: Easel, actor: Account, activity: Activity) -> Effect | None:
    async def effect(tx: Transaction) -> None:
        current = await accounts.by_id(tx, actor.id)
        if current is not None and current.deleted_at is None:
            await accounts.tombstone_remote(tx, current)
            remote.keys(easel).forget_owner(current.uri)

    return effect
