"""Update, Delete and Move of an actor itself."""

from __future__ import annotations

from activitypub import origin
from activitypub.objects import Activity, Actor
from fedi.database import Transaction
from fedi.database.tables import Account
from fedi.federation import keys, remote
from fedi.federation.handlers.effects import Effect
from fedi.runtime import Easel
from fedi.social import accounts, moves, remote_accounts


async def update(easel: Easel, actor: Account, activity: Activity) -> Effect | None:
    """The actor has changed: only their own server is believed about how."""
    if activity.object_id != actor.uri:
        return None
    if activity.object is not None:
        Actor.parse(activity.object)  # what is no actor is refused before anybody is asked
    await remote.fetch(easel, actor.uri, fresh=True)
    keys.of(easel).forget_owner(actor.uri)
    return None


async def delete(easel: Easel, actor: Account, activity: Activity) -> Effect | None:
    async def effect(tx: Transaction) -> None:
        current = await accounts.by_id(tx, actor.id)
        if current is not None and current.deleted_at is None:
            await remote_accounts.tombstone_remote(tx, current)
            keys.of(easel).forget_owner(current.uri)

    return effect


async def move(easel: Easel, actor: Account, activity: Activity) -> Effect | None:
    """The actor has a new account, which must say so itself: both are read afresh."""
    target_uri = activity.target
    if target_uri is None or target_uri == actor.uri:
        return None
    now = easel.clock.now()
    if actor.moved_at is not None and now - actor.moved_at < moves.COOL_DOWN:
        return None  # before anybody is asked: a loop of moves would keep us asking
    account = await remote.fetch(easel, actor.uri, fresh=True)
    if account.moved_to_uri not in {None, target_uri}:
        return None  # its own document says that it is somewhere else
    if origin.origin(target_uri) == easel.settings.instance.url:
        async with easel.database.read() as session:
            target = await accounts.by_uri(session, target_uri)
    else:
        target = await remote.fetch(easel, target_uri, fresh=True)
    if target is None:
        return None
    old_id, new_id = account.id, target.id

    async def effect(tx: Transaction) -> None:
        old, new = await accounts.by_id(tx, old_id), await accounts.by_id(tx, new_id)
        if old is not None and new is not None:
            await moves.move(tx, old, new)

    return effect
