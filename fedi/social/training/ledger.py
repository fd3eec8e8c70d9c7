"""What went out, to whom and what for; and what of it was taken back since.

An export is a dataset in files, or a stream that the holder of a token listens to. Each picture
that goes out is a row before it goes. Whatever its author takes back is marked there, with a
position in the order in which things were taken back: the list of what was withdrawn is read by it.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, exists, func
from sqlmodel import col, select

from fedi import ids
from fedi.database import Session, Transaction
from fedi.database.tables import Account, DatasetExport, DatasetItem, MediaAttachment, Status
from fedi.social import paging
from fedi.social.errors import Invalid, NotFound
from fedi.social.paging import Page
from fedi.social.training import offers, standing
from fedi.social.visibility import SHOWN_TO_ALL

FILES, STREAM = "files", "stream"
REASONS = {
    "account": "the author trains nobody any more",
    "post": "the author took this post out",
    "deleted": "it was deleted",
    "visibility": "it is not for everybody any more",
    "hidden": "the instance shows it to nobody",
    "sensitive": "it has a warning now",
    "remix": "what it is made of was taken back",
}
MAX_NAME, MAX_PURPOSE = 200, 2000  # characters
TOKEN_BYTES = 32
BATCH = 500  # rows that are looked at, or marked, at once
NO_EXPORT = "There is no such export."


@dataclass(frozen=True, slots=True)
class Given:
    """What one author has in one export."""

    export: DatasetExport
    items: int
    withdrawn: int
    last_sent_at: datetime


def begin(
    tx: Transaction, kind: str, *, recipient: str, purpose: str, by: str = "", sensitive: bool
) -> DatasetExport:
    """The row of an export.

    Args:
        kind: `FILES` or `STREAM`.
        recipient: to whom it goes; may be empty for files.
        purpose: what for, in words for the authors.
        by: who gives it away; empty: the command line.
        sensitive: whether posts with a warning are among it.

    Raises:
        Invalid: it does not say what for, or too much.
    """
    recipient, purpose = recipient.strip(), purpose.strip()
    if not purpose:
        raise Invalid("Say what it is for: authors are shown it.")
    if len(recipient) > MAX_NAME or len(purpose) > MAX_PURPOSE:
        raise Invalid(f"At most {MAX_NAME} characters to whom, and {MAX_PURPOSE} what for.")
    export = DatasetExport(
        id=tx.new_id(),
        kind=kind,
        made_by=by,
        recipient=recipient,
        purpose=purpose,
        sensitive=sensitive,
        created_at=tx.now,
    )
    tx.add(export)
    return export


# ---- What is taken back ------------------------------------------------------------------------


async def withdraw(
    tx: Transaction, *, account_id: int | None = None, export_id: int | None = None
) -> int:
    """Mark what went out and is not offered any more. What authors say themselves is marked as
    they say it; all else, remixes among it, when somebody looks.

    Args:
        account_id: of this author alone.
        export_id: of this export alone.

    Returns:
        How many rows were marked.
    """
    marked = 0
    while found := (await tx.exec(_overdue(account_id, export_id).limit(BATCH))).all():
        for item, export in found:
            media = await tx.get(MediaAttachment, item.media_id)
            status = await tx.get(Status, item.status_id)
            author = await tx.get(Account, item.account_id)
            item.reason, when = _why(media, status, author, tx.now, sensitive=export.sensitive)
            item.withdrawn_at, item.withdrawn_position = when, tx.new_id()
            tx.add(item)
        await tx.flush()
        marked += len(found)
    if marked:
        standing.hint(tx)
    return marked


async def is_overdue(session: Session, export_id: int | None = None) -> bool:
    """Whether there is anything that `withdraw` would mark."""
    return (await session.exec(_overdue(None, export_id).limit(1))).first() is not None


def _overdue(account_id: int | None, export_id: int | None) -> Any:
    query = (
        select(DatasetItem, DatasetExport)
        .join(DatasetExport, col(DatasetExport.id) == col(DatasetItem.export_id))
        .where(
            col(DatasetItem.withdrawn_at).is_(None),
            ~offers.still(col(DatasetItem.media_id), col(DatasetExport.sensitive)),
        )
        .order_by(col(DatasetItem.id))
    )
    if account_id is not None:
        query = query.where(col(DatasetItem.account_id) == account_id)
    return query if export_id is None else query.where(col(DatasetItem.export_id) == export_id)


def _why(
    media: MediaAttachment | None,
    status: Status | None,
    author: Account | None,
    now: datetime,
    *,
    sensitive: bool,
) -> tuple[str, datetime]:
    if author is None or author.deleted_at is not None:
        return "deleted", (author.deleted_at if author is not None else None) or now
    if status is None or status.deleted_at is not None:
        return "deleted", (status.deleted_at if status is not None else None) or now
    if media is None or media.status_id != status.id:
        return "deleted", now
    if author.suspended_at is not None or author.silenced_at is not None:
        return "hidden", now
    if not standing.allows(author, status):
        return ("post" if status.training is False else "account"), now
    if status.visibility not in SHOWN_TO_ALL or status.held:
        return "visibility", now
    marked = status.sensitive or status.spoiler_text or media.sensitive or author.sensitized_at
    if marked and not sensitive:
        return "sensitive", now
    return "remix", now


async def withdrawn(
    session: Session, since: DatasetExport | None, *, after: int, limit: int
) -> list[DatasetItem]:
    """What was taken back, the first first.

    Args:
        since: only since this export was begun.
        after: only behind this position.
        limit: how many rows at most; a picture that went out several times has as many.
    """
    begun = 0 if since is None else ids.floor(since.created_at)
    rows = await session.exec(
        select(DatasetItem)
        .where(
            col(DatasetItem.withdrawn_position).is_not(None),
            col(DatasetItem.withdrawn_position) > max(after, begun),
        )
        .order_by(col(DatasetItem.withdrawn_position))
        .limit(limit)
    )
    return list(rows.all())


# ---- What went out -----------------------------------------------------------------------------


async def record(
    tx: Transaction, export: DatasetExport, items: Iterable[tuple[MediaAttachment, Status, str]]
) -> None:
    """Write down pictures that go out with an export.

    Args:
        items: each with its post, and the SHA-256 of the file in hexadecimal.
    """
    for media, status, digest in items:
        number = tx.new_id()
        tx.add(
            DatasetItem(
                id=number,
                export_id=export.id,
                media_id=media.id,
                status_id=status.id,
                account_id=status.account_id,
                digest=digest,
                position=number,
                sent_at=tx.now,
            )
        )
    await tx.flush()


async def find(session: Session, number: int | None) -> DatasetExport:
    """An export by its number.

    Raises:
        NotFound: there is none.
    """
    export = None if number is None else await session.get(DatasetExport, number)
    if export is None:
        raise NotFound(NO_EXPORT)
    return export


async def exports(session: Session, kind: str, page: Page) -> list[DatasetExport]:
    """What was given away, the newest first; streams also before anything went through them."""
    query = select(DatasetExport).where(col(DatasetExport.kind) == kind)
    if kind == FILES:
        query = query.where(col(DatasetExport.finished_at).is_not(None))
    return await paging.rows(session, query, page, col(DatasetExport.id))


async def given(session: Session, account: Account, page: Page) -> list[Given]:
    """What of an author's went out, export by export, the newest first."""
    query = (
        select(
            DatasetExport,
            func.count(),
            func.count(col(DatasetItem.withdrawn_at)),
            func.max(DatasetItem.sent_at),
        )
        .join(DatasetItem, col(DatasetItem.export_id) == col(DatasetExport.id))
        .where(col(DatasetItem.account_id) == account.id)
        .group_by(*DatasetExport.__table__.columns)  # type: ignore[attr-defined]
    )
    return [Given(*row) for row in await paging.rows(session, query, page, col(DatasetExport.id))]


# ---- Streams -----------------------------------------------------------------------------------


async def grant(
    tx: Transaction, recipient: str, *, purpose: str, by: str = "", sensitive: bool = False
) -> tuple[DatasetExport, str]:
    """Let somebody listen to what is offered from now on.

    Returns:
        The grant, and its token, which is stored nowhere.

    Raises:
        Invalid: there is no name, no purpose, or a grant of that name already.
    """
    if not recipient.strip():
        raise Invalid("Say who gets it: authors are shown it.")
    if await _granted(tx, recipient) is not None:
        raise Invalid(f"{recipient.strip()} has a grant already: revoke that first.")
    export = begin(
        tx, STREAM, recipient=recipient, purpose=purpose, by=by, sensitive=sensitive
    )
    token = secrets.token_urlsafe(TOKEN_BYTES)
    export.token_hash = _hashed(token)
    await tx.flush()
    return export, token


async def revoke(tx: Transaction, recipient: str) -> DatasetExport:
    """Let somebody listen no more. What they got stays written down.

    Raises:
        NotFound: nobody of that name may.
    """
    export = await _granted(tx, recipient)
    if export is None:
        raise NotFound("Nobody of that name may listen.")
    export.revoked_at = tx.now
    tx.add(export)
    standing.hint(tx)
    return export


async def authenticate(session: Session, token: str) -> DatasetExport | None:
    """The grant whose token this is."""
    query = select(DatasetExport).where(
        col(DatasetExport.token_hash) == _hashed(token), col(DatasetExport.revoked_at).is_(None)
    )
    return (await session.exec(query)).first()


async def _granted(session: Session, recipient: str) -> DatasetExport | None:
    query = select(DatasetExport).where(
        col(DatasetExport.kind) == STREAM,
        col(DatasetExport.recipient) == recipient.strip(),
        col(DatasetExport.revoked_at).is_(None),
    )
    return (await session.exec(query)).first()


async def untold(
    session: Session, grant: DatasetExport, limit: int
) -> Sequence[tuple[MediaAttachment, Status]]:
    """What is offered and was not told to a grant yet, or was taken back and is offered again."""
    query = (
        offers.offered(sensitive=grant.sensitive)
        .where(~_told(grant))
        .order_by(col(MediaAttachment.id))
        .limit(limit)
    )
    return [(media, status) for media, status, _ in (await session.exec(query)).all()]


def _told(grant: DatasetExport) -> ColumnElement[bool]:
    return exists().where(
        col(DatasetItem.export_id) == grant.id,
        col(DatasetItem.media_id) == col(MediaAttachment.id),
        col(DatasetItem.withdrawn_at).is_(None),
    )


async def take(tx: Transaction, grant_id: int, limit: int) -> int:
    """Write down what a grant is told next. Two connections of one grant wait for each other, so
    that positions become visible in their order.

    Returns:
        How many there were.
    """
    locked = select(DatasetExport).where(col(DatasetExport.id) == grant_id).with_for_update()
    grant = (await tx.exec(locked)).one()
    if grant.revoked_at is not None:
        return 0
    found = await untold(tx, grant, limit)
    known = await _rows(tx, grant, [media.id for media, _ in found])
    fresh = [(media, status, "") for media, status in found if media.id not in known]
    for item in known.values():  # it was taken back, and is there again
        item.position, item.sent_at = tx.new_id(), tx.now
        item.withdrawn_at = item.withdrawn_position = None
        item.reason = ""
        tx.add(item)
    await record(tx, grant, fresh)
    grant.items += len(fresh)
    grant.last_used_at = tx.now
    tx.add(grant)
    return len(found)


async def _rows(
    session: Session, grant: DatasetExport, media_ids: Sequence[int]
) -> dict[int, DatasetItem]:
    rows = await session.exec(
        select(DatasetItem).where(
            col(DatasetItem.export_id) == grant.id, col(DatasetItem.media_id).in_(media_ids)
        )
    )
    return {row.media_id: row for row in rows.all()}


async def told(
    session: Session, grant_id: int, after: int, limit: int
) -> list[tuple[int, str, DatasetItem]]:
    """What a grant was told behind a position, in its order: (position, `item` or `withdrawn`,
    which picture). A picture that was taken back meanwhile is told as that alone."""
    mine = col(DatasetItem.export_id) == grant_id
    sent = await session.exec(
        select(DatasetItem)
        .where(mine, col(DatasetItem.position) > after, col(DatasetItem.withdrawn_at).is_(None))
        .order_by(col(DatasetItem.position))
        .limit(limit)
    )
    back = await session.exec(
        select(DatasetItem)
        .where(mine, col(DatasetItem.withdrawn_position) > after)
        .order_by(col(DatasetItem.withdrawn_position))
        .limit(limit)
    )
    events = [(row.position, "item", row) for row in sent.all()]
    events += [(row.withdrawn_position or 0, "withdrawn", row) for row in back.all()]
    return sorted(events, key=lambda event: event[0])[:limit]


def _hashed(token: str) -> str:
    # The token has 256 random bits: a plain hash cannot be turned back.
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
