"""Streams over a WebSocket: several on one connection, taken and left by messages."""

from __future__ import annotations

import asyncio
import contextlib

import msgspec
from starlette.exceptions import HTTPException
from starlette.websockets import WebSocket, WebSocketDisconnect

from fedi.api.mastodon import route, throttle
from fedi.api.mastodon.streaming import admission, channels, hub
from fedi.api.mastodon.streaming.channels import Channel
from fedi.api.mastodon.streaming.connections import Connection
from fedi.api.mastodon.streaming.hub import POLICY, Hub
from fedi.api.mastodon.streaming.racing import first_of
from fedi.runtime import Easel, easel_of
from fedi.social.errors import SocialError

MAX_MESSAGE = 4096  # characters; the longest that apps send has a hashtag
GOODBYE_S = 2.0  # for a client that does not read


class Asked(msgspec.Struct, kw_only=True):
    """A message of an app."""

    type: str
    stream: str
    tag: str = ""
    list: str | int = ""


async def connect(socket: WebSocket) -> None:
    """`GET /api/v1/streaming`, upgraded."""
    easel = easel_of(socket)
    here = hub.of(easel)
    try:
        who = await admission.caller(socket)
        connection = here.open(who)
    except (HTTPException, SocialError) as error:
        status = error.status_code if isinstance(error, HTTPException) else error.status
        sentence = error.detail if isinstance(error, HTTPException) else str(error)
        with contextlib.suppress(WebSocketDisconnect, RuntimeError, OSError):
            await socket.send_denial_response(route.refusal(status, sentence))
        return
    try:
        await socket.accept(subprotocol=admission.offered(socket) or None)
        query = socket.query_params
        if query.get("stream"):
            asked = Asked(
                type="subscribe",
                stream=query["stream"],
                tag=query.get("tag", ""),
                list=query.get("list", ""),
            )
            await _answer(socket, here, connection, asked)
        await first_of(
            _hear(socket, easel, here, connection),
            _tell(socket, connection),
            connection.ended.wait(),
        )
        if connection.ended.is_set():
            async with asyncio.timeout(GOODBYE_S):
                await socket.close(connection.code, connection.reason)
    except (WebSocketDisconnect, RuntimeError, OSError, TimeoutError):
        pass  # they have gone
    finally:
        here.close(connection)


async def _tell(socket: WebSocket, connection: Connection) -> None:
    while True:
        told, label = await connection.waiting.get()
        await socket.send_text(told.frame(label))


async def _hear(socket: WebSocket, easel: Easel, here: Hub, connection: Connection) -> None:
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return
        said = message.get("text") or ""
        if len(said) > MAX_MESSAGE or not said:
            connection.end(POLICY, "Send short messages of text.")
            return
        if not throttle.of(easel).account(connection.account_id).allowed:
            connection.end(POLICY, "Too many requests")
            return
        try:
            asked = msgspec.json.decode(said.encode("utf-8", "replace"), type=Asked)
        except msgspec.MsgspecError:
            await _refuse(socket, 400, "Send subscribe or unsubscribe, with the name of a stream.")
            continue
        await _answer(socket, here, connection, asked)


async def _answer(socket: WebSocket, here: Hub, connection: Connection, asked: Asked) -> None:
    """Do what a message asks for; what is refused is said, and the connection goes on."""
    try:
        channel = _channel(connection, asked)
        if asked.type == "subscribe":
            admission.check(connection.who, asked.stream)
            await admission.own(easel_of(socket), connection.who, channel)
            here.subscribe(connection, channel)
        elif asked.type == "unsubscribe":
            here.unsubscribe(connection, channel)
        else:
            await _refuse(socket, 400, "There is no such message.")
    except HTTPException as error:
        await _refuse(socket, error.status_code, error.detail)
    except SocialError as error:
        await _refuse(socket, error.status, str(error))


def _channel(connection: Connection, asked: Asked) -> Channel:
    return channels.named(
        asked.stream, connection.account_id, tag=asked.tag, list_id=str(asked.list)
    )


async def _refuse(socket: WebSocket, status: int, sentence: str) -> None:
    await socket.send_text(msgspec.json.encode({"error": sentence, "status": status}).decode())
