"""A painter while it is connected: what it has in hand, and what is still to be sent to it.

Whatever is sent waits in a queue of the connection's own, which a task of its own empties. So
whoever has something to say to a painter never waits for its socket, and a slow one holds up
nobody but itself.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from fedi import logs
from fedi.database.tables import Painter, Painting
from fedi.studio import appraisal
from fedi.studio.cards import Card
from fedi.studio.claims import Claim
from fedi.studio.turns import Alike
from generation import protocol
from generation.abilities import NOTHING_TOLD, Abilities

# Messages that wait for a painter's socket. One that reads has a few: as many pictures as it takes
# at once (`MAX_SLOTS`), and a cancel for each.
MAX_UNSENT = 256
# Within so many seconds a socket takes a message, or nobody reads there: longer than pings take to
# find that out (`protocol.PING_S`, `PING_TIMEOUT_S`), and what a slow wire needs for the message
# before it, which pings allow no more time either.
SEND_S = 60.0
CLOSE_S = 5.0  # for what is still to be sent when we end a connection, and for the end itself

log = logs.get(__name__)

Frame = str | bytes
Later = Callable[[], Awaitable[Frame | None]]
"""Makes a frame when its turn to be sent has come; None if there is nothing to send any more."""


class Gone(Exception):
    """The painter's connection has ended.

    Args:
        crashed: it broke off, rather than being closed.
    """

    def __init__(self, *, crashed: bool) -> None:
        super().__init__()
        self.crashed = crashed


class Ended(Exception):
    """We end the connection: the painter is not to blame for what it has in hand.

    Args:
        code: what it is closed with (RFC 6455, 7.4).
        reason: one plain sentence.
        hangs: the painter's process does not do what it should.
    """

    def __init__(self, code: int, reason: str, *, hangs: bool = False) -> None:
        super().__init__(reason)
        self.code = code
        self.hangs = hangs


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
    account_id: int  # who asked for it
    alike: Alike  # what can be painted with it
    sent: bool = False  # the painter knows of it
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
    can: Abilities = NOTHING_TOLD  # what else it can do, by the same names
    warm: str = ""  # what its last picture was for: that model is loaded, or soon will be
    slots: int = 0
    batches: bool = False  # takes only what can be painted together, while it gathers
    suggests: bool = False
    asked: str = ""  # by `Assistance`
    looking: str = ""  # at pictures, for `Recognition`
    open: bool = True
    leaving: bool = False
    retiring: bool = False  # it is given nothing more, and leaves when it is done
    work: dict[str, Work] = field(default_factory=dict)
    _unsent: asyncio.Queue[Frame | Later] = field(default_factory=lambda: asyncio.Queue(MAX_UNSENT))
    _end: asyncio.Future[Ended] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    @property
    def free(self) -> int:
        """How many pictures it takes now."""
        if not self.stays:
            return 0
        held = [work for work in self.work.values() if not (self.batches and work.begun)]
        return max(0, self.slots - len(held))

    @property
    def gathering(self) -> Alike | None:
        """What its next picture must go with; None if any will do."""
        waiting = (work.alike for work in self.work.values() if not work.begun)
        return next(waiting, None) if self.batches else None

    @property
    def stays(self) -> bool:
        """Whether it is given anything new."""
        return self.open and not self.leaving and not self.retiring

    @property
    def idle(self) -> bool:
        """Whether it has no picture in hand."""
        return not self.work

    def suits(self, model: str, needs: Iterable[str]) -> bool:
        return self.stays and self.card.suits(model, needs)

    @property
    def card(self) -> Card:
        """The painter, as others know it."""
        return Card(self.painter.id, self.models, self.can)

    async def receive(self) -> Frame:
        """The next frame.

        Raises:
            Gone: there will be none.
            Ended: we have ended the connection.
        """
        receiving = asyncio.ensure_future(self.socket.receive())
        either: set[asyncio.Future[Any]] = {receiving, self._end}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if self._end.done():
                raise self._end.result()
            return receiving.result()
        finally:
            receiving.cancel()

    def send(self, message: protocol.FromServer) -> None:
        """Have a message sent after all that were to be sent before it."""
        self.put(protocol.encode(message))

    def put(self, frame: Frame | Later) -> None:
        """Have a frame sent, or made and sent, after all that were to be sent before it. Nothing
        happens if nobody is there any more: the reading side finds that out."""
        if self._end.done():
            return
        try:
            self._unsent.put_nowait(frame)
        except asyncio.QueueFull:
            self.end(Ended(1008, "The painter takes none of what is sent to it.", hangs=True))

    def probe(self) -> None:
        """Where a painter was sent a picture and has not begun with it, say something that asks
        for nothing, so that it comes out if nobody reads: a socket takes a whole message, and asks
        only before the next whether anybody read it."""
        waited_for = any(work.sent and not work.begun for work in self.work.values())
        if waited_for and self._unsent.empty():
            self.send(protocol.Drop(request=""))

    def end(self, ended: Ended) -> None:
        """End the connection. Nothing happens if it has ended."""
        self.leaving = True
        if not self._end.done():
            self._end.set_result(ended)

    async def write(self) -> None:
        """Send what is to be sent, as long as somebody takes it."""
        while True:
            what = await self._unsent.get()
            try:
                frame = await what() if callable(what) else what
                if frame is not None and not await self._taken(frame):
                    reason = f"The painter has read nothing for {SEND_S:g} s."
                    self.end(Ended(1008, reason, hangs=True))
                    return
            except Gone:
                return
            except Exception:
                log.exception("painter_not_sent_to", painter=self.painter.name)
                self.end(Ended(1011, "The server failed."))
                return
            finally:
                self._unsent.task_done()

    async def _taken(self, frame: Frame) -> bool:
        """Whether the socket takes a frame in time."""
        try:
            async with asyncio.timeout(SEND_S):
                await self.socket.send(frame)
        except TimeoutError:
            return False
        return True

    async def close(self, code: int, reason: str) -> None:
        """End the connection after what is still to be sent, or as soon as that takes too long."""
        if not (self._end.done() and self._end.result().hangs):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_S):
                    await self._unsent.join()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await self.socket.close(code, reason)


def alike(painting: Painting) -> Alike:
    """What can be painted as one batch with a picture."""
    model, kind = painting.model, appraisal.kind(painting.recipe, painting.model)
    return Alike(model, painting.needs, lambda recipe: appraisal.kind(recipe, model) == kind)
