"""Posts that somebody keeps for later. Nobody else hears of it."""

from __future__ import annotations

from sqlalchemy import delete
from sqlmodel import col

from fedi.database import Session, Transaction
from fedi.database.insertion import insert_new
from fedi.database.tables import Account, Bookmark, Status
from fedi.social import paging
from fedi.social.paging import Page
from fedi.social.visibility import seen_by


async def add(tx: Transaction, account: Account, status: Status) -> None:
    """Keep a post that the account may see; a boost stands for what it boosts."""
    row = {
        "id": tx.new_id(),
        "account_id": account.id,
        "status_id": status.reblog_of_id or status.id,
        "created_at": tx.now,
    }
    await insert_new(tx, Bookmark, row)


async def remove(tx: Transaction, account: Account, status: Status) -> None:
    """Keep it no more; nothing happens if it was not kept."""
    await tx.execute(
        delete(Bookmark).where(
            col(Bookmark.account_id) == account.id,
            col(Bookmark.status_id) == (status.reblog_of_id or status.id),
        )
    )


async def listed(session: Session, account: Account, page: Page) -> list[tuple[Status, int]]:
    """What somebody keeps and may still see, the latest first, with the ids to page by."""
    query = (
        seen_by(account)
        .join(Bookmark, col(Bookmark.status_id) == col(Status.id))
        .where(col(Bookmark.account_id) == account.id)
        .add_columns(col(Bookmark.id))
    )
    return [(row[0], row[1]) for row in await paging.rows(session, query, page, col(Bookmark.id))]
