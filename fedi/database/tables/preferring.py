"""What people keep to themselves: bookmarks, mutes, notes, and how far they have read;
and whom they show."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, Text, UniqueConstraint
from sqlmodel import Field

from fedi.database.tables.columns import (
    BigId,
    Table,
    moment,
    optional_moment,
    primary_id,
    reference,
)


class Bookmark(Table, table=True):
    __tablename__ = "bookmark"
    __table_args__ = (
        UniqueConstraint("account_id", "status_id"),
        Index("bookmark_account", "account_id", "id"),
    )

    id: int = primary_id()
    account_id: int = reference("account.id")
    status_id: int = reference("status.id", index=True)
    created_at: datetime = moment()


class Mute(Table, table=True):
    """An account whose posts somebody does not want to see."""

    __tablename__ = "mute"
    __table_args__ = (
        UniqueConstraint("account_id", "target_account_id"),
        Index("mute_account", "account_id", "id"),
    )

    id: int = primary_id()
    account_id: int = reference("account.id")
    target_account_id: int = reference("account.id", index=True)
    notifications: bool = True  # whether it is not heard of, either
    expires_at: datetime | None = optional_moment()
    created_at: datetime = moment()


class ThreadMute(Table, table=True):
    """A thread that somebody does not want to hear of."""

    __tablename__ = "thread_mute"

    account_id: int = reference("account.id", primary=True)
    context_uri: str = Field(primary_key=True)  # `Status.context_uri`
    created_at: datetime = moment()


class AccountNote(Table, table=True):
    """What somebody noted of an account, for themselves alone."""

    __tablename__ = "account_note"

    account_id: int = reference("account.id", primary=True)
    target_account_id: int = reference("account.id", primary=True, index=True)
    comment: str = Field(sa_type=Text)


class Endorsement(Table, table=True):
    """An account that somebody shows on their profile."""

    __tablename__ = "endorsement"
    __table_args__ = (
        UniqueConstraint("account_id", "target_account_id"),
        Index("endorsement_account", "account_id", "id"),
    )

    id: int = primary_id()
    account_id: int = reference("account.id")
    target_account_id: int = reference("account.id", index=True)
    created_at: datetime = moment()


class AccountDomainBlock(Table, table=True):
    """A domain of which somebody does not want to see anything."""

    __tablename__ = "account_domain_block"
    __table_args__ = (
        UniqueConstraint("account_id", "domain"),
        Index("account_domain_block_account", "account_id", "id"),
    )

    id: int = primary_id()
    account_id: int = reference("account.id")
    domain: str
    created_at: datetime = moment()


class Marker(Table, table=True):
    """How far somebody has read a timeline, for all of their apps."""

    __tablename__ = "marker"

    account_id: int = reference("account.id", primary=True)
    timeline: str = Field(primary_key=True)  # home, notifications
    last_read_id: int = Field(sa_type=BigId)
    version: int = 0
    updated_at: datetime = moment()


class IdempotencyKey(Table, table=True):
    """A post that an app asked for under a key, so that it asks twice and posts once."""

    __tablename__ = "idempotency_key"

    account_id: int = reference("account.id", primary=True)
    key: str = Field(primary_key=True)  # SHA-256 of what the app sent
    status_uri: str
    created_at: datetime = moment(index=True)


__all__ = [
    "AccountDomainBlock",
    "AccountNote",
    "Bookmark",
    "Endorsement",
    "IdempotencyKey",
    "Marker",
    "Mute",
    "ThreadMute",
]
