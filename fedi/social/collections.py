"""Collections that people of ours make: of posts, of people, of whatever has an id.

A collection is an object that an app made (`social.activities`); what is in it are rows of their
own. Who may see the collection finds in it the posts that they may see, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import CursorResult, delete, exists, func
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from activitypub.objects.collection import COLLECTION_TYPES
from fedi.database import Session, Transaction
from fedi.database.insertion import insert_new
from fedi.database.tables import Account, CollectionItem, OutboxActivity, Status
from fedi.social import activities
from fedi.social.errors import Invalid
from fedi.social.visibility import visible_to

MAX_COLLECTIONS = 100  # of one account
MAX_ITEMS = 1000  # of one collection


def is_collection(row: OutboxActivity) -> bool:
    """Whether this is the Create of a collection that is still there."""
    if row.type != "Create" or row.undone_at is not None:
        return False
    object_ = row.document.get("object")
    return isinstance(object_, dict) and object_.get("type") in COLLECTION_TYPES


async def find(session: Session, account: Account, uri: str) -> OutboxActivity | None:
    """The collection of this id, if it is the account's: its Create."""
    row = await activities.creation_of(session, uri)
    mine = row is not None and row.account_id == account.id and is_collection(row)
    return row if mine else None


async def refuse_too_many(session: Session, account: Account) -> None:
    """Refuse one collection more than an account may have.

    Raises:
        Invalid: that would be one too many.
    """
    kind: Any = OutboxActivity.document
    query = (
        select(func.count())
        .select_from(OutboxActivity)
        .where(
            OutboxActivity.account_id == account.id,
            OutboxActivity.type == "Create",
            col(OutboxActivity.undone_at).is_(None),
            kind["object"]["type"].as_string().in_(COLLECTION_TYPES),
        )
    )
    if (await session.exec(query)).one() >= MAX_COLLECTIONS:
        raise Invalid(f"An account has at most {MAX_COLLECTIONS} collections.")


async def add(tx: Transaction, row: OutboxActivity, uris: Sequence[str]) -> list[str]:
    """Put something into a collection; the first of several is the newest then.

    Args:
        row: the Create of the collection.
        uris: ids; what is in it already stays where it is.

    Returns:
        Those that were not in it.

    Raises:
        Invalid: that would be too many.
    """
    known = set((await tx.exec(_within(row, uris))).all())
    fresh = [uri for uri in dict.fromkeys(uris) if uri not in known]
    count = select(func.count()).where(CollectionItem.collection_id == row.id)
    if len(fresh) + (await tx.exec(count)).one() > MAX_ITEMS:
        raise Invalid(f"A collection has at most {MAX_ITEMS} members.")
    if fresh:
        rows = [
            {"id": tx.new_id(), "collection_id": row.id, "uri": uri, "created_at": tx.now}
            for uri in reversed(fresh)
        ]
        await insert_new(tx, CollectionItem, rows)
    return fresh


async def remove(tx: Transaction, row: OutboxActivity, uris: Sequence[str] | None = None) -> int:
    """Take something out of a collection: of all that is in it, what has these ids; None: all.

    Returns:
        How many were in it.
    """
    statement = delete(CollectionItem).where(col(CollectionItem.collection_id) == row.id)
    if uris is not None:
        statement = statement.where(col(CollectionItem.uri).in_(uris))
    gone = await tx.execute(statement.execution_options(synchronize_session=False))
    assert isinstance(gone, CursorResult)
    return gone.rowcount


def _within(row: OutboxActivity, uris: Sequence[str]) -> Any:
    return select(CollectionItem.uri).where(
        CollectionItem.collection_id == row.id, col(CollectionItem.uri).in_(uris)
    )


def members(viewer: Account | None, row: OutboxActivity) -> Any:
    """A SELECT of the ids of what is in a collection, as far as somebody may see it: of posts, and
    of what else its owner made here. Of what is elsewhere its own server tells."""
    uri, post, made = col(CollectionItem.uri), aliased(Status), aliased(OutboxActivity)
    is_post = exists().where(col(post.uri) == uri)
    seen_post = visible_to(viewer).where(col(Status.uri) == uri).exists()
    is_made = exists().where(col(made.object_uri) == uri, col(made.type) == "Create")
    seen_made = (
        activities.seen_by(viewer, row.account_id)
        .where(
            col(OutboxActivity.object_uri) == uri,
            col(OutboxActivity.type) == "Create",
            col(OutboxActivity.undone_at).is_(None),
        )
        .exists()
    )
    return select(CollectionItem.uri).where(
        CollectionItem.collection_id == row.id, ~is_post | seen_post, ~is_made | seen_made
    )


async def listed(
    session: Session, viewer: Account | None, row: OutboxActivity, limit: int
) -> list[str]:
    """The newest of what is in a collection, as far as somebody may see it."""
    query = members(viewer, row).order_by(col(CollectionItem.id).desc()).limit(limit)
    return list((await session.exec(query)).all())
