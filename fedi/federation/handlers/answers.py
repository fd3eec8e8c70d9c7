"""Accept and Reject: of our Follows, and of what waits for an author's leave."""

from __future__ import annotations

from activitypub import origin
from activitypub.objects import Activity
from fedi.database import Transaction
from fedi.database.tables import Account, Follow
from fedi.federation import arrivals, relays, subscriptions
from fedi.federation.handlers.effects import Effect, embedded, local_person
from fedi.runtime import Easel
from fedi.social import accounts, approvals, follows, quoting


async def accept(easel: Easel, actor: Account, activity: Activity) -> Effect | None:
    # GoToSocial 0.17 and 0.18 stamped with the Accept itself.
    stamp = activity.result or activity.id
    own = origin.same_origin(stamp, actor.uri)

    async def effect(tx: Transaction) -> None:
        if await subscriptions.answered(tx, actor, activity, relays.ACCEPTED):
            return
        found = await _sent(tx, actor, activity)
        if found is not None:
            await follows.accept(tx, found)
            await arrivals.expect_pins(tx, [actor])
        elif activity.object_id is None or stamp is None or not own:
            return
        elif not await quoting.accept(tx, actor, activity.object_id, stamp):
            await approvals.accept(tx, actor, activity.object_id, stamp)

    return effect


async def reject(easel: Easel, actor: Account, activity: Activity) -> Effect | None:
    async def effect(tx: Transaction) -> None:
        if await subscriptions.answered(tx, actor, activity, relays.REJECTED):
            return
        found = await _sent(tx, actor, activity)
        if found is not None:
            await follows.reject(tx, found)
        elif activity.object_id is not None and not await quoting.reject(
            tx, actor, activity.object_id
        ):
            await approvals.reject(tx, actor, activity.object_id)

    return effect


async def _sent(tx: Transaction, actor: Account, activity: Activity) -> Follow | None:
    """The Follow that is answered: one of ours, sent to this very actor."""
    found = await follows.by_uri(tx, activity.object_id) if activity.object_id else None
    inner = embedded(activity)
    if found is None and inner is not None and inner.type == "Follow":
        # Some answer with a Follow of their own making: its actor must be one of ours.
        follower = await local_person(tx, inner.actor)
        if follower is not None and inner.object_id == actor.uri:
            found = await follows.find(tx, follower.id, actor.id)
    if found is None or found.target_account_id != actor.id:
        return None
    follower = await accounts.by_id(tx, found.account_id)
    return found if follower is not None and follower.local else None
