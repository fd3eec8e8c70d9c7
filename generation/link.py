"""A painter's link to its server: it connects, takes what to paint, gives back what is painted, and
comes back when the connection breaks."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import platform
import random
import socket
import sys
from collections.abc import Callable, Iterator
from importlib import metadata
from typing import Any, NoReturn
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI

from generation import protocol
from generation.abilities import Abilities
from generation.aides import Aides
from generation.hands import Hand
from generation.protocol import (
    Able,
    Cancel,
    Drop,
    FromPainter,
    FromServer,
    Hello,
    Leave,
    Look,
    Paint,
    ProtocolError,
    Ready,
    Recognise,
    Suggest,
)
from generation.recipe import RecipeError
from generation.worker import Task

log = logging.getLogger("generation")

_Send = Callable[[FromPainter, bytes], None]

OPEN_TIMEOUT_S = 20.0  # seconds for the connection, TLS and the upgrade
FIRST_WAIT_S = 0.5  # seconds until the first new try, doubled with each
LONGEST_WAIT_S = 30.0
STEADY_S = 10.0  # a connection that lasted so long starts the waits anew
PIECE = 65_536  # bytes that are sent without a look at anything else: a second at 0.5 Mbit/s
ABLE_EVERY_S = 30.0  # seconds between two looks at what is here: a LoRA may have come
STOP_S = 5.0  # seconds that a painting in hand has to stop; a load cannot be interrupted

EXIT_DONE = 0
EXIT_USAGE = 2
EXIT_REFUSED = 3  # the server does not know the token, or does not take this painter
EXIT_ORPHANED = 4
EXIT_LOST = 5  # a painting hung, or the card failed: only a new process can go on


class Painter:
    """One painter: a connection that comes back, and what it paints with.

    server: the instance's address, http(s) or ws(s). hand: what paints. aides: what it
    does besides. name: as the host calls this machine. idle_exit: seconds without work, once
    connected, after which it ends, or None.
    Raises ValueError for an address that is none.
    """

    def __init__(
        self,
        *,
        server: str,
        token: str,
        hand: Hand,
        aides: Aides,
        name: str = "",
        idle_exit: float | None = None,
    ) -> None:
        self._url = socket_url(server)
        self._token = token
        self._hand = hand
        self._name = name or platform.node() or "painter"
        self._idle_exit = idle_exit
        self._aides = aides
        self._tasks: dict[str, Task] = {}
        self._unsent = 0  # frames that are not on their way yet: a picture may be minutes on it
        self._loop: asyncio.AbstractEventLoop | None = None
        self._say: Callable[[FromPainter], None] | None = None  # while it is connected
        self._over = asyncio.Event()
        self._code = EXIT_DONE
        self._idle = asyncio.Event()  # something changed between busy and idle
        self._idling: asyncio.Task[None] | None = None
        hand.listen(self._opened)

    def leave(self) -> None:
        """Ends `run`: what is being painted is stopped at its next step and goes back."""
        self._over.set()

    async def run(self) -> int:
        """Paints until told to leave. Returns the exit code."""
        wait = FIRST_WAIT_S
        loop = self._loop = asyncio.get_running_loop()
        try:
            while not self._over.is_set():
                began = loop.time()
                try:
                    await self._connect()
                except InvalidStatus as error:
                    status = error.response.status_code
                    if status in (401, 403):
                        log.error("the server does not know this painter's token")
                        return EXIT_REFUSED
                    log.warning("the server answered %s", status)
                except InvalidURI:
                    raise
                except (ConnectionClosed, OSError, TimeoutError, InvalidHandshake) as error:
                    log.warning("no connection: %s", error or type(error).__name__)
                except ProtocolError as error:
                    log.error("the server was not understood: %s", error)
                if loop.time() - began >= STEADY_S:
                    wait = FIRST_WAIT_S
                if not self._over.is_set():
                    await self._pause(wait * random.uniform(0.5, 1))
                    wait = min(wait * 2, LONGEST_WAIT_S)
            return self._code
        finally:
            if self._idling is not None:
                self._idling.cancel()
            for task in self._tasks.values():
                self._hand.stop(task)

    def close(self) -> bool:
        """Waits for what paints; whether it ended in time."""
        return self._hand.close(STOP_S)

    def _opened(self, slots: int) -> None:
        """The hand takes so many from now on."""

        def say() -> None:
            if self._say is not None:
                self._say(Ready(slots=slots, alike=self._hand.alike))

        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # it is closed: the process is ending
                self._loop.call_soon_threadsafe(say)

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._over.wait()

    async def _watch_idleness(self) -> None:
        while self._idle_exit is not None:
            self._idle.clear()
            try:
                async with asyncio.timeout(self._idle_exit):
                    await self._idle.wait()
            except TimeoutError:
                if not self._tasks and not self._aides.busy and not self._unsent:
                    log.info("nothing to paint for %g s: leaving", self._idle_exit)
                    self._over.set()
                    return

    async def _connect(self) -> None:
        models = await self._hand.open()
        host = urlsplit(self._url).hostname or ""
        # Names under .localhost are this machine (RFC 6761), whether or not the resolver knows.
        here: dict[str, Any] = {"host": "127.0.0.1"} if host.endswith(".localhost") else {}
        loopback = bool(here) or host in ("localhost", "127.0.0.1", "::1")
        async with connect(
            self._url,
            additional_headers={"Authorization": f"Bearer {self._token}"},
            user_agent_header=_software(),
            compression=None,  # pictures are compressed already
            open_timeout=OPEN_TIMEOUT_S,
            ping_interval=protocol.PING_S,
            ping_timeout=protocol.PING_TIMEOUT_S,
            max_size=protocol.MAX_FRAME,
            proxy=None if loopback else True,
            **here,
        ) as connection:
            log.info("connected to %s", self._url)
            _keep_short(connection.transport.get_extra_info("socket"))
            abilities = await asyncio.to_thread(self._abilities)
            if self._idling is None:
                self._idling = asyncio.create_task(self._watch_idleness())
            await self._serve(connection, models, abilities)

    def _abilities(self) -> Abilities:
        return self._aides.told(self._hand.abilities())

    async def _serve(
        self, connection: ClientConnection, models: tuple[str, ...], abilities: Abilities
    ) -> None:
        """Takes and gives until the connection ends or the painter leaves."""
        frames: asyncio.Queue[str | bytes] = asyncio.Queue()
        loop = asyncio.get_running_loop()
        hello = Hello(
            name=self._name,
            device=self._hand.device,
            models=models,
            software=_software(),
            suggests=self._aides.suggests,
            abilities=abilities,
        )

        self._unsent = 0

        def put(frame: str | bytes) -> None:
            self._unsent += 1
            frames.put_nowait(frame)

        def say(message: FromPainter) -> None:
            put(protocol.encode(message))

        say(hello)
        say(Ready(slots=self._hand.slots, alike=self._hand.alike))
        self._say = say

        def send(message: FromPainter, data: bytes) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: the process is ending
                loop.call_soon_threadsafe(deliver, message, data)

        tasks: dict[str, Task] = {}
        self._tasks = tasks

        def deliver(message: FromPainter, data: bytes) -> None:
            if isinstance(message, protocol.Finished | protocol.Failed | protocol.Cancelled):
                tasks.pop(message.painting, None)
                self._idle.set()
            put(protocol.encode(message, data))

        async def give() -> None:
            while True:
                frame = await frames.get()
                await connection.send(frame if isinstance(frame, str) else _pieces(frame))
                self._unsent -= 1

        async def take() -> None:
            async for frame in connection:
                message, pictures = protocol.decode_from_server(frame)
                self._heard(message, pictures, tasks, send)

        async def look_around() -> None:
            told = abilities
            while True:
                await asyncio.sleep(ABLE_EVERY_S)
                if (now := await asyncio.to_thread(self._abilities)) != told:
                    told = now
                    say(Able(abilities=now))

        running = {
            asyncio.create_task(look_around()),
            asyncio.create_task(give()),
            asyncio.create_task(take()),
            asyncio.create_task(self._over.wait()),
            asyncio.create_task(self._hand.lost()),
        }
        try:
            done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for ended in done:
                ended.result()  # raises what it raised
        finally:
            self._say = None
            for ended in running:
                ended.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            # Whatever was not told as ended is back in the queue: nobody waits for it here.
            for task in tasks.values():
                self._hand.stop(task)
            self._aides.drop_all()
            self._tasks = {}
            self._unsent = 0
            self._idle.set()

    def _heard(
        self,
        message: FromServer,
        pictures: dict[str, bytes],
        tasks: dict[str, Task],
        send: _Send,
    ) -> None:
        match message:
            case Paint():
                task = Task(
                    message.painting, message.recipe, send, pictures, describe=message.describe
                )
                tasks[message.painting] = task
                self._idle.set()
                try:
                    message.recipe.verify()
                except RecipeError as refusal:
                    task.fail(str(refusal))
                else:
                    self._hand.submit(task)
            case Cancel():
                if message.painting in tasks:
                    self._hand.stop(tasks[message.painting])
            case Suggest():
                self._idle.set()
                self._aides.suggest(message, send)
            case Look():
                self._idle.set()
                self._aides.look_at(message, pictures, send)
            case Recognise():
                self._idle.set()
                # What is to be painted comes first; and where the connection is over, nobody waits.
                self._aides.recognise(
                    message, pictures, send, lambda: bool(tasks) or self._tasks is not tasks
                )
            case Drop():
                self._aides.drop(message.request)
            case Leave():
                reason = message.reason or "no reason given"
                if message.refused:
                    log.error("the server does not take this painter: %s", reason)
                    self._code = EXIT_REFUSED
                else:
                    log.info("sent home by the server: %s", reason)
                self._over.set()


def socket_url(server: str) -> str:
    """Where a painter connects, from an instance's address. Raises ValueError."""
    parts = urlsplit(server if "://" in server else f"https://{server}")
    scheme = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}.get(parts.scheme)
    if scheme is None or not parts.hostname:
        raise ValueError(f"“{server}” is no address of a server: write https://easel.example")
    return f"{scheme}://{parts.netloc}{protocol.PATH}"


def leave_at_once(code: int) -> NoReturn:
    """Ends at once, without torch's minutes of tidying up."""
    logging.shutdown()
    sys.stderr.flush()
    os._exit(code)


def _pieces(frame: bytes) -> Iterator[bytes]:
    """A frame in fragments, so that a ping is answered in the middle of a picture, which may be
    minutes on its way."""
    for start in range(0, len(frame), PIECE):
        yield frame[start : start + PIECE]


def _keep_short(connected: socket.socket) -> None:
    """Has the system hold little that is not sent yet: pings wait behind it."""
    with contextlib.suppress(AttributeError, OSError):  # not on Windows
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, PIECE)


def _software() -> str:
    try:
        return f"Easel/{metadata.version('easel')}"
    except metadata.PackageNotFoundError:
        return "Easel"
