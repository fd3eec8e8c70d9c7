"""`easel serve`: the web server, the jobs and (as its child) the local painter."""

from __future__ import annotations

import asyncio
import errno
import gc
import signal
import socket
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from fedi import logs
from fedi.cli import context
from fedi.settings import Settings

if TYPE_CHECKING:
    from fedi.runtime import Easel

_HINTS = {
    errno.EADDRINUSE: "Is Easel running already? Else choose another server.port.",
    errno.EACCES: "Ports below 1024 are for root: put a web server in front (docs/hosting.md).",
    errno.EADDRNOTAVAIL: "This machine has no such address: look at server.host.",
}
GRACE_S = 5  # seconds that open requests have when the server ends
# Longer than Caddy keeps a connection to us over which nothing goes (two minutes), so that it is
# closed from there: what is sent over one that we close just then is lost.
KEEP_ALIVE_S = 130


class Role(StrEnum):
    all = "all"
    web = "web"
    runner = "runner"


def serve(
    role: Annotated[
        Role, typer.Option(help="Do everything, or on PostgreSQL only web or only jobs.")
    ] = Role.all,
) -> None:
    """Start the server."""
    settings = context.settings()
    if role is not Role.all and settings.database.url.startswith("sqlite"):
        raise context.CommandError("Several processes need PostgreSQL: set database.url.")
    logs.configure(settings.log)
    try:
        import uvloop
    except ImportError:
        asyncio.run(_serve(settings, role))
    else:
        uvloop.run(_serve(settings, role))


async def _serve(settings: Settings, role: Role) -> None:
    easel = await context.open_easel(settings)
    try:
        if role is Role.runner:
            await _run_jobs(easel)
        else:
            await _run_web(easel, role)
    finally:
        await easel.close()


async def _run_web(easel: object, role: Role) -> None:
    gc.disable()  # as when the commands were imported
    import uvicorn

    from fedi.app import create_app
    from fedi.runtime import Easel
    from generation import protocol

    assert isinstance(easel, Easel)
    settings = easel.settings
    listening = listen(settings)
    config = uvicorn.Config(
        create_app(easel, run_jobs=role is Role.all),
        http="httptools",
        ws="websockets-sansio",
        ws_max_size=protocol.MAX_FRAME,
        ws_ping_interval=protocol.PING_S,
        ws_ping_timeout=protocol.PING_TIMEOUT_S,
        # A post deflated for each of 500 streams takes as long as all the rest; pictures do not
        # get smaller.
        ws_per_message_deflate=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=True,
        forwarded_allow_ips=settings.server.trusted_proxies,
        timeout_graceful_shutdown=GRACE_S,
    )
    await _greet(easel)
    server = uvicorn.Server(config)
    gc.collect()
    gc.freeze()  # what is loaded now stays: no collection need look at it again
    gc.enable()
    log = logs.get(__name__)
    log.info(
        "serving",
        url=settings.instance.url,
        listening=f"{settings.server.host}:{settings.server.port}",
        role=str(role),
    )
    await server.serve(sockets=[listening])


async def _greet(easel: Easel) -> None:
    """Tell whoever starts a server on which nobody is yet where to make the first account."""
    from fedi.social import founding
    from fedi.web.founding import address

    async with easel.database.write() as tx:
        key = await founding.key(tx)
    if key is not None:
        where = address(easel.settings.instance, key)
        typer.echo(f"Nobody is here yet. Make your account at {where}")


def listen(settings: Settings) -> socket.socket:
    """Bind before anything else starts, so that a taken port is one plain sentence."""
    family = socket.AF_INET6 if ":" in settings.server.host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((settings.server.host, settings.server.port))
    except OSError as error:
        sock.close()
        hint = _HINTS.get(error.errno or 0, "Look at server.host and server.port.")
        where = f"{settings.server.host}:{settings.server.port}"
        raise context.CommandError(f"Cannot listen on {where}: {error.strerror}. {hint}") from error
    return sock


async def _run_jobs(easel: object) -> None:
    import fedi.app  # noqa: F401  (registers every kind of job)
    from fedi.jobs import Runner
    from fedi.runtime import Easel

    assert isinstance(easel, Easel)
    runner = Runner(easel)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, runner.stop)
    keeping_up = asyncio.create_task(easel.keep_up(), name="settings")
    try:
        await runner.run_forever()
    finally:
        keeping_up.cancel()


def migrate_database() -> None:
    """Bring the database up to date; `easel serve` does so by itself."""
    from fedi.database.migrations import migrate

    settings = context.settings()
    with context.database_in_words():
        changed = context.run(migrate(settings.database.url))
    typer.echo("The database is up to date now." if changed else "The database was up to date.")
