"""People of whom there are notifications that were set aside: let through, or turned away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, func, update
from sqlmodel import col, select

from fedi.database import Session, Transaction
from fedi.database.insertion import insert_new
from fedi.database.tables import (
    Account,
    Notification,
    NotificationPermission,
    NotificationRequest,
)
from fedi.social import paging
from fedi.social.errors import NotFound
from fedi.social.paging import Page

MAX_COUNTED = 100  # requests that are counted, as Mastodon
_NOTHING = "Record not found"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request.

    Attributes:
        count: how many of their notifications were set aside.
    """

    request: NotificationRequest
    account: Account
    count: int


async def listed(session: Session, account: Account, page: Page) -> list[Waiting]:
    """Who waits, the newest first."""
    query = (
        select(NotificationRequest, Account)
        .join(Account, col(Account.id) == col(NotificationRequest.from_account_id))
        .where(
            NotificationRequest.account_id == account.id,
            col(Account.suspended_at).is_(None),
            col(Account.deleted_at).is_(None),
        )
    )
    rows = await paging.rows(session, query, page, col(NotificationRequest.id))
    return await _counted(session, account, rows)


async def find(session: Session, account: Account, request_id: int) -> Waiting:
    """One of an account's requests.

    Raises:
        NotFound: there is none.
    """
    query = (
        select(NotificationRequest, Account)
        .join(Account, col(Account.id) == col(NotificationRequest.from_account_id))
        .where(NotificationRequest.account_id == account.id, NotificationRequest.id == request_id)
    )
    rows = (await session.exec(query)).all()
    if not rows:
        raise NotFound(_NOTHING)
    [found] = await _counted(session, account, rows)
    return found


async def _counted(
    session: Session,
    account: Account,
    rows: Sequence[tuple[NotificationRequest, Account]],
) -> list[Waiting]:
    people = [other.id for _, other in rows]
    query = (
        select(Notification.from_account_id, func.count())
        .where(
            Notification.account_id == account.id,
            col(Notification.from_account_id).in_(people),
            col(Notification.filtered),
        )
        .group_by(col(Notification.from_account_id))
    )
    counts = {row[0]: row[1] for row in await session.execute(query)}
    return [Waiting(request, other, counts.get(other.id, 0)) for request, other in rows]


async def pending(session: Session, account: Account) -> tuple[int, int]:
    """How many wait, and how many of their notifications were set aside."""
    some = (
        select(NotificationRequest.from_account_id)
        .where(NotificationRequest.account_id == account.id)
        .limit(MAX_COUNTED)
    )
    people = (await session.exec(some)).all()
    query = select(func.count(col(Notification.id))).where(
        Notification.account_id == account.id,
        col(Notification.from_account_id).in_(people),
        col(Notification.filtered),
    )
    return len(people), (await session.exec(query)).one()


async def accept(tx: Transaction, account: Account, request_ids: Sequence[int]) -> None:
    """Hear of these people from now on, and of what was set aside."""
    people = await _take(tx, account, request_ids)
    for person in people:
        row = {"account_id": account.id, "from_account_id": person, "created_at": tx.now}
        await insert_new(tx, NotificationPermission, row)
    await tx.execute(
        update(Notification)
        .where(
            col(Notification.account_id) == account.id,
            col(Notification.from_account_id).in_(people),
        )
        .values(filtered=False)
        .execution_options(synchronize_session=False)
    )


async def dismiss(tx: Transaction, account: Account, request_ids: Sequence[int]) -> None:
    """Forget what was set aside of these people; what they do next is set aside again."""
    people = await _take(tx, account, request_ids)
    await tx.execute(
        delete(Notification).where(
            col(Notification.account_id) == account.id,
            col(Notification.from_account_id).in_(people),
            col(Notification.filtered),
        )
    )


async def _take(tx: Transaction, account: Account, request_ids: Sequence[int]) -> list[int]:
    """End requests; whose they were.

    Raises:
        NotFound: one of them is not there.
    """
    mine = select(NotificationRequest.from_account_id).where(
        NotificationRequest.account_id == account.id,
        col(NotificationRequest.id).in_(request_ids),
    )
    people = list((await tx.exec(mine)).all())
    if len(people) != len(set(request_ids)):
        raise NotFound(_NOTHING)
    await tx.execute(
        delete(NotificationRequest).where(
            col(NotificationRequest.account_id) == account.id,
            col(NotificationRequest.id).in_(request_ids),
        )
    )
    return people
