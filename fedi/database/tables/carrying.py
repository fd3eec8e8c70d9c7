"""What people bring with them from another server, and take away from here."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index
from sqlmodel import Field

from fedi.database.tables.columns import (
    BigId,
    Table,
    moment,
    new_dict,
    optional_moment,
    primary_id,
    reference,
)


class Import(Table, table=True):
    """A list that somebody brought, and how far it is taken in."""

    __tablename__ = "import"

    id: int = primary_id()
    account_id: int = reference("account.id", index=True)
    kind: str  # a `social.carrying.Kind`
    overwrite: bool = False  # what is not in the list goes
    total: int = 0  # lines
    done: int = 0
    failed: int = 0
    created_at: datetime = moment()
    finished_at: datetime | None = optional_moment()


class ImportLine(Table, table=True):
    """A line of such a list that waits for its turn; one that failed stays, with the reason."""

    __tablename__ = "import_line"
    __table_args__ = (Index("import_line_import", "import_id", "error", "id"),)

    id: int = primary_id()
    import_id: int = reference("import.id")
    entry: dict[str, Any] = Field(default_factory=new_dict, sa_type=JSON)
    error: str = ""


class Archive(Table, table=True):
    """All that somebody made here, in one file."""

    __tablename__ = "archive"

    id: int = primary_id()
    account_id: int = reference("account.id", index=True)
    # A storage key, once it is there; no address leads to it.
    file: str | None = Field(default=None, index=True)
    bytes: int = Field(default=0, sa_type=BigId)
    created_at: datetime = moment()
    finished_at: datetime | None = optional_moment()


__all__ = ["Archive", "Import", "ImportLine"]
