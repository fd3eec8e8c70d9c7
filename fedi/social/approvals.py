"""What the author of a post says to answers to it and boosts of it.

Of ours only that author gets them until they agree; what is refused only its own author still
sees. What others answered is held here until then (`consent`).
"""

from __future__ import annotations

from sqlalchemy import update
from sqlmodel import col, select

from fedi.database import Transaction
from fedi.database.tables import Account, Status
from fedi.social import consent, favourites, statuses
from fedi.social.consent import APPROVED, PENDING, REJECTED
from fedi.social.counts import count_answer
from fedi.social.outbound import tell


async def accept(tx: Transaction, author: Account, uri: str, stamp: str) -> None:
    """An author agrees to an answer, or to a boost of ours.

    Args:
        author: who says so; nothing happens if it is not theirs to say.
        uri: the id of the answer or boost.
        stamp: the address that shows it to others (`approvedBy`).
    """
    status = await _about(tx, author, uri)
    if status is not None and not status.local and status.held:
        status.approved_by = stamp
        tx.add(status)
        await tx.flush()
        await consent.settle(tx, status, stamp)
        return
    if status is None or not status.local or status.approval == REJECTED:
        return
    waited = status.approval == PENDING
    status.approval, status.approved_by = APPROVED, stamp
    tx.add(status)
    await tx.flush()
    if waited:
        await count_answer(tx, status, 1)
        await tell(
            tx,
            "announce" if status.reblog_of_id is not None else "create",
            status_id=status.id,
        )
        statuses.announce_event(tx, status, "status")


async def reject(tx: Transaction, author: Account, uri: str) -> None:
    """An author does not agree, or no longer, to an answer, or to a boost or a like of ours."""
    liked = await favourites.by_uri(tx, uri)
    if liked is not None:
        status = await tx.get(Status, liked.status_id)
        account = await tx.get(Account, liked.account_id)
        assert status is not None and account is not None
        if status.account_id == author.id and account.local:
            await favourites.remove(tx, account, status)
        return
    status = await _about(tx, author, uri)
    if status is None or status.approval == REJECTED:
        return
    if not status.local:
        await consent.withhold(tx, status)
        return
    if status.reblog_of_id is not None:
        await statuses.delete(tx, status)
        return
    known = status.approval != PENDING
    status.approval, status.approved_by = REJECTED, None
    tx.add(status)
    await tx.flush()
    if known:
        await count_answer(tx, status, -1)
        await tell(tx, "delete", status_id=status.id)
    statuses.announce_event(tx, status, "delete")


async def forget_stamp(tx: Transaction, author: Account, stamp: str) -> None:
    """An author elsewhere takes a stamp back."""
    # Perhaps somebody is just reading it; those for whom it is not read yet wait for another.
    await tx.execute(
        update(Status)
        .where(
            col(Status.approved_by) == stamp,
            col(Status.in_reply_to_account_id) == author.id,
            col(Status.local).is_(False),
            col(Status.approval) == PENDING,
        )
        .values(approved_by=None)
        .execution_options(synchronize_session=False)
    )
    stamped = select(Status.uri).where(Status.approved_by == stamp, Status.approval == APPROVED)
    for uri in (await tx.exec(stamped)).all():
        await reject(tx, author, uri)


async def _about(tx: Transaction, author: Account, uri: str) -> Status | None:
    """An answer, or a boost of ours, if it is about a post of this author."""
    query = select(Status).where(Status.uri == uri)
    status = (await tx.exec(query)).first()
    if status is None or status.deleted_at is not None:
        return None
    if not status.local and status.reblog_of_id is not None:
        return None
    about = status.in_reply_to_account_id
    if status.reblog_of_id is not None:
        original = await tx.get(Status, status.reblog_of_id)
        about = original.account_id if original is not None else None
    return status if about == author.id else None
