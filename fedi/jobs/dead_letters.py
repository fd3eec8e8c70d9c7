"""Jobs that were given up: kept with the reason, until somebody retries or drops them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, func, update
from sqlmodel import col, select

from fedi.database import Session, Transaction
from fedi.database.tables import Job
from fedi.jobs.queue import WAKE

DEAD = "dead"  # the state of such a job


async def counts(session: Session) -> list[tuple[str, str, int]]:
    """How many jobs of each kind are in each state."""
    found = await session.execute(
        select(col(Job.kind), col(Job.state), func.count())
        .group_by(col(Job.kind), col(Job.state))
        .order_by(col(Job.kind), col(Job.state))
    )
    return [(kind, state, count) for kind, state, count in found.all()]


async def count(session: Session, *, but: str) -> int:
    """How many jobs were given up.

    Args:
        but: not counting this kind.
    """
    query = select(func.count()).where(col(Job.state) == DEAD, col(Job.kind) != but)
    return (await session.exec(query)).one()


async def newest(
    session: Session, *, limit: int, kind: str = "", before: int | None = None
) -> Sequence[Job]:
    """Jobs that were given up, those first that were asked for last.

    Args:
        limit: how many at most.
        kind: only those of this kind.
        before: only those with a smaller id.
    """
    query = select(Job).where(col(Job.state) == DEAD)
    if kind:
        query = query.where(col(Job.kind) == kind)
    if before is not None:
        query = query.where(col(Job.id) < before)
    return (await session.exec(query.order_by(col(Job.id).desc()).limit(limit))).all()


async def retry(tx: Transaction, job: int | None = None, *, kind: str = "") -> int:
    """Have jobs tried again, as if they were new.

    Args:
        job: this one alone; all, if None.
        kind: those of this kind alone.

    Returns:
        How many.
    """
    values = {"state": "ready", "due": False, "attempts": 0, "run_at": tx.now}
    result = await tx.execute(_chosen(update(Job), job, kind).values(**values))
    tx.emit(WAKE)
    return int(result.rowcount)  # type: ignore[attr-defined]


async def drop(tx: Transaction, job: int | None = None, *, kind: str = "") -> int:
    """Forget jobs that were given up; the arguments and the answer are those of `retry`."""
    result = await tx.execute(_chosen(delete(Job), job, kind))
    return int(result.rowcount)  # type: ignore[attr-defined]


def _chosen(statement: Any, job: int | None, kind: str) -> Any:
    statement = statement.where(col(Job.state) == DEAD)
    if job is not None:
        statement = statement.where(col(Job.id) == job)
    if kind:
        statement = statement.where(col(Job.kind) == kind)
    return statement
