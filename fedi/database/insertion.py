"""INSERTs that do nothing where the row is there already, on either database.

Statements that are needed often are made once and given their values when they are executed: to
make one takes SQLAlchemy several times as long as to execute it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar, cast

from sqlalchemy import inspect
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import make_transient_to_detached
from sqlalchemy.orm.attributes import manager_of_class
from sqlmodel import SQLModel

from fedi.database.engine import Transaction

Row = TypeVar("Row", bound=SQLModel)


def insert_into(tx: Transaction, table: type[SQLModel]) -> Any:
    """An INSERT that understands `on_conflict_do_nothing` and `on_conflict_do_update`."""
    return insert_on(tx.dialect_name, table)


def insert_on(dialect: str, table: type[SQLModel]) -> Any:
    """`insert_into` for a dialect by its name, for statements that are made once."""
    return (sqlite.insert if dialect == "sqlite" else postgresql.insert)(table_of(table))


def table_of(table: type[SQLModel]) -> Any:
    """The table itself: what is said of it goes past the ORM, which costs more than SQLite."""
    return inspect(table).local_table


async def insert_new(
    tx: Transaction, table: type[SQLModel], rows: Mapping[str, Any] | Sequence[Mapping[str, Any]]
) -> int:
    """Insert one row or many, except those that may not stand beside one that is there.

    Args:
        table: which table.
        rows: the values of each column that has no default in the database.

    Returns:
        How many were inserted, where one was given.
    """
    return (await tx.execute_core(_insert_new(tx.dialect_name, table), rows)).rowcount


async def insert_many(
    tx: Transaction, table: type[SQLModel], rows: Sequence[Mapping[str, Any]], key: str
) -> set[Any]:
    """`insert_new` for many rows of which the caller knows that they are not there, unless another
    transaction is at the same.

    Args:
        key: a column.

    Returns:
        Its values in the rows that were inserted.
    """
    if not rows:
        return set()
    if tx.dialect_name == "sqlite":  # there is no other transaction
        await insert_new(tx, table, rows)
        return {row[key] for row in rows}
    return set((await tx.execute_core(_insert_returning(table, key), rows)).scalars())


@cache
def _insert_returning(table: type[SQLModel], key: str) -> Any:
    insert = insert_on("postgresql", table).on_conflict_do_nothing()
    return insert.returning(table_of(table).c[key])


@cache
def _insert_new(dialect: str, table: type[SQLModel]) -> Any:
    return insert_on(dialect, table).on_conflict_do_nothing()


@cache
def _columns(table: type[SQLModel]) -> tuple[str, ...]:
    return tuple(attribute.key for attribute in inspect(table).column_attrs)


def row_values(row: SQLModel) -> dict[str, Any]:
    """The values of a row, as `insert_new` takes them."""
    return {name: getattr(row, name) for name in _columns(type(row))}


@cache
def _defaults(table: type[SQLModel]) -> tuple[dict[str, Any], dict[str, Callable[[], Any]]]:
    fields = {name: table.model_fields[name] for name in _columns(table)}
    made = {name: field.default_factory for name, field in fields.items() if field.default_factory}
    plain = {
        name: field.default
        for name, field in fields.items()
        if name not in made and not field.is_required()
    }
    return plain, cast(dict[str, Callable[[], Any]], made)


def new_row(table: type[SQLModel], **values: Any) -> dict[str, Any]:
    """`row_values(table(**values))`, in a tenth of its time: no object is made.

    Raises:
        ValueError: a column without a default has no value, or there is no such column.
    """
    plain, made = _defaults(table)
    row = {**plain, **{name: make() for name, make in made.items() if name not in values}, **values}
    if len(row) != len(_columns(table)):
        differing = sorted(set(_columns(table)) ^ row.keys())
        raise ValueError(f"A row of {table.__name__} lacks, or has not: {', '.join(differing)}")
    return row


def loaded(tx: Transaction, table: type[Row], values: Mapping[str, Any]) -> Row:
    """A row that was inserted past the session, as if it had been read from it.

    Args:
        values: of all its columns, as `new_row` gives them.
    """
    row: Row = manager_of_class(table).new_instance()
    row.__dict__.update(values)
    return adopt(tx, row)


async def add_once(tx: Transaction, row: SQLModel) -> bool:
    """Insert a row now, unless one that it may not stand beside is there.

    Two transactions that add the same thing at the same time wait for each other here, and the
    second one goes on instead of failing.

    Returns:
        Whether it was inserted; then it belongs to the session as if it had been read from it.
    """
    if not await insert_new(tx, type(row), row_values(row)):
        return False
    adopt(tx, row)
    return True


def adopt(tx: Transaction, row: Row) -> Row:
    """A row that was inserted past the session belongs to it as if it had been read from it."""
    make_transient_to_detached(row)
    tx.add(row)
    return row
