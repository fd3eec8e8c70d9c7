"""Streams hear of what other processes do: a server, and this process beside it, on PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import aiohttp

from fedi.jobs import Runner
from fedi.social import announcements, statuses
from fedi.social.statuses import Draft
from tests import rig
from tests.api.apps import App
from tests.api.mastodon.streams import listening
from tests.social import people


async def test_what_another_process_does_is_heard(
    postgres: rig.Postgres, tmp_path: Path, browser: aiohttp.ClientSession
) -> None:
    server = rig.ServerProcess(tmp_path, database={"url": postgres.new()})
    await server.start()
    try:
        async with rig.opened(server.settings) as easel:
            here = rig.Instance(easel, None, Runner(easel))
            alice = await App.of(here, browser, "alice")
            bob = await App.of(here, browser, "bob")
            await people.follow(easel, bob.account, alice.account)
            async with listening(bob, "user") as socket:
                async with easel.database.write() as tx:
                    status = await statuses.publish(tx, alice.account, Draft(text="@bob a fox"))
                heard = [await socket.next(), await socket.next()]
                assert {one.event for one in heard} == {"update", "notification"}
                [shown] = [one.payload for one in heard if one.event == "update"]
                assert shown["id"] == str(status.id)
                async with easel.database.write() as tx:
                    row = await announcements.publish(tx, "hello")
                told = await socket.next()
                assert (told.event, told.payload["id"]) == ("announcement", str(row.id))
    finally:
        await server.stop()
