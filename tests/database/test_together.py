"""Work that shares a transaction, and questions that share a query."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import pytest
from sqlmodel import col, select

from fedi.database import Transaction
from fedi.database.loading import Loader
from fedi.database.tables import InstanceSecret
from fedi.runtime import Easel


def secret(tx: Transaction, name: str) -> InstanceSecret:
    return InstanceSecret(name=name, value="x", created_at=tx.now)


async def stored(easel: Easel) -> list[str]:
    async with easel.database.read() as session:
        rows = await session.exec(select(InstanceSecret.name).order_by(col(InstanceSecret.name)))
        return list(rows.all())


async def test_what_waits_at_the_same_time_is_done_by_one_call(easel: Easel) -> None:
    calls: list[Sequence[str]] = []

    async def write(tx: Transaction, names: Sequence[str]) -> list[str]:
        calls.append(names)
        tx.add_all(secret(tx, name) for name in names)
        return [name.upper() for name in names]

    names = [f"n{number:02}" for number in range(20)]
    answers = await asyncio.gather(*(easel.database.in_bulk(write, name) for name in names))
    assert answers == [name.upper() for name in names]
    assert await stored(easel) == names
    assert sorted(name for call in calls for name in call) == names
    assert len(calls) < len(names)


async def test_what_fails_in_company_takes_nobody_with_it(easel: Easel) -> None:
    async def write(tx: Transaction, names: Sequence[str]) -> list[None]:
        for name in names:
            tx.add(secret(tx, name))
            await tx.flush()
            if name == "bad":
                raise ValueError("no")
        return [None] * len(names)

    async def alone(tx: Transaction) -> str:
        tx.add(secret(tx, "alone"))
        return "done"

    done = await asyncio.gather(
        easel.database.in_bulk(write, "a"),
        easel.database.in_bulk(write, "bad"),
        easel.database.together(alone),
        easel.database.in_bulk(write, "b"),
        return_exceptions=True,
    )
    assert [str(each) for each in done] == ["None", "no", "done", "None"]
    assert await stored(easel) == ["a", "alone", "b"]


async def test_it_is_there_for_others_when_the_call_returns(easel: Easel) -> None:
    async def write(tx: Transaction, names: Sequence[str]) -> list[None]:
        tx.add_all(secret(tx, name) for name in names)
        return [None] * len(names)

    async def one(name: str) -> None:
        await easel.database.in_bulk(write, name)
        assert name in await stored(easel)

    await asyncio.gather(*(one(f"n{number}") for number in range(10)))


async def test_questions_of_one_moment_are_one_query(easel: Easel) -> None:
    asked: list[Sequence[int]] = []

    async def read(keys: Sequence[int]) -> Mapping[int, str]:
        asked.append(keys)
        return {key: str(key) for key in keys if key % 2}

    loader = Loader(read)
    found = await asyncio.gather(*(loader.load(key) for key in (1, 2, 3, 1)))
    assert found == ["1", None, "3", "1"]
    assert asked == [[1, 2, 3]]
    assert await loader.load(1) == "1"  # as it is now: nothing is remembered
    assert asked == [[1, 2, 3], [1]]


async def test_who_gives_up_takes_no_answer_from_the_others(easel: Easel) -> None:
    go_on = asyncio.Event()

    async def read(keys: Sequence[int]) -> Mapping[int, str]:
        await go_on.wait()
        return {key: "here" for key in keys}

    loader = Loader(read)
    one, two = (asyncio.create_task(loader.load(1)) for _ in range(2))
    await asyncio.sleep(0)
    one.cancel()
    go_on.set()
    assert await two == "here"
    with pytest.raises(asyncio.CancelledError):
        await one


async def test_a_question_that_fails_fails_for_all_who_asked(easel: Easel) -> None:
    async def read(keys: Sequence[int]) -> Mapping[int, str]:
        raise ValueError("no")

    loader = Loader(read)
    found = await asyncio.gather(loader.load(1), loader.load(2), return_exceptions=True)
    assert [str(each) for each in found] == ["no", "no"]
