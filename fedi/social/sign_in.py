"""Signing in: by a name or email address and a password, then by a one-time code if there is one.

Nobody learns by trying who has an account here: an unknown name takes as long as a wrong password,
and is told the same.
"""

from __future__ import annotations

import hashlib
import re

from sqlmodel import col, select

from fedi.database import Session, Transaction
from fedi.database.tables import Account, Login
from fedi.runtime import Easel
from fedi.social import accounts, attempts, credentials, letters, passkeys, second_factor, sessions
from fedi.social.errors import NotAllowed
from fedi.social.sessions import SignedIn

MAX_NAME = 254  # characters: the longest email address
MAX_BROWSERS = 20  # that are remembered of an account

_NUMBERS = re.compile(r"[0-9][0-9._]*")

WRONG = "That name and that password do not belong together."
WRONG_CODE = "That code is not right, or was used already."
WRONG_PASSKEY = "That passkey is not known here, or took too long."


async def by_password(
    easel: Easel, name: str, password: str, *, address: str, user_agent: str
) -> tuple[str, bool]:
    """Sign in by a password.

    Args:
        name: a username, a handle or an email address.
        address: from where.
        user_agent: what the browser calls itself.

    Returns:
        The words of the browser's cookie, and whether that is all: False if a one-time code is
        still to come.

    Raises:
        NotAllowed: the two do not belong together, or the account cannot sign in now.
        TooMany: too many attempts.
    """
    counts, now = attempts.of(easel), easel.clock.now()
    counts.take(attempts.SIGN_INS_OF_ADDRESS, attempts.network(address), now)
    name = name.strip().lower()[: MAX_NAME + 1].lstrip("@")
    while name.endswith(suffix := f"@{easel.settings.instance.domain}"):
        name = name.removesuffix(suffix)  # one name has one way to be written, and one count
    # Under what was typed: under the account it would tell which names are of one person.
    counts.take(attempts.PASSWORDS_OF_ACCOUNT, name, now)
    async with easel.database.read() as session:
        account = await _named(session, name)
        login = None if account is None else await session.get(Login, account.id)
        further = account is not None and await second_factor.is_on(session, account)
    right = await credentials.matches(login, password)
    if account is None or not right:
        raise NotAllowed(WRONG)
    counts.forget(attempts.PASSWORDS_OF_ACCOUNT, name)
    return await _open(easel, account, login, user_agent, complete=not further), not further


async def by_code(easel: Easel, half: SignedIn, token: str, code: str, user_agent: str) -> str:
    """Go on after the password.

    Args:
        half: who has given it.
        token: the words of the browser's cookie, which end with this.
        code: a one-time code or a recovery code.

    Returns:
        The words of the new cookie.

    Raises:
        NotAllowed: the code is not right.
        TooMany: too many attempts.
    """
    counts, who = attempts.of(easel), str(half.account.id)
    counts.take(attempts.CODES_OF_ACCOUNT, who, easel.clock.now())
    async with easel.database.write() as tx:
        if not await second_factor.accept(tx, half.account, code):
            raise NotAllowed(WRONG_CODE)
        await sessions.close(tx, token)
    counts.forget(attempts.CODES_OF_ACCOUNT, who)
    return await _open(easel, half.account, half.login, user_agent)


async def by_passkey(easel: Easel, answer: str, *, user_agent: str) -> str:
    """Sign in by a passkey, which is both factors in one.

    Args:
        answer: what `navigator.credentials.get` gave, as JSON.

    Returns:
        The words of the browser's cookie.

    Raises:
        NotAllowed: the passkey is none of ours, or the account cannot sign in now.
    """
    async with easel.database.write() as tx:
        account = await passkeys.accept(tx, answer)
        login = None if account is None else await tx.get(Login, account.id)
    if account is None:  # what was asked is used up all the same
        raise NotAllowed(WRONG_PASSKEY)
    return await _open(easel, account, login, user_agent)


async def _open(
    easel: Easel,
    account: Account,
    login: Login | None,
    user_agent: str,
    *,
    complete: bool = True,
) -> str:
    reason = credentials.obstacle(account, login)
    if reason is not None:
        raise NotAllowed(reason)
    async with easel.database.write() as tx:
        if complete:
            await _note_browser(tx, account, user_agent)
        return await sessions.open_session(tx, account, user_agent, complete=complete)


async def _note_browser(tx: Transaction, account: Account, user_agent: str) -> None:
    """Tell somebody by mail that a browser signed in that never did before. An update makes no new
    one: the numbers in what it calls itself do not count."""
    login = await tx.get_one(Login, account.id)
    name = hashlib.sha256(_NUMBERS.sub("", user_agent).encode("utf-8", "replace")).hexdigest()[:16]
    known = login.browsers
    if known is not None and name in known:
        return
    login.browsers = [*(known or []), name][-MAX_BROWSERS:]
    tx.add(login)
    if known is not None:
        shown = "".join(sign for sign in user_agent if sign.isprintable())
        await letters.write(
            tx,
            "new_browser",
            account_id=account.id,
            browser=shown[: sessions.MAX_USER_AGENT],
            at=tx.now.isoformat(),
        )


async def _named(session: Session, name: str) -> Account | None:
    """The account of ours with this name, handle or email address."""
    if "\0" in name or not name or len(name) > MAX_NAME:
        return None
    found = await accounts.find_local(session, name)
    if found is not None or "@" not in name:
        return found
    query = (
        select(Account)
        .join(Login, col(Login.account_id) == col(Account.id))
        .where(Login.email == name, col(Account.deleted_at).is_(None))
    )
    return (await session.exec(query)).first()
