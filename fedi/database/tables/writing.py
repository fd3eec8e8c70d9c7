"""What becomes of posts while they are written and rewritten, and who writes to whom."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, Text, UniqueConstraint
from sqlmodel import Field

from fedi.database.tables.columns import (
    BigId,
    Table,
    moment,
    new_list,
    primary_id,
    reference,
)


class StatusEdit(Table, table=True):
    """What a post was before an edit."""

    __tablename__ = "status_edit"
    __table_args__ = (Index("status_edit_status", "status_id", "id"),)

    id: int = primary_id()
    status_id: int = reference("status.id")
    content: str = Field(sa_type=Text)  # sanitised HTML
    spoiler_text: str = ""
    sensitive: bool = False
    media: list[dict[str, Any]] = Field(default_factory=new_list, sa_type=JSON)
    poll: list[str] | None = Field(default=None, sa_type=JSON, nullable=True)  # what it asked
    emojis: list[dict[str, str]] = Field(default_factory=new_list, sa_type=JSON)
    created_at: datetime = moment()  # since when it was so


class ScheduledStatus(Table, table=True):
    """A post that publishes itself later."""

    __tablename__ = "scheduled_status"
    __table_args__ = (Index("scheduled_account", "account_id", "id"),)

    id: int = primary_id()
    account_id: int = reference("account.id")
    scheduled_at: datetime = moment(index=True)
    draft: dict[str, Any] = Field(sa_type=JSON)  # as `social.drafts` reads it
    uri: str  # of the post, minted beforehand: it is published once
    error: str = Field(default="", sa_type=Text)  # why it was not published when it was time
    created_at: datetime = moment()


class Conversation(Table, table=True):
    """Direct posts of one thread between the same people, as one of them has it."""

    __tablename__ = "conversation"
    __table_args__ = (
        UniqueConstraint("account_id", "key"),
        Index("conversation_account", "account_id", "last_status_id"),
    )

    id: int = primary_id()
    account_id: int = reference("account.id")
    key: str  # SHA-256 of the thread and its people: an index takes no more
    context_uri: str  # `Status.context_uri`
    participants: list[int] = Field(default_factory=new_list, sa_type=JSON)  # the others
    last_status_id: int = Field(sa_type=BigId, index=True)
    unread: bool = False


__all__ = ["Conversation", "ScheduledStatus", "StatusEdit"]
