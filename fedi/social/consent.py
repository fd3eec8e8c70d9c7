"""Answers from elsewhere to a post whose author wants to be asked first (GoToSocial).

Such an answer is `pending` until a stamp of that author's own server is found good, and `rejected`
when the author says no or takes the stamp back. Held so, it is counted nowhere, and seen as
`visibility` has it; it stands in homes already, and shows there once it may.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, CursorResult, update
from sqlmodel import col

from fedi.database import Session, Transaction
from fedi.database.tables import Account, Status
from fedi.jobs import NewJob, enqueue, enqueue_many
from fedi.social import policies, spreading
from fedi.social.counts import count_answer
from fedi.social.visibility import HELD

PENDING, APPROVED, REJECTED = "pending", "approved", "rejected"


async def is_needed(session: Session, author: Account, parent: Status) -> bool:
    """Whether somebody elsewhere needs a stamp to answer a post.

    Who follows an author elsewhere is not known here: a rule that allows them needs one, too.
    """
    if policies.is_open(parent.interaction_policy, "canReply"):
        return False
    owner = await session.get(Account, parent.account_id)
    assert owner is not None
    found = await policies.leave(session, author, owner, parent, "canReply")
    return found is not policies.Leave.AUTOMATIC


async def verify(tx: Transaction, status: Status) -> None:
    """Have the stamp of an answer that is held looked at, if it names one."""
    if status.held and status.approved_by is not None:
        key = f"approval {status.id} {status.approved_by}"
        await enqueue(tx, "approval", {"status_id": status.id}, unique_key=key)


async def reconsider(tx: Transaction, status: Status, stamp: str | None) -> None:
    """An answer comes once more, perhaps with the stamp that it lacked."""
    if stamp is None or status.approval == APPROVED:
        return
    status.approved_by = stamp
    tx.add(status)
    await tx.flush()
    await verify(tx, status)


async def hold_adopted(tx: Transaction, parent: Status) -> None:
    """Answers that were here before what they answer: they wait until each was looked at."""
    if policies.is_open(parent.interaction_policy, "canReply"):
        return
    held = await tx.execute(
        update(Status)
        .where(
            col(Status.in_reply_to_id) == parent.id,
            col(Status.account_id) != parent.account_id,
            col(Status.local).is_(False),
            col(Status.deleted_at).is_(None),
            col(Status.approval) == "",
        )
        .values(approval=PENDING)
        .returning(col(Status.id))
        .execution_options(synchronize_session=False)
    )
    waiting = held.scalars().all()
    await enqueue_many(tx, "approval", [NewJob({"status_id": number}) for number in waiting])


async def settle(tx: Transaction, status: Status, stamp: str | None) -> None:
    """An answer may be seen.

    Args:
        stamp: what was looked at; if the answer names another one by now, nothing happens.
    """
    may = await tx.execute(
        update(Status)
        .where(
            col(Status.id) == status.id,
            col(Status.approval).in_(HELD),
            col(Status.approved_by).is_not_distinct_from(stamp),
            col(Status.deleted_at).is_(None),
        )
        .values(approval=APPROVED)
        .execution_options(synchronize_session=False)
    )
    assert isinstance(may, CursorResult)
    if may.rowcount:
        await count_answer(tx, status, 1)
        spreading.announce_event(tx, status, "status")


async def withhold(tx: Transaction, status: Status) -> None:
    """The author of what is answered does not want an answer seen, or no longer."""
    # First what is held: if somebody settles it at this moment, it is found shown thereafter.
    held = col(Status.approval).in_(HELD)
    if not await _reject(tx, status, held) and await _reject(tx, status, ~held):
        await count_answer(tx, status, -1)
        spreading.announce_event(tx, status, "delete")


async def _reject(tx: Transaction, status: Status, condition: ColumnElement[bool]) -> bool:
    done = await tx.execute(
        update(Status)
        .where(col(Status.id) == status.id, condition)
        .values(approval=REJECTED, approved_by=None)
        .execution_options(synchronize_session=False)
    )
    assert isinstance(done, CursorResult)
    return bool(done.rowcount)
