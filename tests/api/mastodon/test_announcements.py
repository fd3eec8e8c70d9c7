"""What the host tells everybody, over HTTP and by streams."""

from __future__ import annotations

from datetime import timedelta

import aiohttp
import pytest

from fedi.api.mastodon import entities
from fedi.social import announcements
from fedi.social.errors import Invalid
from tests import rig
from tests.api.apps import App
from tests.api.mastodon.apps import held
from tests.api.mastodon.streams import Heard, listening

PATH = "/api/v1/announcements"


@pytest.fixture
async def alice(instance: rig.Instance, browser: aiohttp.ClientSession) -> App:
    return await App.of(instance, browser, "alice")


async def listed(app: App) -> list[entities.Announcement]:
    found: list[entities.Announcement] = held(await app.get(PATH), list[entities.Announcement])
    return found


async def test_an_announcement_is_told_read_and_answered(alice: App) -> None:
    database = alice.instance.easel.database
    bob = await App.of(alice.instance, alice.browser, "bob")
    async with listening(bob, "user") as socket:
        async with database.write() as tx:
            row = await announcements.publish(tx, "*Updates* tonight <script>")
        heard = await socket.next()
        assert (heard.stream, heard.event) == (["user"], "announcement")
        assert heard.payload["id"] == str(row.id)
        [shown] = await listed(alice)
        assert (shown.id, shown.read, shown.reactions) == (str(row.id), False, [])
        assert "<em>Updates</em>" in shown.content
        assert "<script" not in shown.content
        path = f"{PATH}/{row.id}"
        assert (await alice.post(f"{path}/dismiss", {})).body == {}
        assert (await listed(alice))[0].read is True
        assert (await listed(bob))[0].read is False
        for _ in range(2):
            assert (await alice.ask("PUT", f"{path}/reactions/🦊")).body == {}
        assert await socket.next() == Heard(
            ["user"],
            "announcement.reaction",
            {"name": "🦊", "count": 1, "announcement_id": str(row.id)},
        )
        assert (await listed(alice))[0].reactions == [
            entities.Reaction(name="🦊", count=1, me=True)
        ]
        assert (await listed(bob))[0].reactions == [entities.Reaction(name="🦊", count=1, me=False)]
        assert (await alice.ask("PUT", f"{path}/reactions/fox")).status == 422
        assert (await alice.ask("DELETE", f"{path}/reactions/🦊")).body == {}
        assert (await socket.next()).payload["count"] == 0
        assert (await listed(alice))[0].reactions == []
        async with database.write() as tx:
            await announcements.remove(tx, row.id)
        heard = await socket.next()
        assert (heard.event, str(heard.payload)) == ("announcement.delete", str(row.id))
        assert await listed(alice) == []
        assert (await alice.post(f"{path}/dismiss", {})).status == 404


async def test_an_announcement_ends(alice: App) -> None:
    clock, database = alice.instance.clock, alice.instance.easel.database
    async with database.write() as tx:
        await announcements.publish(tx, "soon", ends_at=clock.now() + timedelta(hours=1))
        for words, ends in (("", None), ("x" * 6000, None), ("x", clock.now())):
            with pytest.raises(Invalid):
                await announcements.publish(tx, words, ends_at=ends)
    assert len(await listed(alice)) == 1
    clock.advance(timedelta(hours=2))
    assert await listed(alice) == []
