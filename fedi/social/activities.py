"""Activities that an app posted: kept to be read again under their ids, and in the outbox.

Posts and boosts are statuses and are not kept here. What an Update or a Delete was about is named
by its id alone, so that no words stay here that are gone elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import exists, or_
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from activitypub.objects import values
from fedi.database import Session, Transaction
from fedi.database.tables import Account, Block, Follow, OutboxActivity
from fedi.events import Event
from fedi.social.visibility import SHOWN_TO_ALL

Document = dict[str, Any]

TERMS = "@context"  # under this name a kept document has what its author adds to our @context


def mint_uri(tx: Transaction, account: Account) -> str:
    """A fresh id for an activity of a local account."""
    return f"{account.uri}/activities/{tx.new_id()}"


def mint_object_uri(tx: Transaction, account: Account) -> str:
    """A fresh id for an object of a local account that is no post."""
    return f"{account.uri}/objects/{tx.new_id()}"


async def keep(
    tx: Transaction,
    account: Account,
    document: Document,
    *,
    visibility: str = "direct",
    recipients: Sequence[int] = (),
) -> OutboxActivity:
    """Keep what an app posted; kept under this id before, it is what was kept.

    Args:
        account: who did it, of here.
        document: the activity, with its id and without `bto` and `bcc`.
        visibility: whom it is for, as of a post.
        recipients: ids of the accounts that it is for besides.
    """
    uri = document["id"]
    known = (await tx.exec(select(OutboxActivity).where(OutboxActivity.uri == uri))).first()
    if known is not None:
        return known
    row = OutboxActivity(
        id=tx.new_id(),
        account_id=account.id,
        uri=uri,
        type=document["type"],
        object_uri=values.uri(document.get("object")),
        visibility=visibility,
        document=document,
        recipients=list(dict.fromkeys(recipients)),
        created_at=tx.now,
    )
    tx.add(row)
    await tx.flush()
    tx.emit(Event(f"account:{account.id}", "activity", {"id": str(row.id)}))
    return row


async def by_uri(session: Session, uri: str) -> OutboxActivity | None:
    """The activity of this id, whoever asks."""
    query = select(OutboxActivity).where(OutboxActivity.uri == uri)
    return (await session.exec(query)).first()


async def done_to(
    session: Session, account: Account, type_: str, object_uri: str
) -> OutboxActivity | None:
    """What an account last did of this type to an object, unless it was undone."""
    query = (
        select(OutboxActivity)
        .where(
            OutboxActivity.account_id == account.id,
            OutboxActivity.object_uri == object_uri,
            OutboxActivity.type == type_,
            col(OutboxActivity.undone_at).is_(None),
        )
        .order_by(col(OutboxActivity.id).desc())
    )
    return (await session.exec(query.limit(1))).first()


async def load(session: Session, viewer: Account | None, uri: str) -> OutboxActivity | None:
    """The activity of this id, if the viewer may see it: who did it, and all whom it is for."""
    row = await by_uri(session, uri)
    if row is None:
        return None
    if viewer is not None and viewer.id in row.recipients:
        return None if await _blocks(session, row.account_id, viewer) else row
    query = seen_by(viewer, row.account_id).where(col(OutboxActivity.id) == row.id)
    return (await session.exec(query)).first()


async def _blocks(session: Session, account_id: int, viewer: Account) -> bool:
    query = select(Block.id).where(
        Block.account_id == account_id, Block.target_account_id == viewer.id
    )
    return (await session.exec(query)).first() is not None


async def creation_of(session: Session, object_uri: str) -> OutboxActivity | None:
    """What brought an object that is no post, whoever asks."""
    query = select(OutboxActivity).where(
        OutboxActivity.object_uri == object_uri, OutboxActivity.type == "Create"
    )
    return (await session.exec(query)).first()


async def creation(
    session: Session, viewer: Account | None, account: Account, object_uri: str
) -> OutboxActivity | None:
    """What brought an object of an account that is no post, if the viewer may see it."""
    row = await creation_of(session, object_uri)
    if row is None or row.account_id != account.id:
        return None
    return await load(session, viewer, row.uri)


def seen_by(viewer: Account | None, account_id: int) -> SelectOfScalar[OutboxActivity]:
    """A SELECT of what somebody did, as far as the viewer may see it in their outbox."""
    query = select(OutboxActivity).where(OutboxActivity.account_id == account_id)
    shown = col(OutboxActivity.visibility).in_(SHOWN_TO_ALL)
    if viewer is None:
        return query.where(shown)
    if viewer.id == account_id:
        return query
    follows = exists().where(
        col(Follow.account_id) == viewer.id,
        col(Follow.target_account_id) == account_id,
        col(Follow.state) == "accepted",
    )
    blocked = exists().where(
        col(Block.account_id) == account_id, col(Block.target_account_id) == viewer.id
    )
    private = (col(OutboxActivity.visibility) == "private") & follows
    return query.where(~blocked, or_(shown, private))
