"""What the assistant does no more: who asked took it back, blocks it, or it was told to stop."""

from __future__ import annotations

from sqlalchemy import ColumnElement
from sqlmodel import col, select

from fedi.database import Transaction
from fedi.database.tables import AssistantRequest, Painting
from fedi.jobs import Claimed, handles
from fedi.runtime import Easel
from fedi.social.notifications import UNASKED
from fedi.studio import paintings
from fedi.studio.assistant import saying


@handles(UNASKED, attempts=5)
async def unasked(easel: Easel, job: Claimed) -> None:
    """Somebody wants nothing any more: of a post of theirs, or of the assistant at all."""
    async with easel.database.write() as tx:
        if "status_id" in job.payload:
            await _end(tx, col(AssistantRequest.status_id) == job.payload["status_id"])
        else:
            await _end(tx, col(AssistantRequest.account_id) == job.payload["account_id"])
        await job.finish(tx)


async def end_thread(tx: Transaction, thread: str) -> None:
    """Stop what is still to come in a thread."""
    await _end(tx, col(AssistantRequest.context_uri) == thread)


async def _end(tx: Transaction, which: ColumnElement[bool]) -> None:
    """Nothing more is painted for some requests, and nothing is said to them. What was painted for
    them counts as it did."""
    waiting = await tx.exec(
        select(AssistantRequest.status_id).where(which, col(AssistantRequest.state) == "taken")
    )
    for status_id in waiting.all():
        await saying.settle(tx, status_id, "ignored")
    rows = await tx.exec(
        select(Painting)
        .join(AssistantRequest, col(AssistantRequest.painting_id) == col(Painting.id))
        .where(which, col(Painting.state).not_in(paintings.ENDED))
    )
    for painting in rows.all():
        await paintings.cancel(tx, painting)
