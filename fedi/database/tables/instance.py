"""What those who run this instance set up: its rules and its emoji."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Text
from sqlmodel import Field

from fedi.database.tables.columns import Table, moment, optional_moment, primary_id


class Rule(Table, table=True):
    """A rule of this instance. One that is taken back stays, for the reports that name it."""

    __tablename__ = "rule"

    id: int = primary_id()
    text: str = Field(sa_type=Text)
    hint: str = Field(default="", sa_type=Text)
    created_at: datetime = moment()
    deleted_at: datetime | None = optional_moment()


class CustomEmoji(Table, table=True):
    """A small picture that stands in texts for its shortcode. One that was removed, or has got
    another picture, stays for the texts that were written with it."""

    __tablename__ = "custom_emoji"

    id: int = primary_id()
    shortcode: str = Field(index=True)
    file: str = Field(index=True)  # storage key
    # Of one that does not move; the same key, if it does not anyway.
    still_file: str = Field(index=True)
    media_type: str
    category: str = ""
    updated_at: datetime = moment()
    removed_at: datetime | None = optional_moment()


class Setting(Table, table=True):
    """A setting that was changed while the server runs; it comes before that of the file."""

    __tablename__ = "setting"

    name: str = Field(primary_key=True)  # such as `instance.name`
    value: Any = Field(sa_type=JSON)
    changed_at: datetime = moment()


__all__ = ["CustomEmoji", "Rule", "Setting"]
