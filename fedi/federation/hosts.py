"""How other servers are doing, and when to leave them alone.

Each process knows it in memory, of a bounded number of hosts, and writes it down in batches with
what it commits anyway: never a write per delivery. What is lost with a process is a few seconds
of it, and costs a few deliveries that are tried in vain.

A host that fails several times in a row is left alone for a time that grows, until one delivery,
sent ahead of the others, gets through. One that has failed for a week is rested: nothing is sent
to it any more until it speaks to us.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from weakref import WeakKeyDictionary

from sqlalchemy import ColumnElement, func, or_
from sqlalchemy.event import listen
from sqlmodel import col, select

from fedi import logs
from fedi.database import Transaction
from fedi.database.insertion import insert_into
from fedi.database.marks import Watch, change
from fedi.database.tables import PeerHost
from fedi.federation import written_hosts
from fedi.jobs import Backoff, Postpone, Retry, chore
from fedi.runtime import Easel

FAILURES = 5  # in a row, until a host is left alone (Fedify 2.3 has five, Mastodon 4.6 ten)
ALONE = Backoff(first=timedelta(minutes=1), factor=2, most=timedelta(hours=6), jitter=0.1)
PROBE = timedelta(minutes=1)  # how long the others wait for the one that is sent ahead
REST_AFTER = timedelta(days=7)  # of nothing but failures, as Mastodon 4.6

ANSWERS_FOR = timedelta(days=1)  # who took a delivery so lately is believed to take the next
HANGS_S = 1.0  # who takes longer, and then does not answer, holds up others
HANGING_FOR = timedelta(minutes=1)  # after the last of them some slots are kept for who answers
KEPT_FREE = 0.5  # of the slots
PUT_OFF = Backoff(first=timedelta(seconds=10), jitter=1.0)

KEPT = 10_000  # hosts in memory; a name costs nothing where DNS has wildcards (CVE-2026-69132)
SAVE_EVERY = timedelta(seconds=10)
PRUNE_EVERY = 512  # one save in so many clears away what is older
CAP_EVERY = 1_000  # rows written by a process between two looks at how many there are
MAX_ERROR = 300  # characters

_STATE = ("failures", "failing_since", "open_until", "rested_at", "error")
_MOMENTS = ("seen_at", "delivered_at", "failed_at")  # of those that are known, the last

log = logs.get(__name__)


@dataclass(slots=True)
class Health:
    """What this process knows of a host; see `PeerHost`."""

    seen_at: datetime | None = None
    delivered_at: datetime | None = None
    failed_at: datetime | None = None
    failing_since: datetime | None = None
    failures: int = 0
    open_until: datetime | None = None
    rested_at: datetime | None = None
    error: str = ""
    probe_until: datetime | None = None  # one delivery is under way to see whether it is back

    @property
    def well(self) -> bool:
        return self.failing_since is None and self.open_until is None and self.rested_at is None

    def recover(self) -> None:
        self.failures, self.error = 0, ""
        self.failing_since = self.open_until = self.rested_at = self.probe_until = None


class Hosts:
    """The hosts that one process has to do with. Get it by `await hosts.of(easel)`."""

    def __init__(self, easel: Easel) -> None:
        self._clock = easel.clock
        self._database = easel.database
        self._watch = Watch(easel.database, written_hosts.TOPIC)
        self._kept: OrderedDict[str, Health] = OrderedDict()
        self._unsaved: dict[str, tuple[bool, int]] = {}  # whether others must know; which note
        self._notes = itertools.count()
        self._noted: set[str] = set()
        self._refreshing = asyncio.Lock()
        self._saved_at = easel.clock.now()
        self._revived = False  # whether a host rests no more, and that is not written down yet
        self._uncounted = CAP_EVERY
        self._hung_at: datetime | None = None  # any of them
        self._doubted = 0  # deliveries under way to hosts that may hang

    def __len__(self) -> int:
        return len(self._kept)

    async def refresh(self) -> None:
        """Read who is unwell, if that was changed elsewhere."""
        async with self._refreshing:
            if not await self._watch.changed():
                return
            self._noted = set(self._unsaved)
            async with self._database.read() as session:
                rows = await session.exec(
                    select(PeerHost)
                    .where(or_(col(PeerHost.failing_since).is_not(None), _held()))
                    .order_by(col(PeerHost.failed_at).desc())
                    .limit(KEPT)
                )
                unwell = {row.host: row for row in rows.all()}
            # What was learned since the reading began is newer than what was read.
            for host, health in self._kept.items():
                if host not in unwell and host not in self._noted:
                    health.recover()
            for host, row in unwell.items():
                if host not in self._noted:
                    health = self._of(host)
                    for name in _STATE:
                        setattr(health, name, getattr(row, name))

    def is_rested(self, host: str) -> bool:
        """Whether nothing is sent to this host any more."""
        known = self._kept.get(host)
        return known is not None and known.rested_at is not None

    def wait(self, host: str) -> datetime | None:
        """Until when a delivery to this host must wait; None: try it.

        Of those that come when its time of being left alone is over, the first is told to try,
        and the others to wait for what becomes of it.
        """
        health = self._kept.get(host)
        if health is None or health.well:
            return None
        now = self._clock.now()
        if health.open_until is not None and now < health.open_until:
            return health.open_until
        if health.failures < FAILURES:
            return None
        if health.probe_until is not None and now < health.probe_until:
            return health.probe_until
        health.probe_until = now + PROBE
        return None

    @contextmanager
    def slot(self, host: str, slots: int) -> Iterator[None]:
        """Around one delivery: while some hosts hang, those of which nobody knows whether they
        answer do not get all the slots.

        Args:
            host: where it goes.
            slots: how many deliveries are under way at once.

        Raises:
            Postpone: it has to wait a moment.
        """
        now = self._clock.now()
        health = self._kept.get(host)
        lately = health.delivered_at if health is not None and health.well else None
        if lately is not None and now - lately < ANSWERS_FOR:
            yield
            return
        hanging = self._hung_at is not None and now - self._hung_at < HANGING_FOR
        if hanging and self._doubted >= max(1, int(slots * KEPT_FREE)):
            raise Postpone("Other servers keep us waiting.", now + PUT_OFF.wait(1))
        self._doubted += 1
        began = time.monotonic()
        try:
            yield
        except Retry:
            if time.monotonic() - began >= HANGS_S:
                self._hung_at = self._clock.now()
            raise
        finally:
            self._doubted -= 1

    def delivered(self, host: str) -> None:
        """A delivery got through."""
        health = self._of(host)
        health.delivered_at = self._clock.now()
        self._note(host, urgent=not health.well)
        health.recover()

    def answered(self, host: str) -> None:
        """It refused a delivery for good: it is there, and well."""
        health = self._kept.get(host)
        if health is not None and not health.well:
            health.recover()
            self._note(host, urgent=True)

    def failed(self, host: str, reason: str) -> None:
        """A delivery found no answer, or one that says that the server is broken."""
        now = self._clock.now()
        health = self._of(host)
        health.failed_at, health.error = now, reason[:MAX_ERROR]
        health.failing_since = health.failing_since or now
        health.probe_until = None
        self._note(host)
        if health.open_until is not None and now < health.open_until:
            return  # sent before it was left alone
        health.failures += 1
        if health.rested_at is None and now - health.failing_since >= REST_AFTER:
            health.rested_at = now
            self._note(host, urgent=True)
            log.info("host_rested", host=host, reason=reason)
        elif health.failures >= FAILURES:
            health.open_until = now + ALONE.wait(health.failures - FAILURES + 1)
            self._note(host, urgent=True)
            log.info("host_left_alone", host=host, until=health.open_until, reason=reason)

    def hold(self, host: str, wait: timedelta) -> None:
        """It asks not to be spoken to for a while (429 or 503 with Retry-After)."""
        health = self._of(host)
        until = self._clock.now() + wait
        if health.open_until is None or health.open_until < until:
            health.open_until = until
            self._note(host, urgent=True)

    def seen(self, host: str) -> None:
        """It sent a request that was signed well: whatever was wrong is over."""
        health = self._of(host)
        health.seen_at = self._clock.now()
        self._revived = self._revived or health.rested_at is not None
        self._note(host, urgent=health.rested_at is not None or health.failures >= FAILURES)
        health.recover()

    async def save(self, tx: Transaction, *, at_once: bool = False) -> None:
        """Write down what is new, if it is time to; others hear of it if they must. That a host is
        back does not wait: what it asked for is answered only if that is written down."""
        now = self._clock.now()
        due = at_once or self._revived or now - self._saved_at >= SAVE_EVERY
        if not self._unsaved or not due:
            return
        self._saved_at = now
        notes = sorted(self._unsaved.items(), key=lambda entry: not entry[1][0])
        batch = dict(notes[: written_hosts.AT_ONCE])
        rows = [
            {"host": host, "signature": "cavage", "first_seen_at": now}
            | {name: getattr(self._kept[host], name) for name in (*_MOMENTS, *_STATE)}
            for host in sorted(batch)  # in one order everywhere: nobody waits in a circle
        ]
        insert = insert_into(tx, PeerHost).values(rows)
        await tx.execute(
            insert.on_conflict_do_update(
                index_elements=["host"],
                set_={name: insert.excluded[name] for name in _STATE}
                | {
                    name: func.coalesce(insert.excluded[name], col(getattr(PeerHost, name)))
                    for name in _MOMENTS
                },
            )
        )
        if any(urgent for urgent, _ in batch.values()):
            await change(tx, written_hosts.TOPIC)

        def saved(_: object) -> None:
            for host, note in batch.items():
                if self._unsaved.get(host) == note:
                    del self._unsaved[host]
            self._revived = any(urgent for urgent, _ in self._unsaved.values())

        listen(tx.sync_session, "after_commit", saved, once=True)
        if tx.new_id() % PRUNE_EVERY == 0:
            await written_hosts.prune(tx)
        self._uncounted += len(batch)
        if self._uncounted >= CAP_EVERY:
            self._uncounted = 0
            await written_hosts.cap(tx)

    def _of(self, host: str) -> Health:
        health = self._kept.setdefault(host, Health())
        self._kept.move_to_end(host)
        while len(self._kept) > KEPT:
            self._forget_one()
        return health

    def _forget_one(self) -> None:
        """Make room: by the host that was last thought of longest ago, rather a healthy one."""
        oldest = list(zip(range(64), self._kept.items(), strict=False))
        well = [host for _, (host, health) in oldest if health.well]
        forgotten = well[0] if well else oldest[0][1][0]
        del self._kept[forgotten]
        self._unsaved.pop(forgotten, None)

    def _note(self, host: str, *, urgent: bool = False) -> None:
        before, _ = self._unsaved.get(host, (False, 0))
        self._unsaved[host] = before or urgent, next(self._notes)
        if self._refreshing.locked():
            self._noted.add(host)


_views: WeakKeyDictionary[Easel, Hosts] = WeakKeyDictionary()


async def of(easel: Easel) -> Hosts:
    """What this process knows of other hosts, up to date."""
    view = _views.get(easel)
    if view is None:
        view = _views[easel] = Hosts(easel)
    await view.refresh()
    return view


@chore
async def save(easel: Easel, tx: Transaction, ending: bool) -> None:
    """Write down what this process has learned, with what the runner commits anyway."""
    view = _views.get(easel)
    if view is not None:
        await view.save(tx, at_once=ending)


def _held() -> ColumnElement[bool]:
    return or_(col(PeerHost.open_until).is_not(None), col(PeerHost.rested_at).is_not(None))
