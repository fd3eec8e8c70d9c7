"""Transactions: all or nothing, events after the commit, on both databases."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import warnings
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import select

from fedi.database import Database
from fedi.database.tables import InstanceSecret
from fedi.events import Event
from fedi.runtime import Easel


async def names(database: Database) -> list[str]:
    async with database.read() as session:
        return sorted((await session.exec(select(InstanceSecret.name))).all())


async def write(easel: Easel, name: str) -> None:
    async with easel.database.write() as tx:
        tx.add(InstanceSecret(name=name, value="x", created_at=tx.now))


async def test_a_transaction_that_raises_leaves_nothing(easel: Easel) -> None:
    with pytest.raises(ZeroDivisionError):
        async with easel.database.write() as tx:
            tx.add(InstanceSecret(name="a", value="x", created_at=tx.now))
            await tx.flush()
            raise ZeroDivisionError
    assert await names(easel.database) == []


async def test_many_writers_at_once_all_get_their_turn(easel: Easel) -> None:
    await asyncio.gather(*(write(easel, f"{n:02}") for n in range(40)))
    assert len(await names(easel.database)) == 40


async def test_a_reader_does_not_wait_for_a_writer(easel: Easel) -> None:
    await write(easel, "before")
    async with easel.database.write() as tx:
        tx.add(InstanceSecret(name="during", value="x", created_at=tx.now))
        await tx.flush()
        assert await names(easel.database) == ["before"]


async def test_closing_leaves_no_connection_to_who_still_reads(easel: Easel) -> None:
    reads, goes = asyncio.Event(), asyncio.Event()

    async def read() -> None:
        async with easel.database.read() as session:
            await session.exec(select(InstanceSecret.name))
            reads.set()
            await goes.wait()

    reading = asyncio.create_task(read())
    await reads.wait()
    closing = asyncio.create_task(easel.database.close())
    await asyncio.wait([closing], timeout=0.05)
    goes.set()
    await asyncio.gather(reading, closing)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        del reading
        gc.collect()
    assert [str(one.message) for one in told if "unclosed" in str(one.message)] == []


async def test_events_are_told_after_the_commit_and_only_then(easel: Easel) -> None:
    with easel.events.listen(["topic"]) as heard:
        with pytest.raises(ZeroDivisionError):
            async with easel.database.write() as tx:
                tx.emit(Event("topic", "never"))
                raise ZeroDivisionError
        async with easel.database.write() as tx:
            tx.emit(Event("topic", "now", {"n": 1}))
        assert await heard.next() == Event("topic", "now", {"n": 1})


async def test_times_come_back_in_utc(easel: Easel) -> None:
    moment = datetime(2026, 2, 3, 4, 5, 6, 789000, tzinfo=UTC)
    async with easel.database.write() as tx:
        tx.add(InstanceSecret(name="a", value="x", created_at=moment))
    async with easel.database.read() as session:
        [row] = (await session.exec(select(InstanceSecret))).all()
    assert row.created_at == moment
    assert row.created_at.tzinfo is UTC


async def test_sqlite_is_opened_as_designed(easel: Easel) -> None:
    if not easel.database.sqlite:
        return
    async with easel.database.read() as session:

        async def pragma(name: str) -> Any:
            return (await session.execute(text(f"PRAGMA {name}"))).scalar()

        assert await pragma("journal_mode") == "wal"
        assert await pragma("synchronous") == 1
        assert await pragma("foreign_keys") == 1


TELLER = """
import asyncio
from fedi.database import Database
from fedi.events import Event
from fedi.settings import load

async def tell():
    settings = load()
    database = Database(settings.database, settings.instance)
    async with database.write() as tx:
        tx.emit(Event("topic", "from afar", {"n": 1}))
    await database.close()

asyncio.run(tell())
"""


async def test_events_reach_the_other_processes_of_the_instance(easel: Easel) -> None:
    """On PostgreSQL the processes of one instance hear each other; on SQLite there is one."""
    if easel.database.sqlite:
        return
    url = easel.settings.database.url
    with easel.events.listen(["topic"]) as heard:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", TELLER, env={**os.environ, "EASEL_DATABASE__URL": url}
        )
        async with asyncio.timeout(30):
            assert await heard.next() == Event("topic", "from afar", {"n": 1})
            assert await process.wait() == 0
