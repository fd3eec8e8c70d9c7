"""What people post, and what others do with it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, Text, UniqueConstraint, false, text
from sqlmodel import Field

from fedi.database.tables.columns import (
    BigId,
    Table,
    moment,
    new_dict,
    new_list,
    optional_moment,
    optional_reference,
    primary_id,
    reference,
)


class Status(Table, table=True):
    """A post, or (with `reblog_of_id`) a boost of one."""

    __tablename__ = "status"
    __table_args__ = (
        Index("status_account", "account_id", "id"),
        Index("status_public", "visibility", "id"),
        Index("status_local", "local", "visibility", "id"),
        Index("status_reblog", "reblog_of_id", "account_id"),
        Index("status_context", "context_uri", "id"),
        Index(
            "status_relayed",
            "relayed_at",
            sqlite_where=text("relayed_at IS NOT NULL"),
            postgresql_where=text("relayed_at IS NOT NULL"),
        ),
        Index(
            "status_approved_by",
            "approved_by",
            sqlite_where=text("approved_by IS NOT NULL"),
            postgresql_where=text("approved_by IS NOT NULL"),
        ),
        Index(
            "status_unread",
            "local",
            "deleted_at",
            sqlite_where=text("deleted_at IS NOT NULL AND fetched_at IS NULL"),
            postgresql_where=text("deleted_at IS NOT NULL AND fetched_at IS NULL"),
        ),
        # What changed, and what went, since somebody was here last (`social.chronicle`).
        Index(
            "status_deleted",
            "deleted_at",
            sqlite_where=text("deleted_at IS NOT NULL"),
            postgresql_where=text("deleted_at IS NOT NULL"),
        ),
        Index(
            "status_edited",
            "edited_at",
            sqlite_where=text("edited_at IS NOT NULL AND fetched_at IS NULL"),
            postgresql_where=text("edited_at IS NOT NULL AND fetched_at IS NULL"),
        ),
        Index(
            "status_edited_elsewhere",
            "fetched_at",
            sqlite_where=text("edited_at IS NOT NULL AND fetched_at IS NOT NULL"),
            postgresql_where=text("edited_at IS NOT NULL AND fetched_at IS NOT NULL"),
        ),
        Index(
            "status_reblog_once",
            "reblog_of_id",
            "account_id",
            unique=True,
            sqlite_where=text("reblog_of_id IS NOT NULL AND deleted_at IS NULL"),
            postgresql_where=text("reblog_of_id IS NOT NULL AND deleted_at IS NULL"),
        ),
    )

    id: int = primary_id()
    uri: str = Field(unique=True)
    url: str = ""
    object_type: str = "Note"  # the ActivityStreams type it came as
    account_id: int = reference("account.id")
    local: bool = False

    reblog_of_id: int | None = reference("status.id", default=None, nullable=True)
    in_reply_to_uri: str | None = Field(default=None, index=True)  # known before the parent is
    in_reply_to_id: int | None = optional_reference("status.id", index=True)
    in_reply_to_account_id: int | None = optional_reference("account.id")
    context_uri: str | None = None  # the collection of the whole thread (FEP-7888)
    replies_uri: str | None = None  # remote: where its server lists the answers
    replies_fetched_at: datetime | None = optional_moment()  # remote: when that was last read

    visibility: str = "public"  # public, unlisted, private, direct
    content: str = Field(default="", sa_type=Text)  # sanitised HTML
    source: str = Field(default="", sa_type=Text)  # what a local author wrote
    source_type: str = Field(
        default="text/plain", sa_column_kwargs={"server_default": "text/plain"}
    )  # or text/markdown
    spoiler_text: str = ""
    sensitive: bool = False
    language: str | None = None
    # Of a local post that is no Note: what its type says besides (`social.kinds`).
    details: dict[str, Any] | None = Field(default=None, sa_type=JSON, nullable=True)
    # The audience as it was written, for what the visibility cannot say.
    audience: dict[str, list[str]] = Field(default_factory=new_dict, sa_type=JSON)
    emojis: list[dict[str, str]] = Field(default_factory=new_list, sa_type=JSON)

    # What its author lets others do with it (`social.policies`); None where they did not say.
    interaction_policy: dict[str, Any] | None = Field(default=None, sa_type=JSON, nullable=True)
    # Of an answer, or a boost of ours, whether the other author must still agree: pending,
    # approved, rejected; empty where nobody is asked. Who sees the others: `social.visibility`.
    approval: str = Field(default="", sa_column_kwargs={"server_default": ""})
    approved_by: str | None = None  # the stamp that says so; one from elsewhere may lie

    # Of ours: whether its pictures may be trained on; None: as its author says of all of them.
    training: bool | None = None
    training_said_at: datetime | None = optional_moment()

    ai: str = "undeclared"  # undeclared, none, generated, edited
    generator: str = ""  # the model, as its author names it
    based_on_uri: str | None = Field(default=None, index=True)  # schema:isBasedOn: the remix parent

    replies_count: int = 0
    reblogs_count: int = 0
    favourites_count: int = 0

    created_at: datetime = moment()  # `published`
    edited_at: datetime | None = optional_moment()
    deleted_at: datetime | None = optional_moment()  # a tombstone: answers 410
    fetched_at: datetime | None = optional_moment()
    # When a relay told of it, while nobody here is known to have to do with it (`social.pruning`).
    relayed_at: datetime | None = optional_moment()

    @property
    def held(self) -> bool:
        """Whether it waits for leave, or was refused it: then it is not for everybody."""
        return self.approval in {"pending", "rejected"}

    @property
    def activity_uri(self) -> str:
        """The id of the Create (or, for a boost, of the Announce) that brought a local status."""
        return self.uri if self.reblog_of_id is not None else f"{self.uri}/activity"


class MediaAttachment(Table, table=True):
    """A picture: uploaded or painted here (`file`), or another server's (`remote_url`)."""

    __tablename__ = "media_attachment"
    __table_args__ = (
        Index("media_status", "status_id", "position"),
        Index(
            "media_file",
            "file",
            sqlite_where=text("file IS NOT NULL"),
            postgresql_where=text("file IS NOT NULL"),
        ),
        Index(
            "media_preview_file",
            "preview_file",
            sqlite_where=text("preview_file IS NOT NULL"),
            postgresql_where=text("preview_file IS NOT NULL"),
        ),
    )

    id: int = primary_id()
    account_id: int = reference("account.id", index=True)
    status_id: int | None = reference("status.id", default=None, nullable=True)
    position: int = 0
    type: str = "image"  # image, gifv, video, audio, unknown
    file: str | None = None  # storage key of the original
    preview_file: str | None = None  # storage key of the small rendition
    remote_url: str | None = None
    media_type: str = ""
    width: int | None = None
    height: int | None = None
    size: int | None = None  # bytes
    blurhash: str | None = None
    focus_x: float | None = None
    focus_y: float | None = None
    description: str = Field(default="", sa_type=Text)  # alt text
    # What wrote it, if no person did: a model, or "prompt" (`studio.descriptions`).
    described_by: str = Field(default="", sa_column_kwargs={"server_default": ""})
    # Not for everybody, as a rule or a classifier says; a post with it is marked, whoever posts it.
    sensitive: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    digest: str | None = None  # multibase SHA-256 of the original (FEP-1311)
    # Honesty: where the picture comes from (an IPTC digital source type), and by what.
    digital_source_type: str | None = None
    ai_system: str = ""
    ai_system_version: str = ""
    ai_prompt: str = Field(default="", sa_type=Text)  # only if the author shares the recipe
    recipe: dict[str, Any] | None = Field(
        default=None, sa_type=JSON, nullable=True
    )  # whole, for remixing
    share_recipe: bool = False
    painting_id: int | None = optional_reference("painting.id", index=True)
    created_at: datetime = moment()


class Mention(Table, table=True):
    __tablename__ = "mention"

    status_id: int = reference("status.id", primary=True)
    account_id: int = reference("account.id", primary=True, index=True)
    silent: bool = False  # addressed, but not named in the text
    blind: bool = False  # addressed by bto or bcc: delivered to, and told to nobody else


class Tag(Table, table=True):
    __tablename__ = "tag"

    id: int = primary_id()
    name: str = Field(unique=True)  # normalised: lower case, without '#'
    display_name: str


class StatusTag(Table, table=True):
    __tablename__ = "status_tag"
    __table_args__ = (Index("status_tag_tag", "tag_id", "status_id"),)

    status_id: int = reference("status.id", primary=True)
    tag_id: int = reference("tag.id", primary=True)


class Favourite(Table, table=True):
    __tablename__ = "favourite"
    __table_args__ = (UniqueConstraint("account_id", "status_id"),)

    id: int = primary_id()
    account_id: int = reference("account.id")
    status_id: int = reference("status.id", index=True)
    uri: str = Field(index=True)
    created_at: datetime = moment()


class Pin(Table, table=True):
    __tablename__ = "pin"
    __table_args__ = (UniqueConstraint("account_id", "status_id"),)

    id: int = primary_id()
    account_id: int = reference("account.id")
    status_id: int = reference("status.id", index=True)
    created_at: datetime = moment()


class FeaturedTag(Table, table=True):
    """A hashtag that somebody shows on their profile."""

    __tablename__ = "featured_tag"
    __table_args__ = (UniqueConstraint("account_id", "tag_id"),)

    id: int = primary_id()
    account_id: int = reference("account.id")
    tag_id: int = reference("tag.id", index=True)
    created_at: datetime = moment()


class HomeEntry(Table, table=True):
    """One line of one account's home timeline, written when the post arrives."""

    __tablename__ = "home_entry"
    __table_args__ = (Index("home_entry_status", "status_id"),)

    account_id: int = reference("account.id", primary=True)
    status_id: int = Field(
        sa_type=BigId, foreign_key="status.id", ondelete="CASCADE", primary_key=True
    )


__all__ = [
    "Favourite",
    "FeaturedTag",
    "HomeEntry",
    "MediaAttachment",
    "Mention",
    "Pin",
    "Status",
    "StatusTag",
    "Tag",
]
