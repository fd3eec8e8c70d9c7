"""Public keys of others, kept parsed, fetched once however many wait for one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from activitypub.signatures.keys import Key

CACHE_SIZE = 10_000
"""Keys kept; about 2 kB each."""

REFETCH_INTERVAL = 60.0
"""Seconds between two refetches of one key, so that bad signatures cannot make us fetch."""

FAILURE_INTERVAL = 30.0
"""Seconds for which a failed fetch is remembered, for the same reason."""


class KeyUnavailable(Exception):
    """The key could not be had. `gone` is True where its server answered 410; `permanent` is
    False where trying later may help (timeout, 5xx): answer 503 then, 401 otherwise."""

    def __init__(self, detail: str, *, gone: bool = False, permanent: bool = True) -> None:
        super().__init__(detail)
        self.detail = detail
        self.gone = gone
        self.permanent = permanent


Fetch = Callable[[str, bool], Awaitable[Key]]
"""`await fetch(key_id, fresh)`: the key, from the database unless `fresh`, else from its
server, owner confirmed both ways; raises `KeyUnavailable`."""


class KeyCache:
    """A bounded cache in front of `fetch`; `find` is what `verify` wants as `find_key`."""

    def __init__(
        self, fetch: Fetch, monotonic: Callable[[], float], *, size: int = CACHE_SIZE
    ) -> None:
        raise NotImplementedError

    async def find(self, key_id: str, *, fresh: bool = False) -> Key:
        """The key of this id; with `fresh`, fetched anew, at most once a minute and id (within
        it the cached key is given again). Raises `KeyUnavailable`."""
        raise NotImplementedError

    def forget(self, key_id: str) -> None:
        """Drop a key, because its actor was updated or deleted."""
        raise NotImplementedError
