"""Accounts of other servers: stored and refreshed as their servers describe them, and forgotten."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy
from msgspec import Struct
from msgspec.structs import asdict
from sqlalchemy import bindparam, or_
from sqlmodel import col, select

from fedi.database import Transaction
from fedi.database.insertion import add_once, insert_many, loaded, new_row, table_of
from fedi.database.tables import Account
from fedi.jobs.queue import enqueue_many
from fedi.social import account_keys, accounts, departures, profiles, text
from fedi.social.errors import Invalid

SPREAD_S = 600.0  # as Mastodon 4.6
MAX_REMOTE_NAME = 200  # characters; Misskey allows 50, Akkoma 100, others what they like


_ACCOUNTS = table_of(Account).c
_KNOWN = sqlalchemy.select(_ACCOUNTS.uri, _ACCOUNTS.handle).where(
    or_(
        _ACCOUNTS.uri.in_(bindparam("uris", expanding=True)),
        _ACCOUNTS.handle.in_(bindparam("handles", expanding=True)),
    )
)
BY_URI_OR_HANDLE = select(Account).where(
    or_(col(Account.uri) == bindparam("uri"), col(Account.handle) == bindparam("handle"))
)


class RemoteAccount(Struct, frozen=True, kw_only=True):
    """Somebody elsewhere, as their server describes them; `domain` is that of their handle."""

    uri: str
    username: str
    domain: str
    inbox_uri: str
    url: str = ""
    actor_type: str = "Person"
    display_name: str = ""
    note: str = ""
    fields: tuple[dict[str, str], ...] = ()
    emojis: tuple[dict[str, str], ...] = ()
    avatar: str | None = None
    avatar_description: str = ""
    header: str | None = None
    header_description: str = ""
    outbox_uri: str = ""
    shared_inbox_uri: str | None = None
    followers_uri: str = ""
    following_uri: str = ""
    featured_uri: str | None = None
    public_key_id: str = ""
    public_key_pem: str = ""
    further_keys: tuple[tuple[str, str], ...] = ()  # (id, PEM) of each other key
    locked: bool = False
    discoverable: bool = False
    indexable: bool = False
    also_known_as: tuple[str, ...] = ()
    moved_to_uri: str | None = None
    created_at: datetime | None = None


async def save_remote(tx: Transaction, remote: RemoteAccount) -> Account:
    """Store or refresh somebody elsewhere, found by their id.

    A handle belongs to whoever was verified last: an account that had it before keeps its posts
    and follows under a handle that nobody can ask for. Their words are made harmless here. A
    tombstone stays one.

    Raises:
        Invalid: it claims to be of this instance.
    """
    if _is_ours(tx, remote):
        raise Invalid("A remote account cannot be of this instance.")
    handle = _handle(remote)
    found = await tx.exec(BY_URI_OR_HANDLE, params={"uri": remote.uri, "handle": handle})
    account = holder = None
    for row in found.all():
        if row.uri == remote.uri:
            account = row
        else:
            holder = row
    if account is not None and account.deleted_at is not None:
        return account
    if holder is not None:
        holder.handle = f"{holder.id}!{handle}"
        tx.add(holder)
        await tx.flush()
    if account is None:
        new = Account(**_new(tx, remote))
        if await add_once(tx, new):
            await _have_verified(tx, [new])
            if remote.further_keys:
                await account_keys.replace(tx, new, remote.further_keys)
            return new
        account = await accounts.by_uri(tx, remote.uri)  # another process was at the same
        assert account is not None
    before = account.fields
    for name, value in _columns(tx, remote).items():
        setattr(account, name, value)
    since = {profiles.page_of(entry): entry.get("verified_at") for entry in before}
    account.fields = [_still_verified(entry, since) for entry in account.fields]
    tx.add(account)
    await tx.flush()
    if not {profiles.page_of(entry) for entry in account.fields} <= since.keys() | {None}:
        await _have_verified(tx, [account])
    await account_keys.replace(tx, account, remote.further_keys)
    return account


async def save_all(tx: Transaction, remotes: Sequence[RemoteAccount]) -> list[Account]:
    """`save_remote` for many: those of whom nobody heard before in few statements.

    Raises:
        Invalid: one of them claims to be of this instance.
    """
    handles = Counter(_handle(remote) for remote in remotes)
    uris = Counter(remote.uri for remote in remotes)
    asked = {"uris": list(uris), "handles": list(handles)}
    known = {value for row in await tx.execute_core(_KNOWN, asked) for value in row}
    new: dict[str, dict[str, Any]] = {}
    for remote in remotes:
        handle = _handle(remote)
        plain = uris[remote.uri] == handles[handle] == 1 and known.isdisjoint({remote.uri, handle})
        if plain and not _is_ours(tx, remote):
            new[remote.uri] = new_row(Account, **_new(tx, remote))
    inserted = await insert_many(tx, Account, list(new.values()), "uri")
    made = {uri: loaded(tx, Account, row) for uri, row in new.items() if uri in inserted}
    await _have_verified(tx, list(made.values()))
    saved = []
    for remote in remotes:
        if remote.uri not in inserted:
            saved.append(await save_remote(tx, remote))
            continue
        account = made[remote.uri]
        if remote.further_keys:
            await account_keys.replace(tx, account, remote.further_keys)
        saved.append(account)
    return saved


async def _have_verified(tx: Transaction, several: Sequence[Account]) -> None:
    """Ask for the pages to be visited that people name for the first time: some time later, since
    many servers read a profile in the same moment."""
    if tx.instance.link_previews:
        jobs = [
            profiles.verification(
                account.id, profiles.VERIFY_DELAY + timedelta(seconds=random.uniform(0, SPREAD_S))
            )
            for account in several
            if profiles.unverified(account)
        ]
        await enqueue_many(tx, profiles.VERIFY, jobs)


def _still_verified(
    entry: dict[str, str], since: Mapping[str | None, str | None]
) -> dict[str, str]:
    """What was seen to link back stays so as long as its field names the same page."""
    page = profiles.page_of(entry)
    known = since.get(page) if page is not None else None
    return entry if known is None else {**entry, "verified_at": known}


def _new(tx: Transaction, remote: RemoteAccount) -> dict[str, Any]:
    created_at = remote.created_at or tx.now
    return {"id": tx.new_id(), "created_at": created_at} | _columns(tx, remote)


def _columns(tx: Transaction, remote: RemoteAccount) -> dict[str, Any]:
    stamps = {"fetched_at": tx.now, "updated_at": tx.now}
    return _described(remote) | {"handle": _handle(remote), **stamps}


def _handle(remote: RemoteAccount) -> str:
    return f"{remote.username}@{remote.domain}".lower()


def _is_ours(tx: Transaction, remote: RemoteAccount) -> bool:
    return remote.domain == tx.instance.domain or remote.uri.startswith(f"{tx.instance.url}/")


def _described(remote: RemoteAccount) -> dict[str, Any]:
    """The columns that somebody elsewhere decides, made harmless."""
    told = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in asdict(remote).items()
        if name not in {"created_at", "further_keys"}
    }
    if _netloc(remote.url) != _netloc(remote.uri):
        told["url"] = remote.uri  # nobody names a page of somebody else's as their own
    return told | {
        "display_name": text.name(remote.display_name, MAX_REMOTE_NAME),
        "note": text.sanitise(remote.note),
        "fields": [
            {
                "name": text.name(entry.get("name", ""), MAX_REMOTE_NAME),
                "value": text.sanitise(entry.get("value", "")),
            }
            for entry in remote.fields
        ],
    }


def _netloc(url: str) -> str | None:
    try:
        return urlsplit(url).netloc
    except ValueError:  # such as http://[
        return None


async def tombstone_remote(tx: Transaction, account: Account) -> None:
    """Somebody elsewhere is gone: forget what they said and whom they followed."""
    if account.deleted_at is None:
        await departures.bury(tx, account)
        await account_keys.replace(tx, account, ())
