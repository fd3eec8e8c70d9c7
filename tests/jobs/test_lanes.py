"""Lanes: one slow host never holds up another."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlmodel import select

from fedi.clock import FakeClock
from fedi.database.tables import Job
from fedi.jobs import Backoff, Claimed, NewJob, Postpone, Retry, Runner, enqueue_many, handles
from fedi.jobs.registry import KINDS
from fedi.runtime import Easel
from tests import rig

PER_LANE, AT_ONCE = 2, 6


class Road:
    """What the jobs of these tests do, lane by lane."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.done: list[tuple[str, int]] = []
        self.under_way: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.hanging: dict[str, asyncio.Event] = {}
        self.closed: dict[str, timedelta] = {}
        self.failing: set[str] = set()

    async def drive(self, easel: Easel, job: Claimed) -> None:
        self.under_way[job.lane] += 1
        self.most[job.lane] = max(self.most[job.lane], self.under_way[job.lane])
        try:
            if job.lane in self.hanging:
                await self.hanging[job.lane].wait()
            await asyncio.sleep(0)
            if job.lane in self.closed:
                raise Postpone("closed", self.clock.now() + self.closed[job.lane])
            if job.lane in self.failing:
                raise Retry("not today")
            self.done.append((job.lane, job.payload["n"]))
        finally:
            self.under_way[job.lane] -= 1


@pytest.fixture
def road(clock: FakeClock) -> Iterator[Road]:
    road = Road(clock)
    backoff = Backoff(first=timedelta(minutes=1), jitter=0)
    handles("drive", at_once=AT_ONCE, per_lane=PER_LANE, attempts=3, backoff=backoff)(road.drive)
    yield road
    del KINDS["drive"]


async def ask(easel: Easel, *lanes: str, each: int = 1, delay: timedelta = timedelta()) -> None:
    async with easel.database.write() as tx:
        jobs = [NewJob({"n": n}, lane=lane, delay=delay) for lane in lanes for n in range(each)]
        await enqueue_many(tx, "drive", jobs)


async def jobs(easel: Easel) -> list[Job]:
    async with easel.database.read() as session:
        return list((await session.exec(select(Job))).all())


async def test_a_lane_has_no_more_under_way_than_it_may(easel: Easel, road: Road) -> None:
    await ask(easel, "a", "b", "", each=10)
    assert await Runner(easel).run_once() == 30
    assert set(road.most.values()) == {PER_LANE}
    for lane in ("a", "b", ""):
        assert sorted(n for done, n in road.done if done == lane) == list(range(10))
    assert await jobs(easel) == []


async def test_the_oldest_of_a_lane_is_done_first(
    easel: Easel, road: Road, clock: FakeClock
) -> None:
    for n in range(3):
        async with easel.database.write() as tx:
            await enqueue_many(tx, "drive", [NewJob({"n": n}, lane="a")])
        clock.advance(timedelta(seconds=1))
    await Runner(easel).run_once()
    assert road.done[:2] in ([("a", 0), ("a", 1)], [("a", 1), ("a", 0)])
    assert road.done[2] == ("a", 2)


async def test_a_lane_that_hangs_leaves_the_slots_to_the_others(easel: Easel, road: Road) -> None:
    """However much waits in it, and wherever it stands in the order."""
    for stuck in ("a", "m", "z"):
        road.hanging[stuck] = asyncio.Event()
    await ask(easel, "a", "m", each=500)
    await ask(easel, "b", "n", "o", each=20)
    runner = Runner(easel)
    running = asyncio.create_task(runner.run_forever())
    await rig.until(lambda: len(road.done) == 60, seconds=60)
    assert Counter(lane for lane, _ in road.done) == {"b": 20, "n": 20, "o": 20}
    assert (road.most["a"], road.most["m"]) == (PER_LANE, PER_LANE)
    for held in road.hanging.values():
        held.set()
    runner.stop()
    await running


async def test_a_runner_whose_lanes_are_full_sleeps(easel: Easel, road: Road) -> None:
    """What is due and may not be claimed is no reason to look again at once."""
    road.hanging["a"] = asyncio.Event()
    await ask(easel, "a", each=50)
    runner = Runner(easel)
    running = asyncio.create_task(runner.run_once())
    await rig.until(lambda: road.under_way["a"] == PER_LANE, seconds=60)
    assert await runner._turn() == 0
    assert await runner._pause() > 0
    road.hanging["a"].set()
    assert await running == 50


async def test_lanes_are_served_in_turn(easel: Easel, road: Road) -> None:
    """A lane at the end of the alphabet waits no longer than one at its beginning."""
    lanes = [f"lane{n:02}" for n in range(40)]
    await ask(easel, *lanes, each=6)
    await Runner(easel).run_once()
    first_half = Counter(lane for lane, _ in road.done[:120])
    assert set(first_half) == set(lanes)


async def test_a_job_waits_for_its_time(easel: Easel, road: Road, clock: FakeClock) -> None:
    await ask(easel, "a", delay=timedelta(minutes=5))
    road.failing.add("b")
    await ask(easel, "b")
    runner = Runner(easel)
    assert await runner.run_once() == 1
    clock.advance(timedelta(seconds=59))
    assert await runner.run_once() == 0
    assert await runner._pause() == pytest.approx(1)
    clock.advance(timedelta(seconds=1))
    assert await runner.run_once() == 1
    clock.advance(timedelta(minutes=4))
    assert await runner.run_once() == 2
    assert road.done == [("a", 0)]
    [dead] = await jobs(easel)
    assert (dead.state, dead.attempts, dead.due) == ("dead", 3, None)


async def test_more_than_one_turn_can_ready_becomes_due_at_once(
    easel: Easel, road: Road, clock: FakeClock
) -> None:
    await ask(easel, "a", "b", each=600, delay=timedelta(minutes=1))
    clock.advance(timedelta(minutes=1))
    assert await Runner(easel).run_once() == 1200


async def test_a_closed_lane_is_put_off_whole_and_no_attempt_is_used_up(
    easel: Easel, road: Road, clock: FakeClock
) -> None:
    road.closed["a"] = timedelta(minutes=10)
    await ask(easel, "a", "b", each=200)
    runner = Runner(easel)
    ran = await runner.run_once()
    assert ran <= 200 + 2 * PER_LANE  # of the closed lane only those that were claimed together
    waiting = await jobs(easel)
    assert {(job.lane, job.state, job.attempts, job.due) for job in waiting} == {
        ("a", "ready", 0, False)
    }
    assert {job.run_at for job in waiting} == {clock.now() + timedelta(minutes=10)}
    clock.advance(timedelta(minutes=9))
    assert await runner.run_once() == 0
    road.closed.clear()
    clock.advance(timedelta(minutes=1))
    assert await runner.run_once() == 200
    assert len(road.done) == 400


async def test_what_a_dead_runner_had_claimed_stands_in_its_lane_again(
    easel: Easel, road: Road, clock: FakeClock
) -> None:
    await ask(easel, "a", each=3)
    async with easel.database.write() as tx:
        assert len(await Runner(easel)._claim(tx, {"drive": 5})) == PER_LANE
    clock.advance(timedelta(minutes=6))  # on PostgreSQL the lease must end first
    heir = Runner(easel)
    assert await heir.recover() == PER_LANE
    assert await heir.run_once() == 3


async def test_two_runners_keep_to_the_limit_together(easel: Easel, road: Road) -> None:
    await ask(easel, "a", "b", "c", each=40)
    ran = await asyncio.gather(Runner(easel).run_once(), Runner(easel).run_once())
    assert sum(ran) == 120
    assert sorted(road.done) == sorted((lane, n) for lane in "abc" for n in range(40))
