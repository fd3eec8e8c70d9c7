"""Collections page by page, by cursors that new members do not move.

A page begins behind a member, not at a number: whatever is added while somebody walks through
the pages, they meet every member that was there when they set out, and none of them twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func
from sqlmodel import select
from starlette.exceptions import HTTPException
from starlette.requests import Request

from activitypub.objects import Collection, CollectionPage
from fedi import ids
from fedi.database import Session

PAGE = 20  # members of a page
FIRST, LAST = "true", "last"  # the values of `page`, the former as Mastodon has it


@dataclass(frozen=True)
class Part:
    """One page of a listing: its rows, and where it lies."""

    rows: list[Any]
    here: str
    next: str | None
    prev: str | None


@dataclass(frozen=True)
class Listing:
    """A collection, as one reader may see it.

    Args:
        uri: its id.
        query: a SELECT of its members, not ordered yet; a member of several columns is a tuple.
        key: the column that they are ordered by; no two are the same.
        newest_first: the order.
        ordered: whether its type says that it has one.
        attributed_to: whose it is, where that must be said.
        beside: another SELECT and its key, whose members stand among the others by the same order.
        event_stream: where its owner's apps hear of what comes into it.
    """

    uri: str
    query: Any
    key: Any
    newest_first: bool = True
    ordered: bool = True
    attributed_to: str | None = None
    beside: tuple[Any, Any] | None = None
    event_stream: str | None = None

    async def total(self, session: Session) -> int:
        """How many members this reader may see."""
        total = 0
        for query, _ in self._sources():
            members = query.order_by(None).subquery()
            count = await session.execute(select(func.count()).select_from(members))
            total += int(count.scalar() or 0)
        return total

    def _sources(self) -> list[tuple[Any, Any]]:
        return [(self.query, self.key), *([self.beside] if self.beside is not None else [])]

    async def _found(self, session: Session, cursor: int | None, *, downwards: bool) -> list[Any]:
        """A page of rows and one more, beginning behind a member; the key stands last in each."""
        found: list[Any] = []
        for source, key in self._sources():
            query = source.add_columns(key)
            if cursor is not None:
                query = query.where(key < cursor if downwards else key > cursor)
            query = query.order_by(key.desc() if downwards else key.asc())
            found += (await session.execute(query.limit(PAGE + 1))).all()
        if self.beside is not None:
            found.sort(key=lambda row: row[-1], reverse=downwards)
        return found[: PAGE + 1]

    async def part(self, session: Session, request: Request) -> Part:
        """The page that a request asks for; the first, unless it says another.

        Raises:
            HTTPException: its cursor is none.
        """
        ahead, back = ("max_id", "min_id") if self.newest_first else ("min_id", "max_id")
        after, before = _number(request, ahead), _number(request, back)
        backwards = before is not None or request.query_params.get("page") == LAST
        cursor = before if backwards else after
        downwards = self.newest_first != backwards
        found = await self._found(session, cursor, downwards=downwards)
        more, rows = len(found) > PAGE, list(found[:PAGE])
        if backwards:
            rows.reverse()
        came = cursor is not None and bool(rows)  # from a member on the other side
        goes_on, goes_back = (came, more) if backwards else (more, came)
        here = f"{self.uri}?page={FIRST}"
        if cursor is not None:
            here += f"&{back if backwards else ahead}={cursor}"
        elif backwards:
            here = f"{self.uri}?page={LAST}"
        members = [row[0] if len(row) == 2 else tuple(row[:-1]) for row in rows]
        return Part(
            rows=members,
            here=here,
            next=f"{self.uri}?page=true&{ahead}={rows[-1][-1]}" if goes_on else None,
            prev=f"{self.uri}?page=true&{back}={rows[0][-1]}" if goes_back else None,
        )

    def whole(
        self, total: int, *, items: Iterable[Any] | None = None, first: CollectionPage | None = None
    ) -> dict[str, Any]:
        """The collection itself: its members if all are at hand, else the way to them."""
        return Collection(
            id=self.uri,
            type="OrderedCollection" if self.ordered else "Collection",
            attributed_to=self.attributed_to,
            total_items=total,
            first=f"{self.uri}?page=true" if items is None else None,
            first_page=first,
            last=f"{self.uri}?page={LAST}" if items is None else None,
            items=tuple(items) if items is not None else None,
            event_stream=self.event_stream,
        ).document()

    def page(self, part: Part, items: Iterable[Any]) -> CollectionPage:
        """A page with its members as they are shown."""
        return CollectionPage(
            id=part.here,
            type="OrderedCollectionPage" if self.ordered else "CollectionPage",
            part_of=self.uri,
            next=part.next,
            prev=part.prev,
            items=tuple(items),
        )


def asks_for_page(request: Request) -> bool:
    """Whether a request asks for a page of the collection rather than for the collection."""
    return bool(request.query_params.get("page"))


def _number(request: Request, name: str) -> int | None:
    value = request.query_params.get(name)
    if value is None:
        return None
    number = ids.parse(value)
    if number is None:
        raise HTTPException(400, f"The parameter {name} is no id.")
    return number
