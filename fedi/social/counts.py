"""Counts that stand in rows, changed where they stand, so that nobody's step is lost."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from sqlalchemy import bindparam, case, literal, update
from sqlalchemy.orm.attributes import set_committed_value

from fedi.database import Transaction
from fedi.database.insertion import table_of
from fedi.database.tables import Account, Status


async def count(
    tx: Transaction,
    table: type[Account] | type[Status],
    row_id: int,
    steps: dict[str, int],
    **others: Any,
) -> None:
    """Change counts of one row; none goes below zero.

    Args:
        tx: a transaction; the row, if it was read in it, shows the new counts.
        table: Account or Status.
        row_id: which row.
        steps: how much is added to which count.
        others: columns that are set in the same statement.
    """
    values = {f"by_{name}": step for name, step in steps.items()}
    values |= {f"to_{name}": value for name, value in others.items()}
    await tx.execute_core(_step(table, tuple(steps), tuple(others)), {"row": row_id, **values})
    row = tx.identity_map.get(tx.identity_key(table, row_id))
    if row is None:
        return
    for name, step in steps.items():
        if name in row.__dict__:
            set_committed_value(row, name, max(0, getattr(row, name) + step))
    for name, value in others.items():
        set_committed_value(row, name, value)


async def count_many(
    tx: Transaction,
    table: type[Account] | type[Status],
    name: str,
    steps: Mapping[int, int],
    **others: Any,
) -> None:
    """`count` for one count of many rows, that are not read in this transaction before.

    Args:
        name: which count.
        steps: how much is added, by row.
        others: columns that are set in all of them.
    """
    values = {f"to_{name}": value for name, value in others.items()}
    rows = [{"row": row, f"by_{name}": step, **values} for row, step in sorted(steps.items())]
    if rows:
        await tx.execute_core(_step(table, (name,), tuple(others)), rows)


@cache
def _step(
    table: type[Account] | type[Status], steps: tuple[str, ...], others: tuple[str, ...]
) -> Any:
    """The statement for these counts and columns, made once."""
    columns = table_of(table).c
    return (
        update(table_of(table))
        .where(columns.id == bindparam("row"))
        .values({name: stepped(columns[name], bindparam(f"by_{name}")) for name in steps})
        .values({name: bindparam(f"to_{name}") for name in others})
    )


def stepped(column: Any, step: Any) -> Any:
    """A count after a step, as SQL; never below zero."""
    value = column + step
    return case((value < 0, literal(0)), else_=value)
