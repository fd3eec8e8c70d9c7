"""Other servers: how each is doing, what we think of its domain, and the relays among them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Text
from sqlmodel import Field

from fedi.database.tables.columns import Table, moment, numbered, optional_moment, primary_id


class PeerHost(Table, table=True):
    """What we know of the host (and port) of another server."""

    __tablename__ = "peer_host"

    host: str = Field(primary_key=True)
    signature: str = "cavage"
    first_seen_at: datetime = moment()
    seen_at: datetime | None = optional_moment()  # its last request that was signed well
    delivered_at: datetime | None = optional_moment()
    failed_at: datetime | None = optional_moment()
    failing_since: datetime | None = optional_moment(index=True)  # none of it got there since
    failures: int = 0  # one after the other
    open_until: datetime | None = optional_moment()  # left alone until then
    rested_at: datetime | None = optional_moment()  # given up, until it speaks to us
    error: str = Field(default="", sa_type=Text)  # why the last delivery failed


class DomainRule(Table, table=True):
    """What this instance thinks of a domain and everything below it."""

    __tablename__ = "domain_rule"

    domain: str = Field(primary_key=True)
    id: int | None = numbered()
    severity: str = "silence"  # none, silence, suspend
    reject_media: bool = False
    reject_reports: bool = False
    public_comment: str = Field(default="", sa_type=Text)
    private_comment: str = Field(default="", sa_type=Text)
    obfuscate: bool = False  # its name is shown with stars
    created_at: datetime = moment()


class DomainAllow(Table, table=True):
    """A domain that this instance talks to where it talks to few (`federation.mode`)."""

    __tablename__ = "domain_allow"

    domain: str = Field(primary_key=True)
    id: int | None = numbered()
    created_at: datetime = moment()


class Relay(Table, table=True):
    """A server that passes public posts on (FEP-ae0c), and that we subscribed to."""

    __tablename__ = "relay"

    id: int = primary_id()
    inbox_uri: str = Field(unique=True)
    actor_uri: str | None = Field(
        default=None, index=True
    )  # Mastodon's style: known once it speaks
    style: str = "mastodon"  # mastodon, litepub
    state: str = "pending"  # pending, accepted, rejected
    follow_uri: str = Field(unique=True)
    created_at: datetime = moment()


class Mark(Table, table=True):
    """A number that changes with what it is named after: for processes that nobody can tell."""

    __tablename__ = "mark"

    name: str = Field(primary_key=True)
    value: str = ""


__all__ = ["DomainAllow", "DomainRule", "Mark", "PeerHost", "Relay"]
