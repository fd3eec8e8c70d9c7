"""How often something was used in each of the last days, and by how many people."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct
from sqlmodel import col, select

from fedi import ids
from fedi.database import Session
from fedi.database.tables import Status, StatusTag, Tag, TrendSignal
from fedi.social.trends import formula
from fedi.social.trends.subjects import Kind, by_somebody_open, for_everybody

DAYS = 7  # that a history has
MAX_POSTS = 20_000  # of them, the newest: a count that is made for each who asks


class Day(Struct, frozen=True):
    """How often something was used in a day, and by how many people."""

    begins: datetime
    uses: int
    accounts: int


async def of_tags(session: Session, tags: Sequence[Tag]) -> dict[int, list[Day]]:
    """How hashtags were used, today first, by their ids: of any, whether they trend or not."""
    starts = _starts(session)
    floors = [ids.floor(start) for start in starts]
    wanted = [tag.id for tag in tags]
    used: defaultdict[int, list[list[int]]] = defaultdict(lambda: [[] for _ in starts])
    if wanted:
        query: Any = (
            select(StatusTag.tag_id, Status.id, Status.account_id)
            .join(Status, col(Status.id) == col(StatusTag.status_id))
            .where(
                col(StatusTag.tag_id).in_(wanted), col(Status.id) >= floors[-1], *for_everybody()
            )
            .order_by(col(Status.id).desc())
            .limit(MAX_POSTS)
        )
        for tag_id, status_id, account_id in await session.execute(query):
            number = next(n for n, floor in enumerate(floors) if status_id >= floor)
            used[tag_id][number].append(account_id)
    return _days(starts, wanted, used)


async def of_trends(session: Session, kind: Kind, numbers: Sequence[int]) -> dict[int, list[Day]]:
    """How links or prompts were used, today first, by their numbers."""
    starts = _starts(session)
    floors = [formula.hour_of(start) for start in starts]
    used: defaultdict[int, list[list[int]]] = defaultdict(lambda: [[] for _ in starts])
    if numbers:
        query: Any = (
            select(TrendSignal.subject_id, TrendSignal.account_id, TrendSignal.hour)
            .where(
                TrendSignal.kind == kind,
                col(TrendSignal.subject_id).in_(numbers),
                TrendSignal.hour >= floors[-1],
                by_somebody_open(col(TrendSignal.account_id)),
            )
            .order_by(col(TrendSignal.hour).desc())
            .limit(MAX_POSTS)
        )
        for subject_id, account_id, hour in await session.execute(query):
            number = next(n for n, floor in enumerate(floors) if hour >= floor)
            used[subject_id][number].append(account_id)
    return _days(starts, numbers, used)


def _starts(session: Session) -> list[datetime]:
    today = session.now.replace(hour=0, minute=0, second=0, microsecond=0)
    return [today - timedelta(days=number) for number in range(DAYS)]


def _days(
    starts: Sequence[datetime], wanted: Sequence[int], used: dict[int, list[list[int]]]
) -> dict[int, list[Day]]:
    return {
        number: [
            Day(start, len(people), len(set(people)))
            for start, people in zip(starts, used[number], strict=True)
        ]
        for number in wanted
    }
