"""The accounts that somebody shows on their profile. They follow them, as on Mastodon."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete
from sqlmodel import col, select

from fedi.database import Session, Transaction
from fedi.database.insertion import add_once
from fedi.database.tables import Account, Endorsement, Follow
from fedi.social import follows, paging
from fedi.social.errors import Invalid
from fedi.social.paging import Page

MAX_FAMILIAR = 100  # of one account that are told


async def add(tx: Transaction, account: Account, target: Account) -> None:
    """Show somebody. Showing them twice is showing them once.

    Raises:
        Invalid: they are not followed.
    """
    follow = await follows.find(tx, account.id, target.id)
    if follow is None or follow.state != follows.ACCEPTED:
        raise Invalid("Only who is followed can be shown.")
    row = Endorsement(
        id=tx.new_id(), account_id=account.id, target_account_id=target.id, created_at=tx.now
    )
    await add_once(tx, row)


async def remove(tx: Transaction, account: Account, target: Account) -> None:
    """Show them no more; nothing happens if they were not shown."""
    await tx.execute(
        delete(Endorsement).where(
            col(Endorsement.account_id) == account.id,
            col(Endorsement.target_account_id) == target.id,
        )
    )


async def listed(
    session: Session, account: Account, page: Page
) -> list[tuple[Endorsement, Account]]:
    """Whom somebody shows, the latest first."""
    query = (
        select(Endorsement, Account)
        .join(Account, col(Account.id) == col(Endorsement.target_account_id))
        .where(
            Endorsement.account_id == account.id,
            col(Account.deleted_at).is_(None),
            col(Account.suspended_at).is_(None),
        )
    )
    rows = await paging.rows(session, query, page, col(Endorsement.id))
    return [(row, other) for row, other in rows]


async def familiar(
    session: Session, account: Account, ids: Sequence[int]
) -> dict[int, list[Account]]:
    """Whom an account follows of those who follow these, by id; without those who hide whom they
    follow, and nobody for those who hide who follows them."""
    found: dict[int, list[Account]] = {one: [] for one in ids}
    if not ids:
        return found
    mine = select(Follow.target_account_id).where(
        Follow.account_id == account.id, Follow.state == follows.ACCEPTED
    )
    open_ones = select(Account.id).where(
        col(Account.id).in_(ids), col(Account.hide_collections).is_(False)
    )
    query = (
        select(Follow.target_account_id, Account)
        .join(Account, col(Account.id) == col(Follow.account_id))
        .where(
            col(Follow.target_account_id).in_(open_ones),
            Follow.state == follows.ACCEPTED,
            col(Follow.account_id).in_(mine),
            col(Account.hide_collections).is_(False),
            col(Account.suspended_at).is_(None),
        )
        .order_by(col(Follow.id).desc())
        .limit(MAX_FAMILIAR * len(ids))
    )
    for target_id, other in (await session.exec(query)).all():
        if len(found[target_id]) < MAX_FAMILIAR:
            found[target_id].append(other)
    return found
