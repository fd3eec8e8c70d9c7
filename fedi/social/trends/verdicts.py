"""Whether something may be shown among what many look at, as moderators say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from sqlalchemy import ColumnElement, exists
from sqlmodel import col, select

from fedi.database import Session, Transaction
from fedi.database.tables import Trend, TrendVerdict
from fedi.settings import TrendsSettings
from fedi.social.trends.subjects import Kind

# What is shown: all but what moderators rejected, only what they approved, or all, to them.
Which = Literal["usual", "approved", "all"]


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


async def of(session: Session, kind: Kind, ids: Sequence[int]) -> dict[int, bool]:
    """What moderators said of these, of those that they looked at."""
    if not ids:
        return {}
    query = select(TrendVerdict).where(
        TrendVerdict.kind == kind, col(TrendVerdict.subject_id).in_(ids)
    )
    return {row.subject_id: row.allowed for row in (await session.exec(query)).all()}
