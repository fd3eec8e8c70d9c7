"""The migrations make the tables that the code declares, on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic.config import Config
from sqlalchemy import JSON, Connection, MetaData, Table, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlmodel import SQLModel

from fedi.database.engine import driver_url
from fedi.database.migrations import configuration, is_ours, migrate
from tests import rig


def differences(connection: Connection) -> list[object]:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    options = {"compare_type": True, "include_name": is_ours}
    context = MigrationContext.configure(connection, opts=options)
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
        command.downgrade(at(connection), "base")

    url = new_database()
    engine = create_async_engine(driver_url(url))
    async with engine.begin() as connection:
        await connection.run_sync(down)
    await engine.dispose()
    assert await migrate(url) is True


async def test_threads_from_before_contexts_get_them(new_database: rig.NewDatabase) -> None:
    from alembic import command

    def to(revision: str) -> Callable[[Connection], None]:
        way = command.downgrade if revision == "0002" else command.upgrade
        return lambda connection: way(at(connection), revision)

    engine = create_async_engine(driver_url(new_database()))
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    async with engine.begin() as connection:
        await connection.run_sync(to("0002"))
        tables = MetaData()
        await connection.run_sync(tables.reflect)
        accounts, statuses = tables.tables["account"], tables.tables["status"]
        await connection.execute(accounts.insert().values(blank(accounts, moment) | {"id": 1}))
        threads = [(1, None, True), (2, 1, False), (3, 2, True), (4, None, False), (5, 4, True)]
        for id_, parent, local in threads:
            row = blank(statuses, moment) | {
                "id": id_, "uri": f"u{id_}", "account_id": 1, "local": local,
                "in_reply_to_id": parent, "in_reply_to_uri": f"u{parent}" if parent else None,
            }  # fmt: skip
            await connection.execute(statuses.insert().values(row))
        await connection.run_sync(to("head"))
        found = await connection.execute(text("SELECT context_uri FROM status ORDER BY id"))
        assert found.scalars().all() == ["u1/context", "u1/context", "u1/context", None, None]
    await engine.dispose()


async def test_what_is_in_collections_from_before_stands_in_rows(
    new_database: rig.NewDatabase,
) -> None:
    from alembic import command

    held = ["https://else.example/1", "https://else.example/2"]

    def fill(connection: Connection) -> None:
        tables, moment = back_at(connection, "0034")
        account, made = tables["account"], tables["outbox_activity"]
        connection.execute(account.insert().values({**blank(account, moment), "id": 1}))
        whole = {"id": "x", "type": "OrderedCollection", "name": "Boats", "totalItems": 2}
        for number, object_ in enumerate(({**whole, "orderedItems": held}, "y"), 1):
            document = {"type": "Create", "object": object_}
            row = {"id": number, "account_id": 1, "uri": str(number), "type": "Create",
                   "document": document, "undone_at": None, "object_uri": None}  # fmt: skip
            connection.execute(made.insert().values({**blank(made, moment), **row}))
        command.upgrade(at(connection), "head")

    async with filled(new_database, fill) as connection:
        rows = await connection.execute(
            text("SELECT uri FROM collection_item WHERE collection_id = 1 ORDER BY id DESC")
        )
        assert list(rows.scalars()) == held
        [kept] = (
            await connection.execute(
                text("SELECT CAST(document AS TEXT) FROM outbox_activity WHERE id = 1")
            )
        ).scalars()
        assert "Boats" in kept and "else.example" not in kept and "totalItems" not in kept


async def test_a_yes_to_the_smaller_question_is_asked_for_again(
    new_database: rig.NewDatabase,
) -> None:
    from alembic import command

    def fill(connection: Connection) -> None:
        tables, moment = back_at(connection, "0040")
        account, change = tables["account"], tables["consent_change"]
        for number, name in enumerate(("before", "of_one_post", "since", "nobody"), 1):
            said = None if name == "nobody" else moment
            row = {"id": number, "username": name, "uri": name, "handle": name,
                   "training_consent_at": said}  # fmt: skip
            connection.execute(account.insert().values({**blank(account, moment), **row}))
        for number, status in ((2, 7), (3, None)):
            row = {"id": number, "account_id": number, "status_id": status, "allowed": True}
            connection.execute(change.insert().values({**blank(change, moment), **row}))
        command.upgrade(at(connection), "head")

    async with filled(new_database, fill) as connection:
        held = await connection.execute(
            text("SELECT username FROM account WHERE training_consent_at IS NOT NULL")
        )
        assert list(held.scalars()) == ["since"]


async def test_pictures_that_were_looked_at_before_sketches_are_looked_at_again(
    new_database: rig.NewDatabase,
) -> None:
    from alembic import command

    def fill(connection: Connection) -> None:
        tables, moment = back_at(connection, "0042")
        account, status = tables["account"], tables["status"]
        media, look = tables["media_attachment"], tables["picture_look"]
        row: dict[str, Any] = {"id": 1, "username": "mia", "uri": "mia", "handle": "mia"}
        connection.execute(account.insert().values({**blank(account, moment), **row}))
        row = {"id": 1, "uri": "post", "account_id": 1}
        connection.execute(status.insert().values({**blank(status, moment), **row}))
        for number, model in ((1, "Eye"), (2, "")):
            row = {"id": number, "account_id": 1, "status_id": 1}
            connection.execute(media.insert().values({**blank(media, moment), **row}))
            row = {"media_id": number, "status_id": 1, "model": model, "tries": 5}
            connection.execute(look.insert().values({**blank(look, moment), **row}))
        command.upgrade(at(connection), "head")

    async with filled(new_database, fill) as connection:
        due = await connection.execute(
            text("SELECT media_id, tries FROM picture_look WHERE due_at IS NOT NULL")
        )
        assert [tuple(row) for row in due] == [(1, 0)]


@asynccontextmanager
async def filled(
    new_database: rig.NewDatabase, fill: Callable[[Connection], None]
) -> AsyncIterator[AsyncConnection]:
    """A database of its own after what `fill` did."""
    engine = create_async_engine(driver_url(new_database()))
    async with engine.begin() as connection:
        await connection.run_sync(fill)
        yield connection
    await engine.dispose()


def at(connection: Connection) -> Config:
    """The migrations, for a database that is open."""
    config = configuration()
    config.attributes["connection"] = connection
    return config


def back_at(connection: Connection, revision: str) -> tuple[Mapping[str, Table], datetime]:
    """Take a database back to a version.

    Returns:
        Its tables as they were, and a moment as its columns take one.
    """
    from alembic import command

    command.downgrade(at(connection), revision)
    tables = MetaData()
    tables.reflect(connection)
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    if connection.dialect.name == "sqlite":
        moment = moment.replace(tzinfo=None)
    return tables.tables, moment


def blank(table: Table, moment: datetime) -> dict[str, Any]:
    """A row with something in every column that must have something."""
    kinds: dict[type[Any], Any] = {str: "", bool: False, int: 0, dict: {}, datetime: moment}
    row = {}
    for column in table.columns:
        if not column.nullable and not column.foreign_keys:
            kind: type[Any] = dict if isinstance(column.type, JSON) else column.type.python_type
            row[column.name] = kinds[kind]
    return row


def test_a_database_of_another_kind_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="SQLite or PostgreSQL, not in mysql"):
        driver_url("mysql://localhost/easel")
