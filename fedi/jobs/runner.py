"""Doing the work: claimed in batches, leased, retried, never lost.

One turn is one transaction: it completes what ended since the last turn and claims what is due,
so the number of commits does not grow with the number of jobs. Claiming costs the same however
many jobs wait: a few seeks in an index. A runner that dies leaves leases
behind; on SQLite (one process) the next start takes them back at once, on PostgreSQL another
runner does when they end.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    Integer,
    bindparam,
    delete,
    exists,
    func,
    literal,
    select,
    union_all,
    update,
)
from sqlmodel import col

from fedi import logs
from fedi.database import Session, Transaction
from fedi.database.among import among
from fedi.database.insertion import table_of
from fedi.database.tables import Job
from fedi.jobs import lanes
from fedi.jobs.lanes import Lanes
from fedi.jobs.registry import CHORES, KINDS, Claimed, GiveUp, Kind, Postpone, Retry
from fedi.runtime import Easel

LEASE = timedelta(minutes=5)
RENEW_EVERY = timedelta(minutes=1)
POLL_S = 15.0  # the longest sleep: another process may have enqueued while we were deaf
# Between two turns while there is work: what ended meanwhile is completed together.
TURN_S = 0.05
TURN_JOBS = 32  # or earlier, when so many have ended
SQLITE_POLL_S = 1.0  # nobody notifies between processes there: a command line may have enqueued
CLAIM_BATCH = 200  # claimed in one turn at most, of one kind
MAX_ERROR_LENGTH = 2000

_JOB = table_of(Job)
_END = delete(_JOB).where(among(_JOB.c.id, "ids"))
_CLAIM = (
    update(_JOB)
    .where(
        _JOB.c.id.in_(
            select(_JOB.c.id)
            .where(
                _JOB.c.kind == bindparam("which"),
                _JOB.c.state == "ready",
                _JOB.c.run_at <= bindparam("now", type_=_JOB.c.run_at.type),
            )
            .order_by(_JOB.c.run_at, _JOB.c.id)
            .limit(bindparam("most", type_=Integer))
            .with_for_update(skip_locked=True)
            .scalar_subquery()
        )
    )
    .values(
        state="running",
        due=None,
        runner=bindparam("by"),
        lease_until=bindparam("until", type_=_JOB.c.lease_until.type),
        attempts=_JOB.c.attempts + 1,
    )
    .returning(_JOB.c.id, _JOB.c.payload, _JOB.c.attempts, _JOB.c.lane)
)

log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class _Failure:
    job: Claimed
    reason: str
    run_at: datetime | None  # None: dead
    tried: bool = True  # else its lane is put off with it


class Runner:
    """Does the jobs of one process.

    Args:
        easel: the instance that the handlers work for.
    """

    def __init__(self, easel: Easel) -> None:
        self.easel = easel
        self.name = secrets.token_hex(8)
        self._running: dict[asyncio.Task[None], Claimed] = {}
        self._done: list[int] = []
        self._failed: list[_Failure] = []
        self._wake = asyncio.Event()
        self._many = asyncio.Event()
        self._stopping = False
        self._renewed_at = self._looked_at = easel.clock.now()
        self._lanes: dict[str, Lanes] = {}

    async def recover(self) -> int:
        """Take back what a dead runner left: all of it on SQLite, expired leases elsewhere."""
        async with self.easel.database.write() as tx:
            orphaned = update(Job).where(col(Job.state) == "running")
            if not self.easel.database.sqlite:
                orphaned = orphaned.where(col(Job.lease_until) < tx.now)
            result: Any = await tx.execute(
                orphaned.values(state="ready", due=False, runner=None, lease_until=None)
            )
        return int(result.rowcount)

    async def run_once(self) -> int:
        """Do everything that is due now, and what comes of it, to the end.

        Returns:
            How many jobs ran.
        """
        ran = 0
        while True:
            idle = not self._running
            ran += await self._turn()
            if not self._running:
                # What ended in this turn may have asked for more after the turn had looked.
                if not idle or self._done or self._failed or self._more():
                    continue
                return ran
            await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)

    async def run_forever(self) -> None:
        """Do jobs as they come due, until `stop`."""
        taken = await self.recover()
        if taken:
            log.info("jobs_recovered", count=taken)
        with self.easel.events.listen(["jobs"]) as heard:
            ears = asyncio.create_task(self._hear(heard), name="job wake-up")
            try:
                while not self._stopping:
                    self._wake.clear()
                    self._many.clear()
                    try:
                        claimed = await self._turn()
                        pause = 0.0 if claimed else await self._pause()
                    except Exception:
                        log.exception("job_runner_failed")
                        pause = 1.0
                    if pause:
                        with contextlib.suppress(TimeoutError):
                            async with asyncio.timeout(pause):
                                await self._wake.wait()
                    else:
                        with contextlib.suppress(TimeoutError):
                            async with asyncio.timeout(TURN_S):
                                await self._many.wait()
            finally:
                ears.cancel()
                await self._settle()

    def stop(self) -> None:
        """Claim nothing more; `run_forever` ends when what runs has ended."""
        self._stopping = True
        self._wake.set()
        self._many.set()

    async def _hear(self, heard: Any) -> None:
        async for _ in heard:
            self._wake.set()

    async def _settle(self) -> None:
        """Give running handlers a moment; the rest goes back to the queue for the next start."""
        if self._running:
            await asyncio.wait(self._running, timeout=5)
        cut = [job.id for job in self._running.values()]
        for task in list(self._running):
            task.cancel()
        async with self.easel.database.write() as tx:
            await self._complete(tx)
            for work in CHORES:
                await work(self.easel, tx, True)
            if cut:
                await tx.execute(
                    update(Job)
                    .where(col(Job.id).in_(cut), col(Job.runner) == self.name)
                    .values(state="ready", due=False, runner=None, lease_until=None)
                )

    async def _turn(self) -> int:
        free = self._free_slots()
        if not (free or self._done or self._failed):
            return 0
        async with self.easel.database.write() as tx:
            await self._complete(tx)
            await self._renew(tx)
            for work in CHORES:
                await work(self.easel, tx, False)
            claimed = [] if self._stopping else await self._claim(tx, free)
        for job in claimed:
            task = asyncio.create_task(self._run(job), name=f"job {job.kind} {job.id}")
            self._running[task] = job
            task.add_done_callback(self._ended)
        return len(claimed)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.pop(task, None)
        self._wake.set()
        if len(self._done) + len(self._failed) >= TURN_JOBS:
            self._many.set()

    def _free_slots(self) -> dict[str, int]:
        busy: dict[str, int] = {}
        for job in self._running.values():
            busy[job.kind] = busy.get(job.kind, 0) + 1
        slots = {name: kind.slots(self.easel) - busy.get(name, 0) for name, kind in KINDS.items()}
        return {name: count for name, count in slots.items() if count > 0}

    async def _claim(self, tx: Transaction, free: dict[str, int]) -> list[Claimed]:
        now = self._looked_at = tx.now
        plain, in_lanes = _apart(free)
        claimed: list[Claimed] = []
        for kind, there in (await lanes.waiting(tx, in_lanes)).items():
            own = self._lanes.setdefault(kind, Lanes(kind, KINDS[kind].per_lane or 1))
            most = min(free[kind], CLAIM_BATCH)
            claimed += await own.claim(tx, there, most, self.name, LEASE)
        due = (await tx.execute_core(_due(plain), {"now": now})).scalars().all() if plain else []
        for kind in due:
            how = {
                "which": kind,
                "now": now,
                "most": min(free[kind], CLAIM_BATCH),
                "by": self.name,
                "until": now + LEASE,
            }
            rows: Any = await tx.execute_core(_CLAIM, how)
            claimed += [
                Claimed(id, kind, payload, attempts, lane, self.name)
                for id, payload, attempts, lane in rows
            ]
        claimed.sort(key=lambda job: job.id)
        return claimed

    def _more(self) -> bool:
        """Whether the last turn left something that the next may find."""
        return any(own.more for own in self._lanes.values())

    async def _run(self, job: Claimed) -> None:
        kind = KINDS[job.kind]
        try:
            await kind.handler(self.easel, job)
        except GiveUp as refusal:
            self._failed.append(_Failure(job, str(refusal), None))
        except Postpone as wait:
            self._failed.append(_Failure(job, wait.reason, wait.until, tried=False))
        except Retry as retry:
            self._fail(kind, job, retry.reason, retry.after, retry.asked)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            log.exception("job_failed", kind=job.kind, job=job.id, attempt=job.attempts)
            self._fail(kind, job, f"{type(error).__name__}: {error}", None)
        else:
            if not job.finished:
                self._done.append(job.id)

    def _fail(
        self,
        kind: Kind,
        job: Claimed,
        reason: str,
        after: timedelta | None,
        asked: timedelta = timedelta(),
    ) -> None:
        if job.attempts >= kind.attempts:
            log.warning("job_dead", kind=job.kind, job=job.id, reason=reason)
            self._failed.append(_Failure(job, reason, None))
        else:
            wait = kind.backoff.wait(job.attempts)
            if after is not None:
                wait = max(after, timedelta(seconds=1))
            wait = max(wait, asked)
            self._failed.append(_Failure(job, reason, self.easel.clock.now() + wait))

    async def _complete(self, tx: Transaction) -> None:
        done, self._done = self._done, []
        failed, self._failed = self._failed, []
        try:
            for start in range(0, len(done), CLAIM_BATCH):
                await tx.execute_core(_END, {"ids": done[start : start + CLAIM_BATCH]})
            for failure in failed:
                await tx.execute(
                    update(Job)
                    .where(col(Job.id) == failure.job.id, col(Job.runner) == self.name)
                    .values(
                        state="dead" if failure.run_at is None else "ready",
                        run_at=failure.run_at or tx.now,
                        due=None if failure.run_at is None else False,
                        attempts=col(Job.attempts) if failure.tried else col(Job.attempts) - 1,
                        runner=None,
                        lease_until=None,
                        error=failure.reason[:MAX_ERROR_LENGTH],
                    )
                )
            put_off = {
                (failure.job.kind, failure.job.lane): failure.run_at
                for failure in failed
                if not failure.tried and failure.run_at is not None
            }
            for (kind, lane), until in put_off.items():
                await lanes.postpone(tx, kind, lane, until)
        except BaseException:
            self._done += done
            self._failed += failed
            raise

    async def _renew(self, tx: Transaction) -> None:
        if tx.now - self._renewed_at < RENEW_EVERY:
            return
        self._renewed_at = tx.now
        if self._running:
            await tx.execute(
                update(Job)
                .where(col(Job.runner) == self.name, col(Job.state) == "running")
                .values(lease_until=tx.now + LEASE)
            )
        if not self.easel.database.sqlite:
            await tx.execute(
                update(Job)
                .where(col(Job.state) == "running", col(Job.lease_until) < tx.now)
                .values(state="ready", due=False, runner=None, lease_until=None)
            )

    async def _pause(self) -> float:
        """How many seconds until the next job is due, as far as this process can know."""
        if self._done or self._failed:
            return 0.0
        if self._more():
            return 0.0
        async with self.easel.database.read() as session:
            next_at = await self._next_at(session)
        longest = SQLITE_POLL_S if self.easel.database.sqlite else POLL_S
        if next_at is None:
            return longest
        wait = (next_at - self.easel.clock.now()).total_seconds()
        return min(longest, max(0.0, wait))

    async def _next_at(self, session: Session) -> datetime | None:
        """When the next job becomes due; what was due at the last look, and was not taken, waits
        for a slot or is another runner's."""
        plain, in_lanes = _apart(self._free_slots())
        times = [await lanes.next_at(session, in_lanes)]
        if plain:
            found = await session.execute(_later(plain), {"after": self._looked_at})
            times += found.scalars().all()
        return min((time for time in times if time is not None), default=None)


def _apart(kinds: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The kinds without lanes, and those with."""
    plain = tuple(kind for kind in kinds if KINDS[kind].per_lane is None)
    return plain, tuple(kind for kind in kinds if KINDS[kind].per_lane is not None)


@cache
def _due(kinds: tuple[str, ...]) -> Any:
    """Which of these kinds something is due of, made once: a seek in an index for each."""
    job = table_of(Job).c
    now = bindparam("now", type_=job.run_at.type)
    return union_all(
        *(
            select(literal(kind)).where(
                exists().where(job.state == "ready", job.kind == kind, job.run_at <= now)
            )
            for kind in kinds
        )
    )


@cache
def _later(kinds: tuple[str, ...]) -> Any:
    """When the first job of each of these kinds becomes due after a moment, made once."""
    job = table_of(Job).c
    after = bindparam("after", type_=job.run_at.type)
    return union_all(
        *(
            select(func.min(job.run_at)).where(
                job.state == "ready", job.kind == kind, job.run_at > after
            )
            for kind in kinds
        )
    )
