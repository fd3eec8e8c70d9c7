"""Claiming fairly: of the jobs of one lane at most so many are under way at once.

A lane is what jobs share a fate by, such as the host that deliveries go to. Claiming walks from
lane to lane through an index of what is due, takes a few jobs of each and skips what is full, so
that its cost follows the number of free slots: not the number of jobs that wait, nor how many of
them belong to a host that hangs. What is due only later stands in another index until then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Integer,
    String,
    TextClause,
    TextualSelect,
    bindparam,
    column,
    text,
)

from fedi.database import Session, Transaction
from fedi.database.tables.columns import BigId, UTCDateTime
from fedi.jobs.registry import Claimed

PROMOTED = 500  # jobs whose time has come that one turn makes due at most
POSTPONED = 1000  # jobs of a lane that are put off together with one of them

# The conditions of the partial indexes, and no word about `state`: else the index that starts with
# it may be chosen, and a million rows be sorted. For the same reason SQLite is told which index to
# use, and PostgreSQL, whose knowledge of the table may be old, not to sort (measured: 7 ms for 64
# of a million either way, against 860 ms after an ANALYZE on SQLite, and a minute on PostgreSQL
# before one).
_DUE = "kind = :kind AND due"
_LATER = "kind = :kind AND NOT due"

_CLAIM = f"""
WITH RECURSIVE
busy AS (
    SELECT lane, count(*) AS jobs FROM job {{by_state}}
    WHERE state = 'running' AND kind = :kind GROUP BY lane
),
walk(id, lane, run_at, nth, taken, step) AS (
    SELECT first.id, first.lane, first.run_at,
        1 + coalesce((SELECT jobs FROM busy WHERE busy.lane = first.lane), 0), 1, 1
    FROM (
        SELECT id, lane, run_at FROM job {{by_lane}} WHERE {_DUE} AND lane {{after}} :after
        ORDER BY lane, run_at, id LIMIT 1
    ) AS first
    UNION ALL
    SELECT following.id, following.lane, following.run_at,
        CASE WHEN following.lane = walk.lane THEN walk.nth + 1
        ELSE 1 + coalesce((SELECT jobs FROM busy WHERE busy.lane = following.lane), 0) END,
        CASE WHEN following.lane = walk.lane THEN walk.taken + 1 ELSE 1 END,
        walk.step + 1
    FROM walk JOIN job AS following ON following.id = (
        CASE WHEN walk.nth < :per_lane AND walk.taken < :each THEN (
            SELECT id FROM job {{by_lane}}
            WHERE {_DUE} AND (lane, run_at, id) > (walk.lane, walk.run_at, walk.id)
            ORDER BY lane, run_at, id LIMIT 1
        ) ELSE (
            SELECT id FROM job {{by_lane}} WHERE {_DUE} AND lane > walk.lane
            ORDER BY lane, run_at, id LIMIT 1
        ) END
    )
    WHERE walk.step < :free + (SELECT count(*) FROM busy)
)
UPDATE job
SET state = 'running', due = NULL, runner = :runner, lease_until = :lease_until,
    attempts = attempts + 1
WHERE id IN (
    SELECT id FROM job
    WHERE due IS TRUE
        AND id IN (SELECT id FROM walk WHERE nth <= :per_lane ORDER BY step LIMIT :free)
    {{skip_locked}}
)
RETURNING id, payload, attempts, lane
"""

_PROMOTE = f"""
UPDATE job SET due = true WHERE id IN (
    SELECT id FROM job {{by_time}} WHERE {_LATER} AND run_at <= :now ORDER BY run_at LIMIT :most
    {{skip_locked}}
)
"""

_POSTPONE = f"""
UPDATE job SET due = false, run_at = :until WHERE id IN (
    SELECT id FROM job {{by_lane}} WHERE {_DUE} AND lane = :lane LIMIT :most
    {{skip_locked}}
)
"""

# One of many kinds; what is asked of all of them is one statement.
_FIRST_DUE = """(
    SELECT run_at FROM job {{by_lane}} WHERE kind = :kind{nth} AND due
    ORDER BY lane, run_at, id LIMIT 1
)"""
_FIRST_LATER = """(
    SELECT run_at FROM job {{by_time}} WHERE kind = :kind{nth} AND NOT due{until}
    ORDER BY run_at LIMIT 1
)"""

_MOMENTS = ("now", "lease_until", "until")
_INDEXES = {"by_state": "job_due", "by_lane": "job_lane", "by_time": "job_later"}
_NO_SORTING = text(
    "SELECT set_config('enable_sort', 'off', true), set_config('enable_bitmapscan', 'off', true)"
)


@cache
def _statement(dialect: str, words: str, after: str = "") -> TextClause:
    """The statement, made once; on PostgreSQL what another runner is at is left to it."""
    if dialect == "sqlite":
        hints = {name: f"INDEXED BY {index}" for name, index in _INDEXES.items()}
        statement = text(words.format(skip_locked="", after=after, **hints))
    else:
        hints = dict.fromkeys(_INDEXES, "")
        skip = "FOR UPDATE SKIP LOCKED"
        statement = text(words.format(skip_locked=skip, after=after, **hints))
    moments = [name for name in _MOMENTS if f":{name}" in words]
    return statement.bindparams(*(bindparam(name, type_=UTCDateTime()) for name in moments))


@cache
def _claim(dialect: str, after: str) -> TextualSelect:
    return _statement(dialect, _CLAIM, after).columns(
        column("id", BigId),
        column("payload", JSON),
        column("attempts", Integer),
        column("lane", String),
    )


@cache
def _waiting(dialect: str, kinds: int) -> TextualSelect:
    words = " UNION ALL ".join(
        f"SELECT {nth} AS nth, {_FIRST_DUE.format(nth=nth)} IS NOT NULL AS due, "
        f"{_FIRST_LATER.format(nth=nth, until=' AND run_at <= :now')} IS NOT NULL AS later"
        for nth in range(kinds)
    )
    return _statement(dialect, words).columns(
        column("nth", Integer), column("due", Boolean), column("later", Boolean)
    )


@cache
def _next(dialect: str, kinds: int) -> TextualSelect:
    words = " UNION ALL ".join(
        f"SELECT {_FIRST_LATER.format(nth=nth, until='')} AS run_at" for nth in range(kinds)
    )
    return _statement(dialect, words).columns(column("run_at", UTCDateTime))


def _numbered(kinds: Sequence[str]) -> dict[str, str]:
    return {f"kind{nth}": kind for nth, kind in enumerate(kinds)}


@dataclass(frozen=True, slots=True)
class Waiting:
    """Whether anything of a kind is due, and whether there is something to make due."""

    due: bool = False
    later: bool = False


async def waiting(tx: Transaction, kinds: Sequence[str]) -> dict[str, Waiting]:
    """What there is to claim of these kinds: one statement, however many they are."""
    if not kinds:
        return {}
    if tx.dialect_name != "sqlite":
        await tx.execute_core(_NO_SORTING)  # until this transaction ends
    asked = {"now": tx.now, **_numbered(kinds)}
    rows: Any = await tx.execute_core(_waiting(tx.dialect_name, len(kinds)), asked)
    return {kinds[nth]: Waiting(due, later) for nth, due, later in rows}


@dataclass(slots=True)
class Lanes:
    """The lanes of one kind of job, as one runner goes through them in turn.

    While more is due than fits, one job is taken of each lane: many hosts are served by one
    connection each, not few by several.

    Args:
        kind: the kind.
        per_lane: how many jobs of one lane are under way at most, of all runners together.
    """

    kind: str
    per_lane: int
    more: bool = False  # whether there may be more to claim at once
    _after: str = ""  # the lane that was served last, where others wait behind it
    _crowded: bool = False  # whether more was due than fitted

    async def claim(
        self, tx: Transaction, there: Waiting, free: int, runner: str, lease: timedelta
    ) -> list[Claimed]:
        """Take due jobs, the lanes in turn, in each the oldest first.

        Args:
            there: what is to claim, as `waiting` found it in this transaction.
            free: how many jobs are taken at most.
            runner: who does them.
            lease: for how long they are its.
        """
        promoted = await self._promote(tx) if there.later else 0
        self.more = promoted == PROMOTED
        if not (there.due or promoted):
            self._after, self._crowded = "", False
            return []
        each = 1 if self._crowded else self.per_lane
        claimed = last = await self._walk(tx, free, each, runner, lease)
        if len(claimed) < free and (self._after or self._crowded):
            self._after = ""
            last = await self._walk(tx, free - len(claimed), self.per_lane, runner, lease)
            claimed = claimed + last
        self._crowded = len(claimed) == free
        self._after = max((job.lane for job in last), default="") if self._crowded else ""
        return claimed

    async def _promote(self, tx: Transaction) -> int:
        now = {"now": tx.now, "kind": self.kind, "most": PROMOTED}
        return (await tx.execute_core(_statement(tx.dialect_name, _PROMOTE), now)).rowcount

    async def _walk(
        self, tx: Transaction, free: int, each: int, runner: str, lease: timedelta
    ) -> list[Claimed]:
        how = {
            "lease_until": tx.now + lease,
            "kind": self.kind,
            "after": self._after,
            "per_lane": self.per_lane,
            "each": each,
            "free": free,
            "runner": runner,
        }
        after = ">" if self._after else ">="
        rows: Any = await tx.execute_core(_claim(tx.dialect_name, after), how)
        return [
            Claimed(id, self.kind, payload, attempts, lane, runner)
            for id, payload, attempts, lane in rows
        ]


async def postpone(tx: Transaction, kind: str, lane: str, until: datetime) -> None:
    """Put off what is due in a lane; of very much, the first part: the rest follows it."""
    what = {"until": until, "kind": kind, "lane": lane, "most": POSTPONED}
    await tx.execute(_statement(tx.dialect_name, _POSTPONE), what)


async def next_at(session: Session, kinds: Sequence[str]) -> datetime | None:
    """When the next job of one of these kinds becomes due that is not due yet."""
    if not kinds:
        return None
    found = await session.execute(_next(session.dialect_name, len(kinds)), _numbered(kinds))
    return min((moment for moment in found.scalars() if moment is not None), default=None)
