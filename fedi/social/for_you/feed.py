"""A page of somebody's feed: a part of what was written down when they opened it, as it may be seen
now."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sqlmodel import col, select

from fedi import ids
from fedi.database import Database, Session
from fedi.database.tables import Account, ForYouMark, Status
from fedi.social import filters, posts
from fedi.social.errors import NotAllowed, NotFound
from fedi.social.filters import Whole
from fedi.social.for_you import choices, ranking, reasons
from fedi.social.for_you.ranking import Entry
from fedi.social.for_you.reasons import Reason
from fedi.social.posts import Post
from fedi.social.trends import listing
from fedi.social.visibility import load_many, seen_by

MOST = 40  # pictures of one page
SPARE = 6  # that are read besides in a feed that was begun: some may not be shown any more
ROUNDS = 4  # of reading, for one page
GONE = "This feed has ended. Open it anew."


@dataclass(frozen=True, slots=True)
class Item:
    """A picture and why it is there; `wanted`: the reader said «more like this»."""

    post: Post
    reason: Reason
    wanted: bool


@dataclass(frozen=True, slots=True)
class Part:
    """A page, and where the next begins; None on the last."""

    items: list[Item]
    next: str | None


@asynccontextmanager
async def page(
    database: Database, reader: Account, cursor: str | None, limit: int
) -> AsyncIterator[tuple[Session, Part]]:
    """A page of somebody's feed, and the session in which it was read, to show it by. A new feed is
    written down once that has been done.

    Args:
        cursor: what the page before it called the next; None: the beginning of a new feed.
        limit: pictures, at most `MOST`.

    Raises:
        NotAllowed: the feed is off.
        NotFound: there is no such page, or not any more.
    """
    limit = max(1, min(limit, MOST))
    async with database.read() as session:
        chosen = await choices.of(session, reader)
        if chosen is None:
            raise NotAllowed(choices.OFF)
        if cursor is None:
            number, place = ids.new(session.now), 0
            entries = await ranking.make(session, reader, chosen)
        else:
            number, place, entries = await _go_on(session, reader, cursor)
        fresh = cursor is None
        items, place = await _shown(session, reader, entries, place, limit, fresh=fresh)
        goes_on = place < len(entries)
        yield session, Part(items, f"{number}.{place}" if goes_on else None)
    if fresh and goes_on:
        async with database.write() as tx:
            await ranking.keep(tx, reader, number, entries)


async def _go_on(session: Session, reader: Account, cursor: str) -> tuple[int, int, list[Entry]]:
    written, _, offset = cursor.partition(".")
    number, place = ids.parse(written), ids.parse(offset)
    entries = None
    if number is not None and place is not None:
        entries = await ranking.find(session, reader, number)
    if number is None or place is None or entries is None or place >= len(entries):
        raise NotFound(GONE)
    return number, place, entries


async def _shown(
    session: Session,
    reader: Account,
    entries: Sequence[Entry],
    place: int,
    limit: int,
    *,
    fresh: bool,
) -> tuple[list[Item], int]:
    """So many items from a place on, and the place after the last.

    Args:
        fresh: whether it was found just now who wants to be found and is not hidden, and why.
    """
    held = await filters.active(session, reader, session.now)
    hiding = [one for one in held if one.filter.action == "hide" and "public" in one.filter.context]
    open_to = [] if fresh else await listing.open_to(session, reader)
    items: list[Item] = []
    for _ in range(ROUNDS):
        spare = 0 if fresh and not hiding else SPARE
        taken = entries[place : place + limit - len(items) + spare]
        numbers = [entry.status_id for entry in taken]
        if fresh:
            seen = await load_many(session, reader, numbers)
        else:
            query = seen_by(reader).where(col(Status.id).in_(numbers), *open_to)
            seen = {status.id: status for status in (await session.exec(query)).all()}
        marks = {} if fresh else await _marks(session, reader, numbers)
        left = [
            entry
            for entry in taken
            if entry.status_id in seen and marks.get(entry.status_id) is not False
        ]
        told = await reasons.names(session, reader.id, left, fresh=fresh)
        whole = await posts.assemble(session, [seen[entry.status_id] for entry in left], reader)
        ready = {post.status.id: post for post in whole if not _hidden(hiding, post)}
        for entry in taken:
            if len(items) == limit:
                return items, place
            place += 1
            post = ready.get(entry.status_id)
            reason = told.reason(entry, post) if post is not None else None
            if post is not None and reason is not None:
                items.append(Item(post, reason, marks.get(entry.status_id) is True))
        if len(items) == limit or place >= len(entries):
            break
    return items, place


def _hidden(hiding: Sequence[Whole], post: Post) -> bool:
    return bool(hiding) and bool(filters.matches(hiding, post))


async def _marks(session: Session, reader: Account, numbers: Sequence[int]) -> dict[int, bool]:
    query = select(ForYouMark.status_id, ForYouMark.more).where(
        ForYouMark.account_id == reader.id, col(ForYouMark.status_id).in_(numbers)
    )
    return dict((await session.exec(query)).all())
