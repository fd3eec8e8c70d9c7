"""Flag: somebody elsewhere reports an account of ours, or posts of it."""

from __future__ import annotations

from activitypub.objects import Activity
from fedi.database import Transaction
from fedi.database.tables import Account
from fedi.federation.handlers.effects import Effect
from fedi.runtime import Easel
from fedi.social import reports


async def flag(easel: Easel, actor: Account, activity: Activity) -> Effect | None:
    async def effect(tx: Transaction) -> None:
        if activity.id is not None and activity.object_id is not None:
            named = [activity.object_id, *activity.others]
            await reports.receive(tx, actor, named, activity.content or "", activity.id)

    return effect
