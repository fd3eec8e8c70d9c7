"""Counts that stand in rows, changed where they stand, so that nobody's step is lost."""

from __future__ import annotations

from typing import Any

from sqlalchemy import case, literal, update
from sqlalchemy.orm.attributes import set_committed_value
from sqlmodel import col

from fedi.database import Transaction
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
    await tx.execute(
        update(table)
        .where(col(table.id) == row_id)
        .values({name: stepped(getattr(table, name), step) for name, step in steps.items()})
        .values(others)
        .execution_options(synchronize_session=False)
    )
    row = tx.identity_map.get(tx.identity_key(table, row_id))
    if row is None:
        return
    for name, step in steps.items():
        if name in row.__dict__:
            set_committed_value(row, name, max(0, getattr(row, name) + step))
    for name, value in others.items():
        set_committed_value(row, name, value)


def stepped(column: Any, step: Any) -> Any:
    """A count after a step, as SQL; never below zero."""
    value = column + step
    return case((value < 0, literal(0)), else_=value)
