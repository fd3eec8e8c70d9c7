"""A painter of the tests' own: speaks the painters' protocol over a real WebSocket, paints flat
colours, and does exactly what a test tells it to do, when it does."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from PIL import Image
from websockets.asyncio.client import ClientConnection, connect

from fedi.studio import painters
from generation import protocol
from generation.abilities import NOTHING_TOLD, Abilities
from generation.recipe import Recipe
from tests import rig

FLAT = {"model": "Flat colours", "model_version": "0123456789", "sampler": "Euler"}
WAIT_S = 60.0  # for a busy machine; nothing is slow by itself


def picture(width: int = 64, height: int = 64, colour: str = "teal") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(out, "PNG")
    return out.getvalue()


class Hand:
    """A connected painter in the hand of a test."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.model = "test/flat"  # what it says that it painted with
        self.pictures: dict[str, bytes] = {}  # what came with the last message

    async def say(self, message: protocol.FromPainter, data: bytes = b"") -> None:
        await self.socket.send(protocol.encode(message, data))

    async def hear(self) -> protocol.FromServer:
        """The next message that asks for something."""
        async with asyncio.timeout(WAIT_S):
            while True:
                message, self.pictures = protocol.decode_from_server(await self.socket.recv())
                if message != protocol.Drop(request=""):  # the server looks whether we read
                    return message

    async def given(self) -> protocol.Paint:
        """The next picture that this painter is given."""
        message = await self.hear()
        assert isinstance(message, protocol.Paint), message
        return message

    async def step(self, paint: protocol.Paint, step: int, of: int, preview: bytes = b"") -> None:
        await self.say(
            protocol.Progress(
                painting=paint.painting, stage="painting", step=step, of=of, elapsed_s=step / 10
            ),
            preview,
        )

    async def finish(
        self, paint: protocol.Paint, content: bytes | None = None, **said: Any
    ) -> None:
        recipe = Recipe.from_document(
            {"model": self.model, "width": 64, "height": 64, "steps": 4, "guidance": 1.0}
            | paint.recipe.document()
        )
        await self.say(
            protocol.Finished(
                painting=paint.painting,
                media_type="image/png",
                width=64,
                height=64,
                recipe=recipe,
                seconds=0.5,
                **FLAT | said,
            ),
            picture() if content is None else content,
        )

    async def fail(self, paint: protocol.Paint, reason: str) -> None:
        await self.say(protocol.Failed(painting=paint.painting, reason=reason))

    async def die(self) -> None:
        """Break off without a word, as a killed process does."""
        self.socket.transport.abort()
        await self.socket.wait_closed()


async def token_for(instance: rig.Instance, name: str) -> str:
    async with instance.easel.database.write() as tx:
        return await painters.issue_token(tx, name)


@asynccontextmanager
async def connected(
    instance: rig.Instance,
    name: str = "card",
    *,
    slots: int = 1,
    models: tuple[str, ...] = ("test/flat",),
    suggests: bool = False,
    abilities: Abilities = NOTHING_TOLD,
) -> AsyncIterator[Hand]:
    """A painter that is connected and ready for `slots` pictures."""
    async with opened(instance, await token_for(instance, name)) as hand:
        hello = protocol.Hello(
            name=name, device="cpu", models=models, suggests=suggests, abilities=abilities
        )
        await hand.say(hello)
        hand.model = next(iter(models), hand.model)
        await hand.say(protocol.Ready(slots=slots))
        known = instance.app.state.dispatcher
        await rig.until(lambda: name in [painter.name for painter in known.connected])
        yield hand


@asynccontextmanager
async def opened(instance: rig.Instance, token: str) -> AsyncIterator[Hand]:
    """A connection that has said nothing yet."""
    port = urlsplit(instance.url).port
    async with connect(
        f"ws://127.0.0.1:{port}{protocol.PATH}",
        additional_headers={"Authorization": f"Bearer {token}"},
        max_size=protocol.MAX_FRAME,
        compression=None,
    ) as socket:
        yield Hand(socket)
