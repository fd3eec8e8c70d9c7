"""The `scheduled` job: it is time to publish a post, or to paint what it asks for."""

from __future__ import annotations

from sqlalchemy import update
from sqlmodel import col

from fedi.database import Transaction
from fedi.database.tables import Account, Painting, ScheduledStatus, Status
from fedi.jobs import Claimed, handles
from fedi.runtime import Easel
from fedi.settings import PaintingSettings
from fedi.social import scheduling
from fedi.social.errors import SocialError
from fedi.studio import imagine


@handles("scheduled", attempts=20, at_once=4)
async def publish(easel: Easel, job: Claimed) -> None:
    """Publish it as if its author did so now: once, in the transaction in which it is due."""
    scheduled_id: int = job.payload["scheduled_id"]
    try:
        async with easel.database.write() as tx:
            found = await scheduling.due(tx, scheduled_id)
            if found is not None:
                await carry_out(tx, easel.settings.painting, *found)
            await job.finish(tx)
    except SocialError as error:
        async with easel.database.write() as tx:
            found = await scheduling.due(tx, scheduled_id)
            if found is not None:
                await scheduling.fail(tx, found[0], scheduled_id, str(error))
            await job.finish(tx)


async def carry_out(
    tx: Transaction, settings: PaintingSettings, author: Account, row: ScheduledStatus
) -> Status | Painting:
    """Publish a post that was kept for later, or paint what it asks for; its row goes.

    Raises:
        SocialError: as `imagine.post`.
    """
    draft, uri = scheduling.draft_of(row), row.uri
    await tx.delete(row)
    await tx.flush()
    made = await imagine.post(tx, settings, author, draft, uri=uri)
    if isinstance(made, Status):  # the picture that it waited for may have been painted for it
        await tx.execute(
            update(Painting).where(col(Painting.status_uri) == uri).values(status_id=made.id)
        )
    return made
