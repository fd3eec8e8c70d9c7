"""A server process on a database that was filled before, and how long it takes to answer."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
import statistics
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import load, server
from fedi.database import Database, Transaction
from fedi.database.migrations import migrate
from fedi.database.tables import Account
from fedi.settings import DatabaseSettings, InstanceSettings
from fedi.social import accounts, credentials

WARM = 20  # requests that are not measured

Fill = Callable[[sqlite3.Connection, int], None]
"""Writes the rows of a database, for the reader with this id."""

Join = Callable[[Transaction, Account], Awaitable[None]]


async def nothing(tx: Transaction, alice: Account) -> None:
    """All that alice does is join."""


@dataclass
class Measured:
    """A running server, and alice's token."""

    url: str
    port: int
    token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def read(self, path: str) -> bytes:
        """A request, as it goes over the wire."""
        host = self.url.removeprefix("http://")
        return load.request("GET", path, host, self.headers, b"")

    async def median_ms(self, path: str, reads: int) -> float:
        """The median time that reading something takes, one request after another."""
        times = await load.times(self.port, itertools.repeat(self.read(path), WARM + reads))
        return statistics.median(times[WARM:]) * 1000


@asynccontextmanager
async def running(fill: Fill, join: Join = nothing) -> AsyncIterator[Measured]:
    """A server process on a database with alice and what `fill` writes.

    Args:
        join: what else alice does when she joins.
    """
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), server.free_port()
        url = f"http://easel.localhost:{port}"
        token = await prepare(folder, url, fill, join)
        with server.process(folder, port, url, EASEL_SERVER__API_REQUESTS="1000000") as process:
            await asyncio.to_thread(server.answer, process, port)
            yield Measured(url, port, token)


async def prepare(folder: Path, url: str, fill: Fill, join: Join = nothing) -> str:
    """Such a database; alice's token."""
    settings = DatabaseSettings.model_validate({"url": f"sqlite:///{folder / 'easel.db'}"})
    await migrate(settings.url)
    database = Database(settings, InstanceSettings.model_validate({"url": url}))
    async with database.write() as tx:
        alice = await accounts.create_local(tx, "alice")
        token = await credentials.issue_token(tx, alice, "bench")
        await join(tx, alice)
    await database.close()
    connection = sqlite3.connect(folder / "easel.db")
    fill(connection, alice.id)
    connection.close()
    return token
