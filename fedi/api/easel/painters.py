"""Where painters connect: a WebSocket, by a painter's bearer token.

The messages are those of `generation.protocol`.
"""

from __future__ import annotations

from typing import cast

from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from fedi.api import auth
from fedi.runtime import easel_of
from fedi.studio import painters
from fedi.studio.connections import Gone
from fedi.studio.dispatcher import Dispatcher
from generation import protocol

# Close codes of a painter (or a proxy, or this server) that ends the connection on purpose.
ORDERLY = frozenset({1000, 1001, 1012})


class _Frames:
    """A WebSocket as the dispatcher wants it."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket

    async def receive(self) -> str | bytes:
        message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            raise Gone(crashed=message.get("code") not in ORDERLY)
        data: str | bytes | None = message.get("text")
        if data is None:
            data = message["bytes"]
        assert data is not None
        return data

    async def send(self, frame: str | bytes) -> None:
        try:
            if isinstance(frame, str):
                await self._socket.send_text(frame)
            else:
                await self._socket.send_bytes(frame)
        except (WebSocketDisconnect, RuntimeError, OSError) as error:
            raise Gone(crashed=True) from error

    async def close(self, code: int, reason: str) -> None:
        try:
            await self._socket.close(code, reason)
        except (WebSocketDisconnect, RuntimeError, OSError):
            pass


async def connect(socket: WebSocket) -> None:
    """`GET /api/easel/v1/painters/connect`, upgraded to a WebSocket.

    Needs `Authorization: Bearer TOKEN` with a painter's token (`easel painters token NAME`);
    answered 401 before the upgrade without one.
    """
    easel = easel_of(socket)
    dispatcher = cast(Dispatcher, socket.app.state.dispatcher)
    token = auth.bearer(socket)
    painter = None
    if token is not None:
        async with easel.database.read() as session:
            painter = await painters.authenticate(session, token)
    if painter is None:
        refusal = auth.challenge(
            socket, "This needs the token of a painter.", error="invalid_token"
        )
        await socket.send_denial_response(
            JSONResponse({"error": refusal.detail}, 401, headers=dict(refusal.headers or {}))
        )
        return
    await socket.accept()
    await dispatcher.serve(painter, _Frames(socket))


routes: list[BaseRoute] = [WebSocketRoute(protocol.PATH, connect)]
