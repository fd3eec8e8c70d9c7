"""What authors let others train on, and what went out (`social.training`).

Rows here say what was done. They name posts and pictures by plain numbers: they stay when those go.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, Text, UniqueConstraint, false, text
from sqlmodel import Field

from fedi.database.tables.columns import (
    BigId,
    Table,
    moment,
    optional_moment,
    primary_id,
    reference,
)


class ConsentChange(Table, table=True):
    """What an author said of training, and when. Nothing changes or removes it."""

    __tablename__ = "consent_change"
    __table_args__ = (Index("consent_change_account", "account_id", "id"),)

    id: int = primary_id()
    account_id: int = reference("account.id")
    status_id: int | None = Field(default=None, sa_type=BigId, nullable=True)  # of that post alone
    allowed: bool | None = None  # None: that post is as all others of its author
    credit: str = ""  # a `training.choices.CREDITS`
    licence: str = ""  # one of `training.choices.LICENCES`
    created_at: datetime = moment()


class DatasetExport(Table, table=True):
    """A dataset that was given to somebody, or a stream that somebody may listen to; or a style
    that was learned here, which went to nobody."""

    __tablename__ = "dataset_export"

    id: int = primary_id()
    kind: str  # files, stream; style, asked (`training.lessons`)
    made_by: str = ""  # the account; empty: the command line
    recipient: str = ""  # to whom
    purpose: str = Field(default="", sa_type=Text)  # of a style: its name
    sensitive: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    items: int = 0
    digest: str = ""  # SHA-256 of the manifest, in hexadecimal
    token_hash: str | None = Field(default=None, unique=True)  # of a stream
    created_at: datetime = moment()
    finished_at: datetime | None = optional_moment()  # files: before, nothing was given away
    revoked_at: datetime | None = optional_moment()  # of a style: when it was removed
    last_used_at: datetime | None = optional_moment()


class DatasetItem(Table, table=True):
    """A picture that went out, and whether its author took that back."""

    __tablename__ = "dataset_item"
    __table_args__ = (
        UniqueConstraint("export_id", "media_id"),
        Index("dataset_item_position", "export_id", "position"),
        Index("dataset_item_account", "account_id", "export_id"),
        Index("dataset_item_media", "media_id"),
        Index("dataset_item_key", "export_id", "key"),
        Index(
            "dataset_item_withdrawn",
            "withdrawn_position",
            sqlite_where=text("withdrawn_position IS NOT NULL"),
            postgresql_where=text("withdrawn_position IS NOT NULL"),
        ),
    )

    id: int = primary_id()
    export_id: int = reference("dataset_export.id")
    media_id: int = Field(sa_type=BigId)
    key: str  # what it is called there (`training.pseudonyms`)
    status_id: int = Field(sa_type=BigId)
    account_id: int = Field(sa_type=BigId)
    digest: str = ""  # SHA-256 of the file that went out, in hexadecimal
    position: int = Field(sa_type=BigId)  # in its stream
    sent_at: datetime = moment()
    withdrawn_position: int | None = Field(default=None, sa_type=BigId, nullable=True)
    withdrawn_at: datetime | None = optional_moment()
    reason: str = ""  # a `training.ledger.REASONS`


__all__ = ["ConsentChange", "DatasetExport", "DatasetItem"]
