"""The public keys of others: from memory, from the database, else from their owner's server."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import bindparam, select, union_all

from activitypub.client import FetchError
from activitypub.errors import Malformed
from activitypub.objects import Actor
from activitypub.signatures import Key, KeyCache, KeyUnavailable
from activitypub.signatures.keys import load_public
from fedi.database.insertion import table_of
from fedi.database.loading import Loader
from fedi.database.tables import Account, AccountKey
from fedi.federation import remote
from fedi.federation.translate import inward
from fedi.runtime import Easel
from fedi.social import account_keys, accounts

_ACCOUNTS, _FURTHER = table_of(Account).c, table_of(AccountKey).c
_ELSEWHERE = _ACCOUNTS.deleted_at.is_(None) & _ACCOUNTS.domain.is_not(None)
_WANTED: Any = bindparam("keys", expanding=True)
_KEYS = union_all(
    select(_ACCOUNTS.public_key_id, _ACCOUNTS.uri, _ACCOUNTS.public_key_pem).where(
        _ACCOUNTS.public_key_id.in_(_WANTED), _ELSEWHERE
    ),
    select(_FURTHER.key_id, _ACCOUNTS.uri, _FURTHER.public_pem).where(
        _FURTHER.account_id == _ACCOUNTS.id, _FURTHER.key_id.in_(_WANTED), _ELSEWHERE
    ),
)

_Stored = tuple[str, str]
"""Whose a key is, and its PEM."""

_caches: WeakKeyDictionary[Easel, KeyCache] = WeakKeyDictionary()
_loaders: WeakKeyDictionary[Easel, Loader[str, _Stored]] = WeakKeyDictionary()


def of(easel: Easel) -> KeyCache:
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
        stored = await _stored(easel).load(key_id)
        if stored is not None:
            uri, pem = stored
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
    public = inward.keys_of(actor, key_id).get(key_id)
    if public is None:
        raise KeyUnavailable("The key's owner does not list it, or it is unusable.")
    if fresh:
        await _replace(easel, actor)
    return Key(id=key_id, owner=actor.id, public=public)


def _stored(easel: Easel) -> Loader[str, _Stored]:
    """The keys that are in the database: one query for all that are asked for at the same time."""
    loader = _loaders.get(easel)
    if loader is None:

        async def read(ids: Sequence[str]) -> dict[str, _Stored]:
            async with easel.database.read() as session:
                rows = (await session.execute(_KEYS, {"keys": ids})).all()
            found: dict[str, _Stored] = {}
            for key_id, uri, pem in rows:
                found.setdefault(key_id, (uri, pem))
            return found

        loader = _loaders[easel] = Loader(read)
    return loader


async def _owner(easel: Easel, key_id: str, fresh: bool) -> Actor:
    """The actor that a key belongs to: it stands in the key's own document, or is named there."""
    try:
        # GoToSocial 0.20: the key's own path answers with its actor, under the actor's id.
        return await remote.actor_of(easel, key_id.partition("#")[0], fresh=fresh)
    except remote.NoActor as found:
        owner = found.document.get("owner") or found.document.get("controller")
        if not isinstance(owner, str):
            raise
    return await remote.actor_of(easel, owner, fresh=fresh)


async def _replace(easel: Easel, actor: Actor) -> None:
    """A known account may have new keys."""
    described = inward.remote_account(actor, "")
    async with easel.database.write() as tx:
        known = await accounts.by_uri(tx, actor.id)
        if known is not None and not known.local:
            known.public_key_id = described.public_key_id
            known.public_key_pem = described.public_key_pem
            tx.add(known)
            await account_keys.replace(tx, known, described.further_keys)
