"""Events between the processes of one instance, by PostgreSQL's LISTEN and NOTIFY.

On SQLite there is one process, and nothing to relay.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import secrets
from typing import Any

from sqlalchemy import text
from sqlalchemy.engine import URL

from fedi import logs
from fedi.events import Event, Events

CHANNEL = "easel"
MAX_PART = 7900  # characters of ASCII; PostgreSQL refuses 8,000 bytes, and there is a head
MAX_PARTS = 48  # of one event: the largest preview that a painter may send; ours take two
RECONNECT_S = 2.0

NOTIFY = text("SELECT pg_notify(:channel, :payload)")
PROCESS = secrets.token_hex(8)
_numbers = itertools.count()

log = logs.get(__name__)


def encode(event: Event) -> list[str]:
    """The event as NOTIFY payloads: one, or more where it is larger; none if it is too large."""
    said = json.dumps([event.topic, event.kind, event.data, event.kept], separators=(",", ":"))
    count = -(-len(said) // MAX_PART)
    if count > MAX_PARTS:
        log.warning("event_too_large", topic=event.topic, kind=event.kind, size=len(said))
        return []
    number = next(_numbers)
    return [
        f"{PROCESS} {number} {part} {count} {said[part * MAX_PART : (part + 1) * MAX_PART]}"
        for part in range(count)
    ]


class Parts:
    """Events put together again of their payloads, which come in order, those of several
    processes mixed. Of one that breaks off, the rest never comes."""

    def __init__(self) -> None:
        self._begun: dict[str, tuple[str, list[str]]] = {}  # by process: its number, its parts

    def add(self, payload: str) -> Event | None:
        """One more payload; the event, if that was its last."""
        process, number, part, count, said = payload.split(" ", 4)
        if process == PROCESS:
            return None
        begun, parts = self._begun.pop(process, ("", []))
        if int(part) == 0:
            begun, parts = number, []
        elif begun != number or len(parts) != int(part):
            return None
        parts.append(said)
        if len(parts) < int(count):
            self._begun[process] = (number, parts)
            return None
        return Event(*json.loads("".join(parts)))


class Relay:
    """Hears what the other processes tell, and tells them what was not part of a transaction."""

    def __init__(self, url: URL, events: Events) -> None:
        self._dsn = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._events = events
        self._outgoing: asyncio.Queue[list[str]] = asyncio.Queue(1000)
        self._parts = Parts()
        self._task: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()

    async def start(self) -> None:
        self._events.relay = self._send
        self._task = asyncio.create_task(self._run(), name="event relay")
        await self._ready.wait()

    async def stop(self) -> None:
        self._events.relay = None
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def _send(self, event: Event) -> None:
        if not self._outgoing.full():
            self._outgoing.put_nowait(encode(event))

    def _hear(self, connection: Any, pid: int, channel: str, payload: str) -> None:
        event = self._parts.add(payload)
        if event is not None:
            self._events.publish(event, relayed=True)

    async def _run(self) -> None:
        import asyncpg

        while True:
            try:
                connection = await asyncpg.connect(self._dsn)
            except (OSError, asyncpg.PostgresError) as error:
                log.warning("event_relay_lost", reason=str(error))
                await asyncio.sleep(RECONNECT_S)
                continue
            try:
                await connection.add_listener(CHANNEL, self._hear)
                self._ready.set()
                while not connection.is_closed():
                    payloads = await self._outgoing.get()
                    await connection.executemany(
                        "SELECT pg_notify($1, $2)", [(CHANNEL, payload) for payload in payloads]
                    )
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning("event_relay_lost", reason=str(error))
            finally:
                with contextlib.suppress(Exception):
                    await connection.close(timeout=1)
