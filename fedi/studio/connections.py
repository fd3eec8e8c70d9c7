"""A painter while it is connected, and what it has in hand."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import Protocol

from fedi.database.tables import Painter, Painting
from fedi.studio import paintings
from fedi.studio.claims import Claim
from fedi.studio.turns import Alike
from generation import protocol


class Gone(Exception):
    """The painter's connection has ended.

    Args:
        crashed: it broke off, rather than being closed.
    """

    def __init__(self, *, crashed: bool) -> None:
        super().__init__()
        self.crashed = crashed


class Socket(Protocol):
    """A painter's connection, as the API hands it over."""

    async def receive(self) -> str | bytes:
        """The next frame.

        Raises:
            Gone: there will be none.
        """

    async def send(self, frame: str | bytes) -> None:
        """Send a frame.

        Raises:
            Gone: nobody is there any more.
        """

    async def close(self, code: int, reason: str) -> None:
        """End the connection; nothing happens if it has ended."""


@dataclass(eq=False)
class Work:
    """A picture that a connected painter was given."""

    claim: Claim
    alike: Alike  # what can be painted with it
    begun: bool = False  # a step was heard of
    noted_at: float = 0.0  # on the event loop's clock
    cancelling: bool = False


@dataclass(eq=False)
class Connection:
    """A painter while it is connected."""

    painter: Painter
    socket: Socket
    pid: int | None = None  # of the process that this server started
    models: tuple[str, ...] = ()  # canonical names, its own default first
    warm: str = ""  # what its last picture was for: that model is loaded, or soon will be
    slots: int = 0
    batches: bool = False  # takes only what can be painted together, while it gathers
    suggests: bool = False
    asked: str = ""  # by `Assistance`
    open: bool = True
    leaving: bool = False
    work: dict[str, Work] = field(default_factory=dict)
    sending: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def free(self) -> int:
        """How many pictures it takes now."""
        if not self.open or self.leaving:
            return 0
        held = [work for work in self.work.values() if not (self.batches and work.begun)]
        return max(0, self.slots - len(held))

    @property
    def gathering(self) -> Alike | None:
        """What its next picture must go with; None if any will do."""
        waiting = (work.alike for work in self.work.values() if not work.begun)
        return next(waiting, None) if self.batches else None

    def suits(self, model: str) -> bool:
        return not self.leaving and (not model or model in self.models)

    async def send(self, message: protocol.FromServer) -> None:
        """Send, or let the reading side find out that nobody is there."""
        await self.transmit(protocol.encode(message))

    async def transmit(self, frame: str | bytes) -> None:
        """Send a frame after all that were to be sent before it."""
        async with self.sending:
            with contextlib.suppress(Gone):
                await self.socket.send(frame)


def alike(painting: Painting) -> Alike:
    """What can be painted as one batch with a picture."""
    model, kind = painting.model, paintings.kind(painting.recipe, painting.model)
    return Alike(model, lambda recipe: paintings.kind(recipe, model) == kind)
