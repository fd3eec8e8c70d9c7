"""Files of other servers that we keep for a while, so that no reader has to go there."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, Text, text
from sqlmodel import Field

from fedi.database.tables.columns import BigId, Table, moment, optional_moment, primary_id


class RemoteFile(Table, table=True):
    """A file elsewhere, as somebody claims it: address, purpose, digest and size.

    Two claims about one address are two rows, so that nobody can spoil another's picture by
    telling something else of it.
    """

    __tablename__ = "remote_file"
    __table_args__ = (
        Index("remote_file_state", "state", "viewed_at"),
        Index(
            "remote_file_file",
            "file",
            sqlite_where=text("file IS NOT NULL"),
            postgresql_where=text("file IS NOT NULL"),
        ),
        Index(
            "remote_file_preview_file",
            "preview_file",
            sqlite_where=text("preview_file IS NOT NULL"),
            postgresql_where=text("preview_file IS NOT NULL"),
        ),
    )

    id: int = primary_id()
    key: str = Field(unique=True)  # of the whole claim: fedi.studio.remote_files.claims
    url: str = Field(sa_type=Text)
    host: str = Field(index=True)
    kind: str  # attachment, avatar, header, emoji, preview
    promised_digest: str | None = None  # multibase, FEP-1311
    promised_size: int | None = Field(default=None, sa_type=BigId, nullable=True)  # bytes
    state: str  # fetching, ready, failed, evicted
    file: str | None = None  # storage key of the original
    preview_file: str | None = None  # storage key of the small rendition
    media_type: str = ""
    bytes: int = 0  # of both files on our disk
    width: int | None = None  # pixels, as it is shown
    height: int | None = None
    blurhash: str | None = None
    error: str = Field(default="", sa_type=Text)  # why it cannot be had, in words
    attempts: int = 0  # failures in a row
    created_at: datetime = moment()
    fetched_at: datetime | None = optional_moment()
    viewed_at: datetime = moment()
    next_attempt_at: datetime | None = optional_moment()  # of "fetching": when its lease ends


__all__ = ["RemoteFile"]
