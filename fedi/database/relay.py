"""Events between the processes of one instance, by PostgreSQL's LISTEN and NOTIFY.

On SQLite there is one process, and nothing to relay.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from typing import Any

from sqlalchemy import text
from sqlalchemy.engine import URL

from fedi import logs
from fedi.events import Event, Events

CHANNEL = "easel"
MAX_PAYLOAD = 7900  # PostgreSQL refuses 8,000 bytes; a larger event stays in its process
RECONNECT_S = 2.0

NOTIFY = text("SELECT pg_notify(:channel, :payload)")
PROCESS = secrets.token_hex(8)

log = logs.get(__name__)


def encode(event: Event) -> str | None:
    """The event as a NOTIFY payload, or None if it is too large to travel."""
    payload = json.dumps(
        [PROCESS, event.topic, event.kind, event.data], ensure_ascii=False, separators=(",", ":")
    )
    return payload if len(payload.encode()) <= MAX_PAYLOAD else None


class Relay:
    """Hears what the other processes tell, and tells them what was not part of a transaction."""

    def __init__(self, url: URL, events: Events) -> None:
        self._dsn = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._events = events
        self._outgoing: asyncio.Queue[str] = asyncio.Queue(1000)
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
        payload = encode(event)
        if payload is not None and not self._outgoing.full():
            self._outgoing.put_nowait(payload)

    def _hear(self, connection: Any, pid: int, channel: str, payload: str) -> None:
        process, topic, kind, data = json.loads(payload)
        if process != PROCESS:
            self._events.publish(Event(topic, kind, data), relayed=True)

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
                    payload = await self._outgoing.get()
                    await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, payload)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning("event_relay_lost", reason=str(error))
            finally:
                with contextlib.suppress(Exception):
                    await connection.close(timeout=1)
