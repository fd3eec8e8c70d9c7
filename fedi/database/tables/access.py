"""What acts for people: apps and what they were allowed, and the browsers that are signed in."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, BigInteger, Text, false
from sqlmodel import Field

from fedi.database.tables.columns import (
    Table,
    moment,
    new_list,
    optional_moment,
    optional_reference,
    primary_id,
    reference,
)


class Application(Table, table=True):
    """An app that asks for leave to act for people (an OAuth client)."""

    __tablename__ = "application"

    id: int = primary_id()
    client_id: str = Field(unique=True)
    # Of the secret only the SHA-256; None for a public client, which can keep no secret.
    secret_hash: str | None = None
    name: str
    website: str | None = Field(default=None, sa_type=Text, nullable=True)
    redirect_uris: list[str] = Field(default_factory=new_list, sa_type=JSON)
    scopes: str  # the most that it may ask for
    # Whether its tokens can be renewed without being asked for that each time.
    renewable: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    # When its description was read, where its client id is the address of one.
    described_at: datetime | None = optional_moment()
    created_at: datetime = moment(index=True)


class Grant(Table, table=True):
    """What somebody allowed an app once, and the code by which the app comes for its token."""

    __tablename__ = "app_grant"

    id: int = primary_id()
    application_id: int = reference("application.id", index=True)
    account_id: int = reference("account.id", index=True)
    code_hash: str = Field(unique=True)
    redirect_uri: str = Field(sa_type=Text)
    scopes: str
    code_challenge: str | None = None  # S256 (RFC 7636)
    created_at: datetime = moment()
    expires_at: datetime = moment(index=True)
    used_at: datetime | None = optional_moment()


class AccessToken(Table, table=True):
    """A bearer token. Only its SHA-256 is stored. Without an account it is an app's own."""

    __tablename__ = "access_token"

    id: int = primary_id()
    token_hash: str = Field(unique=True)
    account_id: int | None = reference("account.id", index=True, default=None, nullable=True)
    application_id: int | None = reference(
        "application.id", index=True, default=None, nullable=True
    )
    grant_id: int | None = optional_reference("app_grant.id", index=True)
    # Of the token that renews this one, where one was asked for.
    refresh_hash: str | None = Field(default=None, index=True, unique=True)
    name: str = ""
    scopes: str = "read write follow"
    created_at: datetime = moment()
    last_used_at: datetime | None = optional_moment()
    revoked_at: datetime | None = optional_moment()


class BrowserSession(Table, table=True):
    """A browser in which somebody signed in. Only the SHA-256 of its cookie is stored."""

    __tablename__ = "browser_session"

    id: int = primary_id()
    token_hash: str = Field(unique=True)
    account_id: int = reference("account.id", index=True)
    # False between the password and the one-time code: until then it opens nothing.
    complete: bool = True
    user_agent: str = Field(default="", sa_type=Text)
    created_at: datetime = moment()
    last_used_at: datetime = moment(index=True)


class SecondFactor(Table, table=True):
    """One-time codes of an account (RFC 6238)."""

    __tablename__ = "second_factor"

    account_id: int = reference("account.id", primary=True)
    secret: str
    confirmed_at: datetime | None = optional_moment()  # not asked for before
    # The step of time whose code was used last: no code works twice.
    last_step: int = Field(default=0, sa_type=BigInteger)
    recovery_hashes: list[str] = Field(default_factory=new_list, sa_type=JSON)
    created_at: datetime = moment()


class Passkey(Table, table=True):
    """A key of an account in somebody's device (WebAuthn)."""

    __tablename__ = "passkey"

    id: int = primary_id()
    account_id: int = reference("account.id", index=True)
    credential_id: str = Field(sa_type=Text, unique=True)  # base64url
    public_key: str = Field(sa_type=Text)  # COSE, base64url
    sign_count: int = Field(default=0, sa_type=BigInteger)
    name: str
    created_at: datetime = moment()
    last_used_at: datetime | None = optional_moment()


class Challenge(Table, table=True):
    """What a passkey has to sign: once, and soon. Only its SHA-256 is stored."""

    __tablename__ = "challenge"

    challenge_hash: str = Field(primary_key=True)
    # Whose new passkey it is for; nobody's, where somebody wants to sign in.
    account_id: int | None = reference("account.id", index=True, default=None, nullable=True)
    expires_at: datetime = moment(index=True)


__all__ = [
    "AccessToken",
    "Application",
    "BrowserSession",
    "Challenge",
    "Grant",
    "Passkey",
    "SecondFactor",
]
