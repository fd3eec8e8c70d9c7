"""What nobody here needs any more is let go, a batch at a time.

That is the tombstone of a post that never was here, once its Create cannot come any more; a post
that only a relay told of, while nobody here has to do with it (if somebody asks for it later, it
is fetched again); and what came into inboxes that means nothing here (`social.extensions`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, case, delete, union, update
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from fedi.database import Transaction
from fedi.database.tables import (
    Account,
    Bookmark,
    Favourite,
    Follow,
    HomeEntry,
    MediaAttachment,
    Mention,
    Notification,
    Pin,
    Quote,
    Report,
    Status,
)
from fedi.social import extensions, forgetting
from fedi.social.counts import count_many, counted_answer, is_counted

TOMBSTONES_KEPT_FOR = timedelta(days=90)  # peers try for days; a relay or a thread is slower
BATCH = 200  # rows of one transaction: nobody should wait long for it


async def is_due(tx: Transaction, kept_for: timedelta | None) -> bool:
    """Whether there is anything to let go.

    Args:
        tx: a transaction.
        kept_for: for how long posts are kept that a relay told of; None: for good.
    """
    if (await tx.exec(select(Status.id).where(*_unread(tx)).limit(1))).first() is not None:
        return True
    if await extensions.is_old(tx):
        return True
    if kept_for is None:
        return False
    relayed = select(Status.id).where(col(Status.relayed_at) < tx.now - kept_for)
    return (await tx.exec(relayed.limit(1))).first() is not None


def _unread(tx: Transaction) -> tuple[ColumnElement[bool], ...]:
    """What makes an old tombstone of what was never read from its server."""
    return (
        col(Status.local).is_(False),
        col(Status.fetched_at).is_(None),
        col(Status.deleted_at) < tx.now - TOMBSTONES_KEPT_FOR,
    )


async def drop_tombstones(tx: Transaction) -> int:
    """Delete tombstones, too old to matter, of what was never read from its server.

    Returns:
        How many; less than `BATCH` if there are no more.
    """
    query = (
        select(Status.id)
        .where(*_unread(tx))
        .order_by(col(Status.deleted_at))
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    old = list((await tx.exec(query)).all())
    await _delete(tx, old)
    return len(old)


async def drop_relayed(tx: Transaction, kept_for: timedelta) -> int:
    """Delete posts that a relay told of so long ago and that nobody here has to do with.

    Those that somebody has to do with are kept, and not looked at again.

    Args:
        tx: a transaction.
        kept_for: for how long they are kept.

    Returns:
        How many were looked at; less than `BATCH` if there are no more.
    """
    query = (
        select(
            Status.id,
            Status.account_id,
            case((counted_answer(Status), col(Status.in_reply_to_id))),
            Status.deleted_at,
        )
        .add_columns(col(Status.visibility))
        .where(col(Status.relayed_at) < tx.now - kept_for)
        .order_by(col(Status.relayed_at))
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    old = (await tx.execute(query)).all()
    needed = await _needed(tx, [row[0] for row in old])
    await tx.execute(
        update(Status)
        .where(col(Status.id).in_(needed))
        .values(relayed_at=None)
        .execution_options(synchronize_session=False)
    )
    gone = {row[0] for row in old} - needed
    lost = [row for row in old if row[0] in gone and row[3] is None]
    await count_many(
        tx, Account, "statuses_count", _steps(row[1] for row in lost if is_counted(row[4]))
    )
    await count_many(tx, Status, "replies_count", _steps(row[2] for row in lost))
    await _delete(tx, sorted(gone))
    return len(old)


def _steps(ids: Any) -> dict[int, int]:
    return {row: -times for row, times in Counter(ids).items() if row is not None}


async def _needed(tx: Transaction, ids: Sequence[int]) -> set[int]:
    """Those of these posts that somebody here has to do with."""
    if not ids:
        return set()
    these, other = col(Status.id).in_(ids), aliased(Status)
    lasting = col(other.relayed_at).is_(None) & col(other.deleted_at).is_(None)
    here = col(Account.domain).is_(None)

    def by_us(table: Any) -> Any:
        return (
            select(col(table.status_id))
            .join(Account, col(Account.id) == col(table.account_id))
            .where(col(table.status_id).in_(ids), here)
        )

    of_status = select(col(Status.id)).where(these)
    ties = [
        of_status.join(Follow, col(Follow.target_account_id) == col(Status.account_id))
        .join(Account, col(Account.id) == col(Follow.account_id))
        .where(here),
        by_us(Favourite),
        by_us(Mention),
        *(
            select(col(table.status_id)).where(col(table.status_id).in_(ids))
            for table in (Bookmark, HomeEntry, Notification, Pin)
        ),
        select(col(other.reblog_of_id)).where(col(other.reblog_of_id).in_(ids), lasting),
        # Of a thread in which there is anything else, nothing is missing.
        of_status.join(other, col(other.context_uri) == col(Status.context_uri)).where(lasting),
        of_status.join(other, col(other.based_on_uri) == col(Status.uri)).where(
            lasting, col(other.local)
        ),
        select(col(Quote.quoted_id))
        .join(other, col(other.id) == col(Quote.status_id))
        .where(col(Quote.quoted_id).in_(ids), lasting),
    ]
    found = set((await tx.execute(union(*ties))).scalars())
    reports = select(Report.status_ids).where(
        col(Report.target_account_id).in_(select(col(Status.account_id)).where(these)),
        col(Report.resolved_at).is_(None),
    )
    for reported in (await tx.exec(reports)).all():
        found |= {int(status_id) for status_id in reported}
    return await _with_answered(tx, ids, found)


async def _with_answered(tx: Transaction, ids: Sequence[int], found: set[int]) -> set[int]:
    """Those of these posts that are needed, or that something is below that is."""
    answer = aliased(Status)
    lasts = (col(answer.relayed_at).is_(None) & col(answer.deleted_at).is_(None)).label("lasts")
    columns = col(answer.id), col(answer.in_reply_to_id), lasts
    below = select(*columns).where(col(answer.in_reply_to_id).in_(ids))
    thread = below.cte("thread", recursive=True)
    thread = thread.union(select(*columns).join(thread, col(answer.in_reply_to_id) == thread.c.id))
    rows = (await tx.execute(select(thread.c.id, thread.c.in_reply_to_id, thread.c.lasts))).all()
    above = {answer_id: parent for answer_id, parent, _ in rows}
    needed = set(found)
    for start in [*found, *(answer_id for answer_id, _, lasting in rows if lasting)]:
        at = above.get(start)
        while at is not None and at not in needed:
            needed.add(at)
            at = above.get(at)
    return needed & set(ids)


async def _delete(tx: Transaction, ids: Sequence[int]) -> None:
    if ids:
        await forgetting.drop_media(tx, col(MediaAttachment.status_id).in_(ids))
        await tx.execute(
            delete(Status)
            .where(col(Status.id).in_(ids))
            .execution_options(synchronize_session=False)
        )
