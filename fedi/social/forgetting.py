"""Pictures that nothing here shows any more: whoever keeps their files, or copies, is told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TypeVar

from sqlalchemy import ColumnElement, delete, update
from sqlmodel import col, select

from fedi.database import Transaction
from fedi.database.tables import Account, MediaAttachment, Painting, PaintingInput
from fedi.jobs.queue import NewJob, enqueue, enqueue_many

FORGET = "remote_forget"  # the job: `{"files": [[kind, url, digest, size], …]}`
# The job, of pictures that paintings began with: `{"media_ids": […]}`, or `{"account_id": …}` of
# who began with some.
FORGET_INPUTS = "forget_inputs"
FORGET_PAINTINGS = (
    "forget_paintings"  # the job, of all that somebody asked for: `{"account_id": …}`
)
UNPOSTED = "unposted"  # the job, of pictures of ours that no post shows: `{"media_ids": […]}`
# An app may take a post back to write it anew, with the same pictures; Mastodon 4.6 waits as long.
REDRAFT = timedelta(days=1)
DISCARD = "discard_files"  # the job: `{"keys": [storage key, …]}`
FILES_OF_ONE_JOB = 100

Gone = tuple[str, str, str | None, int | None]
Row = TypeVar("Row")


async def drop_media(tx: Transaction, which: ColumnElement[bool]) -> int:
    """Delete rows of media, and ask for the files of those that were really deleted to go: ours,
    and what is kept of others.

    Returns:
        How many were deleted.
    """
    result = await tx.execute(
        delete(MediaAttachment)
        .where(which)
        .returning(
            col(MediaAttachment.id),
            col(MediaAttachment.remote_url),
            col(MediaAttachment.digest),
            col(MediaAttachment.size),
            col(MediaAttachment.file),
            col(MediaAttachment.preview_file),
        )
        .execution_options(synchronize_session=False)
    )
    rows = result.all()
    gone = [("attachment", url, digest, size) for _, url, digest, size, *_ in rows if url]
    await _forget(tx, gone)
    await discard_files(tx, [key for row in rows for key in row[-2:] if key])
    await _forget_copies(tx, [row[0] for row in rows])
    return len(rows)


async def withdraw_media(
    tx: Transaction, which: ColumnElement[bool], delay: timedelta = REDRAFT
) -> None:
    """Take pictures of ours out of their posts.

    Args:
        delay: how long their author may still post them; then those that were uploaded go.
    """
    result = await tx.execute(
        update(MediaAttachment)
        .where(which, col(MediaAttachment.file).is_not(None))
        .values(status_id=None)
        .returning(col(MediaAttachment.id))
    )
    found = list(result.scalars())
    await _forget_copies(tx, found)
    await let_go(tx, found, delay)


async def let_go(tx: Transaction, media_ids: Sequence[int], delay: timedelta) -> None:
    """Ask for pictures of ours to go, with their files, if no post shows them by then."""
    jobs = [NewJob({"media_ids": list(part)}, delay=delay) for part in _parts(media_ids)]
    await enqueue_many(tx, UNPOSTED, jobs)


async def drop_copies(tx: Transaction, authors: ColumnElement[bool]) -> None:
    """Ask for the copies of all pictures of some accounts to be let go."""
    rows = await tx.exec(
        select(PaintingInput.medium_id)
        .join(MediaAttachment, col(MediaAttachment.id) == col(PaintingInput.medium_id))
        .join(Account, col(Account.id) == col(MediaAttachment.account_id))
        .where(authors)
        .distinct()
    )
    await _enqueue_copies(tx, [row for row in rows.all() if row is not None])


async def drop_begun_by(tx: Transaction, account: Account) -> None:
    """Ask for the pictures that somebody of ours began with to be let go."""
    tied = select(PaintingInput.digest).where(col(PaintingInput.account_id) == account.id)
    if (await tx.exec(tied.limit(1))).first() is not None:
        await enqueue(tx, FORGET_INPUTS, {"account_id": account.id})


async def drop_paintings(tx: Transaction, account: Account) -> None:
    """Ask for all that somebody of ours had painted, or waits for, to be let go."""
    asked = select(Painting.id).where(col(Painting.account_id) == account.id)
    if (await tx.exec(asked.limit(1))).first() is not None:
        await enqueue(tx, FORGET_PAINTINGS, {"account_id": account.id})


async def drop_faces(tx: Transaction, account: Account) -> None:
    """Ask for the avatar and the header of somebody to be forgotten."""
    faces = {"avatar": account.avatar, "header": account.header}
    if account.local:
        await discard_files(tx, [key for key in faces.values() if key])
    else:
        await _forget(tx, [(kind, url, None, None) for kind, url in faces.items() if url])


async def discard_files(tx: Transaction, keys: Sequence[str]) -> None:
    """Ask for files of our own to be removed, by their storage keys."""
    if keys:
        await enqueue_many(tx, DISCARD, [NewJob({"keys": list(keys)})])


async def _forget(tx: Transaction, gone: Sequence[Gone]) -> None:
    parts = _parts(gone)
    if parts:
        await enqueue_many(tx, FORGET, [NewJob({"files": [*map(list, part)]}) for part in parts])


async def _forget_copies(tx: Transaction, media_ids: Sequence[int]) -> None:
    """Ask for the copies of these pictures to be let go, if there are any."""
    for part in _parts(media_ids):
        tied = select(PaintingInput.medium_id).where(col(PaintingInput.medium_id).in_(part))
        found = (await tx.exec(tied.distinct())).all()
        await _enqueue_copies(tx, [row for row in found if row is not None])


async def _enqueue_copies(tx: Transaction, media_ids: Sequence[int]) -> None:
    jobs = [NewJob({"media_ids": list(part)}) for part in _parts(media_ids)]
    await enqueue_many(tx, FORGET_INPUTS, jobs)


def _parts(rows: Sequence[Row]) -> list[Sequence[Row]]:
    return [
        rows[start : start + FILES_OF_ONE_JOB] for start in range(0, len(rows), FILES_OF_ONE_JOB)
    ]
