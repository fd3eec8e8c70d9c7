"""What those who run this instance did, to whom, and what they said about it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Text, UniqueConstraint
from sqlmodel import Field

from fedi.database.tables.columns import (
    BigId,
    Table,
    moment,
    new_dict,
    new_list,
    optional_reference,
    primary_id,
    reference,
)


class AuditEntry(Table, table=True):
    """Something that was done in the name of this instance. Nothing removes it."""

    __tablename__ = "audit_entry"

    id: int = primary_id()
    account_id: int | None = optional_reference("account.id", index=True)
    actor: str = ""  # their name then; empty: the command line
    action: str  # such as `account.suspend`
    target: str = ""  # as people know it: a handle, a domain, a number
    target_id: int | None = Field(default=None, sa_type=BigId, nullable=True)
    details: dict[str, Any] = Field(default_factory=new_dict, sa_type=JSON)
    created_at: datetime = moment(index=True)


class AccountWarning(Table, table=True):
    """What somebody of ours was told by moderators, and what was done to their account."""

    __tablename__ = "account_warning"

    id: int = primary_id()
    account_id: int = reference("account.id", index=True)
    by_account_id: int | None = optional_reference("account.id", index=True)
    action: str  # a `social.moderation.Action`
    text: str = Field(default="", sa_type=Text)
    status_ids: list[int] = Field(default_factory=new_list, sa_type=JSON)
    report_id: int | None = optional_reference("report.id", index=True)
    created_at: datetime = moment()


class TrendVerdict(Table, table=True):
    """Whether something may be shown among what many look at, as moderators say."""

    __tablename__ = "trend_verdict"
    __table_args__ = (UniqueConstraint("kind", "subject_id"),)

    id: int = primary_id()
    kind: str  # tag, status
    subject_id: int = Field(sa_type=BigId)
    allowed: bool
    created_at: datetime = moment()


__all__ = ["AccountWarning", "AuditEntry", "TrendVerdict"]
