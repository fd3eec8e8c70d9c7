"""`easel queue`: who paints what, what waits, and cancelling it."""

from __future__ import annotations

import asyncio
import subprocess
from datetime import timedelta
from pathlib import Path

from fedi.clock import FakeClock
from fedi.database.tables import Painting
from fedi.studio import paintings
from tests import rig
from tests.studio.asking import account, ask, look
from tests.studio.queueing import painter, take


def row(table: str, painting: Painting) -> list[str]:
    """The cells of a picture's row."""
    [line] = [line for line in table.splitlines() if str(painting.id) in line]
    return [cell.strip() for cell in line.strip("│┃").split("│")]


async def test_the_queue_is_told_and_a_picture_is_cancelled(
    new_database: rig.NewDatabase, tmp_path: Path, clock: FakeClock
) -> None:
    server = rig.ServerProcess(tmp_path, database={"url": new_database()})
    assert "Nothing waits, and nothing is being painted." in await server.easel("queue")

    async with rig.opened(server.settings, clock) as easel:
        alice, bob = await account(easel, "alice"), await account(easel, "bob")
        card = await painter(easel, "garage")
        one_a_second = {"steps": 10, "width": 1000, "height": 1000}
        done = await ask(easel, alice, **one_a_second)
        begun = await ask(easel, alice, "a secret", **one_a_second)
        first, second = await ask(easel, bob, steps=4), await ask(easel, alice, **one_a_second)
        cheap = await take(easel, card)  # four steps cost less than ten
        assert cheap is not None and cheap.id == first.id
        async with easel.database.write() as tx:
            await paintings.cancel(tx, cheap)
        await take(easel, card)
        clock.advance(timedelta(seconds=10))
        async with easel.database.write() as tx:
            ended = await tx.get(Painting, done.id)
            assert ended is not None
            paintings.end(tx, ended, paintings.DONE)
        await take(easel, card)
        third = await ask(easel, bob, **(one_a_second | {"steps": 60}))

    told = await server.easel("queue")
    assert row(told, begun) == [str(begun.id), "alice", "any", "garage", "0 of 10", "10 s"]
    assert row(told, second) == [str(second.id), "alice", "any", "1", "20 s"]
    assert row(told, third) == [str(third.id), "bob", "any", "2", "1:20 min"]
    assert str(done.id) not in told and str(first.id) not in told and "secret" not in told
    assert "And 1 more wait." in await server.easel("queue", "--limit", "1")

    told = await server.easel("queue", "cancel", str(second.id))
    assert f"The picture {second.id} is cancelled." in told
    async with rig.opened(server.settings, clock) as easel:
        assert (await look(easel, second)).state == paintings.CANCELLED
    for number, sentence in ((done.id, "has ended already: done."), (1, "no picture 1.")):
        process = await asyncio.create_subprocess_exec(
            *server.command("queue", "cancel", str(number)),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        assert process.returncode == 1
        assert sentence in output.decode() and "Traceback" not in output.decode()
