"""Which pictures a style may be learned from (`generation.style` learns it).

What anybody can see of a local author's, and is theirs alone: no picture that began with another
one, and none that is not for everybody. Whether it may be learned from is asked in one place
(`_leave`), when a training begins and again whenever it goes on.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import col, select

from fedi.database import Session
from fedi.database.tables import Account, MediaAttachment, Status
from fedi.social.visibility import visible_to
from fedi.storage import Missing, Storage
from generation import provenance
from generation.style.brief import MAX_PICTURES, Picture


@dataclass(frozen=True, slots=True)
class Source:
    """A picture that may be learned from.

    Attributes:
        file: its storage key.
        picture: what is noted of it.
    """

    file: str
    picture: Picture


async def of_author(
    session: Session, author: Account, *, asked_at: datetime | None = None
) -> list[Source]:
    """The newest pictures of an author's that may be learned from, the oldest of them first.

    Args:
        author: a local one.
        asked_at: when the author asked for this very style, as whoever begins it says; then no
            other leave is needed.
    """
    rows = await session.execute(
        select(MediaAttachment, Status)
        .join(Status, col(Status.id) == col(MediaAttachment.status_id))
        .where(
            col(Status.id).in_(visible_to(None).with_only_columns(col(Status.id))),
            col(Status.account_id) == author.id,
            col(Status.local),
            col(Status.based_on_uri).is_(None),
            col(Status.sensitive).is_(False),
            col(MediaAttachment.sensitive).is_(False),
            col(MediaAttachment.type) == "image",
            col(MediaAttachment.file).is_not(None),
            col(MediaAttachment.digital_source_type).is_distinct_from(provenance.COMPOSITE),
        )
        .order_by(col(MediaAttachment.id).desc())
    )
    found: list[Source] = []
    for media, status in rows.all():
        leave = _leave(author, media, asked_at)
        if leave and len(found) < MAX_PICTURES:
            found.append(_source(author, media, status, leave))
    return found[::-1]


async def fetch(storage: Storage, sources: Sequence[Source]) -> dict[str, bytes]:
    """The files of pictures, by the names that they have in a training; without those that went
    in this moment."""
    found = {}
    for source in sources:
        try:
            found[source.picture.file] = await storage.read(source.file)
        except Missing:
            continue
    return found


def left(pictures: Collection[Picture], allowed: Sequence[Source]) -> tuple[Picture, ...]:
    """Those pictures of a training that may still be learned from."""
    keys = {source.picture.key for source in allowed}
    return tuple(picture for picture in pictures if picture.key in keys)


def _leave(author: Account, media: MediaAttachment, asked_at: datetime | None) -> str:
    """By which word of its author's a picture may be learned from; empty if by none.

    Who lets others train on their pictures says so for those that are made from then on.
    """
    if asked_at is not None:
        return f"its author asked for this style ({asked_at:%Y-%m-%d %H:%M} UTC)"
    since = author.training_consent_at
    if since is not None and since <= media.created_at:
        return f"its author said yes to training ({since:%Y-%m-%d %H:%M} UTC)"
    return ""


def _source(author: Account, media: MediaAttachment, status: Status, leave: str) -> Source:
    assert media.file is not None
    ending = media.file.rpartition(".")[2]
    prompt = (media.recipe or {}).get("prompt")
    return Source(
        media.file,
        Picture(
            key=str(media.id),
            file=f"{media.id}.{ending}",
            caption=str(prompt or media.description),
            url=status.url or status.uri,
            author=f"@{author.acct}",
            consent=leave,
        ),
    )
