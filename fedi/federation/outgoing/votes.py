"""What somebody here chose in a poll elsewhere."""

from __future__ import annotations

from typing import Any

from activitypub.objects import Note
from activitypub.objects import activity as activities
from fedi.database import Transaction
from fedi.database.tables import Account, Poll, PollVote, Status
from fedi.federation.relays import Ready


def vote_note(row: PollVote, title: str, voter: Account, status: Status, author: Account) -> Note:
    """A vote as a Note: the title of an option, in answer to what asks."""
    return Note(
        id=row.uri,
        attributed_to=voter.uri,
        name=title,
        in_reply_to=status.uri,
        published=row.created_at,
        to=(author.uri,),
    )


def create_uri(voter: Account, row: PollVote) -> str:
    """The id of the Create of a vote."""
    return f"{voter.uri}/activities/votes/{row.id}"


async def vote(tx: Transaction, payload: dict[str, Any]) -> Ready | None:
    """A Create of a Note with the title of an option, to the author alone (FEP-9967)."""
    row = await tx.get(PollVote, payload["vote_id"])
    if row is None:
        return None
    status = await tx.get(Status, row.status_id)
    poll = await tx.get(Poll, row.status_id)
    voter = await tx.get(Account, row.account_id)
    author = await tx.get(Account, status.account_id) if status is not None else None
    if status is None or poll is None or voter is None or author is None:
        return None
    if row.choice >= len(poll.options) or not voter.private_key_pem:
        return None
    note = vote_note(row, poll.options[row.choice]["title"], voter, status, author)
    made = activities.create(create_uri(voter, row), voter.uri, note.document())
    return voter, made, [author.inbox_uri]
