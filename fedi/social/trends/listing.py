"""What trends, as somebody may see it, and the reason of each.

It is read from what was counted: one look into an index. What may have changed since (who is
silenced or hidden, who blocks whom, which recipe is shared no more) is asked for now.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import ColumnElement, exists
from sqlmodel import col, select

from fedi import ids
from fedi.database import Session
from fedi.database.tables import (
    Account,
    Block,
    Status,
    Tag,
    Trend,
    TrendSignal,
)
from fedi.social import mutes
from fedi.social.trends import examples, formula, subjects, verdicts
from fedi.social.trends.subjects import Kind
from fedi.social.trends.verdicts import Which
from fedi.social.visibility import load_many, visible_to

CANDIDATES = 100  # links and prompts, the first, of which those are left out that somebody hides


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something is there: so many people of so many servers in so many hours."""

    people: int
    servers: int
    hours: int

    @property
    def words(self) -> str:
        return (
            f"{_many(self.people, 'person', 'people')} of "
            f"{_many(self.servers, 'server', 'servers')} in {_many(self.hours, 'hour', 'hours')}"
        )


class Reasons(dict[int, Reason]):
    """Reasons by numbers. On PostgreSQL something may be undone between it is listed and this is
    read: then nobody is left, and nothing fails."""

    def __missing__(self, number: int) -> Reason:
        return Reason(0, 0, 0)


@dataclass(frozen=True, slots=True)
class Link:
    """An address that people post."""

    number: int
    address: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """The words of shared recipes, and the latest post with such a picture."""

    number: int
    words: str
    example: Status


async def statuses(
    session: Session,
    viewer: Account | None,
    which: Which = "usual",
    *,
    limit: int,
    offset: int = 0,
) -> list[Status]:
    """Posts that people like, boost and remix: not older than `WINDOW`, and no answers."""
    query = (await _posts(session, viewer, "status", which)).where(
        col(Status.in_reply_to_uri).is_(None),
        col(Status.id) >= ids.floor(session.now - formula.WINDOW),
    )
    return list((await session.exec(query.limit(limit).offset(offset))).all())


async def chains(
    session: Session,
    viewer: Account | None,
    which: Which = "usual",
    *,
    limit: int,
    offset: int = 0,
) -> list[Status]:
    """The first posts of chains to which people add remixes."""
    query = await _posts(session, viewer, "chain", which)
    return list((await session.exec(query.limit(limit).offset(offset))).all())


async def tags(
    session: Session,
    viewer: Account | None,
    which: Which = "usual",
    *,
    limit: int,
    offset: int = 0,
) -> list[Tag]:
    """Hashtags that people use; none that only those use whom the viewer hides."""
    query = (
        select(Tag)
        .join(Trend, (col(Trend.subject_id) == col(Tag.id)) & (col(Trend.kind) == "tag"))
        .where(*_trends(session, which), await _posted(session, viewer, "tag"))
        .order_by(col(Trend.rank).desc(), col(Tag.name))
    )
    return list((await session.exec(query.limit(limit).offset(offset))).all())


async def links(
    session: Session,
    viewer: Account | None,
    which: Which = "usual",
    *,
    limit: int,
    offset: int = 0,
) -> list[Link]:
    """Addresses that people post; none of a domain that the viewer hides, and none that only those
    post whom they hide."""
    hidden = set((await mutes.unwanted(session, viewer))[1]) if viewer is not None else set()
    posted = await _posted(session, viewer, "link")
    found = [
        Link(row.subject_id, row.words)
        for row in await _numbered(session, "link", which, posted)
        if urlsplit(row.words).hostname not in hidden
    ]
    return found[offset : offset + limit]


async def prompts(
    session: Session,
    viewer: Account | None,
    which: Which = "usual",
    *,
    limit: int,
    offset: int = 0,
) -> list[Prompt]:
    """Prompts that people use, and whose pictures they like: of those of which there is a post
    whose recipe is shared, that the viewer may see, and that has no warning."""
    rows = await _numbered(session, "prompt", which)
    numbers = [row.subject_id for row in rows]
    found = await examples.of(session, viewer, numbers, await open_to(session, viewer))
    page = [number for number in numbers if number in found][offset : offset + limit]
    posts = await load_many(session, viewer, [found[number].status_id for number in page])
    return [
        Prompt(number, found[number].words, posts[found[number].status_id])
        for number in page
        if found[number].status_id in posts
    ]


async def reasons(session: Session, kind: Kind, numbers: Sequence[int]) -> Reasons:
    """Why these are there, by their numbers."""
    if not numbers:
        return Reasons()
    query = select(Trend).where(Trend.kind == kind, col(Trend.subject_id).in_(numbers))
    now = formula.hour_of(session.now)
    return Reasons(
        (row.subject_id, Reason(row.people, row.servers, max(now - row.began, 1)))
        for row in (await session.exec(query)).all()
    )


async def find_link(session: Session, number: int) -> Link | None:
    """A link by its number, as long as somebody talks about it."""
    row = await session.get(Trend, ("link", number))
    return None if row is None else Link(row.subject_id, row.words)


async def with_link(session: Session, viewer: Account | None, address: str) -> Any:
    """A SELECT of the posts with a link that trends, as the viewer may see them."""
    posts = select(TrendSignal.source_id).where(
        TrendSignal.kind == "link",
        TrendSignal.subject_id == subjects.number_of(subjects.link(address)),
    )
    return visible_to(viewer).where(col(Status.id).in_(posts), *await open_to(session, viewer))


async def _posts(session: Session, viewer: Account | None, kind: Kind, which: Which) -> Any:
    return (
        visible_to(viewer)
        .join(Trend, (col(Trend.subject_id) == col(Status.id)) & (col(Trend.kind) == kind))
        .where(
            col(Status.reblog_of_id).is_(None),
            *await open_to(session, viewer),
            *_trends(session, which),
        )
        .order_by(col(Trend.rank).desc(), col(Status.id).desc())
    )


def _trends(session: Session, which: Which) -> list[ColumnElement[bool]]:
    return [
        col(Trend.voices) >= formula.MIN_VOICES,
        col(Trend.last) >= formula.hour_of(session.now - formula.WINDOW),
        *verdicts.shown(which),
    ]


async def _posted(session: Session, viewer: Account | None, kind: Kind) -> ColumnElement[bool]:
    """Of a hashtag or link that trends: that the viewer may see a post with it, as of now. So it is
    gone at once with the last of them, whoever was counted."""
    query = (
        visible_to(viewer)
        .join(TrendSignal, col(TrendSignal.source_id) == col(Status.id))
        .where(
            TrendSignal.kind == kind,
            col(TrendSignal.subject_id) == col(Trend.subject_id),
            *await open_to(session, viewer),
        )
    )
    return query.exists()


async def open_to(session: Session, viewer: Account | None) -> list[ColumnElement[bool]]:
    """Of a post: that it is for everybody, that its author wants to be found, and that the viewer
    neither blocks nor mutes them, nor hides their domain."""
    conditions: list[ColumnElement[bool]] = [
        col(Status.visibility) == "public",
        exists().where(
            col(Account.id) == col(Status.account_id),
            col(Account.discoverable).is_(True),
            *subjects.heard(),
        ),
    ]
    if viewer is None:
        return conditions
    muted, hidden = await mutes.unwanted(session, viewer)
    conditions.append(
        ~exists().where(
            col(Block.account_id) == viewer.id,
            col(Block.target_account_id) == col(Status.account_id),
        )
    )
    if muted:
        conditions.append(col(Status.account_id).not_in(muted))
    if hidden:
        conditions.append(
            ~exists().where(
                col(Account.id) == col(Status.account_id), col(Account.domain).in_(hidden)
            )
        )
    return conditions


async def _numbered(
    session: Session, kind: Kind, which: Which, *more: ColumnElement[bool]
) -> Sequence[Trend]:
    query = (
        select(Trend)
        .where(Trend.kind == kind, *_trends(session, which), *more)
        .order_by(col(Trend.rank).desc(), col(Trend.subject_id))
        .limit(CANDIDATES)
    )
    return (await session.exec(query)).all()


def _many(count: int, one: str, more: str) -> str:
    return f"{count:,} {one if count == 1 else more}"
