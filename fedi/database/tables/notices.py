"""Whom people want to hear of, by which ways they are told, and what the host tells everybody."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, Index, Text, UniqueConstraint
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


class NotificationPolicy(Table, table=True):
    """What becomes of notifications from people of some kinds: accept, filter or drop."""

    __tablename__ = "notification_policy"

    account_id: int = reference("account.id", primary=True)
    for_not_following: str = "accept"
    for_not_followers: str = "accept"
    for_new_accounts: str = "accept"
    for_private_mentions: str = "accept"
    for_limited_accounts: str = "drop"


class Severance(Table, table=True):
    """Ties that somebody of ours lost by what others decided, or by hiding a whole domain."""

    __tablename__ = "severance"

    id: int = primary_id()
    account_id: int = reference("account.id", index=True)
    kind: str  # domain_block, user_domain_block, account_suspension
    target_name: str  # a domain, or a handle
    followers_count: int = 0
    following_count: int = 0
    created_at: datetime = moment()


class NotificationPermission(Table, table=True):
    """Somebody whose notifications are never filtered."""

    __tablename__ = "notification_permission"

    account_id: int = reference("account.id", primary=True)
    from_account_id: int = reference("account.id", primary=True, index=True)
    created_at: datetime = moment()


class NotificationRequest(Table, table=True):
    """Somebody of whom there are filtered notifications."""

    __tablename__ = "notification_request"
    __table_args__ = (
        UniqueConstraint("account_id", "from_account_id"),
        Index("notification_request_account", "account_id", "id"),
    )

    id: int = primary_id()
    account_id: int = reference("account.id")
    from_account_id: int = reference("account.id", index=True)
    last_status_id: int | None = Field(default=None, sa_type=BigId, nullable=True)
    created_at: datetime = moment()
    updated_at: datetime = moment()


class PushSubscription(Table, table=True):
    """Where an app of somebody wants to be told, though it does not run (RFC 8030)."""

    __tablename__ = "push_subscription"

    id: int = primary_id()
    token_id: int = reference("access_token.id", unique=True)
    account_id: int = reference("account.id", index=True)
    endpoint: str = Field(sa_type=Text)
    public_key: str  # of the app: an uncompressed P-256 point in base64url
    secret: str  # of both: 16 bytes in base64url
    standard: bool = False  # RFC 8291; else its draft 4, as older apps read it
    alerts: dict[str, bool] = Field(default_factory=new_dict, sa_type=JSON)
    policy: str = "all"  # all, followed, follower, none: whose doings are told
    created_at: datetime = moment()


class Announcement(Table, table=True):
    """What the host tells everybody here."""

    __tablename__ = "announcement"

    id: int = primary_id()
    source: str = Field(sa_type=Text)
    content: str = Field(sa_type=Text)  # HTML
    starts_at: datetime | None = optional_moment()
    ends_at: datetime | None = optional_moment()
    all_day: bool = False
    published_at: datetime = moment()
    updated_at: datetime = moment()


class AnnouncementRead(Table, table=True):
    """Somebody has read an announcement."""

    __tablename__ = "announcement_read"

    account_id: int = reference("account.id", primary=True)
    announcement_id: int = reference("announcement.id", primary=True, index=True)


class AnnouncementReaction(Table, table=True):
    __tablename__ = "announcement_reaction"

    announcement_id: int = reference("announcement.id", primary=True)
    account_id: int = reference("account.id", primary=True, index=True)
    name: str = Field(primary_key=True)  # an emoji
    created_at: datetime = moment()


__all__ = [
    "Announcement",
    "AnnouncementReaction",
    "AnnouncementRead",
    "NotificationPermission",
    "NotificationPolicy",
    "NotificationRequest",
    "PushSubscription",
    "Severance",
]
