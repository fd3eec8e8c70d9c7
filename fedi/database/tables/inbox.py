"""What came to people of ours by ActivityPub and left no other trace."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index
from sqlmodel import Field

from fedi.database.tables.columns import Table, moment, primary_id, reference


class InboxActivity(Table, table=True):
    """An activity that means nothing here; what means something is told from what became of it."""

    __tablename__ = "inbox_activity"
    __table_args__ = (Index("inbox_activity_object", "account_id", "object_uri"),)

    id: int = primary_id()
    account_id: int = reference("account.id")  # who did it, of here or elsewhere
    uri: str = Field(unique=True)
    type: str
    object_uri: str | None = None
    document: dict[str, Any] = Field(sa_type=JSON)  # with its own @context
    created_at: datetime = moment(index=True)


class InboxRecipient(Table, table=True):
    """One of ours to whom an activity came."""

    __tablename__ = "inbox_recipient"

    account_id: int = reference("account.id", primary=True)
    activity_id: int = reference("inbox_activity.id", primary=True, index=True)


__all__ = ["InboxActivity", "InboxRecipient"]
