"""Activities that mean nothing here, as those find them in their inbox to whom they came.

What Easel knows becomes a post, a like, a follow, and an inbox is told from these
(`social.inboxes`). Everything else, an Offer, a Listen, a Create of an object of a type that we
never heard of, is kept for those of ours whom it names and, if it is for followers, for those who
follow its actor. What was taken back goes, and so does what is old.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, CursorResult, delete, exists, false, or_
from sqlalchemy.orm import aliased
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from activitypub import json, origin
from activitypub.objects import values
from fedi.database import Transaction
from fedi.database.insertion import add_once, insert_new
from fedi.database.tables import Account, Block, Follow, InboxActivity, InboxRecipient, Mute
from fedi.events import Event
from fedi.social import hiding, mutes, text
from fedi.social.errors import Invalid

MAX_BYTES = 64 * 1024  # of one that is kept; the longest honest post is a tenth of it
MAX_DEPTH = 16
KEPT_FOR = timedelta(days=30)
# The latest of them. Nobody is asked whether they want any, so that a server could fill the disk.
MAX_PER_ACTOR = 100
MAX_PER_RECIPIENT = 1000
BATCH = 200  # rows of one transaction: nobody should wait long for it

MARKUP = frozenset({"content", "summary"})
MAPS = frozenset({"contentMap", "summaryMap"})
# Whom it hides; and what holds of the very bytes that came, which are not kept.
NEVER = frozenset({"bcc", "bto", "proof", "signature"})

Document = dict[str, Any]


async def keep(
    tx: Transaction,
    actor: Account,
    document: Mapping[str, Any],
    named: Sequence[str],
    *,
    for_followers: bool,
) -> None:
    """Keep an activity for those of ours to whom it comes; if there are none, or it was kept
    before, nothing happens.

    Args:
        actor: who did it, of here or elsewhere.
        document: it, believed, with its id.
        named: ids of those whom it is for, whoever they are.
        for_followers: whether it is for the actor's followers, too.

    The oldest goes where that is too much of the actor, or for one of ours.

    Raises:
        Invalid: it is too large, or nested too deep.
    """
    recipients = list((await tx.exec(_recipients(tx, actor, named, for_followers))).all())
    if not recipients:
        return
    whole = harmless(document, actor.uri)
    if len(json.encode(whole)) > MAX_BYTES:
        raise Invalid(f"What has no meaning here is at most {MAX_BYTES // 1024} kB long.")
    row = InboxActivity(
        id=tx.new_id(),
        account_id=actor.id,
        uri=document["id"],
        type=values.kind(document),
        object_uri=values.uri(document.get("object")),
        document=whole,
        created_at=tx.now,
    )
    if not await add_once(tx, row):
        return
    rows = [{"account_id": account_id, "activity_id": row.id} for account_id in recipients]
    await insert_new(tx, InboxRecipient, rows)
    await _make_room(tx, actor.id, recipients)
    for account_id in recipients:
        tx.emit(Event(f"account:{account_id}", "activity", {"id": str(row.id)}))


async def _make_room(tx: Transaction, actor_id: int, recipients: Sequence[int]) -> None:
    """Let go of the oldest of what is too much of one actor, or for one of ours."""
    older = select(InboxActivity.id).where(InboxActivity.account_id == actor_id)
    older = older.order_by(col(InboxActivity.id).desc()).offset(MAX_PER_ACTOR).limit(BATCH)
    gone = set((await tx.exec(older)).all())
    latest = col(InboxRecipient.activity_id).desc()
    came = select(InboxRecipient.activity_id).where(InboxRecipient.account_id == Account.id)
    last = came.order_by(latest).offset(MAX_PER_RECIPIENT).limit(1).scalar_subquery()
    full = await tx.exec(
        select(Account.id, last)
        .where(col(Account.id).in_(recipients), last.is_not(None))
        .order_by(col(Account.id))
    )
    for account_id, activity_id in full.all():
        too_old = (
            select(InboxRecipient.activity_id)
            .where(
                col(InboxRecipient.account_id) == account_id,
                col(InboxRecipient.activity_id) <= activity_id,
            )
            .order_by(col(InboxRecipient.activity_id))
            .limit(BATCH)  # of what was kept before there was a bound
        )
        left = await tx.execute(
            delete(InboxRecipient)
            .where(
                col(InboxRecipient.account_id) == account_id,
                col(InboxRecipient.activity_id).in_(too_old),
            )
            .returning(col(InboxRecipient.activity_id))
            .execution_options(synchronize_session=False)
        )
        loose = list(left.scalars())
        still = select(InboxRecipient.activity_id).where(col(InboxRecipient.activity_id).in_(loose))
        gone |= set(loose) - set((await tx.exec(still)).all())
    if gone:
        await tx.execute(
            delete(InboxActivity)
            .where(col(InboxActivity.id).in_(gone))
            .execution_options(synchronize_session=False)
        )


def _recipients(
    tx: Transaction, actor: Account, named: Sequence[str], for_followers: bool
) -> SelectOfScalar[int]:
    """A SELECT of the ids of those of ours to whom something comes: not to who does not want to
    hear of its actor."""
    follows = exists().where(
        col(Follow.account_id) == col(Account.id),
        col(Follow.target_account_id) == actor.id,
        col(Follow.state) == "accepted",
    )
    mutes_actor = exists().where(
        col(Mute.account_id) == col(Account.id),
        col(Mute.target_account_id) == actor.id,
        mutes.lasting(tx.now),
    )
    follower: ColumnElement[bool] = follows if for_followers else false()
    return select(Account.id).where(
        col(Account.domain).is_(None),
        col(Account.deleted_at).is_(None),
        col(Account.suspended_at).is_(None),
        col(Account.private_key_pem).is_not(None),
        col(Account.id) != actor.id,
        or_(col(Account.uri).in_(list(named)), follower),
        ~mutes_actor,
        ~_apart(col(Account.id), actor.id),
    )


def _apart(one: Any, other: Any) -> ColumnElement[bool]:
    """As SQL: whether either of two blocks the other."""
    return exists().where(
        (col(Block.account_id) == one) & (col(Block.target_account_id) == other)
        | (col(Block.account_id) == other) & (col(Block.target_account_id) == one)
    )


def arrived(account: Account) -> SelectOfScalar[InboxActivity]:
    """A SELECT of what came to an account and is still for it to see."""
    actor = aliased(Account)
    return (
        select(InboxActivity)
        .join(InboxRecipient, col(InboxRecipient.activity_id) == col(InboxActivity.id))
        .join(actor, col(actor.id) == col(InboxActivity.account_id))
        .where(
            col(InboxRecipient.account_id) == account.id,
            col(actor.deleted_at).is_(None),
            col(actor.suspended_at).is_(None),
            ~_apart(account.id, col(actor.id)),
            ~hiding.hides(account, actor),
        )
    )


async def change(tx: Transaction, actor: Account, object_: Mapping[str, Any]) -> None:
    """What an actor made and told of is something else now."""
    rows = await tx.exec(
        select(InboxActivity).where(
            InboxActivity.account_id == actor.id,
            InboxActivity.object_uri == object_["id"],
            InboxActivity.type == "Create",
        )
    )
    for row in rows.all():
        whole = {**row.document, "object": harmless(object_, actor.uri)}
        if len(json.encode(whole)) <= MAX_BYTES:
            row.document = whole
            tx.add(row)
    await tx.flush()


async def forget(tx: Transaction, actor: Account, uri: str) -> None:
    """An actor takes back what they did, or what they made: both by its id."""
    await tx.execute(
        delete(InboxActivity)
        .where(
            col(InboxActivity.account_id) == actor.id,
            or_(
                col(InboxActivity.uri) == uri,
                (col(InboxActivity.object_uri) == uri) & (col(InboxActivity.type) == "Create"),
            ),
        )
        .execution_options(synchronize_session=False)
    )


async def is_old(tx: Transaction) -> bool:
    """Whether anything is kept that is old."""
    query = select(InboxActivity.id).where(col(InboxActivity.created_at) < tx.now - KEPT_FOR)
    return (await tx.exec(query.limit(1))).first() is not None


async def drop_old(tx: Transaction) -> int:
    """Let go of what is old.

    Returns:
        How many; less than `BATCH` if there are no more.
    """
    old = (
        select(InboxActivity.id)
        .where(col(InboxActivity.created_at) < tx.now - KEPT_FOR)
        .order_by(col(InboxActivity.created_at))
        .limit(BATCH)
    )
    gone = await tx.execute(
        delete(InboxActivity)
        .where(col(InboxActivity.id).in_(list((await tx.exec(old)).all())))
        .execution_options(synchronize_session=False)
    )
    assert isinstance(gone, CursorResult)
    return gone.rowcount


def harmless(value: Any, actor_uri: str, depth: int = 0) -> Any:
    """What came, its HTML made harmless. What it says of things of other servers than its actor's
    is not its to say: they are named by their ids alone (FEP-fe34).

    Raises:
        Invalid: it is nested too deep.
    """
    if depth > MAX_DEPTH:
        raise Invalid(f"What has no meaning here is nested at most {MAX_DEPTH} deep.")
    if isinstance(value, Mapping):
        named = value.get("id")
        if depth and isinstance(named, str) and not origin.same_origin(named, actor_uri):
            return named
        return {
            name: entry if name == "@context" else _property(name, entry, actor_uri, depth)
            for name, entry in value.items()
            if name not in NEVER
        }
    if isinstance(value, list):
        return [harmless(entry, actor_uri, depth + 1) for entry in value]
    return value


def _property(name: str, value: Any, actor_uri: str, depth: int) -> Any:
    if name in MARKUP and isinstance(value, str):
        return text.sanitise(value)
    if name in MAPS and isinstance(value, Mapping):
        return {k: text.sanitise(v) for k, v in value.items() if isinstance(v, str)}
    return harmless(value, actor_uri, depth + 1)
