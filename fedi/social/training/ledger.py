"""What went out, to whom and what for; and what of it was taken back since.

An export is a dataset in files, or a stream that the holder of a token listens to. Each picture
that goes out is a row before it goes. Whatever its author takes back is marked there, with a
position in the order in which things were taken back: the list of what was withdrawn is read by it.

What was learned from here (`lessons`) stands in the same tables, and is none of that: it went to
nobody, and nobody has to leave it out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func
from sqlmodel import col, select

from fedi import ids
from fedi.database import Session, Transaction
from fedi.database.insertion import add_once, table_of
from fedi.database.tables import (
    Account,
    DatasetExport,
    DatasetItem,
    Mark,
    MediaAttachment,
    Status,
)
from fedi.social import paging
from fedi.social.errors import Invalid, NotFound
from fedi.social.paging import Page
from fedi.social.training import offers, standing
from fedi.social.training.standing import Terms
from fedi.social.visibility import SHOWN_TO_ALL

FILES, STREAM = "files", "stream"
GIVEN = (FILES, STREAM)  # the kinds of what goes to somebody; the others are of `lessons`
REASONS = {
    "account": "the author trains nobody any more",
    "post": "the author took this post out",
    "deleted": "it was deleted",
    "visibility": "it is not for everybody any more",
    "hidden": "the instance shows it to nobody",
    "sensitive": "it has a warning now",
    "remix": "what it is made of was taken back",
    "terms": "its author offers it on other terms now",
}
MAX_NAME, MAX_PURPOSE = 200, 2000  # characters
BATCH = 500  # rows that are looked at, or marked, at once
POSITIONS = "dataset_position"  # the mark that holds the last place that was given
NO_EXPORT = "There is no such export."


@dataclass(frozen=True, slots=True)
class Gone:
    """A picture that goes out in files.

    Attributes:
        key: what it is called there.
        digest: the SHA-256 of its file, in hexadecimal.
        terms: what was said of it there.
    """

    media: MediaAttachment
    status: Status
    key: str
    digest: str
    terms: Terms


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
    tx: Transaction,
    *,
    account_id: int | None = None,
    export_id: int | None = None,
    item_ids: Collection[int] | None = None,
) -> int:
    """Mark what went out and is not offered any more. What authors say themselves is marked as
    they say it; all else, remixes among it, by `studio.dataset.marking` and by streams.

    Args:
        account_id: of this author alone.
        export_id: of this export alone.
        item_ids: of these rows alone.

    Returns:
        How many rows were marked.
    """
    marked = 0
    query = _overdue(account_id, export_id)
    if item_ids is not None:
        query = query.where(col(DatasetItem.id).in_(item_ids))
    while found := (await tx.exec(query.limit(BATCH))).all():
        places = await positions(tx, len(found))
        for (item, export), position in zip(found, places, strict=True):
            media = await tx.get(MediaAttachment, item.media_id)
            status = await tx.get(Status, item.status_id)
            author = await tx.get(Account, item.account_id)
            item.reason, when = _why(media, status, author, tx.now, sensitive=export.sensitive)
            item.withdrawn_at, item.withdrawn_position = when, position
            tx.add(item)
        await tx.flush()
        marked += len(found)
    if marked:
        standing.hint(tx)
    return marked


async def recall(tx: Transaction, account: Account) -> None:
    """Take back all of an author's that is out, since they offer it on other terms now. Streams
    tell it anew on those; who has it in files finds it in the next ones."""
    query = (
        select(DatasetItem)
        .join(DatasetExport, col(DatasetExport.id) == col(DatasetItem.export_id))
        .where(
            col(DatasetExport.kind).in_(GIVEN),
            col(DatasetItem.account_id) == account.id,
            col(DatasetItem.withdrawn_at).is_(None),
        )
        .order_by(col(DatasetItem.id))
        .limit(BATCH)
    )
    while found := (await tx.exec(query)).all():
        for item, position in zip(found, await positions(tx, len(found)), strict=True):
            item.reason, item.withdrawn_at, item.withdrawn_position = "terms", tx.now, position
            tx.add(item)
        await tx.flush()
        standing.hint(tx)


async def withdraw_narrowed(tx: Transaction, export: DatasetExport, given: Sequence[Gone]) -> None:
    """Take back what is in an export on terms that its author narrowed while it was written. Those
    who narrow them later find its rows.

    Args:
        given: all that went out with it, and is recorded; nobody says anything meanwhile (`hold`).
    """
    for start in range(0, len(given), BATCH):
        some = {gone.media.id: gone for gone in given[start : start + BATCH]}
        query = (
            select(DatasetItem, Status, Account)
            .join(Status, col(Status.id) == col(DatasetItem.status_id))
            .join(Account, col(Account.id) == col(DatasetItem.account_id))
            .where(
                col(DatasetItem.export_id) == export.id,
                col(DatasetItem.media_id).in_(list(some)),
                col(DatasetItem.withdrawn_at).is_(None),
            )
        )
        narrowed = [
            item
            for item, status, author in (await tx.exec(query)).all()
            if standing.is_narrower(standing.terms(author, status), some[item.media_id].terms)
        ]
        places = await positions(tx, len(narrowed)) if narrowed else range(0)
        for item, position in zip(narrowed, places, strict=True):
            item.reason, item.withdrawn_at, item.withdrawn_position = "terms", tx.now, position
            tx.add(item)
        await tx.flush()


async def is_overdue(session: Session, export_id: int) -> bool:
    """Whether there is anything of an export that `withdraw` would mark."""
    return (await session.exec(_overdue(None, export_id).limit(1))).first() is not None


async def overdue(session: Session) -> list[int]:
    """The next rows that `withdraw` would mark."""
    return [item.id for item, _ in (await session.exec(_overdue(None, None).limit(BATCH))).all()]


async def is_anything_out(session: Session) -> bool:
    """Whether anything ever went out."""
    query = select(DatasetExport.id).where(
        col(DatasetExport.kind).in_(GIVEN), col(DatasetExport.items) > 0
    )
    return (await session.exec(query.limit(1))).first() is not None


def _overdue(account_id: int | None, export_id: int | None) -> Any:
    query = (
        select(DatasetItem, DatasetExport)
        .join(DatasetExport, col(DatasetExport.id) == col(DatasetItem.export_id))
        .where(
            col(DatasetExport.kind).in_(GIVEN),
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


async def record(tx: Transaction, export: DatasetExport, items: Iterable[Gone]) -> None:
    """Write down pictures that go out with an export."""
    for gone in items:
        tx.add(item_of(tx, export, gone.media, gone.status, gone.key, gone.digest))
    await tx.flush()


def item_of(
    tx: Transaction,
    export: DatasetExport,
    media: MediaAttachment,
    status: Status,
    key: str,
    digest: str = "",
) -> DatasetItem:
    """The row of a picture that goes out, called `key` there."""
    number = tx.new_id()
    return DatasetItem(
        id=number,
        export_id=export.id,
        media_id=media.id,
        key=key,
        status_id=status.id,
        account_id=status.account_id,
        digest=digest,
        position=number,
        sent_at=tx.now,
    )


async def find(session: Session, number: int | None) -> DatasetExport:
    """An export by its number.

    Raises:
        NotFound: there is none.
    """
    export = None if number is None else await session.get(DatasetExport, number)
    if export is None or export.kind not in GIVEN:
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
        .where(col(DatasetExport.kind).in_(GIVEN), col(DatasetItem.account_id) == account.id)
        .group_by(*table_of(DatasetExport).c)
    )
    return [Given(*row) for row in await paging.rows(session, query, page, col(DatasetExport.id))]


async def hold(tx: Transaction) -> Mark:
    """Be alone, until this is committed, with what authors say and with what goes out. Whoever says
    something, and whoever gives something away, begins with it: of two that meet, the second sees
    all of the first."""
    row = await tx.get(Mark, POSITIONS, with_for_update=True, populate_existing=True)
    if row is None:
        await add_once(tx, Mark(name=POSITIONS, value="0"))
        row = await tx.get_one(Mark, POSITIONS, with_for_update=True, populate_existing=True)
    return row


async def positions(tx: Transaction, count: int) -> range:
    """The next places in the order in which things go out and are taken back. Who gets some is
    alone with it until they are committed, so that nobody who has read up to one place finds
    another before it later."""
    row = await hold(tx)
    first = max(tx.new_id(), int(row.value) + 1)
    row.value = str(first + count - 1)
    tx.add(row)
    await tx.flush()
    return range(first, first + count)
