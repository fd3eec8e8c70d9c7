"""Counts that stand in rows, changed where they stand, so that nobody's step is lost."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, bindparam, case, literal, update
from sqlalchemy.orm.attributes import set_committed_value
from sqlmodel import col

from fedi.database import Transaction
from fedi.database.insertion import table_of
from fedi.database.tables import Account, Status
from fedi.social.visibility import HELD, SHOWN_TO_ALL


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


def is_counted(visibility: str) -> bool:
    """Whether a post is among those of its author: everybody sees how many those are, and when
    the last one came."""
    return visibility != "direct"


def is_counted_answer(visibility: str) -> bool:
    """Whether a post, if it is not held, is among the answers to what it answers, likewise."""
    return visibility in SHOWN_TO_ALL


def counted_answer(status: Any) -> ColumnElement[bool]:
    """As SQL, of a table of statuses: whether one is counted among the answers to what it answers,
    as far as it answers anything."""
    return (
        col(status.visibility).in_(SHOWN_TO_ALL)
        & col(status.approval).not_in(HELD)
        & col(status.deleted_at).is_(None)
    )


async def count_post(tx: Transaction, status: Status, step: int, **others: Any) -> None:
    """`count` a post that comes (1) or goes (-1) among those of its author."""
    if is_counted(status.visibility):
        await count(tx, Account, status.account_id, {"statuses_count": step}, **others)


async def count_answer(tx: Transaction, status: Status, step: int) -> None:
    """`count` a post that comes (1) or goes (-1) among the answers to what it answers, if it
    answers anything. What is held does neither; that its caller knows."""
    if status.in_reply_to_id is not None and is_counted_answer(status.visibility):
        await count(tx, Status, status.in_reply_to_id, {"replies_count": step})


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
