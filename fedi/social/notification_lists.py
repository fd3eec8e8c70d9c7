"""An account's notifications, one by one and as groups."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from sqlalchemy import delete, func
from sqlmodel import col, select

from fedi import ids
from fedi.database import Session, Transaction
from fedi.database.tables import Account, Marker, Notification
from fedi.social import paging
from fedi.social.paging import Page

SAMPLES = 8  # accounts of a group that are shown, as Mastodon
MAX_SCANNED = 2000  # notifications of one page of groups; thousands may like one post
CHUNK = 200
MAX_COUNT = 1000  # unread ones that are counted, as Mastodon
UNGROUPED = "ungrouped-"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which notifications.

    Args:
        kinds: of these kinds only (`social.notifications.Kind`); None: of all.
        from_account_id: of what this account did.
        filtered: also those that were set aside.
    """

    kinds: Collection[str] | None = None
    from_account_id: int | None = None
    filtered: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Notifications that apps show as one.

    Attributes:
        key: what they share.
        newest: the newest of all of them.
        count: how many there are.
        page: those of them that a page was made of, the newest first.
        account_ids: who did it, the newest first.
    """

    key: str
    newest: Notification
    count: int
    page: list[Notification]
    account_ids: list[int]


def _query(account: Account, wanted: Wanted) -> Any:
    """A SELECT of what an account is told by people who are still there."""
    query = (
        select(Notification)
        .join(Account, col(Account.id) == col(Notification.from_account_id))
        .where(
            Notification.account_id == account.id,
            col(Account.suspended_at).is_(None),
            col(Account.deleted_at).is_(None),
        )
    )
    if wanted.kinds is not None:
        query = query.where(col(Notification.type).in_(wanted.kinds))
    if wanted.from_account_id is not None:
        query = query.where(Notification.from_account_id == wanted.from_account_id)
    if not wanted.filtered:
        query = query.where(~col(Notification.filtered))
    return query


async def listed(
    session: Session, account: Account, wanted: Wanted, page: Page
) -> list[Notification]:
    """One page of an account's notifications, the newest first."""
    return await paging.rows(session, _query(account, wanted), page, col(Notification.id))


async def find(session: Session, account: Account, notification_id: int) -> Notification | None:
    """One of an account's notifications."""
    query = _query(account, Wanted(filtered=True)).where(Notification.id == notification_id)
    found: Notification | None = (await session.exec(query)).first()
    return found


async def unread(
    session: Session, account: Account, wanted: Wanted, limit: int, grouped: Collection[str] = ()
) -> int:
    """How many came after what was last read (the marker `notifications`).

    Args:
        limit: more are not counted.
        grouped: the kinds of which those of one group count once.
    """
    marker = await session.get(Marker, (account.id, "notifications"))
    query = _query(account, wanted)
    if marker is not None:
        query = query.where(col(Notification.id) > marker.last_read_id)
    newest = query.order_by(col(Notification.id).desc()).limit(min(limit, MAX_COUNT))
    rows = (await session.exec(newest)).all()
    return len({_key(row, grouped) for row in rows})


def _key(row: Notification, grouped: Collection[str]) -> str:
    alone = f"{UNGROUPED}{row.id}"
    return (row.group_key or alone) if row.type in grouped else alone


async def groups(
    session: Session, account: Account, wanted: Wanted, page: Page, grouped: Collection[str]
) -> list[Group]:
    """One page of an account's notifications in groups, the newest first.

    A group that began before the page, or goes on after it, is in both pages.

    Args:
        grouped: kinds that may be grouped; all others stand for themselves.
    """
    pages: dict[str, list[Notification]] = {}
    forwards = page.min_id is not None
    part = replace(page, limit=min(CHUNK, paging.MAX_PAGE))
    scanned, whole = 0, False
    while not whole and scanned < MAX_SCANNED:
        rows = await listed(session, account, wanted, part)
        for row in reversed(rows) if forwards else rows:
            key = _key(row, grouped)
            if key not in pages and len(pages) >= page.limit:
                whole = True
                break
            pages.setdefault(key, []).append(row)
        scanned += len(rows)
        if len(rows) < part.limit:
            break
        beyond = {"min_id": rows[0].id} if forwards else {"max_id": rows[-1].id}
        part = replace(part, **cast(Any, beyond))
    for members in pages.values():
        members.sort(key=lambda row: -row.id)
    found = await _whole(session, account, wanted, pages)
    return sorted(found, key=lambda group: -group.page[0].id)


async def group(
    session: Session, account: Account, key: str, wanted: Wanted | None = None
) -> Group | None:
    """One group by its key; None if there is none."""
    query = _query(account, wanted or Wanted(filtered=True)).where(_in_group(key))
    newest = query.order_by(col(Notification.id).desc()).limit(paging.MAX_PAGE)
    rows = list((await session.exec(newest)).all())
    if not rows:
        return None
    [found] = await _whole(session, account, wanted or Wanted(filtered=True), {key: rows})
    return found


def _in_group(key: str) -> Any:
    number = ids.parse(key.removeprefix(UNGROUPED)) if key.startswith(UNGROUPED) else None
    if number is not None:
        return col(Notification.id) == number
    return col(Notification.group_key) == key


async def _whole(
    session: Session, account: Account, wanted: Wanted, pages: dict[str, list[Notification]]
) -> list[Group]:
    """How many there are of each group in all, and who did it last."""
    shared = [key for key in pages if not key.startswith(UNGROUPED)]
    counts: dict[str, tuple[int, int]] = {}
    samples: dict[str, list[int]] = {}
    newest: dict[int, Notification] = {}
    if shared:
        members = _query(account, wanted).where(col(Notification.group_key).in_(shared))
        counted = await session.execute(
            members.with_only_columns(
                col(Notification.group_key), func.count(), func.max(Notification.id)
            ).group_by(col(Notification.group_key))
        )
        counts = {key: (count, last) for key, count, last in counted}
        place = func.row_number().over(
            partition_by=col(Notification.group_key), order_by=col(Notification.id).desc()
        )
        ranked = members.with_only_columns(
            col(Notification.group_key), col(Notification.from_account_id), place.label("place")
        ).subquery()
        some = select(ranked.c.group_key, ranked.c.from_account_id).where(ranked.c.place <= SAMPLES)
        for key, account_id in await session.execute(some.order_by(ranked.c.place)):
            samples.setdefault(key, []).append(account_id)
        last_ids = [last for _, last in counts.values()]
        last_rows = await session.exec(
            select(Notification).where(col(Notification.id).in_(last_ids))
        )
        newest = {row.id: row for row in last_rows.all()}
    found = []
    for key, rows in pages.items():
        count, last = counts.get(key, (len(rows), rows[0].id))
        ids = samples.get(key) or [row.from_account_id for row in rows]
        found.append(Group(key, newest.get(last, rows[0]), count, rows, list(dict.fromkeys(ids))))
    return found


async def accounts(session: Session, account: Account, key: str, page: Page) -> Sequence[Any]:
    """Who did what a group is about, each with the id of the notification, the newest first."""
    query = (
        _query(account, Wanted(filtered=True))
        .where(_in_group(key))
        .with_only_columns(Account, col(Notification.id))
    )
    return await paging.rows(session, query, page, col(Notification.id))


async def clear(tx: Transaction, account: Account, notification_id: int | None = None) -> None:
    """Forget all notifications of an account, or one."""
    which = delete(Notification).where(col(Notification.account_id) == account.id)
    if notification_id is not None:
        which = which.where(col(Notification.id) == notification_id)
    await tx.execute(which)


async def clear_group(tx: Transaction, account: Account, key: str) -> None:
    """Forget a group."""
    await tx.execute(
        delete(Notification).where(col(Notification.account_id) == account.id, _in_group(key))
    )
