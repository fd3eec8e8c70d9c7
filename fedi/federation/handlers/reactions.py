"""Like and Announce: what people do with a post."""

from __future__ import annotations

from sqlmodel import col, select

from activitypub.objects import Activity
from fedi.database import Transaction
from fedi.database.tables import Account, Follow
from fedi.federation import answers, relays, remote, subscriptions
from fedi.federation.handlers.effects import Effect, status_by_uri
from fedi.federation.handlers.posts import revive
from fedi.runtime import Easel
from fedi.social import favourites, follows, reblogs


async def like(easel: Easel, actor: Account, activity: Activity) -> Effect | None:
    async def effect(tx: Transaction) -> None:
        status = await status_by_uri(tx, activity.object_id)
        if status is not None:
            await favourites.add(tx, actor, status, activity.id)

    return effect


async def announce(easel: Easel, actor: Account, activity: Activity) -> Effect | None:
    assert activity.object_id is not None and activity.id is not None
    uri = activity.id
    async with easel.database.read() as session:
        if await relays.is_relay(session, actor.uri):
            return lambda tx: subscriptions.hint(tx, activity)
        known = await status_by_uri(session, activity.object_id)
        wanted = known is not None and known.local
        if not wanted:
            followers = (
                select(Follow.id)
                .join(Account, col(Account.id) == col(Follow.account_id))
                .where(
                    Follow.target_account_id == actor.id,
                    Follow.state == follows.ACCEPTED,
                    col(Account.domain).is_(None),
                )
            )
            wanted = (await session.exec(followers.limit(1))).first() is not None
    if not wanted:
        return None
    # Only the author's own server is believed about what is boosted.
    status = await remote.status(easel, activity.object_id)
    if status is None:
        return None

    async def effect(tx: Transaction) -> None:
        await revive(tx, actor, uri)
        if await status_by_uri(tx, uri) is None:
            published = min(activity.published or tx.now, tx.now)
            await reblogs.add(tx, actor, status, uri=uri, published=published)
            await answers.look_up(tx, status, delay=answers.FRESH_AFTER)

    return effect
