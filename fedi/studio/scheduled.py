"""The `scheduled` job: it is time to publish a post, or to paint what it asks for."""

from __future__ import annotations

from fedi.database.tables import ScheduledStatus
from fedi.jobs import Claimed, handles
from fedi.runtime import Easel
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
                author, row = found
                draft, uri = scheduling.draft_of(row), row.uri
                await tx.delete(await tx.get_one(ScheduledStatus, scheduled_id))
                await tx.flush()
                await imagine.post(tx, easel.settings.painting, author, draft, uri=uri)
            await job.finish(tx)
    except SocialError as error:
        async with easel.database.write() as tx:
            found = await scheduling.due(tx, scheduled_id)
            if found is not None:
                await scheduling.fail(tx, found[0], scheduled_id, str(error))
            await job.finish(tx)
