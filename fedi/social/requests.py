"""Those who want to follow a locked account, and its answers."""

from __future__ import annotations

from sqlmodel import col, select

from fedi.database import Session, Transaction
from fedi.database.tables import Account, Follow
from fedi.jobs import Claimed, enqueue, handles
from fedi.runtime import Easel
from fedi.social import follows, paging
from fedi.social.errors import NotFound
from fedi.social.paging import Page

BATCH = 50  # requests that are answered in one transaction


async def listed(session: Session, account: Account, page: Page) -> list[tuple[Follow, Account]]:
    """Who waits for an answer, the newest first."""
    query = (
        select(Follow, Account)
        .join(Account, col(Account.id) == col(Follow.account_id))
        .where(
            Follow.target_account_id == account.id,
            Follow.state == follows.PENDING,
            col(Account.suspended_at).is_(None),
            col(Account.deleted_at).is_(None),
        )
    )
    rows = await paging.rows(session, query, page, col(Follow.id))
    return [(follow, other) for follow, other in rows]


async def of(session: Session, account: Account, asking: Account) -> Follow:
    """What somebody asks for.

    Raises:
        NotFound: they do not.
    """
    follow = await follows.find(session, asking.id, account.id)
    if follow is None or follow.state != follows.PENDING:
        raise NotFound("They do not ask to follow.")
    return follow


async def accept_all(tx: Transaction, account: Account) -> None:
    """Let all those follow who ask, as far as they are not silenced; a moment later."""
    await enqueue(tx, "accept_requests", {"account_id": account.id})


@handles("accept_requests", at_once=1)
async def answer(easel: Easel, job: Claimed) -> None:
    """Answer in short transactions, until nobody waits or the account is locked again."""
    while True:
        async with easel.database.write() as tx:
            account = await tx.get(Account, job.payload["account_id"])
            waiting: list[Follow] = []
            if account is not None and not account.locked and account.deleted_at is None:
                query = (
                    select(Follow)
                    .join(Account, col(Account.id) == col(Follow.account_id))
                    .where(
                        Follow.target_account_id == account.id,
                        Follow.state == follows.PENDING,
                        col(Account.silenced_at).is_(None),
                    )
                    .order_by(col(Follow.id))
                    .limit(BATCH)
                )
                waiting = list((await tx.exec(query)).all())
            for follow in waiting:
                await follows.accept(tx, follow)
            if len(waiting) < BATCH:
                await job.finish(tx)
                return
