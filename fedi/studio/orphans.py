"""Files in the storage that no row names: what a crash left, or a request that came to nothing.

A file is stored before the row that names it is committed, so one that is new may still get its
row; one that is older than a day gets none any more: keys are minted afresh for each file.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import literal_column, or_
from sqlmodel import SQLModel, col, select

from fedi import logs
from fedi.database import Session, Transaction
from fedi.database.tables import Account, Painting
from fedi.jobs import Claimed, enqueue, handles
from fedi.runtime import Easel

SWEEP = "sweep_files"  # a job: `{"after": storage key}`
AGE = timedelta(days=1)
PAGE = 500  # files that are looked at together
PAGES = 20  # of one job; the next begins where it ended
ATTEMPTS = 20
# As many old files of which not one is named are no leftovers: the folder is another instance's, or
# the database is not the one that belongs to it.
SUSPICIOUS = 100

log = logs.get(__name__)


async def ask(tx: Transaction, after: str = "") -> None:
    """Ask for the storage to be looked through, from a key on; once at a time."""
    await enqueue(tx, SWEEP, {"after": after}, unique_key=SWEEP)


@handles(SWEEP, attempts=ATTEMPTS, at_once=1)
async def sweep(easel: Easel, job: Claimed) -> None:
    """Remove files that are old and that nothing names, some pages of them."""
    after, before = str(job.payload["after"]), easel.clock.now() - AGE
    if not after:
        await easel.storage.tidy(before)
    removed = 0
    for _ in range(PAGES):
        page = await easel.storage.page(after, PAGE)
        old = [file.key for file in page if file.modified_at < before]
        async with easel.database.read() as session:
            lost = sorted(set(old) - await named(session, old))
        if len(lost) == len(old) >= SUSPICIOUS:
            log.error("storage_is_of_another", folder=str(easel.settings.media.folder))
            return
        for key in lost:
            await easel.storage.delete(key)
        removed += len(lost)
        if len(page) < PAGE:
            break
        after = page[-1].key
    else:
        async with easel.database.write() as tx:
            await job.finish(tx)
            await ask(tx, after)
    if removed:
        log.info("orphans_removed", files=removed)


async def named(session: Session, keys: Sequence[str]) -> set[str]:
    """Those of these storage keys that a row names."""
    if not keys:
        return set()
    found: set[str] = set()
    for column in key_columns():
        found.update((await session.execute(select(column).where(column.in_(keys)))).scalars())
    # Written out, because SQLite uses a partial index only for what it can read in the statement.
    waits = col(Painting.state) == literal_column("'review'")
    for held in (await session.exec(select(Painting.held).where(waits))).all():
        found.update([held["file"], held["preview_file"]] if held else [])
    here = select(Account.avatar, Account.header).where(
        col(Account.domain).is_(None),
        or_(col(Account.avatar).is_not(None), col(Account.header).is_not(None)),
    )
    for faces in (await session.exec(here)).all():
        found.update(filter(None, faces))
    return found.intersection(keys)


def key_columns() -> list[Any]:
    """The columns of all tables that hold storage keys, which their names tell."""
    return [
        column
        for table in SQLModel.metadata.sorted_tables
        for column in table.columns
        if column.name == "file" or column.name.endswith("_file")
    ]
