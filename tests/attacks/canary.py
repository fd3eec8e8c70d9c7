"""A canary: it listens on every address of this machine and writes down whoever comes.

Nobody should. It speaks no protocol, so that an `https://` address leads to it as well.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests import rig

# Every way to write loopback that getaddrinfo, Python or yarl understand (attacks.md 43, 37).
LOOPBACK = (
    "127.0.0.1", "127.0.0.2", "0.0.0.0", "0", "127.1", "0x7f.1", "0177.0.0.1", "2130706433",
    "0x7f000001", "017700000001", "[::]", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
    "[::7f00:1]", "[::127.0.0.1]", "[0:0:0:0:0:0:0:1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]",
    "localhost", "LOCALHOST.", "canary.localhost", "１２７.0.0.1", "127。0。0。1", "ⓛocalhost",
)  # fmt: skip
# Where no peer can be and a cloud's metadata service or a neighbour might.
PRIVATE = (
    "169.254.169.254", "10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1", "198.18.0.1",
    "192.0.0.1", "192.0.2.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "[fe80::1]",
    "[fc00::1]", "[fec0::1]", "[ff02::1]", "[2001:db8::1]", "[2001:0:1::1]", "[3fff::1]",
)  # fmt: skip


class Canary:
    """Who came: their first bytes. `port` is the same on IPv4 and, where there is any, IPv6."""

    def __init__(self, sockets: list[socket.socket]) -> None:
        self.port = int(sockets[0].getsockname()[1])
        self.visits: list[bytes] = []
        self._sockets = sockets
        self._servers: list[asyncio.Server] = []

    def url(self, host: str = "127.0.0.1", path: str = "/canary", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{path}"

    async def wake(self) -> None:
        """Listen. Until then whoever comes is turned away."""
        for sock in self._sockets:
            self._servers.append(await asyncio.start_server(self._visited, sock=sock))

    async def close(self) -> None:
        for server in self._servers:
            server.close()
        for sock in self._sockets:
            sock.close()

    async def _visited(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.visits.append(b"")  # whoever connects and says nothing was here, too
        try:
            self.visits[-1] = await reader.read(200)
        except OSError:
            pass
        writer.close()


@asynccontextmanager
async def caged() -> AsyncIterator[Canary]:
    """A canary that is not awake yet."""
    canary = Canary(_bound())
    try:
        yield canary
    finally:
        await canary.close()


def _bound() -> list[socket.socket]:
    """Sockets on all addresses, IPv4 and IPv6, on a port that is free on both."""
    for _ in range(20):
        with rig.free_socket() as probe:
            port = probe.getsockname()[1]
        four = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        four.bind(("0.0.0.0", port))
        try:
            six = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
            six.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        except OSError:  # a machine without IPv6
            return [four]
        try:
            six.bind(("::", port))
        except OSError:
            six.close()
            four.close()
            continue
        return [four, six]
    raise RuntimeError("no port is free on both IPv4 and IPv6")
