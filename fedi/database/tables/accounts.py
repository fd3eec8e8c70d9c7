"""People, ours and everybody else's, and how ours sign in."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, Text, UniqueConstraint, false, text, true
from sqlmodel import Field

from fedi.database.tables.columns import (
    Table,
    moment,
    new_dict,
    new_list,
    optional_moment,
    optional_reference,
    primary_id,
    reference,
)


class Account(Table, table=True):
    """An actor: a person, service or application, local (`domain is None`) or remote."""

    __tablename__ = "account"

    id: int = primary_id()
    username: str
    domain: str | None = Field(default=None, index=True)
    handle: str = Field(unique=True)  # `acct` in lower case: one account per handle
    uri: str = Field(unique=True)
    url: str = Field(default="", index=True)
    actor_type: str = "Person"
    display_name: str = ""
    note: str = Field(default="", sa_type=Text)  # sanitised HTML
    note_source: str = Field(default="", sa_type=Text)  # what a local author wrote
    fields: list[dict[str, str]] = Field(default_factory=new_list, sa_type=JSON)
    emojis: list[dict[str, str]] = Field(default_factory=new_list, sa_type=JSON)

    # Pictures: a storage key for local accounts, an address for remote ones.
    avatar: str | None = None
    avatar_description: str = ""
    header: str | None = None
    header_description: str = ""

    inbox_uri: str = ""
    outbox_uri: str = ""
    shared_inbox_uri: str | None = None
    followers_uri: str = Field(default="", index=True)
    following_uri: str = ""
    featured_uri: str | None = None

    public_key_id: str = Field(default="", index=True)
    public_key_pem: str = Field(default="", sa_type=Text)
    private_key_pem: str | None = Field(default=None, sa_type=Text, nullable=True)

    locked: bool = False  # follows wait for approval
    discoverable: bool = True
    indexable: bool = False
    hide_collections: bool = False
    also_known_as: list[str] = Field(default_factory=new_list, sa_type=JSON)
    # Whose sites may name this account as the author of what they show.
    attribution_domains: list[str] = Field(
        default_factory=new_list, sa_type=JSON, sa_column_kwargs={"server_default": "[]"}
    )
    moved_to_uri: str | None = None
    moved_at: datetime | None = optional_moment()  # when it last did; nobody moves every day
    # Whether pictures of this author may be offered as training data. Off until they say yes.
    training_consent_at: datetime | None = optional_moment()
    # How they are named with them, and on what terms (`social.training.choices`).
    training_credit: str = Field(
        default="anonymous", sa_column_kwargs={"server_default": "anonymous"}
    )
    training_licence: str = Field(default="", sa_column_kwargs={"server_default": ""})

    statuses_count: int = 0
    followers_count: int = 0
    following_count: int = 0
    last_status_at: datetime | None = optional_moment()

    created_at: datetime = moment()
    updated_at: datetime = moment()
    fetched_at: datetime | None = optional_moment()  # remote: when last read from its server
    # Shown to nobody, and may do nothing: by a moderator, or as long as they are not let in yet.
    suspended_at: datetime | None = optional_moment()
    silenced_at: datetime | None = optional_moment()  # seen by those who follow, and by no others
    sensitized_at: datetime | None = optional_moment()  # all their pictures have a warning
    limited_by_domain: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    deleted_at: datetime | None = optional_moment()  # a tombstone: answers 410

    @property
    def local(self) -> bool:
        return self.domain is None

    @property
    def acct(self) -> str:
        """The handle as Mastodon's clients write it: `alice`, or `bob@other.example`."""
        return self.username if self.domain is None else f"{self.username}@{self.domain}"


class Login(Table, table=True):
    """How a local account signs in, and what it may do here."""

    __tablename__ = "login"

    account_id: int = reference("account.id", primary=True)
    email: str | None = Field(default=None, unique=True)
    password_hash: str | None = None
    role: str = "user"  # user, moderator, admin
    preferences: dict[str, Any] = Field(default_factory=new_dict, sa_type=JSON)
    created_at: datetime = moment()
    confirmed_at: datetime | None = optional_moment()  # the email address is theirs
    approved_at: datetime | None = optional_moment()  # somebody here let them in
    disabled_at: datetime | None = optional_moment()  # cannot sign in, and is seen as before
    locale: str = Field(default="", sa_column_kwargs={"server_default": ""})
    reason: str = Field(default="", sa_type=Text, sa_column_kwargs={"server_default": ""})
    address: str = Field(default="", sa_column_kwargs={"server_default": ""})  # where from
    invite_id: int | None = optional_reference("invite.id", index=True)
    application_id: int | None = optional_reference("application.id", index=True)  # that made it
    # The browsers that signed in, by hashes of what they call themselves; None: not noted yet.
    browsers: list[str] | None = Field(default=None, sa_type=JSON, nullable=True)
    digest: str = Field(default="", sa_column_kwargs={"server_default": ""})  # daily, weekly
    digested_at: datetime | None = optional_moment()


class Follow(Table, table=True):
    __tablename__ = "follow"
    __table_args__ = (
        UniqueConstraint("account_id", "target_account_id"),
        Index("follow_target", "target_account_id", "state", "id"),
        Index("follow_source", "account_id", "state", "id"),
        Index(
            "follow_notify",
            "target_account_id",
            sqlite_where=text("notify"),
            postgresql_where=text("notify"),
        ),
    )

    id: int = primary_id()
    account_id: int = reference("account.id")
    target_account_id: int = reference("account.id")
    state: str = "accepted"  # pending, accepted
    # What of the target's the follower wants: boosts in their home, to be told of each post, and
    # posts in these languages only (all, if None).
    reblogs: bool = Field(default=True, sa_column_kwargs={"server_default": true()})
    notify: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    languages: list[str] | None = Field(default=None, sa_type=JSON, nullable=True)
    uri: str = Field(index=True)
    created_at: datetime = moment()


class Block(Table, table=True):
    __tablename__ = "block"
    __table_args__ = (UniqueConstraint("account_id", "target_account_id"),)

    id: int = primary_id()
    account_id: int = reference("account.id")
    target_account_id: int = reference("account.id", index=True)
    uri: str = Field(index=True)
    created_at: datetime = moment()


class Notification(Table, table=True):
    """Something that a local account should know."""

    __tablename__ = "notification"
    __table_args__ = (
        Index("notification_account", "account_id", "id"),
        Index("notification_group", "account_id", "group_key", "id"),
    )

    id: int = primary_id()
    account_id: int = reference("account.id")
    from_account_id: int = reference("account.id", index=True)
    type: str  # a `social.notifications.Kind`
    status_id: int | None = reference("status.id", index=True, default=None, nullable=True)
    painting_id: int | None = optional_reference("painting.id", index=True)
    report_id: int | None = reference("report.id", index=True, default=None, nullable=True)
    warning_id: int | None = reference(
        "account_warning.id", index=True, default=None, nullable=True
    )
    severance_id: int | None = reference("severance.id", index=True, default=None, nullable=True)
    # What apps show as one thing has one key (`social.notifications.group_key`).
    group_key: str = Field(default="", sa_column_kwargs={"server_default": ""})
    # Set aside by its account's policy, until that says otherwise (`social.notification_requests`).
    filtered: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    created_at: datetime = moment()


class InstanceSecret(Table, table=True):
    """What this instance keeps to itself and makes once, such as keys."""

    __tablename__ = "instance_secret"

    name: str = Field(primary_key=True)
    value: str = Field(sa_type=Text)
    created_at: datetime = moment()


__all__ = [
    "Account",
    "Block",
    "Follow",
    "InstanceSecret",
    "Login",
    "Notification",
]
