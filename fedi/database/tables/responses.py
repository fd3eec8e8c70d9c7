"""What others add to posts: reactions, votes, quotes, and the stamps that allow them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, UniqueConstraint, false
from sqlmodel import Field

from fedi.database.tables.columns import (
    Table,
    moment,
    optional_moment,
    optional_reference,
    primary_id,
    reference,
)


class Reaction(Table, table=True):
    """An emoji that somebody put to a post (EmojiReact, Misskey's Like)."""

    __tablename__ = "reaction"
    __table_args__ = (UniqueConstraint("account_id", "status_id", "name"),)

    id: int = primary_id()
    account_id: int = reference("account.id")
    status_id: int = reference("status.id", index=True)
    name: str  # an emoji, or the shortcode of a custom one without colons
    url: str | None = None  # the image of a custom emoji
    uri: str = Field(index=True)
    created_at: datetime = moment()


class Poll(Table, table=True):
    """What a post asks: of one from elsewhere as its author's server last counted it."""

    __tablename__ = "poll"

    status_id: int = reference("status.id", primary=True)
    options: list[dict[str, Any]] = Field(sa_type=JSON)  # {"title", "votes_count"}
    multiple: bool = False
    voters_count: int | None = None
    ends_at: datetime | None = optional_moment()
    closed: bool = False
    # Of one of ours: whether nobody sees the counts before it ends.
    hide_totals: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    fetched_at: datetime = moment()


class PollVote(Table, table=True):
    """What somebody chose: of one of ours everybody's, elsewhere that of our people."""

    __tablename__ = "poll_vote"
    __table_args__ = (UniqueConstraint("status_id", "account_id", "choice"),)

    id: int = primary_id()
    status_id: int = reference("status.id")
    account_id: int = reference("account.id", index=True)
    choice: int  # which option, from 0
    uri: str = Field(index=True)  # of the Note that says so
    created_at: datetime = moment()


class Quote(Table, table=True):
    """A post that quotes another one, and whether the quoted author agrees (FEP-044f)."""

    __tablename__ = "quote"

    status_id: int = reference("status.id", primary=True)
    quoted_uri: str = Field(index=True)
    quoted_id: int | None = optional_reference("status.id", index=True)
    authorization_uri: str | None = Field(default=None, index=True)
    state: str = "pending"  # pending, accepted, revoked; of ours also rejected
    # Of ours: the QuoteRequest that asks the quoted author.
    request_uri: str | None = Field(default=None, index=True)


class Stamp(Table, table=True):
    """That a local author agrees to being quoted; served as a QuoteAuthorization."""

    __tablename__ = "stamp"
    __table_args__ = (UniqueConstraint("status_id", "quoting_uri"),)

    id: int = primary_id()
    account_id: int = reference("account.id", index=True)  # the quoted author
    status_id: int = reference("status.id")
    quoting_uri: str
    quoting_account_id: int = reference("account.id", index=True)
    created_at: datetime = moment()
    revoked_at: datetime | None = optional_moment()


__all__ = ["Poll", "PollVote", "Quote", "Reaction", "Stamp"]
