"""How other servers are doing, for those who run this one: which of them something waits for, which
are in trouble and why, and trying them again."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import case, func, or_, update
from sqlalchemy import select as select_core
from sqlmodel import col, select

from fedi.database import Session, Transaction
from fedi.database.tables import Account, Job, PeerHost
from fedi.federation import written_hosts
from fedi.jobs.queue import WAKE

State = Literal["new", "well", "failing", "alone", "rested"]
REASONS = 5  # of the deliveries to one host that were given up

_DELIVERIES: Any = (
    select_core(
        col(Job.lane).label("host"),
        func.sum(case((col(Job.state) == "dead", 0), else_=1)).label("waiting"),
        func.sum(case((col(Job.state) == "dead", 1), else_=0)).label("dead"),
    )
    .where(col(Job.kind) == "deliver")
    .group_by(col(Job.lane))
)
_IN_TROUBLE = or_(
    col(PeerHost.failing_since).is_not(None),
    col(PeerHost.open_until).is_not(None),
    col(PeerHost.rested_at).is_not(None),
)


@dataclass(frozen=True, slots=True)
class Health:
    """How a host is doing.

    Attributes:
        row: what is written down of it; None: nothing yet.
        waiting: deliveries to it that are still to be made.
        dead: deliveries to it that were given up.
    """

    host: str
    row: PeerHost | None
    waiting: int
    dead: int

    @property
    def state(self) -> State:
        """`alone` is left alone for a while, `rested` until it speaks to us."""
        if self.row is None:
            return "new"
        if self.row.rested_at is not None:
            return "rested"
        if self.row.open_until is not None:
            return "alone"
        return "failing" if self.row.failing_since is not None else "well"

    @property
    def alone_until(self) -> datetime | None:
        return None if self.row is None else self.row.open_until


@dataclass(frozen=True, slots=True)
class Known:
    """All that is known of one host.

    Attributes:
        people: how many of its accounts we know.
        reasons: why the last deliveries to it were given up.
    """

    health: Health
    people: int
    reasons: list[str] = field(default_factory=list)


async def listed(session: Session, *, limit: int) -> tuple[list[Health], int]:
    """The hosts that are in trouble, then those that something waits for; in each part those first
    for which the most waits.

    Returns:
        At most `limit` of them, and how many there are in all.
    """
    counted = _DELIVERIES.subquery()
    waiting = func.coalesce(counted.c.waiting, 0)
    dead = func.coalesce(counted.c.dead, 0)
    order = (waiting.desc(), func.coalesce(counted.c.host, col(PeerHost.host)))
    troubled = (
        select_core(PeerHost, waiting, dead)
        .outerjoin(counted, counted.c.host == col(PeerHost.host))
        .where(_IN_TROUBLE)
        .order_by(*order)
    )
    others = (
        select_core(PeerHost, waiting, dead, counted.c.host)
        .select_from(counted)
        .outerjoin(PeerHost, counted.c.host == col(PeerHost.host))
        .where(or_(col(PeerHost.host).is_(None), ~_IN_TROUBLE))
        .order_by(*order)
    )
    total = sum([await _count(session, query) for query in (troubled, others)])
    rows: Any = await session.execute(troubled.limit(limit))
    found = [Health(row.host, row, int(w), int(d)) for row, w, d in rows.all()]
    rows = await session.execute(others.limit(limit - len(found)))
    found += [Health(host, row, int(w), int(d)) for row, w, d, host in rows.all()]
    return found, total


async def _count(session: Session, query: Any) -> int:
    counted = query.with_only_columns(func.count(), maintain_column_froms=True).order_by(None)
    return int((await session.execute(counted)).scalar_one())


async def find(session: Session, host: str) -> Known | None:
    """All that is known of a host; None: nothing."""
    row = await session.get(PeerHost, host)
    counts = (await session.execute(_DELIVERIES.where(col(Job.lane) == host))).first()
    query = select(func.count()).select_from(Account).where(col(Account.domain) == host)
    people = (await session.exec(query)).one()
    if row is None and counts is None and not people:
        return None
    dead = await session.exec(
        select(Job.error)
        .where(Job.kind == "deliver", Job.lane == host, Job.state == "dead")
        .order_by(col(Job.run_at).desc())
        .limit(REASONS)
    )
    _, waiting, given_up = counts if counts is not None else (host, 0, 0)
    return Known(Health(host, row, int(waiting), int(given_up)), people, list(dead.all()))


async def retry(tx: Transaction, host: str) -> int | None:
    """Try all that waits for a host, or was given up, again and at once.

    Returns:
        How many deliveries; None if nothing is known of it, and nothing waits.
    """
    known = await written_hosts.retry(tx, host)
    result = await tx.execute(
        update(Job)
        .where(col(Job.kind) == "deliver", col(Job.lane) == host, col(Job.state) != "running")
        .values(
            state="ready",
            due=False,
            run_at=tx.now,
            attempts=case((col(Job.state) == "dead", 0), else_=col(Job.attempts)),
        )
    )
    count = int(result.rowcount)  # type: ignore[attr-defined]
    tx.emit(WAKE)
    return count if known or count else None
