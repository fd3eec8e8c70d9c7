"""Another email address for somebody who is here: it counts once they have shown that it is theirs.

The old one is told when that is asked for and when it is done. Nobody learns by trying whose email
addresses are known here.
"""

from __future__ import annotations

from sqlmodel import col, select

from fedi.database import Session, Transaction
from fedi.database.tables import Account, Login
from fedi.runtime import Easel
from fedi.social import attempts, credentials, email_addresses, letters, mail_links
from fedi.social.errors import Invalid
from fedi.social.mail_links import Followed

WRONG_PASSWORD = "That is not your password of today."


async def ask(easel: Easel, account: Account, email: str, password: str | None) -> None:
    """Somebody wants another address: a link is sent to it.

    Args:
        email: as it was typed.
        password: of today; None where they have shown otherwise who they are.

    Raises:
        Invalid: that is no address, cannot be used here, or the password is wrong.
        TooMany: they tried too often.
    """
    limits, now = attempts.of(easel), easel.clock.now()
    async with easel.database.read() as session:
        login = await session.get(Login, account.id)
    if password is not None:
        who = f"change {account.id}"
        limits.take(attempts.PASSWORDS_OF_ACCOUNT, who, now)
        if not await credentials.matches(login, password):
            raise Invalid(WRONG_PASSWORD)
        limits.forget(attempts.PASSWORDS_OF_ACCOUNT, who)
    email = email_addresses.checked(email)
    if login is None:
        raise Invalid("This account has no way to sign in.")
    if email == login.email:
        raise Invalid("That is your email address already.")
    async with easel.database.read() as session:
        domains = easel.settings.registrations.blocked_email_domains
        if await email_addresses.refused(session, email, domains):
            raise Invalid("That email address cannot be used here.")
    limits.take(attempts.MAILS_OF_ACCOUNT, f"another address {account.id}", now)
    async with easel.database.write() as tx:
        # The last one that was asked for counts.
        key = letters.key_of_new_email(account.id)
        await letters.withdraw(tx, key)
        await mail_links.end(tx, account, "change")
        owner = await _owner(tx, email)
        if owner is not None:
            await letters.write(tx, "taken", account_id=owner, key=f"taken {owner}")
        else:
            await letters.write(tx, "new_email", account_id=account.id, email=email, key=key)
        if login.email is not None:
            await letters.write(tx, "email_wanted", account_id=account.id, email=login.email)


async def find(session: Session, token: str) -> Followed | None:
    """Who followed a link, if it holds."""
    return await mail_links.find(session, token, "change")


async def change(tx: Transaction, found: Followed) -> bool:
    """The new address counts from now on; False if it became somebody else's in between."""
    email, old = found.link.email, found.login.email
    await mail_links.end(tx, found.account, "change")
    await mail_links.end(tx, found.account, "reset")  # they were sent to the old one
    if await _owner(tx, email) is not None:
        return False
    found.login.email = email
    found.login.confirmed_at = found.login.confirmed_at or tx.now
    tx.add(found.login)
    await tx.flush()
    if old is not None:
        await letters.write(tx, "email_changed", account_id=found.account.id, email=old)
    return True


async def _owner(session: Session, email: str) -> int | None:
    query = select(Login.account_id).where(col(Login.email) == email)
    return (await session.exec(query)).first()
