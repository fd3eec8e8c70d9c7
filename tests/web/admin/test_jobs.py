"""Jobs that were given up, on a page: seen with their reasons, retried, dropped."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlmodel import col, select

from fedi.database.tables import Job
from fedi.jobs import Claimed, GiveUp, enqueue, handles
from fedi.jobs.registry import KINDS
from fedi.runtime import Easel
from tests.rig import Instance
from tests.web.admin.staff import appoint, done, press, signed_in
from tests.web.test_hostile import STRINGS

PAGE = "/admin/jobs"
open_now = False


@pytest.fixture(autouse=True)
def kinds() -> Iterator[None]:
    """Kinds of job that only these tests know."""
    global open_now
    open_now = False

    @handles("knock")
    async def knock(easel: Easel, job: Claimed) -> None:
        if not open_now:
            raise GiveUp(f"nobody opened {STRINGS[1]}")

    @handles("ring")
    async def ring(easel: Easel, job: Claimed) -> None:
        raise GiveUp("nobody heard")

    yield
    for kind in ("knock", "ring"):
        del KINDS[kind]


async def given_up(instance: Instance, *kinds: str) -> list[int]:
    """Jobs of these kinds, given up; their ids."""
    async with instance.easel.database.write() as tx:
        for kind in kinds:
            await enqueue(tx, kind, {"secret": "squirrel"}, lane="door.example")
    await instance.run_jobs()
    return await left(instance, "dead")


async def left(instance: Instance, state: str) -> list[int]:
    async with instance.easel.database.read() as session:
        query = select(Job.id).where(Job.state == state, col(Job.kind).in_(("knock", "ring")))
        return list((await session.exec(query.order_by(col(Job.id)))).all())


async def test_what_was_given_up_is_retried_or_dropped(instance: Instance) -> None:
    global open_now
    await appoint(instance, "ada", "admin")
    first, second = await given_up(instance, "knock", "ring")
    async with signed_in(instance, "ada") as visitor:
        waits = (await visitor.get("/admin")).page.one("ul", _class="waits").text
        assert "2 jobs were given up" in waits
        seen = await visitor.get(PAGE)
        told = seen.page.one("section", id="dead")
        assert f"nobody opened {STRINGS[1]}" in told.text and "door.example" in told.text
        assert not told.all("img") and "squirrel" not in seen.body
        narrow = (await visitor.get(f"{PAGE}?kind=ring")).page.one("section", id="dead").text
        assert "nobody heard" in narrow and "nobody opened" not in narrow
        open_now = True
        assert (await press(visitor, PAGE, f"{PAGE}/{first}/retry")).location == PAGE
        await instance.run_jobs()
        assert await left(instance, "dead") == [second] and await left(instance, "ready") == []
        assert (await press(visitor, PAGE, f"{PAGE}/{second}/drop")).location == PAGE
        seen = await visitor.get(PAGE)
        assert "Nothing was given up." in seen.body
        key = seen.page.all("input", name="form_key")[0]["value"]
        for deed in ("retry", "drop"):
            again = await visitor.post(f"{PAGE}/{second}/{deed}", {"form_key": key})
            assert again.status == 404
    assert await done(instance) == [
        ("ada", "job.retry", str(first)),
        ("ada", "job.drop", str(second)),
    ]


async def test_all_of_a_kind_are_retried_or_dropped_at_once(instance: Instance) -> None:
    await appoint(instance, "ada", "admin")
    first, *others = await given_up(instance, "ring", "knock", "knock")
    async with signed_in(instance, "ada") as visitor:
        await press(visitor, f"{PAGE}?kind=knock", f"{PAGE}/retry")
        assert await left(instance, "ready") == others
        await instance.run_jobs()
        await press(visitor, f"{PAGE}?kind=knock", f"{PAGE}/drop")
        assert await left(instance, "dead") == [first]
        await press(visitor, PAGE, f"{PAGE}/drop")
    assert await left(instance, "dead") == []
    assert await done(instance) == [
        ("ada", "job.retry", "knock"),
        ("ada", "job.drop", "knock"),
        ("ada", "job.drop", "every kind"),
    ]
