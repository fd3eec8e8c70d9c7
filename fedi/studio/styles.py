"""Which pictures a style may be learned from (`generation.style` learns it).

Those that their authors let others train on (`social.training.offers`), of one author or of all; or
what an author asks for who wants this very style. That is asked when a training begins, and again
whenever it goes on; what came of it is written down for its authors (`social.training.lessons`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import col, select

from fedi.database import Session, Transaction
from fedi.database.tables import Account, MediaAttachment, Status
from fedi.social.training import ledger, lessons, offers, pseudonyms, standing
from fedi.social.training.choices import TRAINING_ALONE
from fedi.storage import Missing, Storage
from generation.style.brief import MAX_PICTURES, Picture


@dataclass(frozen=True, slots=True)
class Source:
    """A picture that may be learned from.

    Attributes:
        media_id: its number.
        file: its storage key.
        picture: what is noted of it.
    """

    media_id: int
    file: str
    picture: Picture


async def consented(session: Session, key: bytes, author: Account | None = None) -> list[Source]:
    """The newest pictures whose authors let others train on them, the oldest of them first.

    Args:
        key: of `pseudonyms.secret`.
        author: of this one alone.
    """
    query = _consented(author).order_by(col(MediaAttachment.id).desc())
    rows = await session.execute(query.limit(MAX_PICTURES))
    found = [
        _source(key, media, status, leave=_said(owner, status), **_named(session, owner, status))
        for media, status, owner in rows.all()
    ]
    return found[::-1]


async def asked_for(
    session: Session, key: bytes, author: Account, asked_at: datetime
) -> list[Source]:
    """The newest pictures of an author who asked for this very style: what anybody can see of
    theirs, and is theirs alone, but for posts that they said are not to be trained on.

    Args:
        key: of `pseudonyms.secret`.
        author: a local one.
        asked_at: when they asked, as whoever begins it says.
    """
    query = offers.asked_for(author.id).order_by(col(MediaAttachment.id).desc())
    rows = await session.execute(query.limit(MAX_PICTURES))
    leave = f"its author asked for this style ({_moment(asked_at)})"
    found = [
        _source(
            key,
            media,
            status,
            leave=leave,
            name=f"@{author.acct}",
            licence=author.training_licence,
        )
        for media, status in rows.all()
    ]
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


async def left(
    session: Session,
    key: bytes,
    pictures: Collection[Picture],
    author: Account | None = None,
    *,
    asked: bool = False,
) -> tuple[Picture, ...]:
    """Those pictures of a training that may still be learned from, however many newer ones there
    are.

    Args:
        key: of `pseudonyms.secret`.
        author: of this one alone.
        asked: the author asked for the style.
    """
    known = await _known(session, key, pictures, author, asked=asked)
    return tuple(picture for picture in pictures if picture.key in known)


async def write_down(
    tx: Transaction,
    key: bytes,
    name: str,
    pictures: Collection[Picture],
    author: Account | None = None,
    *,
    asked: bool = False,
    begun: int | None = None,
) -> tuple[int, tuple[Picture, ...]]:
    """Write down for their authors what a style is learned from, from now on.

    Args:
        key: of `pseudonyms.secret`.
        name: of the style.
        pictures: of the training.
        author: of this one alone.
        asked: the author asked for the style.
        begun: the number that this gave when the training began; None: it begins.

    Returns:
        The number under which it is written down, and the pictures that may still be learned from.
        Without any, nothing is written down.
    """
    await ledger.hold(tx)  # what is taken back is taken back before this, or seen to be after it
    known = await _known(tx, key, pictures, author, asked=asked)
    left = tuple(picture for picture in pictures if picture.key in known)
    if not left:
        return 0, left
    if begun is not None:
        await lessons.leave_out(tx, begun, {picture.key for picture in pictures} - known.keys())
        return begun, left
    called = {media_id: words for words, media_id in known.items()}
    query = (
        select(MediaAttachment, Status)
        .join(Status, col(Status.id) == col(MediaAttachment.status_id))
        .where(col(MediaAttachment.id).in_(list(called)))
        .order_by(col(MediaAttachment.id))
    )
    found = (await tx.exec(query)).all()
    style = await lessons.begin(
        tx, name, [(media, status, called[media.id]) for media, status in found], asked=asked
    )
    return style.id, left


async def _known(
    session: Session,
    key: bytes,
    pictures: Collection[Picture],
    author: Account | None,
    *,
    asked: bool,
) -> dict[str, int]:
    """The numbers of those pictures that may be learned from, by their keys."""
    query = offers.asked_for(author.id) if author is not None and asked else _consented(author)
    wanted = {picture.key for picture in pictures}
    found = await session.execute(query.with_only_columns(col(MediaAttachment.id)))
    return {
        called: media_id
        for media_id in found.scalars()
        # Trainings from before pseudonyms have the number.
        for called in (str(media_id), pseudonyms.picture(key, media_id))
        if called in wanted
    }


def _consented(author: Account | None) -> Any:
    query = offers.offered(sensitive=False)
    return query if author is None else query.where(col(Status.account_id) == author.id)


def _said(author: Account, status: Status) -> str:
    by, at = standing.since(author, status)
    of_what = "on this post" if by == "post" else "on their pictures"
    return f"its author lets others train {of_what}" + (f" ({_moment(at)})" if at else "")


def _named(session: Session, author: Account, status: Status) -> dict[str, str]:
    """How an author wants to be named, and on which terms."""
    licence = author.training_licence or TRAINING_ALONE
    if author.training_credit == "name":
        return {"name": f"@{author.acct}", "licence": licence}
    return {"name": f"an author of {session.instance.domain}", "licence": licence, "url": ""}


def _source(
    key: bytes,
    media: MediaAttachment,
    status: Status,
    *,
    leave: str,
    name: str,
    licence: str,
    url: str | None = None,
) -> Source:
    assert media.file is not None
    ending = media.file.rpartition(".")[2]
    prompt = (media.recipe or {}).get("prompt") if media.share_recipe else None
    called = pseudonyms.picture(key, media.id)
    return Source(
        media.id,
        media.file,
        Picture(
            key=called,
            file=f"{called}.{ending}",
            caption=str(prompt or media.description),
            url=(status.url or status.uri) if url is None else url,
            author=name,
            licence=licence,
            consent=leave,
        ),
    )


def _moment(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M} UTC"
