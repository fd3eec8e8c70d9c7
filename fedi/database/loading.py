"""Asking for many things at once that are asked for one by one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Generic, TypeVar

MOST = 200  # keys in one query

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Loader(Generic[Key, Value]):
    """Gathers what is asked for in one round of the event loop into one query.

    Args:
        read: what is there of these keys, by key.
    """

    def __init__(self, read: Callable[[Sequence[Key]], Awaitable[Mapping[Key, Value]]]) -> None:
        self._read = read
        self._asked: dict[Key, asyncio.Future[Value | None]] = {}
        self._reading: set[asyncio.Task[None]] = set()

    async def load(self, key: Key) -> Value | None:
        """The value of a key as it is now; None if there is none. Raises what `read` raises."""
        future = self._asked.get(key)
        if future is None:
            if not self._asked:
                task = asyncio.create_task(self._round(), name="loader")
                self._reading.add(task)
                task.add_done_callback(self._reading.discard)
            future = self._asked[key] = asyncio.get_running_loop().create_future()
        return await asyncio.shield(future)  # somebody else may wait for it, too

    async def _round(self) -> None:
        asked, self._asked = self._asked, {}
        keys = list(asked)
        try:
            found: dict[Key, Value] = {}
            for start in range(0, len(keys), MOST):
                found |= await self._read(keys[start : start + MOST])
        except BaseException as error:
            for future in asked.values():
                future.set_exception(error)
            if not isinstance(error, Exception):
                raise
        else:
            for key, future in asked.items():
                future.set_result(found.get(key))
