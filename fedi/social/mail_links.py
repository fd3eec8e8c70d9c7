"""Links that are sent by mail: to show whose an address is, and to set a new password.

They hold once, not for long, and only for the address that they were sent to.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from sqlalchemy import delete
from sqlmodel import col, select

from fedi.database import Session, Transaction
from fedi.database.insertion import add_once
from fedi.database.tables import Account, InstanceSecret, Login, MailLink
from fedi.social.credentials import TOKEN_BYTES, token_hash

Purpose = Literal["confirm", "reset", "change"]
LIFE: dict[str, timedelta] = {
    "confirm": timedelta(days=2),
    "reset": timedelta(hours=2),
    "change": timedelta(days=1),
}
MAX_TOKEN = 64  # characters; ours have 43
SECRET = "mail"


@dataclass(frozen=True, slots=True)
class Followed:
    """Whose link somebody followed."""

    link: MailLink
    account: Account
    login: Login


async def make(tx: Transaction, account: Account, email: str, purpose: Purpose) -> str:
    """A link's token: it is in the mail, and nowhere else."""
    await tx.execute(
        delete(MailLink)
        .where(col(MailLink.expires_at) < tx.now)
        .execution_options(synchronize_session=False)
    )
    token = secrets.token_urlsafe(TOKEN_BYTES)
    tx.add(
        MailLink(
            token_hash=token_hash(token),
            account_id=account.id,
            purpose=purpose,
            email=email,
            created_at=tx.now,
            expires_at=tx.now + LIFE[purpose],
        )
    )
    await tx.flush()
    return token


async def find(session: Session, token: str, purpose: Purpose) -> Followed | None:
    """Whose link this is, if it holds."""
    if not token or len(token) > MAX_TOKEN:
        return None
    query = (
        select(MailLink, Account, Login)
        .join(Account, col(Account.id) == col(MailLink.account_id))
        .join(Login, col(Login.account_id) == col(Account.id))
        .where(
            MailLink.token_hash == token_hash(token),
            MailLink.purpose == purpose,
            col(MailLink.expires_at) > session.now,
            # Another address ends a link; only one to change it is sent to another.
            (col(Login.email) == col(MailLink.email)) | (col(MailLink.purpose) == "change"),
            col(Account.deleted_at).is_(None),
        )
    )
    row = (await session.exec(query)).first()
    return None if row is None else Followed(*row)


async def end(tx: Transaction, account: Account, purpose: Purpose) -> None:
    """Let no link of an account hold any more."""
    await tx.execute(
        delete(MailLink)
        .where(col(MailLink.account_id) == account.id, col(MailLink.purpose) == purpose)
        .execution_options(synchronize_session=False)
    )


async def secret(tx: Transaction) -> str:
    """What signs links that hold for as long as there is mail: made once."""
    row = await tx.get(InstanceSecret, SECRET)
    if row is None:
        made = InstanceSecret(name=SECRET, value=secrets.token_hex(32), created_at=tx.now)
        await add_once(tx, made)
        row = await tx.get_one(InstanceSecret, SECRET)
    return row.value


async def is_signed(session: Session, key: str, account_id: int) -> bool:
    """Whether a link to end the digests of an account is ours."""
    row = await session.get(InstanceSecret, SECRET)
    return row is not None and hmac.compare_digest(signature(row.value, account_id), key)


def signature(secret: str, account_id: int) -> str:
    """What shows that a link to end the digests of an account is ours."""
    words = f"no more digests for {account_id}".encode()
    return hmac.new(secret.encode(), words, hashlib.sha256).hexdigest()
