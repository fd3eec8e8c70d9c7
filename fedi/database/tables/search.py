"""What the search must look at again; triggers write it (`database.migrations.triggers`)."""

from __future__ import annotations

from sqlmodel import Field

from fedi.database.tables.columns import BigId, Table


class SearchChange(Table, table=True):
    """Something that can be found was made, changed or ended. One row for each time: nothing that
    happens while the index reads is lost with what it has read."""

    __tablename__ = "search_change"

    id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    kind: str  # status, account, or author: all that they posted
    row_id: int = Field(sa_type=BigId)


__all__ = ["SearchChange"]
