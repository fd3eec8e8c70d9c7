"""Announce: a boost; or, from a group, what somebody did in it (FEP-1b12)."""

from __future__ import annotations

from sqlmodel import col, select

from activitypub.addressing import Visibility, read_visibility
from activitypub.objects import Activity
from activitypub.objects.activity import ACTIVITY_TYPES
from fedi.database import Session, Transaction
from fedi.database.tables import Account, Follow
from fedi.federation import answers, relays, remote, subscriptions
from fedi.federation.handlers import groups
from fedi.federation.handlers.effects import Effect, embedded, status_by_uri
from fedi.federation.handlers.posts import revive
from fedi.runtime import Easel
from fedi.social import follows, reblogs


async def announce(easel: Easel, actor: Account, activity: Activity) -> Effect | None:
    uri = activity.id
    inner = embedded(activity)
    done = inner if inner is not None and inner.type in ACTIVITY_TYPES - {"Question"} else None
    async with easel.database.read() as session:
        if await relays.is_relay(session, actor.uri):
            return lambda tx: subscriptions.hint(tx, activity)
        known = await status_by_uri(session, activity.object_id)
        wanted = known is not None and known.local
        if not wanted:
            wanted = await _followed(session, actor)
    if not wanted or uri is None:
        return None
    if done is not None and done.type != "Create":
        return await groups.relayed(easel, done)
    # Only the author's own server is believed about what is boosted.
    shown = done.object_id if done is not None else activity.object_id
    if shown is None:
        return None
    status = await remote.status(easel, shown, live=done is not None)
    if status is None or (done is not None and status.in_reply_to_uri is not None):
        return None  # an answer in a group is read in its thread, not in every home

    seen_by = read_visibility(activity.to, (*activity.cc, *activity.audience), actor.followers_uri)
    for_followers = seen_by is Visibility.PRIVATE

    async def effect(tx: Transaction) -> None:
        await revive(tx, actor, uri)
        if await status_by_uri(tx, uri) is None:
            published = min(activity.published or tx.now, tx.now)
            await reblogs.add(
                tx, actor, status, uri=uri, published=published, for_followers=for_followers
            )
            await answers.look_up(tx, status, delay=answers.FRESH_AFTER)

    return effect


async def _followed(session: Session, actor: Account) -> bool:
    """Whether anybody here follows an account."""
    followers = (
        select(Follow.id)
        .join(Account, col(Account.id) == col(Follow.account_id))
        .where(
            Follow.target_account_id == actor.id,
            Follow.state == follows.ACCEPTED,
            col(Account.domain).is_(None),
        )
    )
    return (await session.exec(followers.limit(1))).first() is not None
