"""QuoteRequest: somebody asks whether their post may quote one of ours (FEP-044f)."""

from __future__ import annotations

from activitypub.objects import Activity
from fedi.database import Transaction
from fedi.database.tables import Account
from fedi.federation.handlers.effects import Effect
from fedi.runtime import Easel
from fedi.social import quotes


async def request(easel: Easel, actor: Account, activity: Activity) -> Effect | None:
    quoted, quoting, uri = activity.object_id, activity.instrument, activity.id

    async def effect(tx: Transaction) -> None:
        if quoted is not None and quoting is not None and uri is not None:
            await quotes.receive_request(tx, actor, quoted, quoting, uri)

    return effect
