"""Streams as server-sent events: one stream, and one request for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from msgspec import Struct
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from fedi.api.auth import Caller
from fedi.api.mastodon import route, throttle
from fedi.api.mastodon.params import decode, gather
from fedi.api.mastodon.streaming import admission, channels, hub
from fedi.api.mastodon.streaming.channels import Channel
from fedi.api.mastodon.streaming.connections import Connection
from fedi.api.mastodon.streaming.hub import Hub
from fedi.api.mastodon.streaming.racing import first_of
from fedi.runtime import easel_of
from fedi.social.errors import SocialError, TooMany

HEARTBEAT_S = 15.0  # proxies cut a silent connection after 30 to 60 seconds
HELLO, HEARTBEAT = b":)\n\n", b":thump\n\n"


Feed = Callable[[Connection], Coroutine[Any, Any, None]]


class Asked(Struct, kw_only=True):
    tag: str = ""
    list: str = ""
    only_media: bool = False


class EventStream(Response):
    """What an app hears, until one side ends it.

    Args:
        here: the hub that closes the connection when its token is revoked, or when all ends.
        connection: what waits to be sent.
        feed: puts into the connection what the hub does not.
    """

    media_type = "text/event-stream"

    def __init__(self, here: Hub, connection: Connection, feed: Feed | None = None) -> None:
        super().__init__(headers={"Cache-Control": "private, no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._here, self._connection, self._feed = here, connection, feed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = self._connection
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            work = [_gone(receive), self._tell(send), connection.ended.wait()]
            await first_of(*work, *([self._feed(connection)] if self._feed is not None else []))
            if connection.ended.is_set():
                await send({"type": "http.response.body", "body": b""})
        except OSError:
            pass  # they have gone
        finally:
            self._here.close(connection)

    async def _tell(self, send: Send) -> None:
        async def say(content: bytes) -> None:
            await send({"type": "http.response.body", "body": content, "more_body": True})

        await say(HELLO)
        while True:
            try:
                async with asyncio.timeout(HEARTBEAT_S):
                    told, _ = await self._connection.waiting.get()
            except TimeoutError:
                await say(HEARTBEAT)
            else:
                await say(told.text())


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def stream(kind: str) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint of one stream."""

    async def answer(request: Request) -> Response:
        easel = easel_of(request)
        try:
            who = await admission.caller(request)
            standing = throttle.of(easel).account(who.account.id)
            if not standing.allowed:
                raise TooMany("Too many requests", 60)
            admission.check(who, kind)
            asked = decode(await gather(request), Asked)
            media = ":media" if asked.only_media and kind in channels.PUBLIC else ""
            channel = channels.named(
                kind + media, who.account.id, tag=asked.tag, list_id=asked.list
            )
            await admission.own(easel, who, channel)
            return _opened(hub.of(easel), who, channel)
        except HTTPException as error:
            refused = route.refusal(error.status_code, error.detail)
            refused.headers.update(error.headers or {})
            return refused
        except SocialError as error:
            return route.refusal(error.status, str(error))

    return answer


def _opened(here: Hub, who: Caller, channel: Channel) -> EventStream:
    connection = here.open(who)
    here.subscribe(connection, channel)
    return EventStream(here, connection)


async def health(request: Request) -> Response:
    return PlainTextResponse("OK", headers={"Cache-Control": "private, no-store"})
