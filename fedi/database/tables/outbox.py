"""What people of ours said by ActivityPub that left no other trace, or is to be read again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, UniqueConstraint
from sqlmodel import Field

from fedi.database.tables.columns import (
    Table,
    moment,
    new_list,
    optional_moment,
    primary_id,
    reference,
)


class OutboxActivity(Table, table=True):
    """An activity that an app posted to an outbox; posts and boosts stand in `status` instead."""

    __tablename__ = "outbox_activity"
    __table_args__ = (
        Index("outbox_activity_account", "account_id", "id"),
        Index("outbox_activity_object", "object_uri", "account_id"),
    )

    id: int = primary_id()
    account_id: int = reference("account.id")
    uri: str = Field(unique=True)
    type: str
    object_uri: str | None = None
    visibility: str = "direct"  # as of a status
    # As everybody may see it who may: without `bto`, `bcc`, and words that an Update once brought.
    document: dict[str, Any] = Field(sa_type=JSON)
    recipients: list[int] = Field(default_factory=new_list, sa_type=JSON)  # accounts, all of them
    created_at: datetime = moment()
    undone_at: datetime | None = optional_moment()


class CollectionItem(Table, table=True):
    """Something in a collection that somebody of ours made."""

    __tablename__ = "collection_item"
    __table_args__ = (UniqueConstraint("collection_id", "uri"),)

    id: int = primary_id()
    collection_id: int = reference("outbox_activity.id")  # the Create of the collection
    uri: str
    created_at: datetime = moment()


__all__ = ["CollectionItem", "OutboxActivity"]
