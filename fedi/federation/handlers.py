"""What each type of activity does here, held to the rule of its origin.

By the time a handler runs, `activitypub.origin.check` has held the activity to all that can be
told from its text: its actor signed it, and its ids are of the actor's origin. What only the
database knows is checked here: whose the stored thing is, and whether a Follow was ever sent.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from sqlalchemy import exists, or_
from sqlmodel import col, select

from activitypub import origin
from activitypub.errors import Malformed
from activitypub.objects import Activity, Actor, Note, values
from activitypub.objects.actor import ACTOR_TYPES
from fedi.database import Session, Transaction
from fedi.database.tables import Account, Favourite, Follow, Status
from fedi.federation import relays, remote, subscriptions, threads, translate
from fedi.runtime import Easel
from fedi.social import accounts, blocks, favourites, follows, reblogs, statuses

Effect = Callable[[Transaction], Awaitable[None]]
"""What is to change, in one transaction."""

Handler = Callable[[Easel, Account, Activity], Awaitable[Effect | None]]
"""`await handler(easel, actor, activity)`: asks other servers what it must, and changes nothing.
Raises `FetchError` and `Malformed`."""


async def _local(tx: Session, uri: str | None) -> Account | None:
    """The person of this instance with this id."""
    account = await accounts.by_uri(tx, uri) if uri else None
    return account if account and account.local and accounts.is_person(account) else None


async def follow(easel: Easel, actor: Account, activity: Activity) -> Effect | None:
    async def effect(tx: Transaction) -> None:
        target = await _local(tx, activity.object_id)
        if target is None:
            await subscriptions.followed(tx, actor, activity)
        elif activity.id is not None:
            await follows.receive(tx, actor, target, activity.id)

    return effect


async def accept(easel: Easel, actor: Account, activity: Activity) -> Effect | None:
    async def effect(tx: Transaction) -> None:
        if await subscriptions.answered(tx, actor, activity, relays.ACCEPTED):
            return
        found = await _sent_follow(tx, actor, activity)
        if found is not None:
            await follows.accept(tx, found)

    return effect


async def reject(easel: Easel, actor: Account, activity: Activity) -> Effect | None:
    async def effect(tx: Transaction) -> None:
        if await subscriptions.answered(tx, actor, activity, relays.REJECTED):
            return
        found = await _sent_follow(tx, actor, activity)
        if found is not None:
            await follows.reject(tx, found)

    return effect


def _inner(activity: Activity) -> Activity | None:
    """The embedded activity; None if there is none, or only its id."""
    try:
        return Activity.parse(activity.object) if activity.object is not None else None
    except Malformed:
        return None


async def _sent_follow(tx: Transaction, actor: Account, activity: Activity) -> Follow | None:
    """The Follow that is answered: one of ours, sent to this very actor."""
    found = await follows.by_uri(tx, activity.object_id) if activity.object_id else None
    inner = _inner(activity)
    if found is None and inner is not None:
        # Some answer with a Follow of their own making: its actor must be one of ours.
        follower = await _local(tx, inner.actor)
        if follower is not None and inner.object_id == actor.uri:
            found = await follows.find(tx, follower.id, actor.id)
    if found is None or found.target_account_id != actor.id:
        return None
    follower = await accounts.by_id(tx, found.account_id)
    return found if follower is not None and follower.local else None


async def undo(easel: Easel, actor: Account, activity: Activity) -> Effect | None:
    inner = _inner(activity)

    async def effect(tx: Transaction) -> None:
        uri = activity.object_id
        kind = inner.type if inner is not None else None
        undone = inner.object_id if inner is not None else None
        if kind in {None, "Follow"}:
            found = await follows.by_uri(tx, uri) if uri else None
            target = (
                await accounts.by_id(tx, found.target_account_id)
                if found is not None and found.account_id == actor.id
                else await _local(tx, undone)
            )
            if target is not None:
                await follows.remove(tx, actor, target)
        if kind in {None, "Like"}:
            liked = await _liked(tx, actor, uri, undone)
            if liked is not None:
                await favourites.remove(tx, actor, liked)
        if kind in {None, "Announce"}:
            boost = await _boosted(tx, actor, uri, undone)
            if boost is not None:
                await statuses.delete(tx, boost)
        if kind in {None, "Block"}:
            block = await blocks.by_uri(tx, uri) if uri else None
            blocked = (
                await accounts.by_id(tx, block.target_account_id)
                if block is not None and block.account_id == actor.id
                else await _local(tx, undone)
            )
            if blocked is not None:
                await blocks.remove(tx, actor, blocked)

    return effect


async def _liked(
    tx: Transaction, actor: Account, uri: str | None, undone: str | None
) -> Status | None:
    like: Favourite | None = await favourites.by_uri(tx, uri) if uri else None
    if like is not None and like.account_id == actor.id:
        return await tx.get(Status, like.status_id)
    return await _by_uri(tx, undone)


async def _boosted(
    tx: Transaction, actor: Account, uri: str | None, undone: str | None
) -> Status | None:
    boost = await _by_uri(tx, uri)
    if boost is None and undone is not None:
        original = await _by_uri(tx, undone)
        boost = await reblogs.find(tx, actor.id, original.id) if original is not None else None
    own = boost is not None and boost.account_id == actor.id and boost.reblog_of_id is not None
    return boost if own else None


async def _by_uri(tx: Session, uri: str | None) -> Status | None:
    if uri is None:
        return None
    return (await tx.exec(select(Status).where(Status.uri == uri))).first()


async def create(easel: Easel, actor: Account, activity: Activity) -> Effect | None:
    document = await _stated(easel, actor, activity)
    note = Note.parse(document)
    if note.id is None:
        raise Malformed("The post has no id.")

    async def effect(tx: Transaction) -> None:
        known = await remote.ids_of(tx, translate.addressed_actors(note))
        if await _concerns_us(tx, actor, note):
            await _revive(tx, actor, note.id)
            status = await statuses.receive(tx, actor, translate.received(note, actor, known))
            if status is not None:
                await threads.look_up(tx, status)

    return effect


async def _revive(tx: Transaction, actor: Account, uri: str | None) -> None:
    """An id that somebody else of that server declared dead before it came is not dead: such a
    tombstone was never read from there."""
    found = await _by_uri(tx, uri)
    unread = found is not None and found.deleted_at is not None and found.fetched_at is None
    if found is not None and unread and not found.local and found.account_id != actor.id:
        await tx.delete(found)
        await tx.flush()


async def _stated(easel: Easel, actor: Account, activity: Activity) -> Mapping[str, Any]:
    """The object of a Create or Update: as it came, if its actor may say so, else from its own
    server."""
    if activity.object is not None:
        document = activity.object
        if activity.type == "Create" and document.get("attributedTo") is None:
            document = {**document, "attributedTo": actor.uri}
        if origin.may_speak(actor.uri, document) is None:
            return document
    assert activity.object_id is not None
    got = await easel.client.get_document(activity.object_id, await remote.instance_signer(easel))
    forbidden = origin.may_speak(actor.uri, got.document)
    if forbidden is not None:
        raise Malformed(f"Refused: {forbidden}.")
    return got.document


async def _concerns_us(tx: Transaction, actor: Account, note: Note) -> bool:
    """Whether anybody here asked for a post: follows its author, is addressed, or is answered.

    Nobody's timeline would show any other, and keeping it would be keeping spam.
    """
    ours = col(Account.domain).is_(None)
    followed = exists().where(
        col(Follow.target_account_id) == actor.id,
        col(Follow.state) == follows.ACCEPTED,
        col(Follow.account_id) == col(Account.id),
        ours,
    )
    addressed = exists().where(col(Account.uri).in_(translate.addressed_actors(note) or [""]), ours)
    answered = exists().where(
        col(Status.uri) == (note.in_reply_to or ""), col(Status.local).is_(True)
    )
    found = await tx.execute(select(or_(followed, addressed, answered)))
    return bool(found.scalar())


async def update(easel: Easel, actor: Account, activity: Activity) -> Effect | None:
    kind = values.kind(activity.object) if activity.object is not None else None
    if activity.object_id == actor.uri or kind in ACTOR_TYPES:
        if activity.object_id != actor.uri:
            return None
        if activity.object is not None:
            Actor.parse(activity.object)  # what is no actor is refused before anybody is asked
        await remote.fetch(easel, actor.uri, fresh=True)
        remote.keys(easel).forget(actor.public_key_id)
        return None
    async with easel.database.read() as session:
        status = await _by_uri(session, activity.object_id)
    if status is None or status.account_id != actor.id or status.deleted_at is not None:
        return None
    note = Note.parse(await _stated(easel, actor, activity))
    if note.id != status.uri or note.type != status.object_type:
        return None

    async def effect(tx: Transaction) -> None:
        current = await tx.get(Status, status.id)
        if current is None or current.deleted_at is not None:
            return
        seen = current.edited_at or current.created_at
        if note.updated is not None and note.updated < seen:
            return  # an older edit that came late
        known = await remote.ids_of(tx, translate.addressed_actors(note))
        await statuses.update_received(tx, current, translate.received(note, actor, known))

    return effect


async def delete(easel: Easel, actor: Account, activity: Activity) -> Effect | None:
    async def effect(tx: Transaction) -> None:
        assert activity.object_id is not None
        if activity.object_id == actor.uri:
            current = await accounts.by_id(tx, actor.id)
            if current is not None and current.deleted_at is None:
                await accounts.tombstone_remote(tx, current)
                remote.keys(easel).forget(current.public_key_id)
            return
        status = await _by_uri(tx, activity.object_id)
        if status is None:
            await statuses.remember_deleted(tx, actor, activity.object_id)
        elif status.account_id == actor.id:
            await statuses.delete(tx, status)

    return effect


async def announce(easel: Easel, actor: Account, activity: Activity) -> Effect | None:
    assert activity.object_id is not None and activity.id is not None
    uri = activity.id
    async with easel.database.read() as session:
        if await relays.is_relay(session, actor.uri):
            return lambda tx: subscriptions.hint(tx, activity)
        known = await _by_uri(session, activity.object_id)
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
        await _revive(tx, actor, uri)
        if await _by_uri(tx, uri) is None:
            published = min(activity.published or tx.now, tx.now)
            await reblogs.add(tx, actor, status, uri=uri, published=published)

    return effect


async def like(easel: Easel, actor: Account, activity: Activity) -> Effect | None:
    async def effect(tx: Transaction) -> None:
        status = await _by_uri(tx, activity.object_id)
        if status is not None:
            await favourites.add(tx, actor, status, activity.id)

    return effect


async def block(easel: Easel, actor: Account, activity: Activity) -> Effect | None:
    async def effect(tx: Transaction) -> None:
        target = await _local(tx, activity.object_id)
        if target is not None:
            await blocks.add(tx, actor, target, activity.id)

    return effect


HANDLERS: dict[str, Handler] = {
    "Accept": accept,
    "Announce": announce,
    "Block": block,
    "Create": create,
    "Delete": delete,
    "Follow": follow,
    "Like": like,
    "Reject": reject,
    "Undo": undo,
    "Update": update,
}
