"""What people report to those who run this instance, or to those who run another."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, Text
from sqlmodel import Field

from fedi.database.tables.columns import (
    Table,
    moment,
    new_list,
    optional_moment,
    optional_reference,
    primary_id,
    reference,
)


class Report(Table, table=True):
    """Somebody says that an account, or posts of it, should be looked at (Flag)."""

    __tablename__ = "report"

    id: int = primary_id()
    # Who reports; of a Flag from elsewhere often only their server's own actor.
    account_id: int = reference("account.id", index=True)
    target_account_id: int = reference("account.id", index=True)
    status_ids: list[int] = Field(default_factory=new_list, sa_type=JSON)
    comment: str = Field(default="", sa_type=Text)
    category: str = Field(
        default="other", sa_column_kwargs={"server_default": "other"}
    )  # a `social.reports.Category`
    rule_ids: list[int] = Field(
        default_factory=new_list, sa_type=JSON, sa_column_kwargs={"server_default": "[]"}
    )
    uri: str = Field(unique=True)  # of the Flag
    forwarded: bool = False  # told to the server of the account that it is about
    created_at: datetime = moment()
    resolved_at: datetime | None = optional_moment()
    resolved_by_id: int | None = optional_reference("account.id", index=True)
    assigned_account_id: int | None = optional_reference("account.id", index=True)
    updated_at: datetime | None = optional_moment()  # when staff last did something about it


__all__ = ["Report"]
