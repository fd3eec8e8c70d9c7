"""`easel paint` as it runs on another machine, and the network between, in the hand of a test."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

PATIENCE_S = 120.0  # torch is read from the disk, on a busy machine
# What another machine's process has in common with the server's: nothing but the programs.
SHARED = ("PATH", "PYTHONPATH", "LANG", "LD_LIBRARY_PATH")


class Remote:
    """A painter's process, in a folder of its own, with an environment of its own."""

    def __init__(self, folder: Path, process: subprocess.Popen[bytes]) -> None:
        self.folder = folder
        self.process = process

    def kill(self) -> None:
        """`kill -9`."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def limit_memory(self, more: int | None) -> None:
        """Let its allocator have so many bytes more than it has, and none beyond; None: any, as
        before. On Linux."""
        most = resource.RLIM_INFINITY
        if more is not None:
            pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[0]
            most = int(pages) * resource.getpagesize() + more
        resource.prlimit(self.process.pid, resource.RLIMIT_AS, (most, resource.RLIM_INFINITY))

    def files(self) -> set[str]:
        """What it has open, on Linux."""
        here = Path(f"/proc/{self.process.pid}/fd")
        return {os.readlink(entry) for entry in here.iterdir() if entry.is_symlink()}

    async def ended(self) -> int:
        """Its exit code, once it has ended."""
        return await asyncio.wait_for(asyncio.to_thread(self.process.wait), PATIENCE_S)

    def said(self) -> str:
        return (self.folder / "log").read_text(errors="replace")


def environment(folder: Path, token: str, **more: str) -> dict[str, str]:
    return {
        **{name: os.environ[name] for name in SHARED if name in os.environ},
        "HOME": str(folder),
        "EASEL_CACHE": str(folder / "cache"),
        "EASEL_PAINTER_TOKEN": token,
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
        **more,
    }


@contextmanager
def painting(
    folder: Path, server: str, token: str, *options: str, script: str = "", **more: str
) -> Iterator[Remote]:
    """`easel paint` on another machine, killed at the end.

    Args:
        folder: the other machine's.
        server: where it finds the server.
        options: of `easel paint`.
        script: Python that runs before it, in the same process.
        more: variables of its environment.
    """
    folder.mkdir(exist_ok=True)
    script += "\nfrom fedi.cli import main\nmain()"
    command = [sys.executable, "-P", "-c", script, "paint", "--server", server, *options]
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment(folder, token, **more),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    remote = Remote(folder, process)
    try:
        yield remote
    finally:
        process.kill()
        process.wait()
        sys.stderr.write(remote.said())


class Network:
    """A way to a server that can be cut, and is as slow as it is told to be."""

    def __init__(self) -> None:
        self.port = 0
        self.rate: float | None = None  # bytes a second towards the server; None: no limit
        self.carried = 0  # bytes towards the server
        self.moved = asyncio.Event()  # some have been carried
        self.connections = 0
        self._ways: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cut(self) -> None:
        """Break all connections, without a word to either side."""
        for writer in list(self._ways):
            writer.transport.abort()

    async def join(
        self, server_port: int, *ends: asyncio.StreamReader | asyncio.StreamWriter
    ) -> None:
        """Carry between a painter and the server until one of them ends."""
        reader, writer = ends
        assert isinstance(reader, asyncio.StreamReader)
        assert isinstance(writer, asyncio.StreamWriter)
        self.connections += 1
        there, away = await asyncio.open_connection("127.0.0.1", server_port)
        self._ways |= {writer, away}
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._carry(reader, away, up=True))
                both.create_task(self._carry(there, writer, up=False))
        except* OSError:
            pass
        finally:
            for end in (writer, away):
                self._ways.discard(end)
                end.transport.abort()

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, up: bool
    ) -> None:
        while data := await reader.read(16_384):
            if up:
                self.carried += len(data)
                self.moved.set()
                if self.rate is not None:  # the time that a wire of that rate takes
                    await asyncio.sleep(len(data) / self.rate)
            writer.write(data)
            await writer.drain()
        raise ConnectionResetError


@asynccontextmanager
async def network(server_port: int) -> AsyncIterator[Network]:
    """The way to a server on this port."""
    way = Network()
    listening = socket.socket()
    # Small, so that what a slow wire has not carried stays with who sends it.
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
    listening.bind(("127.0.0.1", 0))
    way.port = listening.getsockname()[1]
    joined: set[asyncio.Task[None]] = set()

    def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(way.join(server_port, reader, writer))
        joined.add(task)
        task.add_done_callback(joined.discard)

    server = await asyncio.start_server(met, sock=listening, limit=32_768)
    try:
        yield way
    finally:
        server.close()
        way.cut()
        await asyncio.gather(*joined, return_exceptions=True)


def in_thread(action: threading.Event) -> asyncio.Future[bool]:
    """A thread's event, to be awaited."""
    return asyncio.get_running_loop().run_in_executor(None, action.wait, PATIENCE_S)
