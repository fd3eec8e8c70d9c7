"""Follow and Block."""

from __future__ import annotations

from activitypub.objects import Activity
from fedi.database import Transaction
from fedi.database.tables import Account
from fedi.federation import subscriptions
from fedi.federation.handlers.effects import Effect, local_person
from fedi.runtime import Easel
from fedi.social import blocks, follows


async def follow(easel: Easel, actor: Account, activity: Activity) -> Effect | None:
    async def effect(tx: Transaction) -> None:
        target = await local_person(tx, activity.object_id)
        if target is None:
            await subscriptions.followed(tx, actor, activity)
        elif activity.id is not None:
            await follows.receive(tx, actor, target, activity.id)

    return effect


async def block(easel: Easel, actor: Account, activity: Activity) -> Effect | None:
    async def effect(tx: Transaction) -> None:
        target = await local_person(tx, activity.object_id)
        if target is not None:
            await blocks.add(tx, actor, target, activity.id)

    return effect
