"""How people come: invitations, links that are sent by mail, and who may not come."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Text
from sqlmodel import Field

from fedi.database.tables.columns import (
    Table,
    moment,
    optional_moment,
    optional_reference,
    primary_id,
    reference,
)


class Invite(Table, table=True):
    """A code by which people may make accounts."""

    __tablename__ = "invite"

    id: int = primary_id()
    code: str = Field(unique=True)
    account_id: int | None = optional_reference("account.id", index=True)  # who invites
    comment: str = Field(default="", sa_type=Text)
    max_uses: int | None = None  # as many as like, without
    uses: int = 0
    created_at: datetime = moment()
    expires_at: datetime | None = optional_moment()
    revoked_at: datetime | None = optional_moment()


class MailLink(Table, table=True):
    """What somebody can do once who gets the mail of an account. Only its SHA-256 is stored."""

    __tablename__ = "mail_link"

    token_hash: str = Field(primary_key=True)
    account_id: int = reference("account.id", index=True)
    purpose: str  # confirm, reset, change
    email: str  # to which it was sent: another address ends it, but for a change
    created_at: datetime = moment()
    expires_at: datetime = moment(index=True)


class EmailDomainBlock(Table, table=True):
    """A domain, and what lies below it, whose email addresses may not be used to come here."""

    __tablename__ = "email_domain_block"

    id: int = primary_id()
    domain: str = Field(unique=True)
    created_at: datetime = moment()


class CanonicalEmailBlock(Table, table=True):
    """Somebody who may not come again: the SHA-256 of their email address, written in one way."""

    __tablename__ = "canonical_email_block"

    id: int = primary_id()
    email_hash: str = Field(unique=True)
    created_at: datetime = moment()


class IpBlock(Table, table=True):
    """A network from which nobody may come, or nobody unseen."""

    __tablename__ = "ip_block"

    id: int = primary_id()
    ip: str = Field(unique=True)  # CIDR
    severity: str  # sign_up_requires_approval, sign_up_block, no_access
    comment: str = Field(default="", sa_type=Text)
    created_at: datetime = moment()
    expires_at: datetime | None = optional_moment()


__all__ = ["CanonicalEmailBlock", "EmailDomainBlock", "Invite", "IpBlock", "MailLink"]
