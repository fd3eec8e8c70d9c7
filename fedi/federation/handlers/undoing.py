"""Undo: of a Follow, a Like, a reaction, an Announce or a Block, embedded or by its id."""

from __future__ import annotations

from activitypub.objects import Activity
from fedi.database import Transaction
from fedi.database.tables import Account, Favourite, Status
from fedi.federation import duplicates
from fedi.federation.handlers.effects import Effect, embedded, local_person, status_by_uri
from fedi.federation.handlers.reactions import emoji
from fedi.runtime import Easel
from fedi.social import (
    accounts,
    blocks,
    extensions,
    favourites,
    follows,
    reactions,
    reblogs,
    statuses,
)

HELD_BY_ROWS = frozenset({"Announce", "Block", "EmojiReact", "Follow", "Like"})


async def undo(easel: Easel, actor: Account, activity: Activity) -> Effect | None:
    inner = embedded(activity)

    async def effect(tx: Transaction) -> None:
        uri = activity.object_id
        if uri is not None:  # what was undone before it came does not count when it comes
            await duplicates.first_time(tx, actor.uri, uri)
        kind = inner.type if inner is not None else None
        undone = inner.object_id if inner is not None else None
        if kind in {None, "Follow"}:
            await _follow(tx, actor, uri, undone)
        if kind in {None, "Like", "EmojiReact"}:
            await _reaction(tx, actor, uri, inner)
        if kind in {None, "Like"} and not (inner is not None and emoji(inner)):
            liked = await _liked(tx, actor, uri, undone)
            if liked is not None:
                await favourites.remove(tx, actor, liked)
        if kind in {None, "Announce"}:
            boost = await _boosted(tx, actor, uri, undone)
            if boost is not None:
                await statuses.delete(tx, boost)
        if kind in {None, "Block"}:
            await _block(tx, actor, uri, undone)
        if uri is not None and kind not in HELD_BY_ROWS:
            await extensions.forget(tx, actor, uri)

    return effect


async def _follow(tx: Transaction, actor: Account, uri: str | None, undone: str | None) -> None:
    found = await follows.by_uri(tx, uri) if uri else None
    target = (
        await accounts.by_id(tx, found.target_account_id)
        if found is not None and found.account_id == actor.id
        else await local_person(tx, undone)
    )
    if target is not None:
        await follows.remove(tx, actor, target)


async def _liked(
    tx: Transaction, actor: Account, uri: str | None, undone: str | None
) -> Status | None:
    like: Favourite | None = await favourites.by_uri(tx, uri) if uri else None
    if like is not None and like.account_id == actor.id:
        return await tx.get(Status, like.status_id)
    return await status_by_uri(tx, undone)


async def _reaction(
    tx: Transaction, actor: Account, uri: str | None, inner: Activity | None
) -> None:
    status = await status_by_uri(tx, inner.object_id) if inner is not None else None
    found = emoji(inner, hearts=inner.type == "EmojiReact") if inner is not None else None
    await reactions.remove(
        tx,
        actor,
        uri=uri,
        status_id=status.id if status is not None else None,
        name=found[0] if found is not None else None,
    )


async def _boosted(
    tx: Transaction, actor: Account, uri: str | None, undone: str | None
) -> Status | None:
    boost = await status_by_uri(tx, uri)
    if boost is None and undone is not None:
        original = await status_by_uri(tx, undone)
        boost = await reblogs.find(tx, actor.id, original.id) if original is not None else None
    own = boost is not None and boost.account_id == actor.id and boost.reblog_of_id is not None
    return boost if own else None


async def _block(tx: Transaction, actor: Account, uri: str | None, undone: str | None) -> None:
    block = await blocks.by_uri(tx, uri) if uri else None
    blocked = (
        await accounts.by_id(tx, block.target_account_id)
        if block is not None and block.account_id == actor.id
        else await local_person(tx, undone)
    )
    if blocked is not None:
        await blocks.remove(tx, actor, blocked)
