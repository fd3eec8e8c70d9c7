"""Browsers in which somebody signed in."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, update
from sqlmodel import col, select

from fedi.database import Session, Transaction
from fedi.database.tables import Account, BrowserSession, Login
from fedi.social import credentials
from fedi.social.credentials import token_hash

LIFE = timedelta(days=60)  # without use
HALF_LIFE = timedelta(minutes=10)  # between the password and the one-time code
USE_NOTED_EVERY = timedelta(hours=1)
# What changes how one signs in asks for a sign-in this young: a browser left open is not enough.
FRESH = timedelta(minutes=15)

MAX_USER_AGENT = 300  # characters
MAX_SESSIONS = 100  # of one account; the oldest go
TOKEN_BYTES = 32
MAX_TOKEN = 64  # characters; ours have 43


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who is signed in in a browser, and may act."""

    account: Account
    login: Login
    session: BrowserSession


async def open_session(
    tx: Transaction, account: Account, user_agent: str, *, complete: bool = True
) -> str:
    """Somebody signed in; the words of the cookie, always new ones.

    Args:
        user_agent: what the browser calls itself.
        complete: False if a one-time code is still to come.
    """
    await tx.execute(
        delete(BrowserSession).where(
            (col(BrowserSession.last_used_at) < tx.now - LIFE)
            | (
                ~col(BrowserSession.complete)
                & (col(BrowserSession.created_at) < tx.now - HALF_LIFE)
            )
        )
    )
    oldest = (
        select(BrowserSession.id)
        .where(col(BrowserSession.account_id) == account.id)
        .order_by(col(BrowserSession.last_used_at).desc(), col(BrowserSession.id).desc())
        .offset(MAX_SESSIONS - 1)
    )
    found = (await tx.exec(oldest)).all()
    if found:
        await tx.execute(delete(BrowserSession).where(col(BrowserSession.id).in_(found)))
    token = secrets.token_urlsafe(TOKEN_BYTES)
    tx.add(
        BrowserSession(
            id=tx.new_id(),
            token_hash=token_hash(token),
            account_id=account.id,
            complete=complete,
            user_agent="".join(c for c in user_agent if c.isprintable())[:MAX_USER_AGENT],
            created_at=tx.now,
            last_used_at=tx.now,
        )
    )
    await tx.flush()
    return token


async def find(session: Session, token: str) -> SignedIn | None:
    """Who is signed in by this cookie, if they may act."""
    found = await _find(session, token, complete=True)
    if found is None or found.session.last_used_at < session.now - LIFE:
        return None
    return found if credentials.obstacle(found.account, found.login) is None else None


async def find_half(session: Session, token: str) -> SignedIn | None:
    """Who has given their password by this cookie, and owes a one-time code."""
    found = await _find(session, token, complete=False)
    if found is None or found.session.created_at < session.now - HALF_LIFE:
        return None
    return found if credentials.obstacle(found.account, found.login) is None else None


async def _find(session: Session, token: str, *, complete: bool) -> SignedIn | None:
    if not token or len(token) > MAX_TOKEN:
        return None
    row = (
        await session.exec(
            select(Account, Login, BrowserSession)
            .join(BrowserSession, col(BrowserSession.account_id) == col(Account.id))
            .join(Login, col(Login.account_id) == col(Account.id))
            .where(
                BrowserSession.token_hash == token_hash(token),
                col(BrowserSession.complete).is_(complete),
            )
        )
    ).first()
    return None if row is None else SignedIn(*row)


async def note_use(tx: Transaction, session: BrowserSession) -> None:
    """Remember when a browser was here last."""
    await tx.execute(
        update(BrowserSession)
        .where(col(BrowserSession.id) == session.id)
        .values(last_used_at=tx.now)
        .execution_options(synchronize_session=False)
    )


async def of_account(session: Session, account: Account) -> list[BrowserSession]:
    """The browsers of an account, the latest used first."""
    rows = await session.exec(
        select(BrowserSession)
        .where(
            col(BrowserSession.account_id) == account.id,
            col(BrowserSession.complete),
            col(BrowserSession.last_used_at) >= session.now - LIFE,
        )
        .order_by(col(BrowserSession.last_used_at).desc(), col(BrowserSession.id).desc())
    )
    return list(rows.all())


async def close(tx: Transaction, token: str) -> None:
    """Sign out in the browser with this cookie."""
    await tx.execute(
        delete(BrowserSession).where(col(BrowserSession.token_hash) == token_hash(token))
    )


async def close_one(tx: Transaction, account: Account, session_id: int) -> None:
    """Sign out in one browser of an account."""
    await tx.execute(
        delete(BrowserSession).where(
            col(BrowserSession.id) == session_id, col(BrowserSession.account_id) == account.id
        )
    )


async def close_others(tx: Transaction, kept: BrowserSession) -> None:
    """Sign out in every browser of an account but one."""
    await tx.execute(
        delete(BrowserSession).where(
            col(BrowserSession.account_id) == kept.account_id, col(BrowserSession.id) != kept.id
        )
    )
