"""Accounts: found by id, address and handle; ours made, changed and deleted."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

from sqlalchemy import bindparam, delete, func, or_
from sqlmodel import col, select

from activitypub.signatures.keys import generate
from fedi.database import Session, Transaction
from fedi.database.insertion import add_once
from fedi.database.tables import (
    AccessToken,
    Account,
    BrowserSession,
    Grant,
    Login,
    Passkey,
    SecondFactor,
)
from fedi.social import account_keys, credentials, departures, email_addresses
from fedi.social.errors import Invalid, NotAllowed
from fedi.social.outbound import tell

MAX_USERNAME = 30
MAX_DISPLAY_NAME = 100

# Names that people would take for the instance itself, or that are paths of it.
RESERVED = frozenset(
    {
        "about", "actor", "admin", "administrator", "api", "auth", "easel", "explore", "help",
        "home", "inbox", "instance", "media", "mod", "moderator", "oauth", "outbox", "owner",
        "root", "settings", "static", "support", "system", "tags", "users", "webmaster", "welcome",
    }
)  # fmt: skip
ROLES = ("user", "moderator", "admin")

# Asked for all the time, so they are made once.
BY_URI = select(Account).where(col(Account.uri) == bindparam("uri"))
BY_URIS = select(Account).where(col(Account.uri).in_(bindparam("uris", expanding=True)))
BY_HANDLE = select(Account).where(col(Account.handle) == bindparam("handle"))

_USERNAME = re.compile(rf"[a-z0-9_]{{1,{MAX_USERNAME}}}")


async def create_local(
    tx: Transaction,
    username: str,
    *,
    display_name: str = "",
    password: str | None = None,
    email: str | None = None,
    role: str = "user",
) -> Account:
    """Make an account of this instance.

    Args:
        username: 1 to 30 of a–z, 0–9 and _; never reused, not even after deletion.
        display_name: as people see it; the username without it.
        password: at least 8 characters; without it nobody can sign in.
        email: unique, if given.
        role: user, moderator or admin.

    Raises:
        Invalid: the name is no name, reserved or taken; the password is too short; and so on.
    """
    if len(display_name) > MAX_DISPLAY_NAME:
        raise Invalid(f"A display name has at most {MAX_DISPLAY_NAME} characters.")
    if role not in ROLES:
        raise Invalid(f"A role is one of {', '.join(ROLES)}.")
    if email is not None:
        email = email_addresses.checked(email)
        if (await tx.exec(select(Login).where(Login.email == email))).first():
            raise Invalid("That email address has an account already.")
    hashed = await credentials.hash_password(password) if password is not None else None
    account = await add_person(tx, username, display_name)
    tx.add(
        Login(
            account_id=account.id,
            email=email,
            password_hash=hashed,
            role=role,
            created_at=tx.now,
            confirmed_at=tx.now,
            approved_at=tx.now,
        )
    )
    await tx.flush()
    return account


def checked_name(username: str) -> str:
    """A name as it is stored.

    Raises:
        Invalid: it is none, or reserved.
    """
    username = username.lower()
    if not _USERNAME.fullmatch(username):
        raise Invalid(f"A name is 1 to {MAX_USERNAME} of the letters a–z, digits and _.")
    if username in RESERVED:
        raise Invalid(f"The name {username} is reserved.")
    return username


async def add_person(
    tx: Transaction, username: str, display_name: str = "", keys: tuple[str, str] | None = None
) -> Account:
    """Somebody new of this instance, who cannot sign in yet.

    Args:
        keys: private and public, as PEM, of who made them before the transaction.

    Raises:
        Invalid: the name is no name, reserved or taken.
    """
    username = checked_name(username)
    if await by_handle(tx, username) is not None:
        raise Invalid(f"The name {username} is taken.")
    account, made = await _add_local(
        tx,
        uri=f"{tx.instance.url}/users/{username}",
        url=f"{tx.instance.url}/@{username}",
        username=username,
        display_name=display_name or username,
        actor_type="Person",
        keys=keys,
    )
    if not made:
        raise Invalid(f"The name {username} is taken.")
    return account


async def _add_local(
    tx: Transaction,
    *,
    uri: str,
    url: str,
    username: str,
    display_name: str,
    actor_type: str,
    keys: tuple[str, str] | None = None,
) -> tuple[Account, bool]:
    """A new local account; or the one that was made at the same moment, and False."""
    if keys is None:
        keys = await asyncio.to_thread(generate)
    private_pem, public_pem = keys
    account = Account(
        id=tx.new_id(),
        username=username,
        handle=username.lower(),
        uri=uri,
        url=url,
        actor_type=actor_type,
        display_name=display_name,
        inbox_uri=f"{uri}/inbox",
        outbox_uri=f"{uri}/outbox",
        shared_inbox_uri=f"{tx.instance.url}/inbox",
        followers_uri=f"{uri}/followers",
        following_uri=f"{uri}/following",
        featured_uri=f"{uri}/collections/featured",
        public_key_id=f"{uri}#main-key",
        public_key_pem=public_pem,
        private_key_pem=private_pem,
        created_at=tx.now,
        updated_at=tx.now,
    )
    if not await add_once(tx, account):
        return (await tx.exec(BY_URI, params={"uri": uri})).one(), False
    await account_keys.ensure(tx, account)
    return account, True


def instance_actor_uri(instance_url: str) -> str:
    """The id of the actor that signs for the instance itself."""
    return f"{instance_url}/actor"


async def ensure_instance_actor(tx: Transaction) -> Account:
    """The instance's own actor, made on the first start, by one of those who start."""
    existing = await instance_actor(tx)
    if existing is not None:
        return existing
    account, _ = await _add_local(
        tx,
        uri=instance_actor_uri(tx.instance.url),
        url=f"{tx.instance.url}/about",
        username=tx.instance.domain,
        display_name=tx.instance.name,
        actor_type="Application",
    )
    return account


async def instance_actor(session: Session) -> Account | None:
    """The instance's own actor; None before the first start."""
    return await by_uri(session, instance_actor_uri(session.instance.url))


def is_person(account: Account) -> bool:
    """Whether this is somebody, rather than the instance itself or a tombstone."""
    return account.deleted_at is None and not (
        account.local and account.actor_type == "Application"
    )


def check_stays(account: Account) -> None:
    """Refuse somebody of ours who has moved away: they act by their new account.

    Raises:
        NotAllowed: they have.
    """
    if account.local and account.moved_to_uri is not None:
        raise NotAllowed("This account has moved away.")


async def find_local(session: Session, username: str) -> Account | None:
    """The living local account of that name; never the instance's own actor."""
    account = await by_handle(session, username)
    return account if account is not None and account.local and is_person(account) else None


async def take_turns(tx: Transaction, account_id: int) -> None:
    """Of two transactions that ask for this about the same account, the second goes on when the
    first is committed: so it counts what the first added.

    What refers to the account is inserted meanwhile by whoever likes. Where that had to wait, too
    (`FOR UPDATE`), two that inserted something before they asked would wait for each other.
    """
    row = select(Account.id).where(col(Account.id) == account_id)
    await tx.exec(row.with_for_update(key_share=True))


async def by_id(session: Session, account_id: int) -> Account | None:
    return await session.get(Account, account_id)


async def by_uri(session: Session, uri: str) -> Account | None:
    """The account with this id, a tombstone included."""
    return (await session.exec(BY_URI, params={"uri": uri})).first()


async def by_uris(session: Session, uris: Sequence[str]) -> dict[str, Account]:
    """The accounts with these ids, tombstones included, by id."""
    rows = await session.exec(BY_URIS, params={"uris": list(uris)})
    return {account.uri: account for account in rows.all()}


async def by_handle(session: Session, handle: str) -> Account | None:
    """The account of `alice`, `alice@here` or `bob@elsewhere`, in any case."""
    handle = handle.lower().removeprefix("@").removesuffix(f"@{session.instance.domain}")
    return (await session.exec(BY_HANDLE, params={"handle": handle})).first()


async def by_handles(session: Session, handles: list[str]) -> dict[str, Account]:
    """Living accounts by handle, as `by_handle` for many; the keys are the handles asked for."""
    ours = f"@{session.instance.domain}"
    wanted: dict[str, list[str]] = {}
    for handle in handles:
        wanted.setdefault(handle.lower().removesuffix(ours), []).append(handle)
    if not wanted:
        return {}
    rows = await session.exec(
        select(Account).where(
            col(Account.handle).in_(list(wanted)),
            col(Account.deleted_at).is_(None),
            col(Account.suspended_at).is_(None),
        )
    )
    return {handle: row for row in rows.all() if is_person(row) for handle in wanted[row.handle]}


async def by_addresses(session: Session, addresses: list[str]) -> list[Account]:
    """Living accounts by their ids or the addresses of their pages."""
    if not addresses:
        return []
    rows = await session.exec(
        select(Account).where(
            or_(col(Account.uri).in_(addresses), col(Account.url).in_(addresses)),
            col(Account.deleted_at).is_(None),
        )
    )
    return [row for row in rows.all() if is_person(row)]


async def list_local(session: Session) -> list[Account]:
    """The people of this instance, the oldest first."""
    rows = await session.exec(
        select(Account)
        .where(
            col(Account.domain).is_(None),
            col(Account.deleted_at).is_(None),
            Account.actor_type != "Application",
        )
        .order_by(col(Account.id))
    )
    return list(rows.all())


async def update_profile(
    tx: Transaction, account: Account, *, activity_uri: str | None = None
) -> None:
    """Tell everybody that a local account has changed; call it after changing the row.

    Args:
        activity_uri: the id of the Update, if it was minted before.
    """
    account.updated_at = tx.now
    tx.add(account)
    await tell(tx, "update_actor", account_id=account.id, uri=activity_uri)


async def delete_account(tx: Transaction, account: Account) -> None:
    """Delete a local account for good: a tombstone stays, so that its id stays dead.

    Raises:
        Invalid: it is not a person of this instance.
    """
    if not account.local or not is_person(account):
        raise Invalid("Only people of this instance can be deleted here.")
    known = (
        select(func.coalesce(Account.shared_inbox_uri, Account.inbox_uri))
        .where(
            col(Account.domain).is_not(None),
            col(Account.deleted_at).is_(None),
            Account.inbox_uri != "",
        )
        .distinct()
    )
    inboxes = sorted((await tx.exec(known)).all())
    await departures.bury(tx, account)
    for table in (Login, AccessToken, Grant, BrowserSession, SecondFactor, Passkey):
        await tx.execute(delete(table).where(col(table.account_id) == account.id))
    await tell(tx, "delete_actor", account_id=account.id, inboxes=inboxes)
