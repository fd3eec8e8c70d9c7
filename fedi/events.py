"""What just happened, told to whoever listens: streaming, pages, the job runner.

Events are hints, never the truth: a listener that misses one reads the database. They are
published after the transaction that made them is committed.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

QUEUE_SIZE = 256  # events a slow listener may be behind; then it misses the oldest
MAX_KEPT = 256  # topics whose newest event is kept: more pictures than are ever painted at once


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened.

    Args:
        topic: who might care, such as `jobs`, `painting:123`, `account:7`.
        kind: what it was, such as `progress`, `status`, `notification`.
        data: JSON-able details; ids, not rows.
        kept: whether whoever comes later is told of it, until something else happens.
    """

    topic: str
    kind: str
    data: dict[str, Any] = field(default_factory=dict)
    kept: bool = False


class Listener:
    """A bounded queue of the events of some topics.

    Args:
        size: events it may be behind.
    """

    def __init__(self, size: int = QUEUE_SIZE) -> None:
        self._queue: asyncio.Queue[Event] = asyncio.Queue(size)

    def put(self, event: Event) -> None:
        if self._queue.full():
            self._queue.get_nowait()
        self._queue.put_nowait(event)

    async def next(self) -> Event:
        return await self._queue.get()

    def drain(self) -> list[Event]:
        """What was heard since the last time, without waiting."""
        return [self._queue.get_nowait() for _ in range(self._queue.qsize())]

    async def __aiter__(self) -> AsyncIterator[Event]:
        while True:
            yield await self.next()


class Events:
    """The bus of one process."""

    def __init__(self) -> None:
        self._listeners: defaultdict[str, set[Listener]] = defaultdict(set)
        self._kept: dict[str, Event] = {}
        self.relay: Callable[[Event], None] | None = None  # to the other processes, if any

    @contextmanager
    def listen(self, topics: Iterable[str]) -> Iterator[Listener]:
        """Listen while the context lasts; yields a `Listener`."""
        listener = Listener()
        names = list(topics)
        for name in names:
            self.join(listener, name)
        try:
            yield listener
        finally:
            for name in names:
                self.leave(listener, name)

    def join(self, listener: Listener, topic: str) -> None:
        """One more topic for a listener, until it leaves it."""
        self._listeners[topic].add(listener)

    def leave(self, listener: Listener, topic: str) -> None:
        """One topic less."""
        self._listeners[topic].discard(listener)
        if not self._listeners[topic]:
            del self._listeners[topic]

    def attach(self, topic: str) -> Listener:
        """Listen as long as this bus exists."""
        listener = Listener()
        self._listeners[topic].add(listener)
        return listener

    def newest(self, topic: str) -> Event | None:
        """What happened last, if it is kept."""
        return self._kept.get(topic)

    def publish(self, event: Event, *, relayed: bool = False) -> None:
        """Tell everybody here and, unless they have been told already, the other processes."""
        self._kept.pop(event.topic, None)
        if event.kept:
            self._kept[event.topic] = event
            if len(self._kept) > MAX_KEPT:
                del self._kept[next(iter(self._kept))]
        for listener in tuple(self._listeners.get(event.topic, ())):
            listener.put(event)
        if self.relay is not None and not relayed:
            self.relay(event)
