"""Passwords and bearer tokens: who may act as a local account."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any, Protocol

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import bindparam, delete, update
from sqlmodel import col, select

from fedi.database import Session, Transaction
from fedi.database.tables import (
    AccessToken,
    Account,
    Application,
    BrowserSession,
    Grant,
    Login,
    MailLink,
)
from fedi.social import letters
from fedi.social import scopes as scope_table
from fedi.social.errors import Invalid

MIN_PASSWORD = 8
MAX_PASSWORD = 1000  # hashing more would keep us busy
TOKEN_BYTES = 32
MAX_TOKEN = 512  # characters; ours have 43
USE_NOTED_EVERY = timedelta(hours=12)  # of a token: who looks wants to know the day

_hasher = PasswordHasher()
# Each hash takes 64 MiB and a core: more at once would help nobody, and fill the memory.
_hashing = ThreadPoolExecutor(max_workers=2, thread_name_prefix="passwords")


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
    return await asyncio.get_running_loop().run_in_executor(_hashing, _hasher.hash, password)


async def set_password(tx: Transaction, account: Account, password: str) -> None:
    """Change a password; everything that was signed in is signed out.

    Raises:
        Invalid: it is too short.
    """
    await keep_password(tx, account, await hash_password(password))


async def keep_password(tx: Transaction, account: Account, hashed: str) -> None:
    """`set_password` for who has hashed it before the transaction, which should be short."""
    await tx.execute(
        update(Login).where(col(Login.account_id) == account.id).values(password_hash=hashed)
    )
    await sign_out_everywhere(tx, account)
    await letters.write(tx, "password_changed", account_id=account.id)


async def sign_out_everywhere(tx: Transaction, account: Account) -> None:
    """End every browser and app that acts for an account, and what it was about to get."""
    await tx.execute(
        update(AccessToken)
        .where(col(AccessToken.account_id) == account.id, col(AccessToken.revoked_at).is_(None))
        .values(revoked_at=tx.now)
    )
    await tx.execute(
        update(Grant)
        .where(col(Grant.account_id) == account.id, col(Grant.used_at).is_(None))
        .values(expires_at=tx.now)
    )
    await tx.execute(delete(BrowserSession).where(col(BrowserSession.account_id) == account.id))
    # And another address that whoever was here has asked for.
    await letters.withdraw(tx, letters.key_of_new_email(account.id))
    await tx.execute(
        delete(MailLink).where(
            col(MailLink.account_id) == account.id, col(MailLink.purpose) != "confirm"
        )
    )


async def verify_password(session: Session, account: Account, password: str) -> bool:
    """Whether this is the account's password. Takes as long for those who have none."""
    login = await session.get(Login, account.id)
    return await matches(login, password)


async def matches(login: Login | None, password: str) -> bool:
    """`verify_password` for who holds no session while it takes its time; of nobody, too."""
    hashed = login.password_hash if login is not None else None
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_hashing, _matches, hashed, password) and hashed is not None


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
    scopes = " ".join(scope_table.parse(scopes))
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


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who brings a token that holds.

    Attributes:
        token: its row.
        account: whom it acts for; nobody, if it is an app's own.
        login: how that account signs in.
        application: the app; none for a token of the command line.
    """

    token: AccessToken
    account: Account | None
    login: Login | None
    application: Application | None

    @property
    def obstacle(self) -> str | None:
        """Why the account may not act now, as a sentence for its owner."""
        return None if self.account is None else obstacle(self.account, self.login)


def obstacle(account: Account, login: Login | None) -> str | None:
    """Why an account may not act now, as a sentence for its owner; None if it may."""
    if account.deleted_at is not None:
        return "This account was deleted."
    if login is not None and login.confirmed_at is None:
        return "Confirm your email address first."
    if login is not None and login.approved_at is None:
        return "This account waits for a moderator to let it in."
    if account.suspended_at is not None:
        return "This account is suspended."
    if login is not None and login.disabled_at is not None:
        return "A moderator has locked this account."
    return None


async def hindrance(session: Session, account: Account) -> str | None:
    """`obstacle` for who works for an account that does not ask itself: for later, or by itself."""
    return obstacle(account, await session.get(Login, account.id))


# Made once: it is asked with every request of an app.
_BEARER: Any = (
    select(AccessToken, Account, Login, Application)
    .outerjoin(Account, col(AccessToken.account_id) == col(Account.id))
    .outerjoin(Login, col(Login.account_id) == col(Account.id))
    .outerjoin(Application, col(Application.id) == col(AccessToken.application_id))
    .where(
        col(AccessToken.token_hash) == bindparam("hash"),
        col(AccessToken.revoked_at).is_(None),
        col(Account.deleted_at).is_(None),
    )
)


async def identify(session: Session, token: str) -> Bearer | None:
    """Whose token this is; None if it is nobody's any more. Its account may not be able to act."""
    row = (await session.execute(_BEARER, {"hash": token_hash(token)})).first()
    return None if row is None else Bearer(*row)


async def authenticate(session: Session, token: str) -> tuple[Account, AccessToken] | None:
    """Whose token this is, or None if it is nobody's who may act."""
    found = await identify(session, token)
    if found is None or found.account is None or found.obstacle is not None:
        return None
    return found.account, found.token


@dataclass(frozen=True, slots=True)
class App:
    """An account's app, as it reads.

    Attributes:
        scopes: what its token allows.
    """

    account: Account
    scopes: tuple[str, ...]

    def may(self, wanted: str) -> bool:
        """Whether it may do what needs this scope."""
        return scope_table.granted(self.scopes, wanted)


async def app(session: Session, headers: Headers) -> App | None:
    """Whose app reads, as far as the headers of its request tell; else nobody's."""
    token = bearer(headers)
    found = None if token is None else await authenticate(session, token)
    return None if found is None else App(found[0], tuple(found[1].scopes.split()))


async def reader(session: Session, headers: Headers) -> Account | None:
    """Whose app asks to read posts; else nobody's."""
    found = await app(session, headers)
    return found.account if found is not None and found.may("read:statuses") else None


async def note_use(tx: Transaction, token: AccessToken) -> None:
    """Remember when a token was used last."""
    await tx.execute(
        update(AccessToken)
        .where(col(AccessToken.id) == token.id)
        .values(last_used_at=tx.now)
        .execution_options(synchronize_session=False)
    )
