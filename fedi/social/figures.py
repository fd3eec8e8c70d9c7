"""How this instance is doing, in numbers: what was counted in each of some days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Literal

import sqlalchemy
from sqlalchemy import case, func
from sqlmodel import col

from fedi import ids
from fedi.database import Session
from fedi.database.tables import (
    Account,
    Favourite,
    Follow,
    Login,
    MediaAttachment,
    Report,
    Status,
    StatusTag,
)
from fedi.social.errors import Invalid

select: Any = sqlalchemy.select  # its types know no query that gets its columns later

MAX_DAYS = 92  # of one question: each is a column of the query
MAX_COHORTS = 31
DAY = timedelta(days=1)

_WRITTEN = col(Status.local).is_(True) & col(Status.deleted_at).is_(None)


@dataclass(frozen=True, slots=True)
class _Measure:
    """What is counted: rows of a query, each at its moment or under an id that tells the moment.

    Attributes:
        query: counts rows by `_counted`.
        when: a column of moments, or of ids.
        by_id: whether it is of ids.
        what: a column of which different values are counted; rows, without.
    """

    query: Any
    when: Any
    by_id: bool = False
    what: Any = None


def _of(kind: str, about: str) -> _Measure | None:
    """What a key means.

    Args:
        about: of which hashtag (an id) or domain.
    """
    tagged = select(StatusTag.status_id).where(col(StatusTag.tag_id) == _number(about))
    of_tag = col(Status.id).in_(tagged) & col(Status.deleted_at).is_(None)
    author = col(Account.id) == col(Status.account_id)
    there = col(Account.domain) == about.lower()
    match kind:
        case "new_users":
            return _Measure(select().select_from(Login), col(Login.created_at))
        case "active_users":
            query = select().select_from(Status).where(_WRITTEN)
            return _Measure(query, col(Status.id), True, col(Status.account_id))
        case "interactions":
            query = (
                select()
                .select_from(Favourite)
                .join(Status, col(Status.id) == col(Favourite.status_id))
                .where(col(Status.local).is_(True))
            )
            return _Measure(query, col(Favourite.created_at))
        case "opened_reports":
            return _Measure(select().select_from(Report), col(Report.created_at))
        case "resolved_reports":
            return _Measure(select().select_from(Report), col(Report.resolved_at))
        case "tag_uses":
            return _Measure(select().select_from(Status).where(of_tag), col(Status.id), True)
        case "tag_accounts":
            query = select().select_from(Status).where(of_tag)
            return _Measure(query, col(Status.id), True, col(Status.account_id))
        case "tag_servers":
            query = select().select_from(Status).join(Account, author).where(of_tag)
            return _Measure(query, col(Status.id), True, func.coalesce(Account.domain, ""))
        case "instance_accounts":
            return _Measure(select().select_from(Account).where(there), col(Account.created_at))
        case "instance_statuses":
            query = select().select_from(Status).join(Account, author).where(there)
            return _Measure(query, col(Status.id), True)
        case "instance_media_attachments":
            query = (
                select()
                .select_from(MediaAttachment)
                .join(Account, col(Account.id) == col(MediaAttachment.account_id))
                .where(there)
            )
            return _Measure(query, col(MediaAttachment.id), True)
        case "instance_reports":
            query = (
                select()
                .select_from(Report)
                .join(Account, col(Account.id) == col(Report.target_account_id))
                .where(there)
            )
            return _Measure(query, col(Report.created_at))
        case "instance_follows" | "instance_followers":
            mine = Follow.target_account_id if kind == "instance_follows" else Follow.account_id
            query = (
                select()
                .select_from(Follow)
                .join(Account, col(Account.id) == col(mine))
                .where(there, col(Follow.state) == "accepted")
            )
            return _Measure(query, col(Follow.created_at))
    return None


def _number(text: str) -> int:
    return ids.parse(text) or 0


@dataclass(frozen=True, slots=True)
class Counted:
    """A measure of some days, and of as many before them."""

    total: int
    previous: int
    days: Sequence[tuple[datetime, int]]


async def measure(
    session: Session, kind: str, start: datetime, end: datetime, about: str = ""
) -> Counted | None:
    """Count something.

    Args:
        kind: such as `new_users`; what is none gives None.
        start, end: the first and the last day.
        about: of which hashtag (an id) or domain, where that is asked.

    Raises:
        Invalid: the days make no sense, or are too many.
    """
    starts = days(start, end)
    found = _of(kind, about)
    if found is None:
        return None
    first, after = starts[0], starts[-1] + DAY
    before = first - (after - first)
    spans = [(day, day + DAY) for day in starts] + [(first, after), (before, first)]
    what = found.what if found.what is not None else 1
    count = (lambda x: func.count(func.distinct(x))) if found.what is not None else func.count
    columns = [count(case((_between(found, span), what))) for span in spans]
    least, most = _between(found, (before, after)), found.when.is_not(None)
    row = (await session.execute(found.query.add_columns(*columns).where(least, most))).one()
    *each, total, previous = (int(value) for value in row)
    return Counted(total, previous, list(zip(starts, each, strict=True)))


def _between(found: _Measure, span: tuple[datetime, datetime]) -> Any:
    low, high = (ids.floor(one) for one in span) if found.by_id else span
    return (found.when >= low) & (found.when < high)


def days(start: datetime, end: datetime) -> list[datetime]:
    """The days from one to another, each by its midnight.

    Raises:
        Invalid: there are none, or too many.
    """
    first = start.replace(hour=0, minute=0, second=0, microsecond=0)
    number = (end - first).days + 1
    if not 1 <= number <= MAX_DAYS:
        raise Invalid(f"Ask for 1 to {MAX_DAYS} days.")
    try:
        before = first - number * DAY
        whole = [first + step * DAY for step in range(number + 1)]
    except OverflowError as error:
        raise Invalid("Those days are out of reach.") from error
    if before.year < 1971:
        raise Invalid("Those days are out of reach.")
    return whole[:-1]


async def dimension(
    session: Session, kind: str, start: datetime, end: datetime, limit: int, about: str = ""
) -> list[tuple[str, int]] | None:
    """What most of something is: names and how many each.

    Args:
        kind: such as `languages`; what is none gives None.
        start, end: the first and the last day.
        limit: how many names.
        about: as for `measure`.
    """
    starts = days(start, end)
    low, high = ids.floor(starts[0]), ids.floor(starts[-1] + DAY)
    posted = (col(Status.id) >= low) & (col(Status.id) < high) & col(Status.deleted_at).is_(None)
    author = col(Account.id) == col(Status.account_id)
    tagged = select(StatusTag.status_id).where(col(StatusTag.tag_id) == _number(about))
    of_tag = col(Status.id).in_(tagged) & posted
    there = col(Account.domain) == about.lower()
    name, query = _names(kind, of_tag, posted, there, author)
    if query is None:
        return None
    amount = func.count()
    grouped = (
        query.add_columns(name, amount)
        .where(name.is_not(None), name != "")
        .group_by(name)
        .order_by(amount.desc(), name)
        .limit(limit)
    )
    return [(str(key), int(number)) for key, number in (await session.execute(grouped)).all()]


def _names(kind: str, of_tag: Any, posted: Any, there: Any, author: Any) -> tuple[Any, Any]:
    posts: Any = select().select_from(Status).join(Account, author)
    match kind:
        case "languages":
            return col(Login.locale), select().select_from(Login)
        case "servers":
            return col(Account.domain), posts.where(posted)
        case "tag_servers":
            return col(Account.domain), posts.where(of_tag)
        case "tag_languages":
            return col(Status.language), posts.where(of_tag)
        case "instance_accounts":
            return col(Account.username), posts.where(posted, there)
        case "instance_languages":
            return col(Status.language), posts.where(posted, there)
    return None, None


Frequency = Literal["day", "month"]


@dataclass(frozen=True, slots=True)
class Cohort:
    """Who came in one period, and how many of them posted in it and in each later one."""

    period: datetime
    came: int
    stayed: Sequence[tuple[datetime, int]]


async def retention(
    session: Session, start: datetime, end: datetime, frequency: Frequency
) -> list[Cohort]:
    """Who came, and who of them still posts.

    Raises:
        Invalid: the periods make no sense, or are too many.
    """
    edges = _periods(start, end, frequency)
    spans = list(pairwise(edges))
    found = []
    for number, (low, high) in enumerate(spans):
        came = (col(Login.created_at) >= low) & (col(Login.created_at) < high)
        people = select(Login.account_id).where(came)
        count: Any = select(func.count()).select_from(Login).where(came)
        total = int((await session.execute(count)).scalar() or 0)
        later = spans[number:]
        columns = [
            func.count(
                func.distinct(
                    case(
                        (
                            (col(Status.id) >= ids.floor(begin))
                            & (col(Status.id) < ids.floor(end_)),
                            col(Status.account_id),
                        )
                    )
                )
            )
            for begin, end_ in later
        ]
        query: Any = select(*columns).where(_WRITTEN, col(Status.account_id).in_(people))
        row = (await session.execute(query)).one() if total else [0] * len(later)
        stayed = [(begin, int(value)) for (begin, _), value in zip(later, row, strict=True)]
        found.append(Cohort(low, total, stayed))
    return found


def _periods(start: datetime, end: datetime, frequency: Frequency) -> list[datetime]:
    """The beginnings of the periods, and the end of the last one."""
    begin = start.replace(hour=0, minute=0, second=0, microsecond=0)
    if frequency == "month":
        begin = begin.replace(day=1)
    edges = [begin]
    try:
        while edges[-1] <= end:
            if len(edges) > MAX_COHORTS:
                raise Invalid(f"Ask for at most {MAX_COHORTS} periods.")
            last = edges[-1]
            if frequency == "day":
                edges.append(last + DAY)
            else:
                edges.append((last + 32 * DAY).replace(day=1))
    except OverflowError as error:
        raise Invalid("Those days are out of reach.") from error
    if len(edges) < 2 or begin.year < 1971:
        raise Invalid("The end is before the start.")
    return edges
