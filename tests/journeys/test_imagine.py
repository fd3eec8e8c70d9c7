"""A post asked for with `/imagine` outlives the server, killed while it waits and while it is
painted, and comes to be once, under its id."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import aiohttp
from sqlmodel import col, select

from fedi.database.tables import Job, Painting, Status
from fedi.social import accounts, credentials
from fedi.studio import painters
from generation.protocol import Hello, Paint, Ready
from tests import rig
from tests.api.apps import LD_JSON, PUBLIC
from tests.studio.easel_painter import Hand, opened

JSON = {"Accept": LD_JSON}


class Author:
    """An app of somebody on a server that is a process."""

    def __init__(self, browser: aiohttp.ClientSession, actor: str, token: str) -> None:
        self.browser, self.actor = browser, actor
        self.mine = {"Authorization": f"Bearer {token}"}

    async def read(self, url: str, *, own: bool = True) -> tuple[int, Any]:
        headers = JSON | (self.mine if own else {})
        async with self.browser.get(url, headers=headers) as answer:
            return answer.status, await answer.json(content_type=None)


async def ready(hand: Hand) -> Paint:
    await hand.say(Hello(name="card", device="cpu", models=("test/flat",)))
    await hand.say(Ready(slots=1))
    return await hand.given()


async def test_a_post_that_waits_survives_kill_9_of_the_server(
    tmp_path: Path, browser: aiohttp.ClientSession
) -> None:
    server = rig.ServerProcess(tmp_path)
    await server.start()
    here = cast(rig.Instance, server)  # painters only want its address
    try:
        async with server.database() as database, database.write() as tx:
            account = await accounts.create_local(tx, "alice")
            token = await credentials.issue_token(tx, account, "test")
            card = await painters.issue_token(tx, "card")
        alice = Author(browser, account.uri, token)
        note = {"type": "Note", "to": [PUBLIC], "content": "/imagine a boat —seed 7\nAhoy!",
                "mediaType": "text/plain"}  # fmt: skip
        async with browser.post(
            account.outbox_uri, json=note, headers=alice.mine | {"Content-Type": LD_JSON}
        ) as answer:
            assert answer.status == 201
            uri = (await answer.json(content_type=None))["object"]["id"]

        await server.kill()  # while it waits
        await server.start()
        status, waiting = await alice.read(uri)
        assert status == 200 and "Ahoy!" in waiting["content"]
        assert (await alice.read(uri, own=False))[0] == 404

        async with opened(here, card) as hand:
            given = await ready(hand)
            await hand.step(given, 1, 4)
            await server.kill()  # while it is painted
        await server.start()
        assert (await alice.read(uri))[0] == 200
        async with opened(here, card) as hand:
            again = await ready(hand)
            assert again == given
            await hand.finish(again)

            async def public() -> bool:
                return (await alice.read(uri, own=False))[0] == 200

            await rig.until(public, seconds=60)
            await server.kill()  # when it has just been posted
        await server.start()
        _, became = await alice.read(uri, own=False)
        assert "Ahoy!" in became["content"] and became["attachment"][0]["url"]
        async with server.database() as database, database.read() as session:
            [status_row] = (await session.exec(select(Status))).all()
            [painting] = (await session.exec(select(Painting))).all()
            dead = await session.exec(select(Job).where(col(Job.state) == "dead"))
            assert dead.all() == []
        assert status_row.uri == uri == painting.status_uri
        assert (painting.state, painting.status_id, painting.crashes) == ("done", status_row.id, 0)
    finally:
        await server.stop()
