"""Joining: somebody asks for an account, shows that an email address is theirs, and is let in.

Until then nobody sees the account (`Account.suspended_at`), and it may do nothing. Nobody learns by
trying whose email addresses are known here: who comes with one that has an account is told the same
as everybody, and its owner gets a mail; what they asked for goes again after a while.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import delete
from sqlmodel import col, select

from activitypub.signatures.keys import generate
from fedi.database import Session, Transaction
from fedi.database.insertion import add_once
from fedi.database.tables import Account, Invite, Login
from fedi.jobs import Claimed, enqueue, handles
from fedi.runtime import Easel
from fedi.social import (
    accounts,
    attempts,
    credentials,
    email_addresses,
    invites,
    ip_blocks,
    letters,
    notifications,
)
from fedi.social.errors import Invalid, NotAllowed

FORGET = "forget_unconfirmed"  # the job: `{"account_id": …}`
UNCONFIRMED_KEPT = timedelta(days=7)
MAX_REASON = 1000  # characters
MAX_LOCALE = 35  # characters: the longest tag that BCP 47 asks software to take
OLDEST = 130  # years: who says more has mistyped

CLOSED = "This instance takes nobody new."
NOT_FROM_THERE = "Nobody can join from where you are."


@dataclass(frozen=True, slots=True)
class Joining:
    """What somebody says who wants an account.

    Attributes:
        agreement: to the rules of this instance.
        reason: why they want to come.
        invite_code: of their invitation, if they have one.
        date_of_birth: where the settings ask for an age.
        address: the IP address that they come from.
        application_id: by which app.
    """

    username: str
    email: str
    password: str
    agreement: bool
    locale: str = ""
    reason: str = ""
    invite_code: str = ""
    date_of_birth: date | None = None
    address: str = ""
    application_id: int | None = None


class Refused(Invalid):
    """What somebody said cannot be.

    Attributes:
        complaints: Mastodon's code and a sentence for each field that is wrong.
    """

    def __init__(self, complaints: dict[str, list[tuple[str, str]]]) -> None:
        self.complaints = complaints
        super().__init__(" ".join(words for each in complaints.values() for _, words in each))


class _Complaints(defaultdict[str, list[tuple[str, str]]]):
    def __init__(self) -> None:
        super().__init__(list)

    def add(self, field: str, code: str, words: str) -> None:
        self[field].append((code, words))


async def join(easel: Easel, asked: Joining) -> Account:
    """Make an account for somebody, who has to show that the email address is theirs.

    Raises:
        NotAllowed: nobody can come, or nobody from there.
        Refused: something that they said cannot be.
        TooMany: too many come from there.
    """
    settings = easel.settings.registrations
    if settings.mode == "closed":
        raise NotAllowed(CLOSED)
    limits, now = attempts.of(easel), easel.clock.now()
    limits.take(attempts.SIGN_UPS_OF_ADDRESS, attempts.network(asked.address), now)
    thought = await ip_blocks.severity(easel, asked.address)
    if thought in {"sign_up_block", "no_access"}:
        raise NotAllowed(NOT_FROM_THERE)
    async with easel.database.read() as session:
        invite = await invites.find(session, asked.invite_code)
        complaints = await _check(easel, session, asked, invite)
    if complaints:
        raise Refused(dict(complaints))
    hashed = await credentials.hash_password(asked.password)
    keys = await asyncio.to_thread(generate)
    admitted = thought is None and (settings.mode == "open" or invite is not None)
    async with easel.database.write() as tx:
        try:
            account = await accounts.add_person(tx, asked.username, keys=keys)
        except Invalid as error:  # somebody was quicker
            raise Refused({"username": [("ERR_TAKEN", str(error))]}) from error
        if invite is not None and not await invites.use(tx, invite):
            raise Refused({"invite_code": [("ERR_INVALID", "That invitation is used up.")]})
        account.suspended_at = tx.now
        tx.add(account)
        await _add_login(tx, account, asked, hashed, invite, admitted=admitted)
        await enqueue(tx, FORGET, {"account_id": account.id}, delay=UNCONFIRMED_KEPT)
    return account


async def _add_login(
    tx: Transaction,
    account: Account,
    asked: Joining,
    hashed: str,
    invite: Invite | None,
    *,
    admitted: bool,
) -> None:
    login = Login(
        account_id=account.id,
        password_hash=hashed,
        locale=asked.locale[:MAX_LOCALE],
        reason=asked.reason.strip()[:MAX_REASON],
        address=asked.address[:MAX_LOCALE],
        invite_id=None if invite is None else invite.id,
        application_id=asked.application_id,
        created_at=tx.now,
        approved_at=tx.now if admitted else None,
    )
    if not await add_once(tx, login):  # the account is new
        raise AssertionError
    await change_email(tx, account, login, asked.email)


async def _check(
    easel: Easel, session: Session, asked: Joining, invite: Invite | None
) -> _Complaints:
    settings, found = easel.settings.registrations, _Complaints()
    await _check_name(session, asked.username, settings.reserved_names, found)
    await _check_email(session, asked.email, settings.blocked_email_domains, found)
    if not asked.password:
        found.add("password", "ERR_BLANK", "A password is missing.")
    elif len(asked.password) < credentials.MIN_PASSWORD:
        words = f"A password has at least {credentials.MIN_PASSWORD} characters."
        found.add("password", "ERR_TOO_SHORT", words)
    elif len(asked.password) > credentials.MAX_PASSWORD:
        found.add("password", "ERR_TOO_LONG", "That password is too long.")
    if not asked.agreement:
        found.add("agreement", "ERR_ACCEPTED", "Agree to the rules to come in.")
    if invite is None and (asked.invite_code or settings.mode == "invite"):
        words = "That invitation does not hold." if asked.invite_code else "Bring an invitation."
        found.add("invite_code", "ERR_INVALID", words)
    asks_why = settings.mode == "approval" and settings.reason_required and invite is None
    if asks_why and not asked.reason.strip():
        found.add("reason", "ERR_BLANK", "Say why you want to come.")
    elif len(asked.reason.strip()) > MAX_REASON:
        found.add("reason", "ERR_TOO_LONG", f"A reason has at most {MAX_REASON} characters.")
    if settings.minimum_age:
        _check_age(asked.date_of_birth, settings.minimum_age, session.now.date(), found)
    return found


async def _check_name(session: Session, name: str, reserved: list[str], found: _Complaints) -> None:
    if not name:
        found.add("username", "ERR_BLANK", "A name is missing.")
        return
    if name.lower() in accounts.RESERVED or name.lower() in reserved:
        found.add("username", "ERR_RESERVED", f"The name {name.lower()} is reserved.")
        return
    try:
        username = accounts.checked_name(name)
    except Invalid as error:
        code = "ERR_TOO_LONG" if len(name) > accounts.MAX_USERNAME else "ERR_INVALID"
        found.add("username", code, str(error))
        return
    if await accounts.by_handle(session, username) is not None:
        found.add("username", "ERR_TAKEN", f"The name {username} is taken.")


async def _check_email(
    session: Session, email: str, domains: list[str], found: _Complaints
) -> None:
    if not email.strip():
        found.add("email", "ERR_BLANK", "An email address is missing.")
        return
    try:
        email = email_addresses.checked(email)
    except Invalid as error:
        found.add("email", "ERR_INVALID", str(error))
        return
    if await email_addresses.refused(session, email, domains):
        found.add("email", "ERR_BLOCKED", "That email address cannot be used here.")


def _check_age(born: date | None, least: int, today: date, found: _Complaints) -> None:
    if born is None:
        found.add("date_of_birth", "ERR_BLANK", "A date of birth is missing.")
        return
    age = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    if not 0 <= age <= OLDEST:
        found.add("date_of_birth", "ERR_INVALID", "That is no date of birth.")
    elif age < least:
        found.add("date_of_birth", "ERR_BELOW_LIMIT", f"You must be at least {least} years old.")


async def change_email(tx: Transaction, account: Account, login: Login, email: str) -> None:
    """Somebody who has not shown yet that an address is theirs names one. If it is that of another
    account, they are left without one, and its owner is told.

    Args:
        email: one that was checked.
    """
    email = email_addresses.checked(email)
    query = select(Login).where(Login.email == email, col(Login.account_id) != account.id)
    other = (await tx.exec(query)).first()
    login.email = None if other is not None else email
    tx.add(login)
    await tx.flush()
    if other is not None:
        key = f"taken {other.account_id}"
        await letters.write(tx, "taken", account_id=other.account_id, key=key)
    else:
        await letters.write(tx, "confirm", account_id=account.id)


async def correct_email(easel: Easel, account_id: int, email: str) -> None:
    """`change_email`, for who asks for the mail once more; without a new address, to the old one.

    Raises:
        Refused: that cannot be an address, or must not be used.
        TooMany: enough were sent.
    """
    limits, now = attempts.of(easel), easel.clock.now()
    limits.take(attempts.MAILS_OF_ACCOUNT, f"confirm {account_id}", now)
    found = _Complaints()
    if email:
        async with easel.database.read() as session:
            domains = easel.settings.registrations.blocked_email_domains
            await _check_email(session, email, domains, found)
    if found:
        raise Refused(dict(found))
    async with easel.database.write() as tx:
        account, login = await tx.get(Account, account_id), await tx.get(Login, account_id)
        if account is None or login is None or login.confirmed_at is not None:
            return
        if email:
            await change_email(tx, account, login, email)
        elif login.email is not None:
            await letters.write(tx, "confirm", account_id=account.id)


async def confirm(tx: Transaction, account: Account, login: Login) -> None:
    """Somebody has shown that their address is theirs."""
    if login.confirmed_at is not None:
        return
    login.confirmed_at = tx.now
    tx.add(login)
    if login.approved_at is not None:
        await _admit(tx, account)
    else:
        await letters.write(tx, "waiting", account_id=account.id)


async def approve(tx: Transaction, account: Account, login: Login) -> None:
    """A moderator lets somebody in."""
    if login.approved_at is not None:
        return
    login.approved_at = tx.now
    tx.add(login)
    if login.confirmed_at is not None:
        await _admit(tx, account)
        await letters.write(tx, "approved", account_id=account.id)


async def _admit(tx: Transaction, account: Account) -> None:
    account.suspended_at = None
    account.created_at = account.updated_at = tx.now
    tx.add(account)
    await tx.flush()
    await notifications.sign_up_to_staff(tx, account)


async def turn_away(tx: Transaction, account: Account, login: Login) -> None:
    """A moderator lets somebody not in: nothing stays of them.

    Raises:
        NotAllowed: they are in already.
    """
    if login.approved_at is not None and login.confirmed_at is not None:
        raise NotAllowed("That account was let in already.")
    if login.email is not None and login.confirmed_at is not None:
        await letters.write(tx, "rejected", email=login.email, name=account.username)
    await _erase(tx, account.id)


async def waits(session: Session, account: Account) -> bool:
    """Whether somebody of ours was never let in."""
    if not account.local or account.suspended_at is None:
        return False
    login = await session.get(Login, account.id)
    return login is not None and (login.confirmed_at is None or login.approved_at is None)


async def _erase(tx: Transaction, account_id: int) -> None:
    """An account that nobody has seen leaves nothing, not even its name."""
    await tx.flush()
    await tx.execute(
        delete(Account)
        .where(col(Account.id) == account_id)
        .execution_options(synchronize_session=False)
    )


@handles(FORGET, attempts=5)
async def forget(easel: Easel, job: Claimed) -> None:
    """Somebody has not shown in time that their address is theirs."""
    async with easel.database.write() as tx:
        login = await tx.get(Login, job.payload["account_id"])
        if login is not None and login.confirmed_at is None:
            await _erase(tx, login.account_id)
        await job.finish(tx)
