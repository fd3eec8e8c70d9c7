"""Which function does which kind of job, how often it is tried, and how many run at once."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, delete

from fedi.database import Transaction
from fedi.database.insertion import table_of
from fedi.database.tables import Job
from fedi.runtime import Easel

_JOB = table_of(Job)
FINISH = delete(_JOB).where(_JOB.c.id == bindparam("job"), _JOB.c.runner == bindparam("by"))


@dataclass(frozen=True)
class Backoff:
    """How long to wait after the n-th failure: growing, and never all at the same moment.

    Args:
        first: the wait after the first failure.
        factor: how much longer each further one is.
        most: the longest wait.
        jitter: up to this share is added at random; a wait is never shorter than planned.
    """

    first: timedelta = timedelta(seconds=15)
    factor: float = 3.0
    most: timedelta = timedelta(hours=6)
    jitter: float = 0.25

    def wait(self, failures: int) -> timedelta:
        planned = min(self.most, self.first * self.factor ** min(failures - 1, 64))
        return planned * (1 + random.random() * self.jitter)


MAX_ASKED = timedelta(days=1)  # that a job waits because another server says so


class Retry(Exception):
    """Try this job again, after its usual wait or after `after`; and never before `asked`, which is
    in seconds (a Retry-After), as far as anybody may ask for."""

    def __init__(
        self, reason: str, after: timedelta | None = None, *, asked: float | None = None
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.after = after
        self.asked = min(timedelta(seconds=asked or 0), MAX_ASKED)


class Postpone(Exception):
    """This job, and what is due of its lane, is not to be tried before `until`: no attempt is
    used up."""

    def __init__(self, reason: str, until: datetime) -> None:
        super().__init__(reason)
        self.reason = reason
        self.until = until


class GiveUp(Exception):
    """This job can never succeed: keep it as a dead letter, with the reason."""


@dataclass
class Claimed:
    """A job that this process is doing."""

    id: int
    kind: str
    payload: dict[str, Any]
    attempts: int  # this one included
    lane: str
    runner: str
    finished: bool = field(default=False, init=False)

    async def finish(self, tx: Transaction) -> None:
        """Complete the job in the handler's own transaction: its effects and its end are one."""
        await tx.execute_core(FINISH, {"job": self.id, "by": self.runner})
        self.finished = True


async def finish_all(tx: Transaction, jobs: Sequence[Claimed]) -> None:
    """Complete many jobs together; see `Claimed.finish`."""
    await tx.execute_core(FINISH, [{"job": job.id, "by": job.runner} for job in jobs])
    for job in jobs:
        job.finished = True


Handler = Callable[[Easel, Claimed], Awaitable[None]]


@dataclass(frozen=True)
class Kind:
    name: str
    handler: Handler
    attempts: int
    at_once: int | Callable[[Easel], int]
    backoff: Backoff
    per_lane: int | None = None

    def slots(self, easel: Easel) -> int:
        return self.at_once(easel) if callable(self.at_once) else self.at_once


KINDS: dict[str, Kind] = {}


def handles(
    kind: str,
    *,
    attempts: int = 10,
    at_once: int | Callable[[Easel], int] = 4,
    backoff: Backoff | None = None,
    per_lane: int | None = None,
) -> Callable[[Handler], Handler]:
    """Register a function for a kind of job.

    Args:
        kind: the name used with `enqueue`.
        attempts: after so many failures the job is kept as a dead letter.
        at_once: how many of this kind run at the same time in one process.
        backoff: the waits between the attempts.
        per_lane: how many of one lane run at the same time in all processes together; the lanes
            are served in turn. Without it there are no lanes: the oldest job is done first.

    Raises:
        ValueError: something else does that kind already.
    """

    def register(handler: Handler) -> Handler:
        if kind in KINDS:
            raise ValueError(f"Two functions for one kind of job: {kind}.")
        KINDS[kind] = Kind(kind, handler, attempts, at_once, backoff or Backoff(), per_lane)
        return handler

    return register


Chore = Callable[[Easel, Transaction, bool], Awaitable[None]]
"""`await chore(easel, tx, ending)`: `ending` says that the runner is about to stop."""

CHORES: list[Chore] = []


def chore(work: Chore) -> Chore:
    """Register what every turn of a runner looks after in its own transaction: what is worth
    keeping, and not worth a commit of its own. It must cost nothing where nothing is to do."""
    CHORES.append(work)
    return work
