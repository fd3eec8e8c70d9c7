"""Create, Update and Delete of posts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from msgspec.structs import replace
from sqlalchemy import bindparam, exists, or_, select

from activitypub import origin
from activitypub.errors import Malformed
from activitypub.objects import Activity, Note, values
from activitypub.objects.actor import ACTOR_TYPES
from fedi.database import Transaction
from fedi.database.insertion import table_of
from fedi.database.tables import Account, Follow, Status
from fedi.federation import arrivals, remote, threads
from fedi.federation.handlers import actors, votes
from fedi.federation.handlers.effects import Effect, status_by_uri
from fedi.federation.translate import inward
from fedi.runtime import Easel
from fedi.social import approvals, extensions, quotes, statuses

EARLY = timedelta(days=1)

_STATUSES, _ACCOUNTS, _FOLLOWS = (table_of(table).c for table in (Status, Account, Follow))

_UNREAD = select(_STATUSES.id).where(
    _STATUSES.uri == bindparam("uri"),
    _STATUSES.account_id != bindparam("actor"),
    _STATUSES.deleted_at.is_not(None),
    _STATUSES.fetched_at.is_(None),
    _STATUSES.local.is_(False),
)

# A follow that waits for its answer counts: posts may come before it.
_FOLLOWED = (
    select(_FOLLOWS.target_account_id)
    .distinct()
    .where(
        _FOLLOWS.target_account_id.in_(bindparam("actors", expanding=True)),
        _FOLLOWS.account_id == _ACCOUNTS.id,
        _ACCOUNTS.domain.is_(None),
    )
)

_CONCERNS_US = select(
    or_(
        exists().where(
            _FOLLOWS.target_account_id == bindparam("actor"),
            _FOLLOWS.account_id == _ACCOUNTS.id,
            _ACCOUNTS.domain.is_(None),
        ),
        exists().where(
            _ACCOUNTS.uri.in_(bindparam("addressed", expanding=True)), _ACCOUNTS.domain.is_(None)
        ),
        exists().where(
            _STATUSES.uri.in_(bindparam("about", expanding=True)), _STATUSES.local.is_(True)
        ),
    )
)


@dataclass(frozen=True, slots=True)
class Arrival:
    """The effect of a Create. Of many that come at once, most take effect together."""

    easel: Easel
    actor: Account
    note: Note
    addressed: Sequence[str]
    create_uri: str | None = None  # the id of the Create; None, if it was an early Update

    async def __call__(self, tx: Transaction) -> None:
        """Store and spread the post, if it concerns anybody here."""
        known = await remote.ids_of(tx, self.addressed)
        if await _concerns_us(tx, self.actor, self.note):
            await revive(tx, self.actor, self.note.id)
            status = await statuses.receive(tx, self.actor, self.received(known))
            await arrivals.expect(self.easel, tx, status)
            if status is not None:
                await threads.look_up(tx, status)

    def received(self, known: Mapping[str, int]) -> statuses.Received:
        """The post as it is stored, with the id that its Create came with.

        Args:
            known: ids of the accounts that it names or addresses, by uri.
        """
        received = inward.received(self.note, self.actor, known)
        return replace(received, create_uri=self.create_uri)

    def touches(self, prefix: str) -> bool:
        """Whether it names, addresses, answers or quotes what is of this instance."""
        about = (self.note.in_reply_to or "", self.note.quote or "")
        return any(uri.startswith(prefix) for uri in (*self.addressed, *about))

    @classmethod
    async def together(cls, tx: Transaction, several: Sequence[Arrival]) -> None:
        """All of these effects, in few statements where that is possible."""
        if len(several) < 2:
            for arrival in several:
                await arrival(tx)
            return
        prefix = f"{tx.instance.url}/"
        followed = await _followed(tx, {arrival.actor.id for arrival in several})
        plain = [
            arrival
            for arrival in several
            if not arrival.touches(prefix) and arrival.actor.id in followed
        ]
        uris = {uri for arrival in plain for uri in arrival.addressed}
        known = await remote.ids_of(tx, sorted(uris))
        posts = [(arrival.actor, arrival.received(known)) for arrival in plain]
        stored = await statuses.receive_all(tx, posts) if posts else []
        done = [status for status in stored if status is not None]
        await arrivals.expect_all(several[0].easel, tx, done)
        await threads.look_up_all(tx, done)
        left = {id(arrival) for arrival, status in zip(plain, stored, strict=True) if not status}
        for arrival in several:
            if id(arrival) in left or arrival.touches(prefix):
                await arrival(tx)


async def create(easel: Easel, actor: Account, activity: Activity) -> Effect | None:
    if activity.object is None and not await _is_worth_asking(easel, actor, activity):
        return None
    note = Note.parse(await _stated(easel, actor, activity))
    if note.id is not None and votes.is_vote(easel, note):
        return votes.counted(actor, note)
    return _taken_in(easel, actor, note, activity.id)


def _taken_in(easel: Easel, actor: Account, note: Note, create_uri: str | None = None) -> Effect:
    """What becomes of a post that its actor may state.

    Args:
        create_uri: the id of the Create that brings it.

    Raises:
        Malformed: it has no id.
    """
    if note.id is None:
        raise Malformed("The post has no id.")
    return Arrival(easel, actor, note, inward.addressed_actors(note), create_uri)


async def _followed(tx: Transaction, actors: Iterable[int]) -> set[int]:
    """Those of these who are followed by somebody here."""
    return set((await tx.execute_core(_FOLLOWED, {"actors": list(actors)})).scalars())


async def revive(tx: Transaction, actor: Account, uri: str | None) -> None:
    """An id that somebody else of that server declared dead before it came is not dead: such a
    tombstone was never read from there."""
    found = await tx.execute_core(_UNREAD, {"uri": uri, "actor": actor.id})
    if (unread := found.scalar()) is not None:
        await tx.delete(await tx.get_one(Status, unread))
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
    """Whether anybody here asked for a post: follows its author, is addressed, answered or quoted.

    Nobody's timeline would show any other, and keeping it would be keeping spam.
    """
    about = [note.in_reply_to or "", note.quote or ""]
    asked = _interest(actor, inward.addressed_actors(note), about)
    return bool((await tx.execute_core(_CONCERNS_US, asked)).scalar())


async def _is_worth_asking(easel: Easel, actor: Account, activity: Activity) -> bool:
    """Whether a post of which only the id came may concern anybody here, by what is known before
    it is read: else anybody could have us fetch whatever they like."""
    addressed = [*activity.to, *activity.cc, *activity.audience, *activity.bto, *activity.bcc]
    async with easel.database.read() as session:
        found = await session.execute(_CONCERNS_US, _interest(actor, addressed, [""]))
        return bool(found.scalar())


def _interest(actor: Account, addressed: list[str], about: list[str]) -> dict[str, Any]:
    """What `_CONCERNS_US` is asked with."""
    return {"actor": actor.id, "addressed": addressed or [""], "about": about}


async def update(easel: Easel, actor: Account, activity: Activity) -> Effect | None:
    kind = values.kind(activity.object) if activity.object is not None else None
    if activity.object_id == actor.uri or kind in ACTOR_TYPES:
        return await actors.update(easel, actor, activity)
    async with easel.database.read() as session:
        status = await status_by_uri(session, activity.object_id)
    if status is None:
        return await _early(easel, actor, activity)
    if status.account_id != actor.id or status.deleted_at is not None:
        return None
    note = Note.parse(await _stated(easel, actor, activity))
    if note.id != status.uri or not _may_become(status.object_type, note.type):
        return None

    async def effect(tx: Transaction) -> None:
        current = await tx.get(Status, status.id)
        if current is None or current.deleted_at is not None:
            return
        seen = current.edited_at or current.created_at
        if note.updated is not None and note.updated < seen:
            return  # an older edit that came late
        known = await remote.ids_of(tx, inward.addressed_actors(note))
        await statuses.update_received(tx, current, inward.received(note, actor, known))
        await arrivals.expect(easel, tx, current)

    return effect


def _may_become(known: str, told: str) -> bool:
    """Whether an edit can make one of the other: only that a Note asks something, or no more."""
    return known == told or {known, told} == {"Note", "Question"}


async def _early(easel: Easel, actor: Account, activity: Activity) -> Effect | None:
    """An edit of what we do not have: it came before its post, which is on its way. Of what is old
    it would only bring back what nobody here saw (Mastodon 4.6 draws the line at a day, too)."""
    if activity.object is None and not await _is_worth_asking(easel, actor, activity):
        return None
    note = Note.parse(await _stated(easel, actor, activity))
    if note.published is None or easel.clock.now() - note.published > EARLY:
        return None
    return _taken_in(easel, actor, note)


async def delete(easel: Easel, actor: Account, activity: Activity) -> Effect | None:
    if activity.object_id == actor.uri:
        return await actors.delete(easel, actor, activity)

    async def effect(tx: Transaction) -> None:
        assert activity.object_id is not None
        await quotes.forget_stamp(tx, actor, activity.object_id)
        await approvals.forget_stamp(tx, actor, activity.object_id)
        await extensions.forget(tx, actor, activity.object_id)
        status = await status_by_uri(tx, activity.object_id)
        if status is None:
            await statuses.remember_deleted(tx, actor, activity.object_id)
        elif status.account_id == actor.id:
            await statuses.delete(tx, status)

    return effect
