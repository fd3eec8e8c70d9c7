"""What somebody brought, until it is taken in."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, func
from sqlmodel import col, select

from fedi.database import Session, Transaction
from fedi.database.insertion import insert_new
from fedi.database.tables import Account, Import, ImportLine
from fedi.jobs import enqueue
from fedi.social.carrying.sheets import Entry, Kind
from fedi.social.errors import NotAllowed, TooMany

JOB = "import"  # `{"import_id": …}`
MAX_WAITING = 5  # lists of one account that are not taken in yet
RETRY_AFTER_S = 3600


async def begin(
    tx: Transaction, account: Account, kind: Kind, entries: Sequence[Entry], *, overwrite: bool
) -> Import:
    """Keep a list, and ask for it to be taken in.

    Args:
        account: who brought it.
        kind: which list it is.
        entries: what it says (`sheets.read`).
        overwrite: what is not in it goes; else it comes to what is there.

    Raises:
        NotAllowed: the account has moved away.
        TooMany: other lists of theirs wait still.
    """
    if account.moved_to_uri is not None:
        raise NotAllowed("This account has moved away.")
    waiting = select(func.count()).where(
        col(Import.account_id) == account.id, col(Import.finished_at).is_(None)
    )
    if int((await tx.execute(waiting)).scalar() or 0) >= MAX_WAITING:
        raise TooMany("Other lists of yours are still being taken in.", RETRY_AFTER_S)
    brought = Import(
        id=tx.new_id(),
        account_id=account.id,
        kind=kind,
        overwrite=overwrite,
        total=len(entries),
        created_at=tx.now,
    )
    tx.add(brought)
    await tx.flush()
    lines = [
        {"id": tx.new_id(), "import_id": brought.id, "entry": entry, "error": ""}
        for entry in entries
    ]
    await insert_new(tx, ImportLine, lines)
    await enqueue(tx, JOB, {"import_id": brought.id})
    return brought


async def waiting(session: Session, brought: Import, limit: int) -> list[ImportLine]:
    """The next lines of a list."""
    query = (
        select(ImportLine)
        .where(ImportLine.import_id == brought.id, ImportLine.error == "")
        .order_by(col(ImportLine.id))
        .limit(limit)
    )
    return list((await session.exec(query)).all())


async def failed(session: Session, brought: Import) -> list[ImportLine]:
    """The lines that could not be taken in, with the reasons."""
    query = (
        select(ImportLine)
        .where(ImportLine.import_id == brought.id, ImportLine.error != "")
        .order_by(col(ImportLine.id))
    )
    return list((await session.exec(query)).all())


async def entries(session: Session, brought: Import) -> list[Entry]:
    """All lines that are not taken in yet."""
    query = select(ImportLine.entry).where(ImportLine.import_id == brought.id)
    return [dict(entry) for entry in (await session.exec(query)).all()]


async def settle(tx: Transaction, brought: Import, line: ImportLine, error: str = "") -> bool:
    """A line is taken in, or cannot be; False if that was so already.

    Args:
        error: why not.
    """
    row = await tx.get(ImportLine, line.id)
    if row is None or row.error:
        return False
    brought.done += 1
    if error:
        brought.failed += 1
        row.error = error
        tx.add(row)
    else:
        await tx.execute(delete(ImportLine).where(col(ImportLine.id) == row.id))
    tx.add(brought)
    await tx.flush()
    return True


async def of_account(session: Session, account: Account, limit: int = 20) -> list[Import]:
    """What somebody brought, the latest first."""
    query = (
        select(Import)
        .where(Import.account_id == account.id)
        .order_by(col(Import.id).desc())
        .limit(limit)
    )
    return list((await session.exec(query)).all())
