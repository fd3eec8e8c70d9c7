"""People and posts on other servers: found, fetched, refreshed.

Nothing here holds a transaction while it waits for another server.
"""

from __future__ import annotations

import contextlib
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from weakref import WeakKeyDictionary

import sqlalchemy
from sqlalchemy import bindparam
from sqlmodel import col, select

from activitypub import origin, webfinger
from activitypub.client import FetchError
from activitypub.errors import Malformed
from activitypub.objects import Activity, Actor, Note, values
from activitypub.objects.note import NOTE_TYPES
from activitypub.signatures import Key, KeyCache, KeyUnavailable, Signer
from activitypub.signatures.keys import load_public
from fedi.database import Transaction
from fedi.database.insertion import table_of
from fedi.database.tables import Account, Status
from fedi.federation import arrivals, newcomers, translate
from fedi.runtime import Easel
from fedi.social import account_keys, accounts, domains, statuses, text
from fedi.social.errors import Invalid, NotFound

ACTOR_AGE = timedelta(days=1)  # an actor is read again after so long, as Mastodon does
ACTORS_REMEMBERED = 256  # actor documents that were just fetched, for a key or a refresh
ACTOR_MEMORY = timedelta(minutes=1)

_ACCOUNTS = table_of(Account).c
_IDS = sqlalchemy.select(_ACCOUNTS.uri, _ACCOUNTS.id).where(
    _ACCOUNTS.uri.in_(bindparam("uris", expanding=True)), _ACCOUNTS.deleted_at.is_(None)
)

Belongs = Callable[[Note], bool]
"""Whether a post that was fetched is the one that was wanted."""

_signers: WeakKeyDictionary[Easel, Signer] = WeakKeyDictionary()
_caches: WeakKeyDictionary[Easel, KeyCache] = WeakKeyDictionary()
_fetched: WeakKeyDictionary[Easel, OrderedDict[str, tuple[datetime, Actor]]] = WeakKeyDictionary()


async def instance_signer(easel: Easel) -> Signer:
    """Who signs what the instance itself asks for: servers with authorised fetch demand it."""
    await domains.of(easel)  # the client keeps to them
    signer = _signers.get(easel)
    if signer is None:
        async with easel.database.write() as tx:
            actor = await accounts.ensure_instance_actor(tx)
        signer = _signers[easel] = signer_of(actor)
    return signer


def signer_of(account: Account) -> Signer:
    """Who signs as a local account."""
    assert account.private_key_pem is not None
    return Signer(account.public_key_id, account.private_key_pem)


async def resolve(easel: Easel, name: str) -> Account:
    """The account of a handle (`user@host`, `user` for one of ours) or of an actor's address.

    Raises:
        NotFound: there is none, or its server does not answer.
        Invalid: that is neither a handle nor an address.
    """
    await domains.of(easel)  # the client keeps to them
    name = text.clean(name).strip().removeprefix("acct:").removeprefix("@")
    try:
        if name.startswith(("http://", "https://")):
            newcomers.welcome(easel, name)
            return await account(easel, name)
        async with easel.database.read() as session:
            known = await accounts.by_handle(session, name)
        if known is not None and accounts.is_person(known):
            return await refreshed(easel, known)
        if "@" not in name or name.endswith(f"@{easel.settings.instance.domain}"):
            raise NotFound(f"There is no account {name} here.")
        found = await webfinger.resolve(easel.client, name)
        newcomers.welcome(easel, found.actor_uri)
        return await account(easel, found.actor_uri)
    except Malformed as error:
        raise Invalid(error.reason) from error
    except FetchError as error:
        raise NotFound(f"{name} cannot be found: {error.reason}") from error


async def account(easel: Easel, uri: str) -> Account:
    """The account with this id: known and fresh, or fetched.

    Raises:
        FetchError: it cannot be had.
        Malformed: what is there is no actor.
    """
    async with easel.database.read() as session:
        known = await accounts.by_uri(session, uri)
    return await refreshed(easel, known) if known is not None else await fetch(easel, uri)


async def refreshed(easel: Easel, known: Account) -> Account:
    """A known account, read again if that was long ago; the old one, if its server is down."""
    read = known.fetched_at
    if known.local or known.deleted_at or (read and easel.clock.now() - read < ACTOR_AGE):
        return known
    try:
        return await fetch(easel, known.uri)
    except (FetchError, Malformed):
        return known


async def fetch(easel: Easel, uri: str, *, fresh: bool = False) -> Account:
    """Read an actor from its server, confirm its handle by WebFinger, and store it.

    Args:
        fresh: do not use what was read a moment ago.

    Raises:
        FetchError: it cannot be had, or its handle is not confirmed.
        Malformed: what is there is no actor.
    """
    actor = await _actor(easel, uri, fresh=fresh)
    handle = await webfinger.confirm(easel.client, actor)
    if handle is None:
        raise FetchError(f"WebFinger does not confirm the handle of {actor.id}.")
    try:
        async with easel.database.write() as tx:
            known = await accounts.by_uri(tx, actor.id)
            if known is not None and known.deleted_at is not None:
                raise FetchError(f"{actor.id} is deleted.", status=410)
            saved = await accounts.save_remote(tx, translate.remote_account(actor, handle))
            (await domains.of(easel)).mark(saved, tx.now)
            return saved
    except Invalid as error:
        raise FetchError(str(error)) from error


async def _actor(easel: Easel, uri: str, *, fresh: bool) -> Actor:
    """An actor's document, from its own origin."""
    if origin.origin(uri) == easel.settings.instance.url:
        raise FetchError("That is an address of this instance.")
    remembered = _fetched.setdefault(easel, OrderedDict())
    known = remembered.get(uri)
    now = easel.clock.now()
    if known is not None and not fresh and now - known[0] < ACTOR_MEMORY:
        return known[1]
    await newcomers.meet(easel, uri)
    got = await easel.client.get_document(uri, await instance_signer(easel))
    actor = Actor.parse(got.document)
    for name in {uri, actor.id}:
        remembered[name] = (now, actor)
        remembered.move_to_end(name)
    while len(remembered) > ACTORS_REMEMBERED:
        remembered.popitem(last=False)
    return actor


async def is_gone(easel: Easel, uri: str) -> bool:
    """Whether an actor's own server says, now, that they are deleted."""
    try:
        await _actor(easel, uri, fresh=True)
    except FetchError as error:
        return error.gone
    except Malformed:
        return False
    return False


def keys(easel: Easel) -> KeyCache:
    """The public keys of others, as this process knows them."""
    cache = _caches.get(easel)
    if cache is None:

        async def fetch_key(key_id: str, fresh: bool) -> Key:
            return await _key(easel, key_id, fresh)

        cache = _caches[easel] = KeyCache(fetch_key, time.monotonic)
    return cache


async def _key(easel: Easel, key_id: str, fresh: bool) -> Key:
    """A key from the database, or from its owner's document, which must list it."""
    if not fresh:
        async with easel.database.read() as session:
            query = select(Account).where(
                Account.public_key_id == key_id, col(Account.deleted_at).is_(None)
            )
            owner = (await session.exec(query)).first()
            stored = [(owner.uri, owner.public_key_pem)] if owner and not owner.local else []
            if not stored:
                found = await account_keys.find(session, key_id)
                stored = [(account.uri, key.public_pem) for key, account in found[:1]]
        for uri, pem in stored:
            with contextlib.suppress(Malformed):  # perhaps its server has a better one now
                return Key(id=key_id, owner=uri, public=load_public(pem))
    try:
        actor = await _owner(easel, key_id, fresh)
    except FetchError as error:
        raise KeyUnavailable(
            f"The key cannot be fetched: {error.reason}",
            gone=error.gone,
            permanent=error.permanent,
        ) from error
    except Malformed as error:
        raise KeyUnavailable(f"The key's document is unusable: {error.reason}") from error
    public = translate.keys_of(actor, key_id).get(key_id)
    if public is None:
        raise KeyUnavailable("The key's owner does not list it, or it is unusable.")
    if fresh:
        await _replace(easel, actor)
    return Key(id=key_id, owner=actor.id, public=public)


async def _owner(easel: Easel, key_id: str, fresh: bool) -> Actor:
    """The actor that a key belongs to: it stands in the key's own document, or is named there."""
    address = key_id.partition("#")[0]
    try:
        # GoToSocial 0.20: the key's own path answers with its actor, under the actor's id.
        return await _actor(easel, address, fresh=fresh)
    except Malformed:
        got = await easel.client.get_document(address, await instance_signer(easel))
        owner = got.document.get("owner") or got.document.get("controller")
        if not isinstance(owner, str):
            raise
        return await _actor(easel, owner, fresh=fresh)


async def _replace(easel: Easel, actor: Actor) -> None:
    """A known account may have new keys."""
    described = translate.remote_account(actor, "")
    async with easel.database.write() as tx:
        known = await accounts.by_uri(tx, actor.id)
        if known is not None and not known.local:
            known.public_key_id = described.public_key_id
            known.public_key_pem = described.public_key_pem
            tx.add(known)
            await account_keys.replace(tx, known, described.further_keys)


async def status(
    easel: Easel, uri: str, *, live: bool = False, belongs: Belongs | None = None
) -> Status | None:
    """A post by its id: known, or fetched from its own server and stored.

    Args:
        live: it is news (a group told us of it) and goes to those who follow its author.
        belongs: whether it is what is looked for; what is not is not stored.

    Returns:
        None if it is there but nobody here may see it, or it is dead.

    Raises:
        FetchError: it cannot be had.
        Malformed: what is there is no post.
    """
    async with easel.database.read() as session:
        found = await session.exec(select(Status).where(Status.uri == uri))
        known = found.first()
    if known is not None:
        return known if known.deleted_at is None else None
    if origin.origin(uri) == easel.settings.instance.url:
        return None
    await newcomers.meet(easel, uri)
    got = await easel.client.get_document(uri, await instance_signer(easel))
    document: Mapping[str, Any] = got.document
    if values.kind(document) not in NOTE_TYPES:
        document = _created(Activity.parse(document))
    note = Note.parse(document)
    if note.id is None or note.attributed_to is None:
        raise Malformed("The post has no id or no author.")
    if origin.may_speak(note.attributed_to, document) is not None:
        raise Malformed("The post is not its author's.")
    if belongs is not None and not belongs(note):
        raise Malformed("The post is not what it was listed as.")
    author = await account(easel, note.attributed_to)
    if author.suspended_at is not None or author.deleted_at is not None:
        return None
    async with easel.database.write() as tx:
        known_actors = await ids_of(tx, translate.addressed_actors(note))
        received = translate.received(note, author, known_actors)
        fetched = await statuses.receive(tx, author, received, live=live)
        await arrivals.expect(easel, tx, fetched)
        return fetched


def _created(activity: Activity) -> Mapping[str, Any]:
    """The post that a fetched Create brings. Its actor must be of the origin that said so: the
    embedded object is only held against the actor."""
    wrapped = origin.embedded(activity) if activity.type == "Create" else None
    if wrapped is None or not origin.same_origin(activity.id, activity.actor):
        raise Malformed("What is there is no post.")
    return wrapped


async def ids_of(tx: Transaction, uris: list[str]) -> dict[str, int]:
    """The ids of those of these actors that we know."""
    if not uris:
        return {}
    rows = await tx.execute_core(_IDS, {"uris": uris})
    return {row.uri: row.id for row in rows}
