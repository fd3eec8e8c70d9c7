"""A server for painters, in the hand of a test: real sockets, and every frame said by the test."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import TypeVar

from websockets.datastructures import Headers
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

from generation import protocol
from generation.recipe import Recipe

TOKEN = "a-token-of-the-tests"
PATIENCE_S = 90.0  # a busy machine imports torch in half of it; then the test fails
M = TypeVar("M", bound=protocol.FromPainter)


class Guest:
    """A connected painter."""

    def __init__(self, socket: ServerConnection) -> None:
        self.socket = socket
        self.ready: list[protocol.Ready] = []  # what it said of how many it takes

    def say(self, message: protocol.FromServer) -> None:
        self.socket.send(protocol.encode(message))

    def hear(self) -> tuple[protocol.FromPainter, bytes]:
        """The next message that is about a painting, or the first one."""
        while True:
            message, data = protocol.decode_from_painter(self.socket.recv(timeout=PATIENCE_S))
            if not isinstance(message, protocol.Ready):
                return message, data
            self.ready.append(message)

    def hear_ready(self) -> protocol.Ready:
        """The next message, which must say how many it takes."""
        message, _ = protocol.decode_from_painter(self.socket.recv(timeout=PATIENCE_S))
        assert isinstance(message, protocol.Ready), message
        self.ready.append(message)
        return message

    def hear_a(self, kind: type[M]) -> M:
        """The next message, which must be of this kind."""
        message, _ = self.hear()
        assert isinstance(message, kind), message
        return message

    def paint(
        self, painting: str, recipe: Recipe, pictures: dict[str, bytes] | None = None
    ) -> None:
        message = protocol.Paint(painting=painting, recipe=recipe)
        self.socket.send(protocol.with_pictures(message, pictures or {}))

    def until_painting(self, painting: str) -> protocol.Progress:
        """Listens until the first step of a painting is done."""
        while True:
            message = self.hear_a(protocol.Progress)
            assert message.painting == painting
            if message.stage == "painting":
                return message

    def until_ended(
        self, painting: str
    ) -> tuple[list[tuple[protocol.Progress, bytes]], protocol.FromPainter, bytes]:
        """Listens until a painting ends: its progress, how it ended, and the picture."""
        progress: list[tuple[protocol.Progress, bytes]] = []
        while True:
            message, data = self.hear()
            assert not isinstance(message, protocol.Hello)
            assert message.painting == painting
            if not isinstance(message, protocol.Progress):
                return progress, message, data
            progress.append((message, data))

    def drop(self) -> None:
        """Breaks the connection without a word."""
        self.socket.socket.shutdown(2)


class PaintingServer:
    """Waits for painters on loopback."""

    def __init__(self, port: int, guests: queue.Queue[Guest]) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._guests = guests

    def welcome(self, slots: int = 1) -> tuple[Guest, protocol.Hello]:
        """The next painter that connects, and what it said of itself."""
        guest = self._guests.get(timeout=PATIENCE_S)
        hello = guest.hear_a(protocol.Hello)
        # None, if it still stops what it had in hand.
        assert guest.hear_ready().slots <= slots
        return guest, hello


@contextmanager
def open_painting_server() -> Iterator[PaintingServer]:
    guests: queue.Queue[Guest] = queue.Queue()

    def handle(socket: ServerConnection) -> None:
        guests.put(Guest(socket))
        socket.close_timeout = 1
        closed.wait()

    def admit(socket: ServerConnection, request: Request) -> Response | None:
        if request.path != protocol.PATH:
            return Response(HTTPStatus.NOT_FOUND, "Not Found", Headers(), b"")
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return Response(HTTPStatus.UNAUTHORIZED, "Unauthorized", Headers(), b"")
        return None

    closed = threading.Event()
    with serve(
        handle, "127.0.0.1", 0, process_request=admit, max_size=protocol.MAX_FRAME
    ) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield PaintingServer(server.socket.getsockname()[1], guests)
        finally:
            closed.set()
            server.shutdown()
            thread.join()


def painter_command(server: PaintingServer, *options: str) -> list[str]:
    return [sys.executable, "-m", "generation.painter", "--server", server.url, *options]


def painter_environment(cache: Path, token: str = TOKEN) -> dict[str, str]:
    return {
        **os.environ,
        "EASEL_PAINTER_TOKEN": token,
        "EASEL_CACHE": str(cache),
        "OMP_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
    }


@contextmanager
def open_painter(
    server: PaintingServer, cache: Path, *options: str, token: str = TOKEN, **environment: str
) -> Iterator[subprocess.Popen[bytes]]:
    """A painter process, killed at the end if it is still there."""
    process = subprocess.Popen(
        painter_command(server, *options),
        env=painter_environment(cache, token) | environment,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    log: list[bytes] = []
    # Read as it comes, or a talkative painter would stop at a full pipe.
    reader = threading.Thread(target=lambda: log.append(process.stderr.read()))  # type: ignore[union-attr]
    reader.start()
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        reader.join()
        assert process.stdin is not None and process.stderr is not None
        process.stdin.close()
        process.stderr.close()
        sys.stderr.write(b"".join(log).decode(errors="replace"))
