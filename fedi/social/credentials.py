"""Passwords and bearer tokens: who may act as a local account."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from functools import cache
from typing import Protocol

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import update
from sqlmodel import col, select

from fedi.database import Session, Transaction
from fedi.database.tables import AccessToken, Account, Login
from fedi.social.errors import Invalid

MIN_PASSWORD = 8
MAX_PASSWORD = 1000  # hashing more would keep us busy
TOKEN_BYTES = 32
MAX_TOKEN = 512  # characters; ours have 43
SCOPES = frozenset({"read", "write", "follow", "push", "profile", "admin"})

_hasher = PasswordHasher()


class Headers(Protocol):
    """The headers of a request."""

    def getlist(self, key: str) -> list[str]:
        """All values of a header."""


async def hash_password(password: str) -> str:
    """The Argon2 hash of a password.

    Raises:
        Invalid: it is too short or absurdly long.
    """
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise Invalid(f"A password has at least {MIN_PASSWORD} characters.")
    return await asyncio.to_thread(_hasher.hash, password)


async def set_password(tx: Transaction, account: Account, password: str) -> None:
    """Change a password; everything that was signed in is signed out.

    Raises:
        Invalid: it is too short.
    """
    hashed = await hash_password(password)
    await tx.execute(
        update(Login).where(col(Login.account_id) == account.id).values(password_hash=hashed)
    )
    await tx.execute(
        update(AccessToken)
        .where(col(AccessToken.account_id) == account.id, col(AccessToken.revoked_at).is_(None))
        .values(revoked_at=tx.now)
    )


async def verify_password(session: Session, account: Account, password: str) -> bool:
    """Whether this is the account's password. Takes as long for those who have none."""
    login = await session.get(Login, account.id)
    hashed = login.password_hash if login else None
    return await asyncio.to_thread(_matches, hashed, password) and hashed is not None


def _matches(hashed: str | None, password: str) -> bool:
    try:
        return _hasher.verify(hashed or _nobodys_hash(), password[: MAX_PASSWORD + 1])
    except (VerificationError, InvalidHashError):
        return False


@cache
def _nobodys_hash() -> str:
    return _hasher.hash(secrets.token_urlsafe())


async def issue_token(
    tx: Transaction, account: Account, name: str, scopes: str = "read write follow"
) -> str:
    """Make a bearer token; it is told once, and only its hash is stored.

    Args:
        name: what it is for, as its owner sees it.
        scopes: separated by spaces; `write:statuses` is part of `write`.

    Raises:
        Invalid: there is no such scope.
    """
    for scope in scopes.split():
        if scope.split(":")[0] not in SCOPES:
            raise Invalid(f"There is no scope {scope}.")
    token = secrets.token_urlsafe(TOKEN_BYTES)
    tx.add(
        AccessToken(
            id=tx.new_id(),
            token_hash=token_hash(token),
            account_id=account.id,
            name=name,
            scopes=scopes,
            created_at=tx.now,
        )
    )
    await tx.flush()
    return token


def token_hash(token: str) -> str:
    """What is stored of a token. It is random enough that a fast hash is safe."""
    return hashlib.sha256(token.encode()).hexdigest()


def bearer(headers: Headers) -> str | None:
    """The token of a request, if there is exactly one that could be ours (RFC 6750)."""
    given = headers.getlist("authorization")
    if len(given) != 1:
        return None
    scheme, _, token = given[0].partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or len(token) > MAX_TOKEN:
        return None
    return token


def granted(token: AccessToken, scope: str) -> bool:
    """Whether `scope` (such as `write:statuses`) or the whole it is part of was granted."""
    return not {scope, scope.split(":")[0]}.isdisjoint(token.scopes.split())


async def reader(session: Session, headers: Headers) -> Account | None:
    """Whose app asks to read posts, as far as the headers of its request tell; else nobody's."""
    token = bearer(headers)
    found = None if token is None else await authenticate(session, token)
    return found[0] if found is not None and granted(found[1], "read:statuses") else None


async def authenticate(session: Session, token: str) -> tuple[Account, AccessToken] | None:
    """Whose token this is, or None if it is nobody's any more."""
    row = (
        await session.exec(
            select(Account, AccessToken)
            .join(AccessToken, col(AccessToken.account_id) == col(Account.id))
            .where(
                AccessToken.token_hash == token_hash(token),
                col(AccessToken.revoked_at).is_(None),
                col(Account.deleted_at).is_(None),
                col(Account.suspended_at).is_(None),
            )
        )
    ).first()
    return (row[0], row[1]) if row is not None else None
