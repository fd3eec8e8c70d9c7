"""What of the studio goes with an account that is deleted.

What it waits for is stopped, and what waits for a moderator goes with its files; so do the words
of all that it ever asked for. The rows stay: they tell how fast pictures are painted here
(`studio.rates`) and whose turn it was (`studio.turns`).
"""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import col, select

from fedi import ids
from fedi.database.tables import MediaAttachment, Painting
from fedi.jobs import Claimed, handles
from fedi.runtime import Easel
from fedi.social import forgetting
from fedi.studio import paintings

BATCH = 200  # paintings of one transaction
ATTEMPTS = 100  # a job that lay dead would leave files for ever


@handles(forgetting.FORGET_PAINTINGS, attempts=ATTEMPTS)
async def forget(easel: Easel, job: Claimed) -> None:
    """Stop and empty all paintings of an account, the newest first."""
    account_id, before = job.payload["account_id"], ids.MAX
    while True:
        async with easel.database.write() as tx:
            # From the last to the first, as `claims.renew` has it.
            rows = await tx.exec(
                select(Painting)
                .where(col(Painting.account_id) == account_id, col(Painting.id) < before)
                .order_by(col(Painting.id).desc())
                .limit(BATCH)
                .with_for_update()
                .execution_options(populate_existing=True)
            )
            found = rows.all()
            for painting in found:
                await paintings.stop(tx, painting)
                _empty(painting)
                tx.add(painting)
            if len(found) < BATCH:
                # What a painter finished at that very moment.
                late = col(MediaAttachment.account_id) == account_id
                await forgetting.withdraw_media(tx, late, timedelta())
                await job.finish(tx)
                return
            before = found[-1].id


def _empty(painting: Painting) -> None:
    painting.recipe = {"prompt": ""}
    painting.description = painting.error = ""
    painting.draft = painting.begun_post = None
    painting.based_on_uri = painting.parent_digest = None
