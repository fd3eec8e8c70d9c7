"""How much of the disk is taken by what: as the rows say, so that no file is looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func
from sqlmodel import col, select

from fedi.database import Session
from fedi.database.tables import InputPicture, MediaAttachment, RemoteFile


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
