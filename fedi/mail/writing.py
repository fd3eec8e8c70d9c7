"""What each letter says, and to whom: `social.letters` has the table of what asks for which."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode

from sqlmodel import col, select

from fedi.database import Transaction
from fedi.database.tables import Account, AccountWarning, Login
from fedi.mail import digests
from fedi.mail.composing import Letter
from fedi.social import email_addresses, letters, mail_links, second_factor
from fedi.social.errors import Invalid
from fedi.social.mail_links import LIFE

CONFIRM, RESET, CHANGE = "/confirm-email", "/reset-password", "/change-email"
MAX_QUOTED = 2000  # characters of what somebody wrote

IGNORE = "If that was not you, leave this mail alone: nothing happens."


class Addressed(NamedTuple):
    to: str
    letter: Letter


async def _found(tx: Transaction, payload: dict[str, Any]) -> tuple[Account, Login, str] | None:
    """Whom a job is about, if they are there and have an address."""
    account = await tx.get(Account, payload["account_id"])
    login = await tx.get(Login, payload["account_id"])
    if account is None or login is None or account.deleted_at is not None or not login.email:
        return None
    return account, login, login.email


async def _by_email(tx: Transaction, email: str) -> tuple[Account, Login, str] | None:
    try:
        email = email_addresses.checked(email)
    except Invalid:
        return None
    login = (await tx.exec(select(Login).where(Login.email == email))).first()
    return None if login is None else await _found(tx, {"account_id": login.account_id})


def _link(tx: Transaction, path: str, **values: object) -> str:
    return f"{tx.instance.url}{path}?{urlencode(values)}"


async def confirm(tx: Transaction, payload: dict[str, Any]) -> Addressed | None:
    found = await _found(tx, payload)
    if found is None or found[1].confirmed_at is not None:
        return None
    account, _, email = found
    token = await mail_links.make(tx, account, email, "confirm")
    letter = Letter(
        subject=f"Confirm your email address for {tx.instance.name}",
        paragraphs=[
            f"Somebody, hopefully you, wants the name @{account.username} at "
            f"{tx.instance.domain}, with this email address."
        ],
        button=("Confirm the address", _link(tx, CONFIRM, token=token)),
        after=[f"The link holds for {LIFE['confirm'].days} days. {IGNORE}"],
    )
    return Addressed(email, letter)


async def confirm_again(tx: Transaction, payload: dict[str, Any]) -> Addressed | None:
    found = await _by_email(tx, payload["email"])
    return None if found is None else await confirm(tx, {"account_id": found[0].id})


async def taken(tx: Transaction, payload: dict[str, Any]) -> Addressed | None:
    found = await _found(tx, payload)
    if found is None:
        return None
    account, _, email = found
    letter = Letter(
        subject=f"You have an account at {tx.instance.name}",
        paragraphs=[
            f"Somebody, perhaps you, wanted to use this email address for an account at "
            f"{tx.instance.domain}. It has one already: @{account.username}."
        ],
        button=("Sign in", f"{tx.instance.url}/sign-in"),
        after=[f"If you do not know the password any more: {tx.instance.url}{RESET}", IGNORE],
    )
    return Addressed(email, letter)


async def reset(tx: Transaction, payload: dict[str, Any]) -> Addressed | None:
    found = await _by_email(tx, payload["email"])
    if found is None:
        return None
    account, _, email = found
    token = await mail_links.make(tx, account, email, "reset")
    hours = int(LIFE["reset"].total_seconds() // 3600)
    letter = Letter(
        subject=f"A new password for {tx.instance.name}",
        paragraphs=[f"Somebody, hopefully you, wants a new password for @{account.username}."],
        button=("Choose a new password", _link(tx, f"{RESET}/new", token=token)),
        after=[f"The link holds for {hours} hours, and once. {IGNORE}"],
    )
    return Addressed(email, letter)


async def _alarm(
    tx: Transaction,
    payload: dict[str, Any],
    subject: str,
    words: str,
    otherwise: str,
    *,
    quoted: str = "",
    to: str = "",
) -> Addressed | None:
    """How somebody signs in has changed: told to them, with the way back for who did not do it.

    Args:
        subject: `{place}` in it is the instance.
        words: `{who}` in them is the account.
        otherwise: what to do if it was not them.
        to: another address than that of the account.
    """
    found = await _found(tx, payload)
    if found is None:
        return None
    account, _, email = found
    letter = Letter(
        subject=subject.replace("{place}", tx.instance.name),
        paragraphs=[words.replace("{who}", f"@{account.username} at {tx.instance.domain}")],
        quoted=quoted,
        button=("Take the account back", f"{tx.instance.url}{RESET}"),
        after=[f"If that was you, all is well. If not, choose a new password {otherwise}"],
    )
    return Addressed(to or email, letter)


async def password_changed(tx: Transaction, payload: dict[str, Any]) -> Addressed | None:
    return await _alarm(
        tx,
        payload,
        "Your password for {place} was changed",
        "The password of {who} is a new one. All browsers and apps were signed out.",
        "at once.",
    )


async def passkey_added(tx: Transaction, payload: dict[str, Any]) -> Addressed | None:
    return await _alarm(
        tx,
        payload,
        "A new passkey at {place}",
        "A passkey was added to {who}: whoever has its device can sign in without the password. "
        "It is called:",
        "by that link at once: all passkeys end with it.",
        quoted=payload["name"],
    )


async def codes_on(tx: Transaction, payload: dict[str, Any]) -> Addressed | None:
    return await _alarm(
        tx,
        payload,
        "One-time codes were switched on at {place}",
        "{who} is asked for a one-time code of a device from now on, besides the password.",
        f"by that link within {second_factor.DISPUTABLE.days} days: the one-time codes end with "
        "it. Later they stay.",
    )


async def codes_off(tx: Transaction, payload: dict[str, Any]) -> Addressed | None:
    return await _alarm(
        tx,
        payload,
        "One-time codes were switched off at {place}",
        "{who} is asked for no one-time codes any more: the password alone is enough to sign in.",
        "at once.",
    )


async def new_email(tx: Transaction, payload: dict[str, Any]) -> Addressed | None:
    account = await tx.get(Account, payload["account_id"])
    if account is None or account.deleted_at is not None:
        return None
    token = await mail_links.make(tx, account, payload["email"], "change")
    letter = Letter(
        subject=f"Your new email address for {tx.instance.name}",
        paragraphs=[
            f"Somebody, hopefully you, wants this to be the email address of @{account.username} "
            f"at {tx.instance.domain}."
        ],
        button=("Use this address", _link(tx, CHANGE, token=token)),
        after=[f"The link holds for a day, and once. {IGNORE}"],
    )
    return Addressed(payload["email"], letter)


async def email_wanted(tx: Transaction, payload: dict[str, Any]) -> Addressed | None:
    return await _alarm(
        tx,
        payload,
        "Another email address for {place}",
        "Somebody, hopefully you, wants another email address for {who}. It counts once they have "
        "shown that it is theirs.",
        "by that link at once: then the change is off.",
        to=payload["email"],
    )


async def email_changed(tx: Transaction, payload: dict[str, Any]) -> Addressed | None:
    account = await tx.get(Account, payload["account_id"])
    if account is None or account.deleted_at is not None:
        return None
    contact = tx.instance.contact
    letter = Letter(
        subject=f"This is no longer your email address for {tx.instance.name}",
        paragraphs=[
            f"@{account.username} at {tx.instance.domain} has another email address. This one is "
            "not used for it any more."
        ],
        after=[
            "If that was not you, "
            + (f"write to {contact} at once." if contact else "tell those who run this instance.")
        ],
    )
    return Addressed(payload["email"], letter)


async def new_browser(tx: Transaction, payload: dict[str, Any]) -> Addressed | None:
    found = await _found(tx, payload)
    if found is None:
        return None
    account, _, email = found
    when = datetime.fromisoformat(payload["at"])
    letter = Letter(
        subject=f"A new sign-in at {tx.instance.name}",
        paragraphs=[
            f"Somebody signed in as @{account.username} with a browser that was not seen before, "
            f"on {when.day} {when:%B %Y at %H:%M} UTC. It calls itself:"
        ],
        quoted=payload["browser"][:MAX_QUOTED] or "nothing",
        button=("See where you are signed in", f"{tx.instance.url}/settings/security"),
        after=["If that was not you, change your password."],
    )
    return Addressed(email, letter)


async def moved(tx: Transaction, payload: dict[str, Any]) -> Addressed | None:
    found = await _found(tx, payload)
    if found is None:
        return None
    account, _, email = found
    letter = Letter(
        subject=f"Your account at {tx.instance.name} was moved",
        paragraphs=[
            f"@{account.username} at {tx.instance.domain} has moved: its followers are asked to "
            "follow another account instead. That is:"
        ],
        quoted=payload["target"],
        button=("Take the account back", f"{tx.instance.url}{RESET}"),
        after=[
            "If that was you, all is well. If not, choose a new password by that link at once, and "
            "write to those who run this instance: followers who have gone do not come back."
        ],
    )
    return Addressed(email, letter)


async def waiting(tx: Transaction, payload: dict[str, Any]) -> Addressed | None:
    """To one of the staff; the first time to each of them by a job of its own."""
    who, login = await tx.get(Account, payload["account_id"]), None
    if who is not None:
        login = await tx.get(Login, who.id)
    if who is None or login is None or login.approved_at is not None:
        return None
    if "to" not in payload:
        staff = await tx.exec(
            select(Login.account_id).where(
                Login.role != "user", col(Login.email).is_not(None), Login.account_id != who.id
            )
        )
        for member in staff.all():
            await letters.write(tx, "waiting", account_id=who.id, to=member)
        return None
    found = await _found(tx, {"account_id": payload["to"]})
    if found is None:
        return None
    letter = Letter(
        subject=f"@{who.username} wants to join {tx.instance.name}",
        paragraphs=[f"@{who.username} ({login.email or 'no address'}) waits to be let in."],
        quoted=login.reason[:MAX_QUOTED],
        after=[
            "Let them in with the moderation of your app, or by "
            f"`easel account approve {who.username}`."
        ],
    )
    return Addressed(found[2], letter)


async def approved(tx: Transaction, payload: dict[str, Any]) -> Addressed | None:
    found = await _found(tx, payload)
    if found is None:
        return None
    account, _, email = found
    letter = Letter(
        subject=f"Welcome to {tx.instance.name}",
        paragraphs=[f"You were let in: @{account.username}@{tx.instance.domain} is yours."],
        button=("Sign in", f"{tx.instance.url}/sign-in"),
    )
    return Addressed(email, letter)


async def rejected(tx: Transaction, payload: dict[str, Any]) -> Addressed | None:
    letter = Letter(
        subject=f"About your request to join {tx.instance.name}",
        paragraphs=[
            f"The moderators of {tx.instance.domain} did not let @{payload['name']} in. What you "
            "sent is deleted."
        ],
    )
    return Addressed(payload["email"], letter)


_DONE = {
    "none": "The moderators of {domain} have something to tell you about @{name}.",
    "sensitive": "All pictures of @{name} at {domain} have a warning from now on.",
    "disable": "@{name} at {domain} was locked: nobody can sign in.",
    "silence": "@{name} at {domain} is only shown to those who follow it from now on.",
    "suspend": "@{name} at {domain} was suspended: nobody sees it, and nobody can sign in.",
}


async def warning(tx: Transaction, payload: dict[str, Any]) -> Addressed | None:
    row = await tx.get(AccountWarning, payload["warning_id"])
    found = await _found(tx, {"account_id": row.account_id}) if row is not None else None
    if row is None or found is None:
        return None
    account, _, email = found
    contact = tx.instance.contact
    letter = Letter(
        subject=f"From the moderators of {tx.instance.name}",
        paragraphs=[_DONE[row.action].format(name=account.username, domain=tx.instance.domain)],
        quoted=row.text[:MAX_QUOTED],
        after=[f"If you think that this is wrong, write to {contact}."] if contact else [],
    )
    return Addressed(email, letter)


async def digest(tx: Transaction, payload: dict[str, Any]) -> Addressed | None:
    found = await _found(tx, payload)
    if found is None:
        return None
    account, _, email = found
    lines = await digests.lines(tx, account, datetime.fromisoformat(payload["since"]))
    if not lines:
        return None
    key = mail_links.signature(await mail_links.secret(tx), account.id)
    letter = Letter(
        subject=f"What happened at {tx.instance.name}",
        paragraphs=[f"Since you looked last, @{account.username}:"],
        lines=lines,
        button=("Open it", tx.instance.url),
        unsubscribe=_link(tx, digests.OFF, account=account.id, key=key),
    )
    return Addressed(email, letter)


Writer = Callable[[Transaction, dict[str, Any]], Awaitable[Addressed | None]]
WRITERS: dict[str, Writer] = {
    "confirm": confirm,
    "confirm_again": confirm_again,
    "taken": taken,
    "reset": reset,
    "password_changed": password_changed,
    "passkey_added": passkey_added,
    "codes_on": codes_on,
    "codes_off": codes_off,
    "moved": moved,
    "new_email": new_email,
    "email_wanted": email_wanted,
    "email_changed": email_changed,
    "new_browser": new_browser,
    "waiting": waiting,
    "approved": approved,
    "rejected": rejected,
    "warning": warning,
    "digest": digest,
}
