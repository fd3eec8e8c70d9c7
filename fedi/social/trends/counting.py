"""The `trends` job: what changed is read, and the subjects that it is about are counted anew.

What happened stands in `trend_change`, by triggers, in the transaction in which it happened. The
job follows a moment later, so that a post about which many do something at once is counted once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import and_, bindparam, case, delete, func, select

from fedi.database import Session, Transaction
from fedi.database.insertion import insert_into, insert_new, table_of
from fedi.database.tables import Account, Trend, TrendChange, TrendSignal
from fedi.jobs import Claimed, chore, enqueue, handles
from fedi.runtime import Easel
from fedi.social.trends import formula, signals, subjects
from fedi.social.trends.formula import Crowd

TRENDS = "trends"
SETTLE = timedelta(seconds=15)  # from the first change to the job: who looks sees no difference
BATCH = 200  # changes that are looked at together
MAX_SOURCES = 500  # subjects that are counted anew when somebody is silenced, the latest
PRUNED = 5000  # signals that are let go of together
ATTEMPTS = 1000  # a job that lay dead would be the last

_CHANGE, _SIGNAL, _TREND = table_of(TrendChange), table_of(TrendSignal), table_of(Trend)
_ANY = select(_CHANGE.c.id).limit(1)
_NEXT = select(_CHANGE).order_by(_CHANGE.c.id).limit(BATCH)
_FORGET = delete(_SIGNAL).where(
    _SIGNAL.c.account_id == bindparam("who"), _SIGNAL.c.source_id == bindparam("source")
)

Subject = tuple[str, int]


# When this process asked for the job: until that time is over, asking again changes nothing.
_asked: WeakKeyDictionary[Easel, datetime] = WeakKeyDictionary()


@chore
async def ask(easel: Easel, tx: Transaction, ending: bool) -> None:
    """Ask for the job when something has changed."""
    before = _asked.get(easel)
    if ending or (before is not None and timedelta() <= tx.now - before < SETTLE):
        return
    if (await tx.execute_core(_ANY, {})).first() is not None:
        _asked[easel] = tx.now
        await enqueue(tx, TRENDS, {}, delay=SETTLE, unique_key=TRENDS)


@handles(TRENDS, attempts=ATTEMPTS, at_once=1)
async def follow(easel: Easel, job: Claimed) -> None:
    """Bring the trends up to date, in short transactions."""
    while await update(easel):
        pass
    while await prune(easel):
        pass
    async with easel.database.write() as tx:
        await job.finish(tx)
    _asked.pop(easel, None)  # what changed while it ran asks for the next one


async def update(easel: Easel) -> bool:
    """Count what the next changes are about.

    Returns:
        Whether there may be more of them.
    """
    async with easel.database.read() as session:
        rows = (await session.execute(_NEXT)).all()
        pairs = {(row.status_id, row.account_id) for row in rows if row.status_id}
        read = await signals.read(session, pairs)
        touched = await _touched(session, pairs)
        touched |= await _of_people(session, {r.account_id for r in rows if not r.status_id})
    if not rows:
        return False
    touched |= {(signal.kind, signal.subject_id) for signal in read.signals}
    async with easel.database.write() as tx:
        await tx.execute_core(delete(_CHANGE).where(_CHANGE.c.id.in_([row.id for row in rows])))
        if pairs:
            forgotten = [{"who": who, "source": source} for source, who in pairs]
            await tx.execute_core(_FORGET, forgotten)
        if read.signals:
            await insert_new(tx, TrendSignal, [signal.row for signal in read.signals])
        await count(tx, touched, read.words)
    return len(rows) == BATCH


async def prune(easel: Easel) -> bool:
    """Let go of what is too old to be told of.

    Returns:
        Whether there may be more of it.
    """
    async with easel.database.read() as session:
        floor = _floor(session)
        query = select(_SIGNAL.c.hour).where(_SIGNAL.c.hour <= floor).order_by(_SIGNAL.c.hour)
        old = (await session.execute(query.limit(PRUNED))).scalars().all()
        stale = (
            await session.execute(select(_TREND.c.last).where(_TREND.c.last <= floor).limit(1))
        ).first()
    if not old and stale is None:
        return False
    async with easel.database.write() as tx:
        await tx.execute_core(delete(_TREND).where(_TREND.c.last <= floor))
        if old:
            await tx.execute_core(delete(_SIGNAL).where(_SIGNAL.c.hour <= old[-1]))
    return len(old) == PRUNED


async def count(tx: Transaction, touched: Iterable[Subject], words: dict[Subject, str]) -> None:
    """Count some subjects anew from their signals.

    Args:
        words: of the links and prompts among them that are new.
    """
    by_kind: defaultdict[str, list[int]] = defaultdict(list)
    for kind, subject_id in touched:
        by_kind[kind].append(subject_id)
    for kind, numbers in by_kind.items():
        crowds: defaultdict[int, list[Crowd]] = defaultdict(list)
        about = {"kind": kind, "numbers": numbers, "floor": _floor(tx)}
        for row in (await tx.execute(_crowds(), about)).all():
            crowds[row.subject_id].append(
                Crowd(
                    row.server,
                    easy=not row.established,
                    hour=row.hour,
                    weight=float(row.weight),
                    people=row.people,
                    began=row.began,
                )
            )
        rows = []
        for subject_id in numbers:
            found = formula.standing(crowds[subject_id])
            if found is not None:
                known = words.get((kind, subject_id), "")
                named = {"kind": kind, "subject_id": subject_id, "words": known}
                rows.append(named | asdict(found))
        gone = [number for number in numbers if not crowds[number]]
        if gone:
            this = and_(_TREND.c.kind == kind, _TREND.c.subject_id.in_(gone))
            await tx.execute_core(delete(_TREND).where(this))
        if rows:
            await tx.execute_core(_keep(tx), rows)


def _keep(tx: Transaction) -> Any:
    insert = insert_into(tx, Trend)
    changed = ("rank", "voices", "people", "servers", "began", "last")
    return insert.on_conflict_do_update(
        index_elements=["kind", "subject_id"],
        set_={name: insert.excluded[name] for name in changed},
    )


@cache
def _crowds() -> Any:
    """Each person once; then how many of a server last did something in which hour."""
    account = table_of(Account)
    person = (
        select(
            _SIGNAL.c.subject_id,
            _SIGNAL.c.account_id,
            func.min(_SIGNAL.c.server).label("server"),
            func.max(_SIGNAL.c.weight).label("weight"),
            # Who is established in one of their acts is so in all.
            func.max(case((_SIGNAL.c.easy, 0), else_=1)).label("established"),
            func.max(_SIGNAL.c.hour).label("hour"),
            func.min(_SIGNAL.c.hour).label("began"),
        )
        .join(account, account.c.id == _SIGNAL.c.account_id)
        .where(
            _SIGNAL.c.kind == bindparam("kind"),
            _SIGNAL.c.subject_id.in_(bindparam("numbers", expanding=True)),
            _SIGNAL.c.hour > bindparam("floor"),
            *subjects.heard(),
        )
        .group_by(_SIGNAL.c.subject_id, _SIGNAL.c.account_id)
        .subquery()
    )
    groups = (person.c.subject_id, person.c.server, person.c.established, person.c.hour)
    return select(
        *groups,
        func.sum(person.c.weight).label("weight"),
        func.count().label("people"),
        func.min(person.c.began).label("began"),
    ).group_by(*groups)


async def _touched(session: Session, pairs: Collection[signals.Pair]) -> set[Subject]:
    """What these people were counted for, because of these posts."""
    if not pairs:
        return set()
    query = select(
        _SIGNAL.c.kind, _SIGNAL.c.subject_id, _SIGNAL.c.source_id, _SIGNAL.c.account_id
    ).where(
        _SIGNAL.c.account_id.in_({who for _, who in pairs}),
        _SIGNAL.c.source_id.in_({source for source, _ in pairs}),
    )
    rows = (await session.execute(query)).all()
    return {(r.kind, r.subject_id) for r in rows if (r.source_id, r.account_id) in pairs}


async def _of_people(session: Session, people: Collection[int]) -> set[Subject]:
    """All that some people are counted for."""
    found: set[Subject] = set()
    for account_id in people:
        query = (
            select(_SIGNAL.c.kind, _SIGNAL.c.subject_id)
            .where(_SIGNAL.c.account_id == account_id)
            .order_by(_SIGNAL.c.source_id.desc())
            .limit(MAX_SOURCES)
        )
        found |= {(row.kind, row.subject_id) for row in (await session.execute(query)).all()}
    return found


def _floor(session: Session) -> int:
    return formula.hour_of(session.now - formula.KEPT)
