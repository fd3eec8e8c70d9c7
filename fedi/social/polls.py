"""Polls of posts from elsewhere, with the counts that their author's server last told."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from sqlalchemy import delete
from sqlmodel import col

from fedi.database import Session, Transaction
from fedi.database.insertion import insert_into
from fedi.database.tables import Poll, Status
from fedi.social import text

MAX_OPTIONS = 50  # that are kept; Mastodon's forks allow 20
MAX_OPTION = 500  # characters


class ReceivedPoll(Struct, frozen=True, kw_only=True):
    """A poll as its author's server describes it: titles, and how often each was chosen."""

    options: tuple[tuple[str, int], ...]
    multiple: bool = False
    voters: int | None = None
    ends_at: datetime | None = None
    closed: bool = False


async def record(tx: Transaction, status: Status, poll: ReceivedPoll | None) -> None:
    """Make this the poll of a post; without one, it has none any more."""
    if poll is None:
        await tx.execute(delete(Poll).where(col(Poll.status_id) == status.id))
        return
    options = [
        {"title": text.name(title, MAX_OPTION), "votes_count": votes}
        for title, votes in poll.options[:MAX_OPTIONS]
    ]
    told = {
        "options": options,
        "multiple": poll.multiple,
        "voters_count": poll.voters,
        "ends_at": poll.ends_at,
        "closed": poll.closed,
        "fetched_at": tx.now,
    }
    insert = insert_into(tx, Poll).values(status_id=status.id, **told)
    await tx.execute(insert.on_conflict_do_update(index_elements=["status_id"], set_=told))


async def of_status(session: Session, status_id: int) -> Poll | None:
    return await session.get(Poll, status_id)
