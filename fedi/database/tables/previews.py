"""What pages say of themselves to those who link to them (`social.previews`)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, Text
from sqlmodel import Field

from fedi.database.tables.columns import (
    Table,
    moment,
    optional_moment,
    optional_reference,
    primary_id,
)


class LinkPreview(Table, table=True):
    """A page that posts link to, as it was last read. `Status.preview_id` names it, whether it was
    read yet or not."""

    __tablename__ = "link_preview"
    __table_args__ = (Index("link_preview_fetched", "fetched_at"),)

    id: int = primary_id()  # made of the address: `social.trends.subjects.number_of`
    url: str = Field(sa_type=Text)
    state: str  # ready, failed, post (it is a post that we know)
    error: str = Field(default="", sa_type=Text)  # why there is nothing to show, in words
    type: str = "link"  # or photo
    title: str = Field(default="", sa_type=Text)
    description: str = Field(default="", sa_type=Text)
    author_name: str = Field(default="", sa_type=Text)
    author_url: str = Field(default="", sa_type=Text)
    # Who wrote it, where the page says so and they say so of the page.
    author_account_id: int | None = optional_reference("account.id", index=True)
    provider_name: str = Field(default="", sa_type=Text)
    provider_url: str = Field(default="", sa_type=Text)
    # Its picture, which is shown as other servers' files are (`studio.remote_files`).
    image_url: str = Field(default="", sa_type=Text)
    image_description: str = Field(default="", sa_type=Text)
    image_width: int = 0  # pixels, as the page says
    image_height: int = 0
    language: str | None = None
    published_at: datetime | None = optional_moment()
    fetched_at: datetime = moment()


__all__ = ["LinkPreview"]
