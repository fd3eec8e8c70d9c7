"""What the assistant was asked, and where it was told to be silent."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, text
from sqlmodel import Field

from fedi.database.tables.columns import BigId, Table, moment, reference


class AssistantRequest(Table, table=True):
    """A post in which somebody asks the assistant for something: it is answered once."""

    __tablename__ = "assistant_request"
    __table_args__ = (
        Index("assistant_request_account", "account_id", "created_at"),
        Index("assistant_request_domain", "domain", "created_at"),
        Index(
            "assistant_request_painting",
            "painting_id",
            sqlite_where=text("painting_id IS NOT NULL"),
            postgresql_where=text("painting_id IS NOT NULL"),
        ),
    )

    status_id: int = reference("status.id", primary=True)
    account_id: int = reference("account.id")  # who asks
    domain: str | None = None  # their server; None: this one
    context_uri: str | None = None  # the thread
    # taken, answered, failed (after work was done), refused (and told so), spent (the share of
    # their server: told so), ignored
    state: str
    painting_id: int | None = Field(default=None, sa_type=BigId, nullable=True)
    created_at: datetime = moment()


class AssistantStop(Table, table=True):
    """A thread in which somebody who is in it does not want the assistant."""

    __tablename__ = "assistant_stop"

    context_uri: str = Field(primary_key=True)
    created_at: datetime = moment()


__all__ = ["AssistantRequest", "AssistantStop"]
