"""What pages hear of while they are open: that something is new, never what.

One stream of server-sent events for who is signed in, by the cookie of their browser. An event is
a hint; the page asks for what has come by the address of its own feed, which looks at the rows.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator
from weakref import WeakKeyDictionary

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from fedi.events import Event, Listener
from fedi.runtime import Easel, easel_of
from fedi.social import sessions
from fedi.social.errors import TooMany
from fedi.social.spreading import STATUSES
from fedi.web import cookies, visitors

MAX_STREAMS = 16  # of one account in one process: pages that are open, in some browsers
HEARTBEAT_S = 15.0  # proxies cut a silent connection after 30 to 60 seconds
PACE_S = 2.0  # at least between two hints: a busy server is no reason to ask all the time

# By name, whether it is of all posts, and what it is called there.
_HINTS = {"posts": (True, "status"), "notifications": (False, "notification")}

_open: WeakKeyDictionary[Easel, Counter[int]] = WeakKeyDictionary()


async def stream(request: Request) -> Response:
    """`GET /events`: `posts` when something was posted, `notifications` when something happened
    to who is signed in."""
    easel = easel_of(request)
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        raise HTTPException(403, "Only pages of this server hear of this.")
    visitor = await visitors.of(request)
    if visitor is None:
        raise HTTPException(401, "Please sign in first.")
    refuse_too_many(easel, visitor.account.id)
    token = cookies.session(request)
    told = seated(easel, visitor.account.id, token, _told(easel, visitor.account.id))
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(told, headers=headers, media_type="text/event-stream")


def refuse_too_many(easel: Easel, account_id: int) -> None:
    """Refuse who has as many streams as one account may.

    Raises:
        TooMany: they have.
    """
    if _open.setdefault(easel, Counter())[account_id] >= MAX_STREAMS:
        raise TooMany("This account has too many pages open.", int(HEARTBEAT_S))


async def seated(
    easel: Easel, account_id: int, token: str, told: AsyncIterator[bytes]
) -> AsyncIterator[bytes]:
    """A stream of somebody's, counted among theirs, for as long as the browser is signed in: that
    is looked at whenever the stream says nothing but that it is there."""
    mine = _open.setdefault(easel, Counter())
    if mine[account_id] >= MAX_STREAMS:  # others came in the same moment
        return
    mine[account_id] += 1
    try:
        async for piece in told:
            if piece.startswith(b":") and not await _holds(easel, token):
                return
            yield piece
    finally:
        mine[account_id] -= 1
        if not mine[account_id]:
            del mine[account_id]
        if isinstance(told, AsyncGenerator):
            await told.aclose()


async def _told(easel: Easel, account_id: int) -> AsyncIterator[bytes]:
    with easel.events.listen([STATUSES, f"account:{account_id}"]) as listener:
        yield b"retry: 10000\n\n"
        while True:
            heard = await _heard(listener)
            if not heard:
                yield b": still here\n\n"
                continue
            for name, happened in _HINTS.items():
                if any((event.topic == STATUSES, event.kind) == happened for event in heard):
                    yield f"event: {name}\ndata: 1\n\n".encode()
            await asyncio.sleep(PACE_S)


async def _heard(listener: Listener) -> list[Event]:
    """What has happened since; nothing, if nothing has for a while."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(HEARTBEAT_S):
            return [await listener.next(), *listener.drain()]
    return []


async def _holds(easel: Easel, token: str) -> bool:
    """Whether who listens is still signed in."""
    async with easel.database.read() as session:
        return await sessions.find(session, token) is not None


routes: list[BaseRoute] = [Route("/events", stream, methods=["GET"])]
