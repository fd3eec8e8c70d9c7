"""Putting work into the queue: in the caller's transaction, so that it exists exactly when its
cause does."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from fedi.database import Transaction
from fedi.database.insertion import insert_new
from fedi.database.tables import Job
from fedi.events import Event

WAKE = Event("jobs", "enqueued")


@dataclass(frozen=True, slots=True)
class NewJob:
    """One job to enqueue; see `enqueue` for the fields."""

    payload: dict[str, Any]
    lane: str = ""
    unique_key: str | None = None
    delay: timedelta = field(default=timedelta())


async def enqueue(
    tx: Transaction,
    kind: str,
    payload: dict[str, Any],
    *,
    delay: timedelta = timedelta(),
    lane: str = "",
    unique_key: str | None = None,
) -> None:
    """Ask for a job.

    Args:
        tx: the transaction of the change that asks for it.
        kind: the name under which its function is registered (`jobs.handles`).
        payload: JSON-able arguments; ids, not rows.
        delay: how long to wait at least.
        lane: jobs of one lane share a fate, such as deliveries to one host.
        unique_key: while a job with this key waits, runs or lies dead, asking again does nothing.
    """
    await enqueue_many(tx, kind, [NewJob(payload, lane, unique_key, delay)])


async def enqueue_many(tx: Transaction, kind: str, jobs: Iterable[NewJob]) -> None:
    """Ask for many jobs of one kind, in few statements."""
    now = tx.now
    rows = [
        {
            "id": tx.new_id(),
            "kind": kind,
            "payload": job.payload,
            "state": "ready",
            "lane": job.lane,
            "unique_key": job.unique_key,
            "run_at": now + job.delay,
            "due": job.delay <= timedelta(),
            "attempts": 0,
            "error": "",
            "created_at": now,
        }
        for job in jobs
    ]
    if not rows:
        return
    await insert_new(tx, Job, rows[0] if len(rows) == 1 else rows)
    if WAKE not in tx.events:
        tx.emit(WAKE)
