"""What takes how much of the disk is told as it is."""

from __future__ import annotations

import aiohttp

from fedi.studio import usage
from fedi.studio.usage import Usage
from tests import rig
from tests.api.apps import App
from tests.api.beginning import ask, upload
from tests.studio.easel_painter import picture


async def test_what_is_told_is_what_lies_there(
    instance: rig.Instance, browser: aiohttp.ClientSession
) -> None:
    easel = instance.easel
    async with easel.database.read() as session:
        assert await usage.of(session) == Usage(0, 0, 0)
    alice = await App.of(instance, browser, "alice")
    mine = await upload(alice, picture(200, 100, "red"))
    await upload(alice, picture(64, 64, "blue"))
    before = sum(file.size for file in await easel.storage.page("", 10))
    assert (await ask(alice, {"source": {"media_id": str(mine.id)}})).status == 201
    everything = await easel.storage.page("", 10)
    async with easel.database.read() as session:
        told = await usage.of(session)
    assert told.inputs == sum(file.size for file in everything) - before == mine.size
    previews = sum(file.size for file in everything if file.key.endswith(".webp"))
    assert told.pictures == before - previews and told.remote == 0
