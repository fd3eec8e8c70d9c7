"""What many people post and like these days: a plain count of the last days, by people."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from msgspec import Struct
from sqlalchemy import ColumnElement, exists, func
from sqlmodel import col, select

from fedi import ids
from fedi.database import Session, Transaction
from fedi.database.tables import Account, Block, Status, StatusTag, Tag, TrendVerdict
from fedi.social import hiding
from fedi.social.visibility import HELD, visible_to

DAYS = 7  # that the history of a hashtag has
WINDOW = timedelta(days=3)  # what is looked at for trends
MAX_POSTS = 20_000  # of them, the newest: a count that is made for each who asks


Kind = Literal["tag", "status"]  # of what moderators judge


class Day(Struct, frozen=True):
    """How often a hashtag was used in a day, and by how many people."""

    begins: datetime
    uses: int
    accounts: int


async def tags(
    session: Session, rejected: bool = False, /, *, limit: int, offset: int = 0
) -> list[Tag]:
    """The hashtags that most people used, those of one person left out.

    Args:
        rejected: whether those are named, too, that moderators do not want to be shown.
    """
    recent = _recent(session).subquery()
    people = func.count(func.distinct(recent.c.account_id))
    query: Any = (
        select(Tag)
        .join(StatusTag, col(StatusTag.tag_id) == col(Tag.id))
        .join(recent, recent.c.id == col(StatusTag.status_id))
        .group_by(col(Tag.id))
        .having(people > 1)
        .order_by(people.desc(), func.count().desc(), col(Tag.name))
    )
    if not rejected:
        query = query.where(~_rejected("tag", col(Tag.id)))
    return list((await session.exec(query.limit(limit).offset(offset))).all())


async def statuses(
    session: Session,
    viewer: Account | None,
    rejected: bool = False,
    /,
    *,
    limit: int,
    offset: int = 0,
) -> list[Status]:
    """Posts that most people boosted and liked; a boost says twice as much.

    Args:
        rejected: as for `tags`.
    """
    liked = col(Status.favourites_count) + 2 * col(Status.reblogs_count)
    query = visible_to(viewer).where(
        Status.visibility == "public",
        col(Status.id) >= ids.floor(session.now - WINDOW),
        col(Status.reblog_of_id).is_(None),
        col(Status.in_reply_to_uri).is_(None),
        liked > 0,
        exists().where(
            col(Account.id) == col(Status.account_id),
            col(Account.discoverable).is_(True),
            col(Account.silenced_at).is_(None),
        ),
    )
    if viewer is not None:
        query = query.where(
            ~exists().where(
                col(Block.account_id) == viewer.id,
                col(Block.target_account_id) == col(Status.account_id),
            ),
            ~hiding.hides_author(viewer),
        )
    if not rejected:
        query = query.where(~_rejected("status", col(Status.id)))
    query = query.order_by(liked.desc(), col(Status.id).desc())
    return list((await session.exec(query.limit(limit).offset(offset))).all())


async def history(session: Session, tags: Sequence[Tag]) -> dict[int, list[Day]]:
    """How hashtags were used in each of the last days, today first, by their ids."""
    today = session.now.replace(hour=0, minute=0, second=0, microsecond=0)
    starts = [today - timedelta(days=number) for number in range(DAYS)]
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
    return {
        tag_id: [
            Day(start, len(people), len(set(people)))
            for start, people in zip(starts, used[tag_id], strict=True)
        ]
        for tag_id in wanted
    }


async def judge(tx: Transaction, kind: Kind, subject_id: int, *, allowed: bool) -> None:
    """Whether something may be shown among these, as moderators say."""
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


async def verdicts(session: Session, kind: Kind, ids: Sequence[int]) -> dict[int, bool]:
    """What moderators said of these, of those that they looked at."""
    if not ids:
        return {}
    query = select(TrendVerdict).where(
        TrendVerdict.kind == kind, col(TrendVerdict.subject_id).in_(ids)
    )
    return {row.subject_id: row.allowed for row in (await session.exec(query)).all()}


def _rejected(kind: Kind, subject: Any) -> ColumnElement[bool]:
    return exists().where(
        col(TrendVerdict.kind) == kind,
        col(TrendVerdict.subject_id) == subject,
        ~col(TrendVerdict.allowed),
    )


def _recent(session: Session) -> Any:
    query: Any = select(Status.id, Status.account_id).where(
        col(Status.id) >= ids.floor(session.now - WINDOW), *for_everybody()
    )
    return query.order_by(col(Status.id).desc()).limit(MAX_POSTS)


def for_everybody() -> list[ColumnElement[bool]]:
    """A post that all may see, of somebody whom all may find."""
    return [
        col(Status.visibility) == "public",
        col(Status.deleted_at).is_(None),
        col(Status.approval).not_in(HELD),
        by_somebody_open(col(Status.account_id)),
    ]


def by_somebody_open(account_id: Any) -> ColumnElement[bool]:
    """Whether an account, by a column with its id, is one whom all may find."""
    return exists().where(
        col(Account.id) == account_id,
        col(Account.silenced_at).is_(None),
        col(Account.suspended_at).is_(None),
        col(Account.deleted_at).is_(None),
    )
