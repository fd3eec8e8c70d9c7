"""Votes: Notes with nothing but a name, in answer to a poll of ours (FEP-9967)."""

from __future__ import annotations

from activitypub.objects import Note
from fedi.database import Transaction
from fedi.database.tables import Account
from fedi.federation.handlers.effects import Effect
from fedi.runtime import Easel
from fedi.social import polls, statuses


def is_vote(easel: Easel, note: Note) -> bool:
    """Whether a post can only be a vote: it answers one of ours by a name, and says nothing."""
    ours = f"{easel.settings.instance.url}/"
    answered = note.in_reply_to or ""
    return (
        bool(note.name)
        and not note.content
        and not note.attachments
        and (note.type == "Note" and answered.startswith(ours))
    )


def counted(actor: Account, note: Note) -> Effect:
    """What becomes of a vote."""

    async def effect(tx: Transaction) -> None:
        assert note.in_reply_to is not None and note.name is not None and note.id is not None
        status = await statuses.load_by_uri(tx, actor, note.in_reply_to)
        if status is not None and status.local:
            await polls.receive_vote(tx, actor, status, note.name, note.id)

    return effect
