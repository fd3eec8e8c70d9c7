"""The files of strangers, decoded few at a time: each takes a whole picture of memory, and some a
process of their own beside it that reads their content credentials (`generation.apart`).

Who is waited for by somebody stands in a short line, and is told to come again where that is full;
what nobody waits for simply waits. What has to be fetched is fetched before.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from weakref import WeakKeyDictionary

from fedi.runtime import Easel
from fedi.social.errors import Busy

AT_ONCE = 3  # files of one process; as many as `generation.apart` has children
JOBS = 2  # of these, so that no request stands behind all that nobody waits for
LINE = 8  # requests that wait; a file takes a second, on a busy machine a few
RETRY_AFTER_S = 10


class Gate:
    """The turns of one process of an instance; `of` gives it."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._jobs = asyncio.Semaphore(JOBS)
        self._line = 0

    @contextlib.asynccontextmanager
    async def request(self) -> AsyncIterator[None]:
        """A turn for a request, which somebody waits for.

        Raises:
            Busy: too many wait already.
        """
        if self._line >= LINE:
            raise Busy("Too many pictures are being looked at just now.", RETRY_AFTER_S)
        self._line += 1
        try:
            await self._turns.acquire()
        finally:
            self._line -= 1
        try:
            yield
        finally:
            self._turns.release()

    @contextlib.asynccontextmanager
    async def job(self) -> AsyncIterator[None]:
        """A turn for what nobody waits for, whenever it comes."""
        async with self._jobs, self._turns:
            yield


_gates: WeakKeyDictionary[Easel, Gate] = WeakKeyDictionary()


def of(easel: Easel) -> Gate:
    """The gate of this process."""
    return _gates.setdefault(easel, Gate())
