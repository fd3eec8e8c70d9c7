"""«More like this» and «less like this». Nobody else hears of it."""

from __future__ import annotations

from sqlalchemy import delete, select
from sqlmodel import col

from fedi.database import Transaction
from fedi.database.insertion import insert_into, table_of
from fedi.database.tables import Account, ForYouMark, Status
from fedi.social.errors import NotAllowed
from fedi.social.for_you import choices

KEPT = 1000  # of one account, the latest posts

_MARK = table_of(ForYouMark)


async def put(tx: Transaction, account: Account, status: Status, *, more: bool) -> None:
    """Want more or less like a post; the last word counts.

    Args:
        status: one that the account may see; a boost stands for what it boosts.

    Raises:
        NotAllowed: the feed is off.
    """
    if await choices.of(tx, account) is None:
        raise NotAllowed(choices.OFF)
    said = {"more": more, "created_at": tx.now}
    number = status.reblog_of_id or status.id
    insert = insert_into(tx, ForYouMark).values(account_id=account.id, status_id=number, **said)
    await tx.execute_core(
        insert.on_conflict_do_update(index_elements=["account_id", "status_id"], set_=said)
    )
    mine = _MARK.c.account_id == account.id
    last = select(_MARK.c.status_id).where(mine).order_by(_MARK.c.status_id.desc())
    oldest = (await tx.execute(last.offset(KEPT).limit(1))).scalar()
    if oldest is not None:
        await tx.execute_core(delete(_MARK).where(mine, _MARK.c.status_id <= oldest))


async def take(tx: Transaction, account: Account, status: Status) -> None:
    """Take back what was said of a post."""
    await tx.execute(
        delete(ForYouMark).where(
            col(ForYouMark.account_id) == account.id,
            col(ForYouMark.status_id) == (status.reblog_of_id or status.id),
        )
    )
