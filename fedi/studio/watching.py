"""Server-sent events of one painting.

The first event tells where it stands, so nothing that happened before is missed; then what a
painter has shown of it last, and all that comes. Reconnecting is the same: whoever says what they
heard last (`Last-Event-ID`) does not hear that progress again, and is told by a 204, at which
browsers stop asking, if they know the end already. Nobody waits for a listener who does not read:
what is too much for them is dropped, oldest first, and the end comes last.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

from fedi.database import Session
from fedi.database.tables import Painting
from fedi.events import Event, Listener
from fedi.runtime import Easel
from fedi.studio import paintings

HEARTBEAT_S = 15.0  # proxies cut a silent connection after 30 to 60 seconds
RETRY_MS = 2000  # after which a browser that was cut off connects again

Show = Callable[[Session, Easel, Painting], Awaitable[dict[str, Any]]]
"""A painting as an app is told of it."""


async def stream(
    easel: Easel, painting_id: int, heard_last: str, show: Show
) -> AsyncIterator[bytes]:
    """The events of a painting, to its end.

    Args:
        heard_last: the id of the event that the listener heard last; empty: none.
        show: makes the data of its states.
    """
    # Listening begins before the first look, so that nothing can happen unseen between them.
    topic = paintings.topic(painting_id)
    with easel.events.listen([topic]) as heard:
        state, shown = await _look(easel, painting_id, show)
        yield f"retry: {RETRY_MS}\n".encode() + _told(state, state, shown)
        newest = easel.events.newest(topic)
        if newest is not None and state == paintings.PAINTING and _id(newest) != heard_last:
            yield _told(_id(newest), newest.kind, newest.data)
        while state not in paintings.PAINTED:
            event = await _next(heard)
            if event is not None and event.kind == "progress":
                yield _told(_id(event), event.kind, event.data)
                continue
            before = (state, shown)
            state, shown = await _look(easel, painting_id, show)
            if event is not None:
                yield _told(state, state, shown)
            else:  # the news may have been lost on its way, or others moved on; the rows were not
                yield b": still here\n\n"
                if (state, shown) != before:
                    yield _told(state, state, shown)


async def together(streams: Sequence[AsyncIterator[bytes]]) -> AsyncIterator[bytes]:
    """Several streams as one, to the end of the last. Who reads slowly holds all of them back, and
    each drops what is too much by itself."""
    waiting: dict[asyncio.Task[bytes | None], AsyncIterator[bytes]] = {}

    def listen(stream: AsyncIterator[bytes]) -> None:
        waiting[asyncio.create_task(_piece(stream))] = stream

    try:
        for stream in streams:
            listen(stream)
        while waiting:
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                stream = waiting.pop(task)
                piece = task.result()
                if piece is not None:
                    yield piece
                    listen(stream)
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def _piece(stream: AsyncIterator[bytes]) -> bytes | None:
    return await anext(stream, None)


async def _next(heard: Listener) -> Event | None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(HEARTBEAT_S):
            return await heard.next()
    return None


async def _look(easel: Easel, painting_id: int, show: Show) -> tuple[str, dict[str, Any]]:
    async with easel.database.read() as session:
        painting = await session.get(Painting, painting_id)
        if painting is None:  # it went with its author's account
            return paintings.CANCELLED, {"id": str(painting_id), "state": paintings.CANCELLED}
        return painting.state, await show(session, easel, painting)


def _id(event: Event) -> str:
    return f"{event.data.get('stage')}.{event.data.get('step')}"


def _told(event_id: str, kind: str, data: dict[str, Any]) -> bytes:
    said = json.dumps(data, ensure_ascii=False)
    return f"id: {event_id}\nevent: {kind}\ndata: {said}\n\n".encode()
