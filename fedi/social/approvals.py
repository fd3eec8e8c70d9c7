"""Answers and boosts of ours that wait until the author of the other post agrees.

Only that author gets them until then; what is refused only its own author still sees.
"""

from __future__ import annotations

from sqlmodel import select

from fedi.database import Transaction
from fedi.database.tables import Account, Status
from fedi.social import favourites, statuses
from fedi.social.outbound import tell

PENDING, APPROVED, REJECTED = "pending", "approved", "rejected"


async def accept(tx: Transaction, author: Account, uri: str, stamp: str) -> None:
    """An author agrees to an answer or a boost of ours.

    Args:
        author: who says so; nothing happens if it is not theirs to say.
        uri: the id of our post or boost.
        stamp: the address that shows it to others (`approvedBy`).
    """
    status = await _ours(tx, author, uri)
    if status is None or status.approval == REJECTED:
        return
    waited = status.approval == PENDING
    status.approval, status.approved_by = APPROVED, stamp
    tx.add(status)
    await tx.flush()
    if waited:
        await tell(
            tx,
            "announce" if status.reblog_of_id is not None else "create",
            status_id=status.id,
        )
        statuses.announce_event(tx, status, "status")


async def reject(tx: Transaction, author: Account, uri: str) -> None:
    """An author does not agree, or no longer does, to an answer, a boost or a like of ours."""
    liked = await favourites.by_uri(tx, uri)
    if liked is not None:
        status = await tx.get(Status, liked.status_id)
        account = await tx.get(Account, liked.account_id)
        assert status is not None and account is not None
        if status.account_id == author.id and account.local:
            await favourites.remove(tx, account, status)
        return
    status = await _ours(tx, author, uri)
    if status is None or status.approval == REJECTED:
        return
    if status.reblog_of_id is not None:
        await statuses.delete(tx, status)
        return
    known = status.approval != PENDING
    status.approval, status.approved_by = REJECTED, None
    tx.add(status)
    await tx.flush()
    if known:
        await tell(tx, "delete", status_id=status.id)
    statuses.announce_event(tx, status, "delete")


async def _ours(tx: Transaction, author: Account, uri: str) -> Status | None:
    """A post or boost of ours, if it is about a post of this author."""
    query = select(Status).where(Status.uri == uri)
    status = (await tx.exec(query)).first()
    if status is None or not status.local or status.deleted_at is not None:
        return None
    about = status.in_reply_to_account_id
    if status.reblog_of_id is not None:
        original = await tx.get(Status, status.reblog_of_id)
        about = original.account_id if original is not None else None
    return status if about == author.id else None
