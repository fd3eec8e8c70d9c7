"""What the disk is full of, on a page, and making room."""

from __future__ import annotations

from datetime import timedelta

from fedi.database.tables import RemoteFile
from fedi.studio import orphans
from tests.rig import Instance
from tests.web import hanging
from tests.web.admin.staff import appoint, done, press, signed_in

PAGE = "/admin/storage"


async def keep(instance: Instance, name: str, size: int) -> str:
    """A file of another server that nobody has seen for days; its key."""
    key = f"ab/{name * 20}.png"
    await instance.easel.storage.put(key, b"x" * 10)
    async with instance.easel.database.write() as tx:
        tx.add(
            RemoteFile(
                id=tx.new_id(),
                key=name,
                url=f"https://elsewhere.example/{name}.png",
                host="elsewhere.example",
                kind="attachment",
                state="ready",
                file=key,
                bytes=size,
                created_at=tx.now,
                viewed_at=tx.now - timedelta(days=3),
            )
        )
    return key


async def test_what_takes_room_is_told_and_room_is_made(instance: Instance) -> None:
    storage = instance.easel.storage
    await appoint(instance, "ada", "admin")
    mia, bob = await hanging.join(instance, "mia"), await hanging.join(instance, "bob")
    await hanging.paint(instance, bob, size=5_000)
    for _ in range(2):
        await hanging.paint(instance, mia, size=1_500_000)
    key = await keep(instance, "f", 7_000_000)
    async with signed_in(instance, "ada") as visitor:
        seen = await visitor.get(PAGE)
        room = seen.page.one("ul", _class="taken").text
        assert "3.0 MB" in room and "7.0 MB" in room
        most = seen.page.one("ul", _class="people").text
        assert most.index("mia") < most.index("bob") and "2 pictures" in most and "5.0 kB" in most
        assert "Pictures in posts" in seen.page.one("table").text
        assert await storage.read(key)
        for typed in ("", "-1", "x", "1" * 30):
            again = await press(visitor, PAGE, f"{PAGE}/prune", mb=typed)
            assert again.status == 422 and "how many megabytes" in again.body
        assert (await press(visitor, PAGE, f"{PAGE}/prune", mb="0")).location == PAGE
        assert await storage.page("", 10) and key not in {
            one.key for one in await storage.page("", 100)
        }
        assert (await press(visitor, PAGE, f"{PAGE}/sweep")).location == PAGE
    assert [(action, target) for _, action, target in await done(instance)] == [
        ("storage.prune", "0 MB may stay"),
        ("storage.sweep", ""),
    ]


async def test_leftovers_are_looked_for_when_asked(instance: Instance) -> None:
    await appoint(instance, "ada", "admin")
    key = "cd/" + "0" * 30 + ".png"
    await instance.easel.storage.put(key, b"left")
    instance.clock.advance(orphans.AGE + timedelta(hours=1))
    async with signed_in(instance, "ada") as visitor:
        await press(visitor, PAGE, f"{PAGE}/sweep")
    await instance.run_jobs()
    assert key not in {one.key for one in await instance.easel.storage.page("", 100)}
