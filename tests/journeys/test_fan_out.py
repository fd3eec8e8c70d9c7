"""`kill -9` in the middle of a fan-out to 500 inboxes: every inbox has the post."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from activitypub.signatures.keys import generate
from fedi.social import accounts, follows
from tests import rig
from tests.journeys.people import ACTIVITY_TYPE, PUBLIC

INBOXES = 500
HOSTS = 100
AT_ONCE = 32


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
        async with asyncio.timeout(120):
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
    tmp_path: Path, inboxes: Inboxes
) -> None:
    server = rig.ServerProcess(tmp_path, federation={"deliveries_at_once": AT_ONCE})
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
            follower = await accounts.save_remote(
                tx,
                accounts.RemoteAccount(
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

    await server.start()
    try:
        await inboxes.until(INBOXES)
        async with server.database() as database:
            await rig.until(lambda: nothing_waits(database), seconds=60)
    finally:
        await server.stop()
    twice = [inbox for inbox, count in inboxes.got.items() if count > 1]
    assert max(inboxes.got.values()) <= 2
    # What was in flight, and what had just been answered but not yet been written down.
    assert len(twice) <= 2 * AT_ONCE


async def clear_jobs(server: rig.ServerProcess) -> None:
    from sqlalchemy import delete

    from fedi.database.tables import Job

    async with server.database() as database, database.write() as tx:
        await tx.execute(delete(Job))


async def nothing_waits(database: object) -> bool:
    from sqlmodel import select

    from fedi.database import Database
    from fedi.database.tables import Job

    assert isinstance(database, Database)
    async with database.read() as session:
        return not (await session.exec(select(Job.id).limit(1))).all()
