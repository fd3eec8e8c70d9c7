"""One-time codes beside a password (RFC 6238), and the recovery codes for who lost the device."""

from __future__ import annotations

import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import timedelta

import pyotp
from sqlalchemy import delete
from sqlmodel import col, select

from fedi.database import Session, Transaction
from fedi.database.tables import Account, SecondFactor
from fedi.social import letters
from fedi.social.credentials import token_hash
from fedi.social.errors import Invalid

STEP_S = 30
# Who has lost an account to somebody who then switched codes on takes it back by mail within so
# many days. Later a new password by mail leaves the codes: who has somebody's mail alone gets in
# nowhere.
DISPUTABLE = timedelta(days=7)
WINDOW = 1  # steps before and after: a phone's clock, and a slow hand
RECOVERY_CODES = 10
MAX_CODE = 40  # characters of what is typed

_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # what nobody mistakes for another
_RECOVERY_LENGTH = 10  # of 31 letters: 49 bits, and guesses are limited


@dataclass(frozen=True, slots=True)
class Offer:
    """A secret for somebody's authenticator, not asked for before it is confirmed."""

    secret: str
    address: str  # otpauth://…


async def is_on(session: Session, account: Account) -> bool:
    """Whether an account has to give a one-time code."""
    row = await session.get(SecondFactor, account.id)
    return row is not None and row.confirmed_at is not None


async def recovery_codes_left(session: Session, account: Account) -> int:
    row = await session.get(SecondFactor, account.id)
    return 0 if row is None else len(row.recovery_hashes)


async def offer(tx: Transaction, account: Account) -> Offer:
    """A secret to set up; the same one until it is confirmed, so that a reloaded page changes
    nothing.

    Raises:
        Invalid: one-time codes are on already.
    """
    row = await tx.get(SecondFactor, account.id)
    if row is not None and row.confirmed_at is not None:
        raise Invalid("One-time codes are on already.")
    if row is None:
        row = SecondFactor(account_id=account.id, secret=pyotp.random_base32(), created_at=tx.now)
        tx.add(row)
        await tx.flush()
    address = pyotp.TOTP(row.secret).provisioning_uri(
        name=f"{account.username}@{tx.instance.domain}", issuer_name=tx.instance.name
    )
    return Offer(row.secret, address)


async def confirm(tx: Transaction, account: Account, code: str) -> list[str]:
    """Switch one-time codes on, proved by a first one.

    Returns:
        The recovery codes, which are told once.

    Raises:
        Invalid: the code is not right, or they are on already.
    """
    row = await _locked(tx, account)
    if row is None or row.confirmed_at is not None:
        raise Invalid("Set one-time codes up first.")
    step = _step_of(tx, row, code)
    if step is None:
        raise Invalid("That code is not right. Look at the clock of your device.")
    row.confirmed_at, row.last_step = tx.now, step
    tx.add(row)
    await letters.write(tx, "codes_on", account_id=account.id)
    return await renew_recovery(tx, account)


async def renew_recovery(tx: Transaction, account: Account) -> list[str]:
    """New recovery codes in place of the old ones; they are told once.

    Raises:
        Invalid: one-time codes are off.
    """
    row = await _locked(tx, account)
    if row is None or row.confirmed_at is None:
        raise Invalid("One-time codes are off.")
    codes = [
        "".join(secrets.choice(_ALPHABET) for _ in range(_RECOVERY_LENGTH))
        for _ in range(RECOVERY_CODES)
    ]
    row.recovery_hashes = [token_hash(code) for code in codes]
    tx.add(row)
    await tx.flush()
    return [f"{code[:5]}-{code[5:]}" for code in codes]


async def accept(tx: Transaction, account: Account, code: str) -> bool:
    """Whether this is a one-time or recovery code of the account; it works this once."""
    row = await _locked(tx, account)
    if row is None or row.confirmed_at is None or len(code) > MAX_CODE:
        return False
    step = _step_of(tx, row, code)
    if step is not None:
        row.last_step = step  # nobody else can: the row is ours until this is committed
        tx.add(row)
        return True
    hashed = token_hash(re.sub(r"[\s-]", "", code).lower())
    left = [known for known in row.recovery_hashes if not hmac.compare_digest(known, hashed)]
    if len(left) == len(row.recovery_hashes):
        return False
    row.recovery_hashes = left
    tx.add(row)
    return True


async def switch_off(tx: Transaction, account: Account) -> bool:
    """Ask an account for no one-time codes any more; False if it was not asked."""
    gone = await tx.execute(
        delete(SecondFactor)
        .where(col(SecondFactor.account_id) == account.id)
        .returning(col(SecondFactor.confirmed_at))
    )
    was_on = gone.scalar() is not None
    if was_on:
        await letters.write(tx, "codes_off", account_id=account.id)
    return was_on


async def dispute(tx: Transaction, account: Account) -> None:
    """Somebody takes an account back: codes that were switched on of late end, and so does a
    secret that was offered to whoever was here."""
    row = await _locked(tx, account)
    if row is not None and (row.confirmed_at is None or tx.now - row.confirmed_at <= DISPUTABLE):
        await switch_off(tx, account)


async def _locked(tx: Transaction, account: Account) -> SecondFactor | None:
    query = select(SecondFactor).where(col(SecondFactor.account_id) == account.id)
    return (await tx.exec(query.with_for_update())).first()


def _step_of(tx: Transaction, row: SecondFactor, code: str) -> int | None:
    """The step of time whose code this is, if it was not used yet."""
    digits = re.sub(r"\s", "", code)
    if not re.fullmatch(r"[0-9]{6}", digits):
        return None
    now = int(tx.now.timestamp()) // STEP_S
    totp = pyotp.TOTP(row.secret)
    for step in range(now - WINDOW, now + WINDOW + 1):
        if step > row.last_step and hmac.compare_digest(totp.generate_otp(step), digits):
            return step
    return None
