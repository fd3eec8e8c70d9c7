"""Pictures of others that nothing here shows any more: whoever keeps their files is told."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, delete
from sqlmodel import col

from fedi.database import Transaction
from fedi.database.tables import Account, MediaAttachment
from fedi.jobs.queue import NewJob, enqueue_many

FORGET = "remote_forget"  # the job: `{"files": [[kind, url, digest, size], …]}`
FILES_OF_ONE_JOB = 100

Gone = tuple[str, str, str | None, int | None]


async def drop_media(tx: Transaction, which: ColumnElement[bool]) -> None:
    """Delete rows of media, and ask for the files of others among them to be forgotten."""
    result = await tx.execute(
        delete(MediaAttachment)
        .where(which)
        .returning(
            col(MediaAttachment.remote_url), col(MediaAttachment.digest), col(MediaAttachment.size)
        )
        .execution_options(synchronize_session=False)
    )
    gone = [("attachment", url, digest, size) for url, digest, size in result.all() if url]
    await _forget(tx, gone)


async def drop_faces(tx: Transaction, account: Account) -> None:
    """Ask for the avatar and the header of somebody elsewhere to be forgotten."""
    if not account.local:
        faces = {"avatar": account.avatar, "header": account.header}
        await _forget(tx, [(kind, url, None, None) for kind, url in faces.items() if url])


async def _forget(tx: Transaction, gone: Sequence[Gone]) -> None:
    parts = [
        gone[start : start + FILES_OF_ONE_JOB] for start in range(0, len(gone), FILES_OF_ONE_JOB)
    ]
    if parts:
        await enqueue_many(tx, FORGET, [NewJob({"files": [*map(list, part)]}) for part in parts])
