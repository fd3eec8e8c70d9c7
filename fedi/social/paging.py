"""One page of rows that are ordered by an id, between two cursors. All listings are read so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fedi.database import Session

MAX_PAGE = 80  # Mastodon's largest page


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a listing: at most `limit`, between two ids, the newest first.

    Args:
        limit: how many at most.
        max_id: only older than this one.
        since_id: only newer than this one, beginning with the newest.
        min_id: only newer than this one, beginning with the next.
        only_media: of a timeline, only posts with pictures.
    """

    limit: int = 20
    max_id: int | None = None
    since_id: int | None = None
    min_id: int | None = None
    only_media: bool = False


async def rows(session: Session, query: Any, page: Page, key: Any) -> list[Any]:
    """The rows of one page, the newest first.

    Args:
        session: a session.
        query: a SELECT, not ordered yet.
        page: which part of it.
        key: the indexed column that has the ids.

    Returns:
        What the query selects: rows of tuples, where that are several things.
    """
    if page.max_id is not None:
        query = query.where(key < page.max_id)
    if page.since_id is not None:
        query = query.where(key > page.since_id)
    if page.min_id is not None:
        query = query.where(key > page.min_id)
    forwards = page.min_id is not None
    query = query.order_by(key.asc() if forwards else key.desc())
    limit = max(1, min(page.limit, MAX_PAGE))
    found = list((await session.execute(query.limit(limit))).all())
    if len(query.column_descriptions) == 1:
        found = [row[0] for row in found]
    return found[::-1] if forwards else found
