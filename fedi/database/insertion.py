"""INSERTs that do nothing where the row is there already, on either database."""

from __future__ import annotations

from typing import Any

from sqlalchemy import CursorResult, inspect
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import make_transient_to_detached
from sqlmodel import SQLModel

from fedi.database.engine import Transaction


def insert_into(tx: Transaction, table: type[SQLModel]) -> Any:
    """An INSERT that understands `on_conflict_do_nothing` and `on_conflict_do_update`."""
    return (sqlite.insert if tx.get_bind().dialect.name == "sqlite" else postgresql.insert)(table)


async def add_once(tx: Transaction, row: SQLModel) -> bool:
    """Insert a row now, unless one that it may not stand beside is there.

    Two transactions that add the same thing at the same time wait for each other here, and the
    second one goes on instead of failing.

    Returns:
        Whether it was inserted; then it belongs to the session as if it had been read from it.
    """
    values = {
        attribute.key: getattr(row, attribute.key) for attribute in inspect(type(row)).column_attrs
    }
    statement = insert_into(tx, type(row)).values(values).on_conflict_do_nothing()
    result = await tx.execute(statement)
    assert isinstance(result, CursorResult)
    if not result.rowcount:
        return False
    make_transient_to_detached(row)
    tx.add(row)
    return True
