"""Where pictures stand: held against what happens, with several painters and several models."""

from __future__ import annotations

import heapq
import random
from datetime import timedelta

import pytest

from fedi.clock import FakeClock
from fedi.database.tables import Account, Painting
from fedi.runtime import Easel
from fedi.studio import paintings, rates, standing
from tests.studio.asking import account, ask, look
from tests.studio.queueing import painter, take

A, B, C = "test/a", "test/b", "test/c"


class Studio:
    """Painters who need for each picture exactly its cost over their rate for its model."""

    def __init__(self, easel: Easel, clock: FakeClock) -> None:
        self.easel, self.clock = easel, clock
        self.rates: dict[int, dict[str, float]] = {}
        self.busy: list[tuple[float, int, int]] = []  # until when, who, with what
        self.now = 0.0
        self.ended: dict[int, float] = {}

    async def hire(self, name: str, speeds: dict[str, float]) -> None:
        self.rates[await painter(self.easel, name, tuple(speeds))] = speeds

    async def work(self, *, pictures: int | None = None) -> None:
        """Paint until nothing is left, or so many more are done."""
        until = None if pictures is None else len(self.ended) + pictures
        while until is None or len(self.ended) < until:
            for who, speeds in self.rates.items():
                if who in [busy for _, busy, _ in self.busy]:
                    continue
                taken = await take(self.easel, who, tuple(speeds))
                if taken is not None:
                    seconds = taken.cost / speeds[taken.model or next(iter(speeds))]
                    heapq.heappush(self.busy, (self.now + seconds, who, taken.id))
            if not self.busy:
                return
            at, _, painting_id = heapq.heappop(self.busy)
            self.clock.advance(timedelta(seconds=at - self.now))
            self.now = at
            self.ended[painting_id] = at
            async with self.easel.database.write() as tx:
                row = await tx.get(Painting, painting_id)
                assert row is not None
                paintings.end(tx, row, paintings.DONE)


async def estimates(easel: Easel, asked: list[Painting]) -> dict[int, float]:
    found = {}
    for painting in asked:
        row = await look(easel, painting)
        async with easel.database.read() as session:
            where = await standing.position(session, row)
        if where is not None:
            assert where.seconds is not None
            found[painting.id] = where.seconds
    return found


async def want(
    easel: Easel, people: list[Account], dice: random.Random, models: tuple[str, ...], count: int
) -> list[Painting]:
    sizes = [{"steps": steps, "width": 512, "height": 512} for steps in (4, 10, 20, 40)]
    return [
        await ask(easel, dice.choice(people), model=dice.choice(models), **dice.choice(sizes))
        for _ in range(count)
    ]


@pytest.mark.parametrize(
    "staff",
    [
        {"one": {A: 2.0}},
        {"fast": {A: 4.0}, "slow": {A: 1.0}},
        {"one": {A: 3.0, B: 0.7}, "two": {B: 1.0, A: 2.0}, "three": {A: 1.5, B: 1.5}},
        {"one": {A: 3.0}, "two": {B: 0.5}, "both": {A: 1.0, B: 1.0, C: 2.0}},
    ],
    ids=["one", "unlike", "three", "divided"],
)
async def test_the_estimates_of_a_steady_queue_are_right_to_within_the_longest_picture(
    easel: Easel, clock: FakeClock, staff: dict[str, dict[str, float]]
) -> None:
    """As they are told at the beginning, and again in the middle of it."""
    dice = random.Random(3)
    people = [await account(easel, name) for name in ("alice", "bob", "carol")]
    studio = Studio(easel, clock)
    for name, speeds in staff.items():
        await studio.hire(name, speeds)
    models = tuple(sorted({model for speeds in staff.values() for model in speeds}))
    await want(easel, people, dice, models, 12)
    await studio.work()  # so that the rates are known
    asked = await want(easel, people, dice, models, 18)
    longest = max(
        painting.cost / speeds[painting.model]
        for painting in asked
        for speeds in staff.values()
        if painting.model in speeds
    )
    told = []
    for done in (0, 6):
        await studio.work(pictures=done)
        told.append((studio.now, await estimates(easel, asked)))
        assert len(told[-1][1]) == len(asked) - done
    await studio.work()
    for since, seconds in told:
        errors = [abs(studio.ended[one] - since - seconds[one]) for one in seconds]
        assert max(errors) <= longest * 1.01, (max(errors), longest)
        assert sum(errors) / len(errors) <= longest / 2


async def test_rates_are_told_apart_by_model_and_painter(easel: Easel, clock: FakeClock) -> None:
    alice = await account(easel, "alice")
    studio = Studio(easel, clock)
    await studio.hire("one", {A: 4.0, B: 0.5})
    await studio.hire("two", {A: 1.0})
    for model in (A, B, A, A, A, B):
        await ask(easel, alice, model=model, steps=10, width=512, height=512)
    await studio.work()
    one, two = studio.rates
    async with easel.database.read() as session:
        found = await rates.measured(session)
    assert found.of(one, A) == pytest.approx(4.0, rel=0.01)
    assert found.of(one, B) == pytest.approx(0.5, rel=0.01)
    assert found.of(two, A) == pytest.approx(1.0, rel=0.01)
    assert found.of(two, B) == pytest.approx(0.5, rel=0.01)  # as others with it
    assert found.of(two, C) == pytest.approx(1.0, rel=0.01)  # as it with others
    assert found.of(None, C) is not None


async def test_two_painters_are_twice_as_quick_and_a_third_of_another_kind_is_not(
    easel: Easel, clock: FakeClock
) -> None:
    alice = await account(easel, "alice")
    studio = Studio(easel, clock)
    await studio.hire("one", {A: 1.0})
    size = {"steps": 10, "width": 1000, "height": 1000}
    await ask(easel, alice, model=A, **size)
    await studio.work()
    asked = [await ask(easel, alice, model=A, **size) for _ in range(4)]
    cost = asked[0].cost
    assert list((await estimates(easel, asked)).values()) == pytest.approx(
        [cost, 2 * cost, 3 * cost, 4 * cost]
    )
    await studio.hire("two", {A: 1.0})
    await studio.hire("other", {B: 1.0})
    assert list((await estimates(easel, asked)).values()) == pytest.approx(
        [cost, cost, 2 * cost, 2 * cost]
    )


async def test_what_nobody_can_paint_has_no_estimate(easel: Easel, clock: FakeClock) -> None:
    alice = await account(easel, "alice")
    studio = Studio(easel, clock)
    await studio.hire("one", {A: 1.0, B: 1.0})
    await ask(easel, alice, model=A, steps=4)
    await studio.work()
    wanted = await ask(easel, alice, model=B, steps=4)
    await painter(easel, "one", (A,))  # it has come back with less
    async with easel.database.read() as session:
        where = await standing.position(session, await look(easel, wanted))
    assert where is not None and where.seconds is None


async def test_what_is_begun_gets_nearer_with_time_and_with_every_step(
    easel: Easel, clock: FakeClock
) -> None:
    alice = await account(easel, "alice")
    studio = Studio(easel, clock)
    await studio.hire("one", {A: 1.0})
    await ask(easel, alice, model=A, steps=10, width=1000, height=1000)
    await studio.work()
    begun = await ask(easel, alice, model=A, steps=10, width=1000, height=1000)
    waiting = await ask(easel, alice, model=A, steps=10, width=1000, height=1000)
    [card] = studio.rates
    await take(easel, card, (A,))
    cost = begun.cost
    clock.advance(timedelta(seconds=cost / 4))
    told = await estimates(easel, [begun, waiting])
    assert list(told.values()) == pytest.approx([cost * 0.75, cost * 1.75])
    async with easel.database.write() as tx:
        row = await tx.get(Painting, begun.id)
        assert row is not None
        row.step, row.steps = 5, 10
        tx.add(row)
    told = await estimates(easel, [begun, waiting])
    assert list(told.values()) == pytest.approx([cost * 0.5, cost * 1.5])


async def test_a_long_line_is_estimated_as_a_short_one(easel: Easel, clock: FakeClock) -> None:
    alice, bob = await account(easel, "alice"), await account(easel, "bob")
    studio = Studio(easel, clock)
    await studio.hire("one", {A: 2.0})
    await studio.hire("two", {A: 2.0})
    await ask(easel, alice, model=A, steps=10, width=1000, height=1000)
    await studio.work()
    async with easel.database.write() as tx:
        proto = await ask_row(easel, bob)
        for number in range(1000):
            tx.add(Painting(**(proto | {"id": tx.new_id(), "tag": 1e6 + number})))
        last = Painting(**(proto | {"id": tx.new_id(), "tag": 1e7}))
        tx.add(last)
    async with easel.database.read() as session:
        where = await standing.position(session, last)
    assert where is not None and where.seconds is not None
    assert where.ahead == 1000
    assert where.seconds == pytest.approx(1001 * last.cost / 4.0, rel=0.01)


async def ask_row(easel: Easel, who: Account) -> dict[str, object]:
    return {
        "account_id": who.id,
        "recipe": {"prompt": "x"},
        "model": A,
        "cost": 10.0,
        "created_at": easel.clock.now(),
    }


async def test_what_is_painted_at_once_is_finished_at_once(easel: Easel, clock: FakeClock) -> None:
    """One picture of a batch is not there before the whole of it is."""
    alice = await account(easel, "alice")
    studio = Studio(easel, clock)
    await studio.hire("card", {A: 2.0})
    [card] = studio.rates
    await ask(easel, alice, model=A, steps=10, width=1000, height=1000)
    await studio.work()
    asked = [await ask(easel, alice, model=A, steps=10, width=1000, height=1000) for _ in range(4)]
    cost = asked[0].cost
    for _ in asked[:3]:
        assert await take(easel, card, (A,)) is not None
    found = await estimates(easel, asked)
    assert [found[one.id] for one in asked] == pytest.approx([3 * cost / 2] * 3 + [4 * cost / 2])
    clock.advance(timedelta(seconds=cost / 2))
    assert (await estimates(easel, asked))[asked[0].id] == pytest.approx(cost)
    async with easel.database.write() as tx:
        for one in asked[:2]:  # two of them are half done, and the third was given since
            row = await tx.get(Painting, one.id)
            assert row is not None
            row.step, row.steps = 5, 10
    found = await estimates(easel, asked[:2])
    assert [found[one.id] for one in asked[:2]] == pytest.approx([cost / 2] * 2)
