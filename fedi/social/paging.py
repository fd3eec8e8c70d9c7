"""One page of rows that are ordered by an id, between two cursors. All listings are read so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import BigInteger, Integer, bindparam

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
        boosted_media: of a timeline, and boosts of posts with pictures.
        ai: of a timeline: `only` what was made with AI, or `hide` it; empty: all.
    """

    limit: int = 20
    max_id: int | None = None
    since_id: int | None = None
    min_id: int | None = None
    only_media: bool = False
    boosted_media: bool = False
    ai: str = ""

    @property
    def shape(self) -> Page:
        """What pages have in common that are read by the same statement."""

        def said(cursor: int | None) -> int | None:
            return None if cursor is None else 0

        return replace(
            self,
            limit=0,
            max_id=said(self.max_id),
            since_id=said(self.since_id),
            min_id=said(self.min_id),
        )


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
    return await read(session, between(query, page, key), page)


def between(query: Any, page: Page, key: Any) -> Any:
    """The statement that reads a page, and all others of its shape; `read` gives it the cursors."""
    if page.max_id is not None:
        query = query.where(key < _MAX_ID)
    if page.since_id is not None:
        query = query.where(key > _SINCE_ID)
    if page.min_id is not None:
        query = query.where(key > _MIN_ID)
    return query.order_by(key.desc() if page.min_id is None else key.asc()).limit(_LIMIT)


async def read(
    session: Session, statement: Any, page: Page, values: Mapping[str, Any] | None = None
) -> list[Any]:
    """The rows of one page, the newest first.

    Args:
        session: a session.
        statement: of `between`.
        page: which part of it.
        values: others that the statement asks for.
    """
    told: dict[str, Any] = {
        "max_id": page.max_id,
        "since_id": page.since_id,
        "min_id": page.min_id,
        "limit": max(1, min(page.limit, MAX_PAGE)),
    }
    found = list((await session.execute(statement, told | dict(values or {}))).all())
    if len(statement.column_descriptions) == 1:
        found = [row[0] for row in found]
    return found if page.min_id is None else found[::-1]


_MAX_ID: Any = bindparam("max_id", type_=BigInteger)
_SINCE_ID: Any = bindparam("since_id", type_=BigInteger)
_MIN_ID: Any = bindparam("min_id", type_=BigInteger)
_LIMIT: Any = bindparam("limit", type_=Integer)
