"""How much of the disk is taken by what: as the rows say, so that no file is looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func
from sqlmodel import col, select

from fedi.database import Session
from fedi.database.tables import Account, InputPicture, MediaAttachment, RemoteFile


@dataclass(frozen=True, slots=True)
class Usage:
    """Bytes on the disk.

    Attributes:
        pictures: of what was painted or uploaded here, without the small renditions.
        inputs: of the copies of what paintings began with.
        remote: of the files of other servers, with their renditions.
    """

    pictures: int
    inputs: int
    remote: int


async def of(session: Session) -> Usage:
    """What is taken now."""

    async def total(column: Any, *where: Any) -> int:
        found = await session.execute(select(func.coalesce(func.sum(column), 0)).where(*where))
        return int(found.scalar_one())

    return Usage(
        pictures=await total(MediaAttachment.size, col(MediaAttachment.file).is_not(None)),
        inputs=await total(InputPicture.size),
        remote=await total(RemoteFile.bytes),
    )


async def largest(session: Session, limit: int) -> list[tuple[Account, int, int]]:
    """Whose pictures take most room here.

    Returns:
        The account, its pictures, and their bytes; the most first.
    """
    size = func.coalesce(func.sum(MediaAttachment.size), 0)
    query = (
        select(Account, func.count(), size)
        .join(MediaAttachment, col(MediaAttachment.account_id) == col(Account.id))
        .where(col(Account.domain).is_(None), col(MediaAttachment.file).is_not(None))
        .group_by(col(Account.id))
        .order_by(size.desc(), col(Account.id))
        .limit(limit)
    )
    return [
        (account, files or 0, int(total or 0))
        for account, files, total in (await session.execute(query)).all()
    ]
