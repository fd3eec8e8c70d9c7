"""All rows of a SQLite, copied into an empty PostgreSQL: when one machine is not enough any more.

All of it is one transaction: either it stands there whole, or nothing does. Ties between rows are
untied as long and then checked, so that no order of them matters; the triggers are away, since
what they would note is copied, too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    MetaData,
    Table,
    Text,
    bindparam,
    cast,
    func,
    insert,
    literal,
    literal_column,
    select,
    text,
)
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlmodel import SQLModel

from fedi.database.engine import Database, Session, driver_url
from fedi.database.migrations import migrate, triggers
from fedi.database.tables import SearchChange

BATCH = 500  # rows on their way at once
_TIES = text(
    "SELECT conrelid::regclass::text AS place, conname AS name, "
    "pg_get_constraintdef(oid) AS meaning FROM pg_constraint "
    "WHERE contype = 'f' AND connamespace = current_schema()::regnamespace"
)


class NotCopied(Exception):
    """The rows cannot be copied there; the message is one plain sentence."""


async def copy(
    source: Database, target: str, told: Callable[[str, int], None] = lambda name, rows: None
) -> int:
    """Copy all rows.

    Args:
        source: a SQLite, at the newest tables. What is written to it meanwhile is not copied.
        target: the address of a PostgreSQL in which no Easel was ever started.
        told: is called with the name of each table, and how many rows of it were copied.

    Returns:
        How many rows were copied.

    Raises:
        NotCopied: it is from or to another kind of database, or one that is in use.
    """
    if not source.sqlite or driver_url(target).get_backend_name() == "sqlite":
        raise NotCopied("Only a SQLite can be copied, and only into a PostgreSQL.")
    await migrate(target)
    engine = create_async_engine(driver_url(target))
    try:
        async with engine.begin() as connection, source.read() as session:
            return await _fill(connection, session, told)
    finally:
        await engine.dispose()


async def _fill(
    connection: AsyncConnection, session: Session, told: Callable[[str, int], None]
) -> int:
    accounts = SQLModel.metadata.tables["account"]
    if (await connection.execute(select(accounts.c.id).limit(1))).first() is not None:
        raise NotCopied("There is an Easel in that PostgreSQL already: give it an empty database.")
    await connection.run_sync(triggers.drop)
    ties = (await connection.execute(_TIES)).all()
    for tie in ties:
        await connection.execute(text(f'ALTER TABLE {tie.place} DROP CONSTRAINT "{tie.name}"'))
    copied = 0
    for table in SQLModel.metadata.sorted_tables:
        await connection.execute(text(f'TRUNCATE "{table.name}"'))
        rows = await _copy(table, connection, session)
        copied += rows
        told(table.name, rows)
        await _count_on(table, connection)
    for tie in ties:
        await connection.execute(
            text(f'ALTER TABLE {tie.place} ADD CONSTRAINT "{tie.name}" {tie.meaning}')
        )
    await connection.run_sync(triggers.create)
    await _index_anew(connection)
    await connection.execute(text("ANALYZE"))
    return copied


async def _copy(table: Table, connection: AsyncConnection, session: Session) -> int:
    """The rows of one table. JSON is copied as it is written."""
    written = Table(
        table.name,
        MetaData(),
        *(Column(one.name, Text if _is_json(one) else one.type) for one in table.columns),
    )
    values = {
        one.name: cast(bindparam(f"new_{one.name}", type_=Text), JSON)
        if _is_json(one)
        else bindparam(f"new_{one.name}", type_=one.type)
        for one in table.columns
    }
    statement, copied, last = insert(table).values(values), 0, 0
    place = literal_column("rowid", BigInteger)
    while True:
        page = select(written, place.label("place")).where(place > last).order_by(place)
        rows = (await session.execute(page.limit(BATCH))).mappings().all()
        if not rows:
            return copied
        await connection.execute(
            statement, [{f"new_{name}": _fit(row[name]) for name in values} for row in rows]
        )
        copied, last = copied + len(rows), rows[-1]["place"]


def _is_json(column: Column[Any]) -> bool:
    return isinstance(column.type, JSON)


def _fit(value: Any) -> Any:
    """PostgreSQL keeps no NUL in words."""
    return value.replace("\0", "") if isinstance(value, str) else value


async def _count_on(table: Table, connection: AsyncConnection) -> None:
    """Let what numbers the rows of a table by itself go on behind the last."""
    for column in table.primary_key.columns:
        named = select(func.pg_get_serial_sequence(table.name, column.name))
        numbers = (await connection.execute(named)).scalar()
        if numbers is not None:
            following = select(func.coalesce(func.max(column), 0) + 1).scalar_subquery()
            await connection.execute(select(func.setval(numbers, following, False)))


async def _index_anew(connection: AsyncConnection) -> None:
    """The index of the search is made in another way there: have all of it looked at."""
    for kind in ("account", "status"):
        rows = SQLModel.metadata.tables[kind]
        found = select(literal(kind), rows.c.id)
        changes = SQLModel.metadata.tables[str(SearchChange.__tablename__)]
        await connection.execute(insert(changes).from_select(["kind", "row_id"], found))
