"""SQLite statements, some where they stand and some in the connection's thread."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlmodel import select

from fedi.database import Database, sqlite
from fedi.database.engine import CHECKPOINT_EVERY
from fedi.database.tables import InstanceSecret
from fedi.settings import DatabaseSettings, InstanceSettings

# Long enough to be slow on any machine, and a statement of its own for each test.
SLOW = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT {}) SELECT max(i) FROM n"
)


@pytest.fixture
async def database(sqlite_template: Path, tmp_path: Path) -> Database:
    path = tmp_path / "easel.db"
    path.write_bytes(sqlite_template.read_bytes())
    settings = DatabaseSettings.model_validate({"url": f"sqlite:///{path}"})
    return Database(settings, InstanceSettings.model_validate({}))


def stored(tmp_path: Path) -> list[str]:
    """What another process finds in the file."""
    connection = sqlite3.connect(tmp_path / "easel.db")
    rows = connection.execute("SELECT name FROM instance_secret ORDER BY name").fetchall()
    connection.close()
    return [row[0] for row in rows]


def secret(database: Database, name: str) -> InstanceSecret:
    return InstanceSecret(name=name, value="x", created_at=database.clock.now())


async def test_what_is_written_is_there_for_others(database: Database, tmp_path: Path) -> None:
    async with database.write() as tx:
        tx.add(secret(database, "kept"))
        await tx.flush()
        assert stored(tmp_path) == []
    assert stored(tmp_path) == ["kept"]
    await database.close()


async def test_a_slow_statement_lets_others_go_on_and_means_the_same(database: Database) -> None:
    slow = text(SLOW.format(400_000))
    async with database.read() as session:
        first = (await session.execute(slow)).scalar()
        turns = 0

        async def others() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        waiting = asyncio.create_task(others())
        second = (await session.execute(slow)).scalar()  # known to be slow by now
        waiting.cancel()
        assert first == second == 400_000
        assert turns > 1
    await database.close()


async def test_a_statement_that_was_interrupted_once_runs_where_it_stands(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = text("SELECT 'interrupted once'")
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    async with database.read() as session:
        with monkeypatch.context() as busy:
            busy.setattr(sqlite, "SLOW_S", 0.0)
            await session.execute(quick)
        waiting = asyncio.create_task(others())
        await asyncio.sleep(0)
        await session.execute(quick)
        assert turns == 0  # nobody waited for the thread
        with monkeypatch.context() as busy:
            busy.setattr(sqlite, "SLOW_S", 0.0)
            await session.execute(quick)
            await session.execute(quick)  # twice in a row
            assert turns == 0
            await session.execute(quick)
            assert turns > 0
        waiting.cancel()
    await database.close()


async def test_giving_up_in_the_middle_of_a_statement_leaves_nothing_behind(
    database: Database, tmp_path: Path
) -> None:
    slow = text(SLOW.format(3_000_000))
    async with database.read() as session:
        await session.execute(slow)  # known to be slow from here on
    begun = asyncio.Event()

    async def give_up() -> None:
        async with database.write() as tx:
            tx.add(secret(database, "half"))
            await tx.flush()
            begun.set()
            await tx.execute(slow)

    task = asyncio.create_task(give_up())
    await begun.wait()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with database.write() as tx:
        tx.add(secret(database, "whole"))
    assert stored(tmp_path) == ["whole"]
    await database.close()


async def test_a_statement_that_fails_fails_as_one_of_sqlite(
    database: Database, tmp_path: Path
) -> None:
    async with database.write() as tx:
        tx.add(secret(database, "once"))
    with pytest.raises(IntegrityError):
        async with database.write() as tx:
            tx.add(secret(database, "other"))
            tx.add(secret(database, "once"))
    with pytest.raises(OperationalError):
        async with database.read() as session:
            await session.execute(text("SELECT nothing FROM nowhere"))
    async with database.read() as session:
        names = (await session.exec(select(InstanceSecret.name))).all()
    assert list(names) == stored(tmp_path) == ["once"]
    await database.close()


async def test_a_writer_waits_for_another_process_and_holds_up_nobody(
    database: Database, tmp_path: Path
) -> None:
    async def write(name: str) -> None:
        async with database.write() as tx:
            tx.add(secret(database, name))

    await write("early")
    other = sqlite3.connect(tmp_path / "easel.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    writing = asyncio.create_task(write("late"))
    for _ in range(3):  # the loop goes on, and readers read
        async with database.read() as session:
            assert len((await session.exec(select(InstanceSecret))).all()) == 1
    assert not writing.done()
    other.execute("COMMIT")
    other.close()
    await writing
    assert stored(tmp_path) == ["early", "late"]
    await database.close()


async def test_the_log_does_not_grow_without_end(database: Database, tmp_path: Path) -> None:
    """What is committed is brought into the database beside the work, not by it."""
    log = tmp_path / "easel.db-wal"
    sizes = []
    for number in range(6 * CHECKPOINT_EVERY):
        async with database.write() as tx:
            tx.add(secret(database, f"{number:05}" + "x" * 2000))
        sizes.append(log.stat().st_size)
    assert sizes[-1] < 3 * sizes[CHECKPOINT_EVERY - 1]
    await database.close()
    assert len(stored(tmp_path)) == 6 * CHECKPOINT_EVERY
