"""Whether something may be shown among what many look at, as moderators say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from sqlalchemy import ColumnElement, exists
from sqlmodel import col, select

from fedi.database import Session, Transaction
from fedi.database.tables import Account, Status, Tag, Trend, TrendVerdict
from fedi.settings import TrendsSettings
from fedi.social import audit
from fedi.social.errors import NotFound
from fedi.social.trends.subjects import Kind

# What is shown: all but what moderators rejected, only what they approved, or all, to them.
Which = Literal["usual", "approved", "all"]

NOTHING = "There is no such trend."


def which(settings: TrendsSettings) -> Which:
    """What the host wants to be shown to everybody."""
    return "approved" if settings.review else "usual"


def shown(which: Which) -> list[ColumnElement[bool]]:
    """As SQL, of a `trend`: whether it is to be shown."""
    if which == "all":
        return []
    judged = exists().where(
        col(TrendVerdict.kind) == col(Trend.kind),
        col(TrendVerdict.subject_id) == col(Trend.subject_id),
    )
    if which == "approved":
        return [judged.where(col(TrendVerdict.allowed))]
    return [~judged.where(~col(TrendVerdict.allowed))]


async def judge(tx: Transaction, kind: Kind, subject_id: int, *, allowed: bool) -> None:
    """Say whether something may be shown."""
    query = select(TrendVerdict).where(
        TrendVerdict.kind == kind, TrendVerdict.subject_id == subject_id
    )
    row = (await tx.exec(query)).first()
    if row is None:
        row = TrendVerdict(
            id=tx.new_id(), kind=kind, subject_id=subject_id, allowed=allowed, created_at=tx.now
        )
    row.allowed = allowed
    tx.add(row)
    await tx.flush()


async def decide(
    tx: Transaction, staff: Account | None, kind: Kind, subject_id: int, *, allowed: bool
) -> str:
    """Say whether something that trends may be shown, and write down who said so.

    Args:
        staff: who; the command line, if None.

    Returns:
        What people know it by: the address of a post or chain, else its words.

    Raises:
        NotFound: nobody talks about it.
    """
    trend = await tx.get(Trend, (kind, subject_id))
    if trend is None:
        raise NotFound(NOTHING)
    words = trend.words
    if kind == "tag":
        words = f"#{(await tx.get_one(Tag, subject_id)).name}"
    elif kind in {"status", "chain"}:
        words = (await tx.get_one(Status, subject_id)).uri
    await judge(tx, kind, subject_id, allowed=allowed)
    action = f"{kind}.{'approve' if allowed else 'reject'}"
    await audit.note(tx, staff, action, words, subject_id)
    return words


async def of(session: Session, kind: Kind, ids: Sequence[int]) -> dict[int, bool]:
    """What moderators said of these, of those that they looked at."""
    if not ids:
        return {}
    query = select(TrendVerdict).where(
        TrendVerdict.kind == kind, col(TrendVerdict.subject_id).in_(ids)
    )
    return {row.subject_id: row.allowed for row in (await session.exec(query)).all()}
