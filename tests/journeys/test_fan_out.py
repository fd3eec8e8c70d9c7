"""`kill -9` in the middle of a fan-out to 500 inboxes: every inbox has the post."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web
from sqlalchemy import delete, text
from sqlmodel import select

from activitypub.signatures.keys import generate
from fedi.database import Database
from fedi.database.tables import Job
from fedi.social import accounts, follows, remote_accounts
from tests import rig
from tests.journeys.people import ACTIVITY_TYPE, PUBLIC

INBOXES = 500
HOSTS = 100
AT_ONCE = 32
PATIENCE_S = 300.0  # a machine that is busy with other things


class Inboxes:
    """One real server that answers as 500 inboxes on 100 hosts, and counts what each gets."""

    def __init__(self) -> None:
        self.got: Counter[str] = Counter()
        self.changed = asyncio.Event()
        self.port = 0

    async def receive(self, request: web.Request) -> web.Response:
        body = json.loads(await request.read())
        assert body["type"] == "Create"
        self.got[f"{request.host}{request.path}"] += 1
        self.changed.set()
        return web.Response(status=202)

    async def until(self, count: int) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while len(self.got) < count:
                self.changed.clear()
                await self.changed.wait()


@pytest.fixture
async def inboxes() -> AsyncIterator[Inboxes]:
    inboxes = Inboxes()
    app = web.Application()
    app.router.add_post("/{name}/inbox", inboxes.receive)
    runner = web.AppRunner(app)
    await runner.setup()
    sock = rig.free_socket()
    inboxes.port = sock.getsockname()[1]
    await web.SockSite(runner, sock).start()
    yield inboxes
    await runner.cleanup()


async def test_a_killed_server_finishes_its_fan_out_after_the_restart(
    new_database: rig.NewDatabase, tmp_path: Path, inboxes: Inboxes
) -> None:
    server = rig.ServerProcess(
        tmp_path,
        database={"url": new_database()},
        federation={"deliveries_at_once": AT_ONCE},
    )
    await server.easel("migrate")
    await server.easel("account", "create", "alice")
    token = await server.easel("account", "token", "alice")
    _, pem = generate()
    async with server.database() as database, database.write() as tx:
        alice = await accounts.find_local(tx, "alice")
        assert alice is not None
        for n in range(INBOXES):
            host = f"h{n % HOSTS}.localhost:{inboxes.port}"
            uri = f"http://{host}/u{n}"
            follower = await remote_accounts.save_remote(
                tx,
                remote_accounts.RemoteAccount(
                    uri=uri,
                    username=f"u{n}",
                    domain=host,
                    inbox_uri=f"{uri}/inbox",
                    public_key_id=f"{uri}#main-key",
                    public_key_pem=pem,
                ),
            )
            follow = await follows.receive(tx, follower, alice, f"{uri}/follow")
            if follow.state != "accepted":
                await follows.accept(tx, follow)
    await clear_jobs(server)  # the Accepts are not what is counted here

    await server.start()
    note = {
        "type": "Note",
        "content": "<p>to all</p>",
        "to": [PUBLIC],
        "cc": [f"{server.url}/users/alice/followers"],
    }
    headers = {"Authorization": f"Bearer {token}", "Content-Type": ACTIVITY_TYPE}
    async with (
        rig.open_browser() as browser,
        browser.post(
            f"{server.url}/users/alice/outbox", data=json.dumps(note), headers=headers
        ) as answer,
    ):
        assert answer.status == 201, await answer.text()
    await inboxes.until(100)
    await server.kill()
    before = sum(inboxes.got.values())
    assert before < INBOXES, "the fan-out was over before the kill: nothing was shown"
    in_flight = await left_running(server)
    assert 0 < len(in_flight) <= AT_ONCE

    await server.start()
    try:
        await inboxes.until(INBOXES)
        async with server.database() as database:
            await rig.until(lambda: nothing_waits(database), seconds=PATIENCE_S)
    finally:
        await server.stop()
    assert max(inboxes.got.values()) <= 2
    assert {inbox for inbox, count in inboxes.got.items() if count > 1} <= in_flight


async def clear_jobs(server: rig.ServerProcess) -> None:
    async with server.database() as database, database.write() as tx:
        await tx.execute(delete(Job))


async def left_running(server: rig.ServerProcess) -> set[str]:
    """Where the killed server was delivering to; and the time passes until others may take over.

    On PostgreSQL others could be at work on the same queue, so what a runner leaves behind is
    taken back when its lease ends: here at once.
    """
    async with server.database() as database:
        if not database.sqlite:
            await rig.until(lambda: nothing_is_under_way(database), seconds=PATIENCE_S)
        async with database.write() as tx:
            running = (await tx.exec(select(Job).where(Job.state == "running"))).all()
            for job in running:
                job.lease_until = tx.now - timedelta(seconds=1)
                tx.add(job)
    assert {job.kind for job in running} == {"deliver"}
    return {job.payload["inbox"].removeprefix("http://") for job in running}


async def nothing_is_under_way(database: Database) -> bool:
    """Whether PostgreSQL has noticed that nobody is there any more to end what was begun."""
    query = """
        SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'
    """
    async with database.read() as session:
        return (await session.execute(text(query))).scalar() == 0


async def nothing_waits(database: Database) -> bool:
    async with database.read() as session:
        return not (await session.exec(select(Job.id).limit(1))).all()
