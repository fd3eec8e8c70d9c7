"""The durable queue, by what it does: on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlmodel import select

from fedi.clock import FakeClock
from fedi.database.tables import Job
from fedi.jobs import (
    Backoff,
    Claimed,
    GiveUp,
    NewJob,
    Retry,
    Runner,
    enqueue,
    enqueue_many,
    handles,
)
from fedi.jobs.registry import KINDS
from fedi.runtime import Easel

OURS = ("note", "stubborn", "hopeless", "broken", "brood", "alarm")

done: list[int] = []
at_once = 0
most_at_once = 0


@pytest.fixture(autouse=True)
def kinds() -> Iterator[None]:
    """Kinds of job that only these tests know."""
    global most_at_once
    done.clear()
    most_at_once = 0

    @handles("note", at_once=3)
    async def note(easel: Easel, job: Claimed) -> None:
        global at_once, most_at_once
        at_once += 1
        most_at_once = max(most_at_once, at_once)
        await asyncio.sleep(0)
        done.append(job.payload["n"])
        at_once -= 1

    @handles("stubborn", attempts=3, backoff=Backoff(first=timedelta(minutes=1), jitter=0))
    async def stubborn(easel: Easel, job: Claimed) -> None:
        done.append(job.attempts)
        raise Retry("not today", after=job.payload.get("after") and timedelta(hours=2))

    @handles("hopeless")
    async def hopeless(easel: Easel, job: Claimed) -> None:
        raise GiveUp("never")

    @handles("broken", attempts=2, backoff=Backoff(first=timedelta(seconds=1), jitter=0))
    async def broken(easel: Easel, job: Claimed) -> None:
        raise ZeroDivisionError("a bug")

    @handles("brood")
    async def brood(easel: Easel, job: Claimed) -> None:
        async with easel.database.write() as tx:
            await enqueue_many(tx, "note", [NewJob({"n": n}) for n in range(3)])
            await job.finish(tx)
            if job.payload.get("fails"):
                raise RuntimeError("before the commit")

    yield
    for kind in OURS:
        KINDS.pop(kind, None)


async def jobs(easel: Easel) -> list[Job]:
    async with easel.database.read() as session:
        return list((await session.exec(select(Job))).all())


async def test_a_job_of_a_rolled_back_transaction_never_runs(easel: Easel) -> None:
    with pytest.raises(ZeroDivisionError):
        async with easel.database.write() as tx:
            await enqueue(tx, "note", {"n": 1})
            raise ZeroDivisionError
    assert await Runner(easel).run_once() == 0
    assert done == []


async def test_jobs_run_once_in_order_of_their_time(easel: Easel, clock: FakeClock) -> None:
    async with easel.database.write() as tx:
        await enqueue(tx, "note", {"n": 2}, delay=timedelta(minutes=2))
        await enqueue(tx, "note", {"n": 1}, delay=timedelta(minutes=1))
        await enqueue(tx, "note", {"n": 0})
    runner = Runner(easel)
    assert await runner.run_once() == 1
    clock.advance(timedelta(minutes=1))
    assert await runner.run_once() == 1
    clock.advance(timedelta(hours=1))
    assert await runner.run_once() == 1
    assert done == [0, 1, 2]
    assert await jobs(easel) == []


async def test_no_more_of_a_kind_run_at_once_than_it_allows(easel: Easel) -> None:
    async with easel.database.write() as tx:
        await enqueue_many(tx, "note", [NewJob({"n": n}) for n in range(50)])
    assert await Runner(easel).run_once() == 50
    assert sorted(done) == list(range(50))
    assert most_at_once == 3


async def test_a_unique_key_enqueues_once(easel: Easel) -> None:
    for _ in range(2):
        async with easel.database.write() as tx:
            await enqueue(tx, "note", {"n": 1}, unique_key="one")
            await enqueue(tx, "note", {"n": 2}, unique_key="two")
    assert await Runner(easel).run_once() == 2


async def test_a_failing_job_waits_longer_each_time_and_is_kept_when_dead(
    easel: Easel, clock: FakeClock
) -> None:
    async with easel.database.write() as tx:
        await enqueue(tx, "stubborn", {})
    runner = Runner(easel)
    await runner.run_once()
    clock.advance(timedelta(seconds=59))
    assert await runner.run_once() == 0
    clock.advance(timedelta(seconds=2))
    await runner.run_once()
    clock.advance(timedelta(minutes=2, seconds=59))
    assert await runner.run_once() == 0
    clock.advance(timedelta(seconds=2))
    await runner.run_once()
    assert done == [1, 2, 3]
    clock.advance(timedelta(days=30))
    assert await runner.run_once() == 0
    [dead] = await jobs(easel)
    assert (dead.state, dead.error) == ("dead", "not today")


async def test_retry_after_is_obeyed(easel: Easel, clock: FakeClock) -> None:
    async with easel.database.write() as tx:
        await enqueue(tx, "stubborn", {"after": True})
    runner = Runner(easel)
    await runner.run_once()
    clock.advance(timedelta(minutes=119))
    assert await runner.run_once() == 0
    clock.advance(timedelta(minutes=2))
    assert await runner.run_once() == 1


async def test_giving_up_keeps_the_job_and_the_reason(easel: Easel) -> None:
    async with easel.database.write() as tx:
        await enqueue(tx, "hopeless", {})
    await Runner(easel).run_once()
    [dead] = await jobs(easel)
    assert (dead.state, dead.error) == ("dead", "never")


async def test_a_bug_in_a_handler_is_a_failure_like_any_other(
    easel: Easel, clock: FakeClock
) -> None:
    async with easel.database.write() as tx:
        await enqueue(tx, "broken", {})
        await enqueue(tx, "note", {"n": 1})
    runner = Runner(easel)
    await runner.run_once()
    clock.advance(timedelta(hours=1))
    await runner.run_once()
    [dead] = await jobs(easel)
    assert dead.error == "ZeroDivisionError: a bug"
    assert done == [1]


async def test_effects_and_completion_are_one_transaction(easel: Easel) -> None:
    async with easel.database.write() as tx:
        await enqueue(tx, "brood", {})
    await Runner(easel).run_once()
    assert sorted(done) == [0, 1, 2]
    assert await jobs(easel) == []


async def test_a_handler_that_fails_before_its_commit_has_done_nothing(easel: Easel) -> None:
    async with easel.database.write() as tx:
        await enqueue(tx, "brood", {"fails": True})
    await Runner(easel).run_once()
    [job] = await jobs(easel)
    assert (job.kind, job.state, job.attempts) == ("brood", "ready", 1)
    assert done == []


async def test_what_a_dead_runner_claimed_runs_again(easel: Easel, clock: FakeClock) -> None:
    """A runner that was killed leaves its job claimed; a new one takes it."""
    async with easel.database.write() as tx:
        await enqueue(tx, "note", {"n": 7})
    dead = Runner(easel)
    async with easel.database.write() as tx:
        assert len(await dead._claim(tx, {"note": 1})) == 1
    clock.advance(timedelta(minutes=6))  # on PostgreSQL the lease must end first
    heir = Runner(easel)
    assert await heir.recover() == 1
    assert await heir.run_once() == 1
    assert done == [7]


async def test_two_runners_share_the_work_and_do_nothing_twice(easel: Easel) -> None:
    async with easel.database.write() as tx:
        await enqueue_many(tx, "note", [NewJob({"n": n}) for n in range(200)])
    ran = await asyncio.gather(Runner(easel).run_once(), Runner(easel).run_once())
    assert sum(ran) == 200
    assert sorted(done) == list(range(200))


async def test_a_waiting_runner_wakes_when_something_is_enqueued(easel: Easel) -> None:
    woken = asyncio.Event()

    @handles("alarm")
    async def alarm(easel: Easel, job: Claimed) -> None:
        woken.set()

    runner = Runner(easel)
    running = asyncio.create_task(runner.run_forever())
    async with easel.database.write() as tx:
        await enqueue(tx, "alarm", {})
    async with asyncio.timeout(10):
        await woken.wait()
    runner.stop()
    await running
    assert await jobs(easel) == []


async def test_a_kind_is_done_by_one_function() -> None:
    async def other(easel: Easel, job: Claimed) -> None:
        """Never called."""

    before = KINDS["note"]
    with pytest.raises(ValueError, match="note"):
        handles("note")(other)
    assert KINDS["note"] is before
