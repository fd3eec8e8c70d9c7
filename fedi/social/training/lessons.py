"""What styles were learned from, here (`easel style`): whose pictures, which, when, for which.

It stands in the tables of the ledger, and went to nobody: who takes a picture back is told to no
one outside. What a style learned stays in it until it is removed. Which of its pictures may not be
learned from any more is looked up when it is asked, by the very conditions that a training has.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, false, func, or_
from sqlmodel import col, select

from fedi.database import Session, Transaction
from fedi.database.insertion import table_of
from fedi.database.tables import Account, DatasetExport, DatasetItem, MediaAttachment, Status
from fedi.social import paging
from fedi.social.errors import NotFound
from fedi.social.paging import Page
from fedi.social.training import ledger, offers

STYLE = "style"  # of what its authors let others train on
ASKED = "asked"  # of what an author gave who asked for that style, as whoever began it says
KINDS = (STYLE, ASKED)
NO_STYLE = "Nothing of yours was learned for such a style."


@dataclass(frozen=True, slots=True)
class Lesson:
    """What of one author's a style was learned from.

    Attributes:
        style: its row: `purpose` is its name, `revoked_at` when it was removed.
        pictures: how many.
        withdrawn: how many of them may not be learned from any more, or were left out when the
            training went on.
    """

    style: DatasetExport
    pictures: int
    withdrawn: int


async def begin(
    tx: Transaction,
    name: str,
    pictures: Iterable[tuple[MediaAttachment, Status, str]],
    *,
    asked: bool,
) -> DatasetExport:
    """Write down which pictures a style is learned from. What had its name before is no more.

    Args:
        pictures: each with its post, and what it is called in the training.
        asked: whether their author asked for the style.
    """
    await end(tx, name)
    style = DatasetExport(
        id=tx.new_id(),
        kind=ASKED if asked else STYLE,
        purpose=name,
        created_at=tx.now,
        finished_at=tx.now,
    )
    tx.add(style)
    await tx.flush()
    for media, status, key in pictures:
        tx.add(ledger.item_of(tx, style, media, status, key))
        style.items += 1
    await tx.flush()
    return style


async def leave_out(tx: Transaction, style_id: int, keys: Collection[str]) -> None:
    """Write down that a training goes on without some of its pictures.

    Args:
        keys: what they are called in it.
    """
    query = select(DatasetItem).where(
        col(DatasetItem.export_id) == style_id,
        col(DatasetItem.key).in_(list(keys)),
        col(DatasetItem.withdrawn_at).is_(None),
    )
    for item in (await tx.exec(query)).all():
        item.withdrawn_at = tx.now  # and no position: nobody outside has it
        tx.add(item)


async def end(tx: Transaction, name: str) -> None:
    """Write down that a style was removed."""
    query = _styles().where(
        col(DatasetExport.purpose) == name, col(DatasetExport.revoked_at).is_(None)
    )
    for style in (await tx.exec(query)).all():
        style.revoked_at = tx.now
        tx.add(style)


async def styles(session: Session, page: Page) -> list[DatasetExport]:
    """What was learned here, the newest first."""
    return await paging.rows(session, _styles(), page, col(DatasetExport.id))


async def of_author(session: Session, account: Account, page: Page) -> list[Lesson]:
    """What was learned from an author's pictures, style by style, the newest first."""
    found = await paging.rows(session, _lessons(account), page, col(DatasetExport.id))
    return [Lesson(*row) for row in found]


async def find(session: Session, account: Account, number: int | None) -> Lesson:
    """What of an author's one style was learned from.

    Raises:
        NotFound: nothing, or there is no such style.
    """
    query = _lessons(account).where(col(DatasetExport.id) == (number or 0))
    row = (await session.exec(query)).first()
    if row is None:
        raise NotFound(NO_STYLE)
    return Lesson(*row)


async def pictures(
    session: Session, account: Account, style: DatasetExport, page: Page
) -> list[tuple[DatasetItem, bool]]:
    """Which pictures of an author's a style was learned from, and whether each may not be learned
    from any more (`Lesson.withdrawn`); the latest first."""
    query = (
        select(DatasetItem, _gone())
        .join(DatasetExport, col(DatasetExport.id) == col(DatasetItem.export_id))
        .where(col(DatasetItem.export_id) == style.id, col(DatasetItem.account_id) == account.id)
    )
    found = await paging.rows(session, query, page, col(DatasetItem.id))
    return [(item, bool(gone)) for item, gone in found]


def _styles() -> Any:
    return select(DatasetExport).where(col(DatasetExport.kind).in_(KINDS))


def _lessons(account: Account) -> Any:
    return (
        select(DatasetExport, func.count(), func.count().filter(_gone()))
        .join(DatasetItem, col(DatasetItem.export_id) == col(DatasetExport.id))
        .where(col(DatasetExport.kind).in_(KINDS), col(DatasetItem.account_id) == account.id)
        .group_by(*table_of(DatasetExport).c)
    )


def _gone() -> Any:
    media, kind = col(DatasetItem.media_id), col(DatasetExport.kind)
    return or_(
        col(DatasetItem.withdrawn_at).is_not(None),
        and_(kind == STYLE, ~offers.still(media, false())),
        and_(kind == ASKED, ~offers.still_asked_for(media)),
    )
