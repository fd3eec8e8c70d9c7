"""Streams as apps listen to them, over real sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import aiohttp

from tests.api.apps import App

PATIENCE_S = 20.0


@dataclass(frozen=True)
class Heard:
    """One event: `payload` is decoded."""

    stream: list[str]
    event: str
    payload: Any


class Socket:
    """An open WebSocket of an app."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def say(self, **message: Any) -> None:
        await self.socket.send_json(message)

    async def subscribe(self, stream: str, **about: str) -> None:
        await self.say(type="subscribe", stream=stream, **about)
        await self.settled()

    async def unsubscribe(self, stream: str, **about: str) -> None:
        await self.say(type="unsubscribe", stream=stream, **about)
        await self.settled()

    async def settled(self) -> None:
        """Wait until all that was said is heard: what makes no sense is answered, in order."""
        await self.say(type="?", stream="user")
        assert (await self.raw())["error"]

    async def raw(self) -> Any:
        async with asyncio.timeout(PATIENCE_S):
            message = await self.socket.receive()
        assert message.type is aiohttp.WSMsgType.TEXT, message
        return json.loads(message.data)

    async def next(self) -> Heard:
        told = await self.raw()
        assert set(told) == {"stream", "event", "payload"}, told
        assert isinstance(told["payload"], str)
        payload = told["payload"]
        return Heard(
            told["stream"],
            told["event"],
            payload if told["event"] == "delete" else json.loads(payload),
        )

    async def closed(self) -> int | None:
        """Wait for the server to end it; its code."""
        async with asyncio.timeout(PATIENCE_S):
            message = await self.socket.receive()
        assert message.type in {aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED}, message
        return self.socket.close_code


@asynccontextmanager
async def listening(app: App, stream: str = "", **about: str) -> AsyncIterator[Socket]:
    """A WebSocket with the token in the query, as most apps open it."""
    query = {"access_token": app.token or ""} | ({"stream": stream} if stream else {}) | about
    url = f"{app.instance.url}/api/v1/streaming?{urlencode(query)}"
    async with app.browser.ws_connect(url) as opened:
        socket = Socket(opened)
        if stream:
            await socket.settled()
        yield socket


class Sent:
    """An open stream of server-sent events."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self.answer = answer

    async def block(self) -> list[str]:
        """The lines up to the next empty one."""
        lines: list[str] = []
        async with asyncio.timeout(PATIENCE_S):
            while line := (await self.answer.content.readline()).decode().rstrip("\n"):
                lines.append(line)
        return lines

    async def next(self) -> tuple[str, Any]:
        event, data = await self.block()
        kind = event.removeprefix("event: ")
        told = data.removeprefix("data: ")
        return kind, told if kind == "delete" else json.loads(told)


@asynccontextmanager
async def reading(app: App, path: str) -> AsyncIterator[Sent]:
    """A stream of server-sent events that has begun."""
    headers = {"Authorization": f"Bearer {app.token}"}
    url = f"{app.instance.url}/api/v1/streaming/{path}"
    async with app.browser.get(url, headers=headers) as answer:
        assert answer.status == 200, await answer.read()
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        sent = Sent(answer)
        assert await sent.block() == [":)"]
        yield sent
