"""Keeping files of others within the budget: what was not seen for the longest time goes first.

That a file was seen is remembered in memory and written down for many at once, and only if what
is written is old: looking at a page writes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from weakref import WeakKeyDictionary

from sqlalchemy import ColumnElement, delete, func, update
from sqlmodel import col, select

from fedi import logs
from fedi.database import Session
from fedi.database.tables import RemoteFile
from fedi.runtime import Easel
from fedi.storage import Storage

VIEW_AGE = timedelta(hours=1)  # a view is news only after so long
VIEWS_WAIT = timedelta(minutes=1)
MAX_VIEWS = 500  # then they are written, whenever that was done last

LEFT = 0.9  # of the budget, after making room: so that not every new file makes room again
BATCH = 100  # files that go in one transaction
ROW_LIFE = timedelta(days=90)  # of what we know about a file that nobody has seen since

MB = 1_000_000

log = logs.get(__name__)


class Views:
    """Which files were seen in this process since that was last written down."""

    def __init__(self, easel: Easel) -> None:
        self._easel = easel
        self._seen: dict[int, datetime] = {}
        self._written_at = easel.clock.now()
        self._writing: asyncio.Task[None] | None = None
        easel.closing.append(self._stop)

    def add(self, row: RemoteFile) -> None:
        """Somebody sees this file."""
        now = self._easel.clock.now()
        if now - row.viewed_at < VIEW_AGE:
            return
        self._seen[row.id] = now
        due = now - self._written_at >= VIEWS_WAIT or len(self._seen) >= MAX_VIEWS
        if due and (self._writing is None or self._writing.done()):
            self._writing = asyncio.create_task(self.write(), name="views of remote files")

    async def write(self) -> None:
        """Write down what was seen."""
        seen, self._seen = self._seen, {}
        self._written_at = self._easel.clock.now()
        if not seen:
            return
        async with self._easel.database.write() as tx:
            await tx.execute(
                update(RemoteFile)
                .where(col(RemoteFile.id).in_(list(seen)))
                .values(viewed_at=max(seen.values()))
            )

    async def _stop(self) -> None:
        _views.pop(self._easel, None)
        if self._writing is not None:
            await asyncio.gather(self._writing, return_exceptions=True)
        await self.write()


_views: WeakKeyDictionary[Easel, Views] = WeakKeyDictionary()


def views(easel: Easel) -> Views:
    """The views of this process."""
    if easel not in _views:
        _views[easel] = Views(easel)
    return _views[easel]


@dataclass(frozen=True, slots=True)
class Usage:
    """What is kept of one kind: how many files, their bytes, and how many cannot be had."""

    kind: str
    files: int
    bytes: int
    failed: int


async def usage(session: Session) -> list[Usage]:
    """What is kept, by kind."""
    rows = await session.execute(
        select(col(RemoteFile.kind), col(RemoteFile.state), func.count(), _bytes()).group_by(
            col(RemoteFile.kind), col(RemoteFile.state)
        )
    )
    found: dict[str, dict[str, tuple[int, int]]] = {}
    for kind, state, count, size in rows.all():
        found.setdefault(kind, {})[state] = (count, int(size))
    return [
        Usage(
            kind,
            *states.get("ready", (0, 0)),
            failed=states.get("failed", (0, 0))[0],
        )
        for kind, states in sorted(found.items())
    ]


async def prune(easel: Easel, budget: int | None = None) -> tuple[int, int]:
    """Make room, if more is kept than the budget allows.

    Args:
        budget: bytes; that of the settings by default.

    Returns:
        How many files went, and their bytes.
    """
    await views(easel).write()
    if budget is None:
        budget = easel.settings.media.remote_cache_mb * MB
    async with easel.database.read() as session:
        kept = int((await session.execute(select(_bytes()))).scalar_one())
    too_much = kept - int(budget * LEFT) if kept > budget else 0
    files = freed = 0
    while freed < too_much:
        batch = await _oldest(easel, too_much - freed)
        if not batch:
            break
        await evict(easel, batch)
        files, freed = files + len(batch), freed + sum(row.bytes for row in batch)
    async with easel.database.write() as tx:
        await tx.execute(
            delete(RemoteFile).where(
                col(RemoteFile.state).in_(("evicted", "failed")),
                col(RemoteFile.viewed_at) < tx.now - ROW_LIFE,
            )
        )
    if files:
        log.info("remote_files_pruned", files=files, megabytes=round(freed / MB))
    return files, freed


async def _oldest(easel: Easel, size: int) -> list[RemoteFile]:
    """Files that make up this size, at most a batch, those first that nobody looked at."""
    async with easel.database.read() as session:
        rows = await session.exec(
            select(RemoteFile)
            .where(RemoteFile.state == "ready")
            .order_by(col(RemoteFile.viewed_at), col(RemoteFile.id))
            .limit(BATCH)
        )
        chosen: list[RemoteFile] = []
        for row in rows.all():
            if sum(entry.bytes for entry in chosen) >= size:
                break
            chosen.append(row)
    return chosen


async def evict(easel: Easel, rows: Sequence[RemoteFile]) -> None:
    """Remove the files of these rows. What is seen in that moment is found missing, and fetched
    again."""
    for row in rows:
        await _remove(easel.storage, row)
    async with easel.database.write() as tx:
        await tx.execute(
            update(RemoteFile)
            .where(
                col(RemoteFile.id).in_([row.id for row in rows]),
                col(RemoteFile.state) == "ready",
                col(RemoteFile.file).in_([row.file for row in rows]),
            )
            .values(state="evicted", file=None, preview_file=None, bytes=0)
        )


async def _remove(storage: Storage, row: RemoteFile) -> None:
    for key in (row.file, row.preview_file):
        if key is not None:
            await storage.delete(key)


def _bytes() -> ColumnElement[int]:
    return func.coalesce(func.sum(col(RemoteFile.bytes)), 0)
