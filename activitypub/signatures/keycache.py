"""Public keys of others, kept parsed, fetched once however many wait for one."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable

from msgspec import Struct

from activitypub.origin import host
from activitypub.signatures.keys import Key

CACHE_SIZE = 10_000
"""Keys kept; about 2 kB each."""

REFETCH_INTERVAL = 60.0
"""Seconds between two refetches of one key, so that bad signatures cannot make us fetch."""

HELD_FOR = 900.0
"""Seconds for which a key is believed without a look at what is stored: its owner may have
replaced it since, and told another process."""

FAILURE_INTERVAL = 30.0
"""Seconds for which a failed fetch is remembered, for the same reason."""

FETCHES_LIMIT = 100
"""Fetches under way at once; a flood of requests with invented key ids waits elsewhere."""

FETCHES_PER_HOST = 10
"""Of those, of keys on one host: a server that does not answer keeps nobody else's away."""


class KeyUnavailable(Exception):
    """The key could not be had. `gone` is True where its server answered 410; `permanent` is
    False where trying later may help (timeout, 5xx): answer 503 then, 401 otherwise."""

    def __init__(self, detail: str, *, gone: bool = False, permanent: bool = True) -> None:
        super().__init__(detail)
        self.detail = detail
        self.gone = gone
        self.permanent = permanent

    def again(self) -> KeyUnavailable:
        """The same once more; raising one object repeatedly would grow its traceback."""
        return KeyUnavailable(self.detail, gone=self.gone, permanent=self.permanent)


Fetch = Callable[[str, bool], Awaitable[Key]]
"""`await fetch(key_id, fresh)`: the key, from the database unless `fresh`, else from its
server, owner confirmed both ways; raises `KeyUnavailable`."""


class _Entry(Struct):
    """What is known of a key id. `refetched` is None until it was fetched fresh."""

    outcome: Key | KeyUnavailable
    found: float
    refetched: float | None = None


class KeyCache:
    """A bounded cache in front of `fetch`; `find` is what `verify` wants as `find_key`."""

    def __init__(
        self, fetch: Fetch, monotonic: Callable[[], float], *, size: int = CACHE_SIZE
    ) -> None:
        self._fetch = fetch
        self._monotonic = monotonic
        self._size = size
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._running: dict[str, asyncio.Task[Key]] = {}
        self._busy: Counter[str] = Counter()  # fetches under way, by host

    async def find(self, key_id: str, *, fresh: bool = False) -> Key:
        """The key of this id, as it was within a quarter of an hour; with `fresh`, fetched anew,
        at most once a minute and id (within it the cached key is given again). Raises
        `KeyUnavailable`."""
        entry = self._entries.get(key_id)
        if entry is not None and self._holds(entry, fresh):
            self._entries.move_to_end(key_id)
            if isinstance(entry.outcome, KeyUnavailable):
                raise entry.outcome.again()
            return entry.outcome
        task = self._running.get(key_id)
        if task is None:
            server = host(key_id) or ""
            if len(self._running) >= FETCHES_LIMIT or self._busy[server] >= FETCHES_PER_HOST:
                raise KeyUnavailable("Too many keys are being fetched.", permanent=False)
            task = asyncio.create_task(self._fetched(key_id, fresh))
            self._running[key_id] = task
            self._busy[server] += 1
            task.add_done_callback(lambda done: self._ended(key_id, done))
        # shielded: one caller that gives up must not fail the others
        return await asyncio.shield(task)

    def forget_owner(self, owner: str) -> None:
        """Drop the keys of an actor who was updated or deleted."""
        owned = [
            key_id
            for key_id, entry in self._entries.items()
            if isinstance(entry.outcome, Key) and entry.outcome.owner == owner
        ]
        for key_id in owned:
            del self._entries[key_id]

    def _holds(self, entry: _Entry, fresh: bool) -> bool:
        now = self._monotonic()
        if isinstance(entry.outcome, KeyUnavailable):
            return now - entry.found < FAILURE_INTERVAL
        if not fresh:
            return now - entry.found < HELD_FOR
        return entry.refetched is not None and now - entry.refetched < REFETCH_INTERVAL

    async def _fetched(self, key_id: str, fresh: bool) -> Key:
        before = self._entries.get(key_id)
        outcome: Key | KeyUnavailable
        try:
            outcome = await self._fetch(key_id, fresh)
        except KeyUnavailable as unavailable:
            # A new one: the traceback of what was raised keeps all that the fetch had in hand.
            outcome = unavailable.again()
            if not unavailable.permanent and before is not None and isinstance(before.outcome, Key):
                # its server is down: the old key stays good for what it signed
                outcome = before.outcome
        now = self._monotonic()
        self._entries[key_id] = _Entry(outcome, now, now if fresh else None)
        self._entries.move_to_end(key_id)
        while len(self._entries) > self._size:
            self._entries.popitem(last=False)
        if isinstance(outcome, KeyUnavailable):
            raise outcome.again()
        return outcome

    def _ended(self, key_id: str, task: asyncio.Task[Key]) -> None:
        self._running.pop(key_id, None)
        server = host(key_id) or ""
        self._busy[server] -= 1
        if not self._busy[server]:
            del self._busy[server]
        if not task.cancelled():
            task.exception()  # whoever waited has seen it; nobody may be left waiting
