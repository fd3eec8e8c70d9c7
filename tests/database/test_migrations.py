"""The migrations make the tables that the code declares, on both databases."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import SQLModel

from fedi.database.engine import driver_url
from fedi.database.migrations import configuration, migrate
from tests import rig


def differences(connection: Connection) -> list[object]:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, SQLModel.metadata))


async def test_the_migrations_make_the_tables_of_the_code(new_database: rig.NewDatabase) -> None:
    engine = create_async_engine(driver_url(new_database()))
    async with engine.connect() as connection:
        found = await connection.run_sync(differences)
    await engine.dispose()
    assert found == []


async def test_migrating_twice_does_nothing_the_second_time(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'deep' / 'easel.db'}"
    assert await migrate(url) is True
    assert await migrate(url) is False


async def test_a_migration_can_be_taken_back(new_database: rig.NewDatabase) -> None:
    from alembic import command

    def down(connection: Connection) -> None:
        config = configuration()
        config.attributes["connection"] = connection
        command.downgrade(config, "base")

    url = new_database()
    engine = create_async_engine(driver_url(url))
    async with engine.begin() as connection:
        await connection.run_sync(down)
    await engine.dispose()
    assert await migrate(url) is True


def test_a_database_of_another_kind_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="SQLite or PostgreSQL, not in mysql"):
        driver_url("mysql://localhost/easel")
