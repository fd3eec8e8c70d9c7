"""The `unposted` job: pictures of ours that no post shows go, with their files.

It is asked for when a picture is uploaded and when its post ends, and waits a day, in which its
author may post it. What was painted stays: it belongs to its painting.
"""

from __future__ import annotations

from sqlmodel import col, select

from fedi.database import Session
from fedi.database.tables import Account, MediaAttachment, Painting, ScheduledStatus
from fedi.jobs import Claimed, handles
from fedi.runtime import Easel
from fedi.social import forgetting
from fedi.studio import paintings

ATTEMPTS = 100  # a job that lay dead would leave files for ever


@handles(forgetting.UNPOSTED, attempts=ATTEMPTS)
async def unposted(easel: Easel, job: Claimed) -> None:
    """Let go of those that nobody needs by now; look again at those that wait for their post."""
    async with easel.database.write() as tx:
        rows = await tx.exec(
            select(MediaAttachment, Account)
            .join(Account, col(Account.id) == col(MediaAttachment.account_id))
            .where(
                col(MediaAttachment.id).in_(job.payload["media_ids"]),
                col(MediaAttachment.status_id).is_(None),
                col(MediaAttachment.file).is_not(None),
            )
            # Whoever posts one, now or later, has it until that can be read below.
            .with_for_update(of=MediaAttachment)
        )
        found = rows.all()
        gone = [medium for medium, owner in found if owner.deleted_at is not None]
        left = [
            medium
            for medium, owner in found
            if owner.deleted_at is None and medium.painting_id is None
        ]
        needed = await _in_drafts(tx, {medium.account_id for medium in left})
        gone += [medium for medium in left if medium.id not in needed]
        await forgetting.drop_media(tx, col(MediaAttachment.id).in_([medium.id for medium in gone]))
        waiting = [medium.id for medium in left if medium.id in needed]
        await forgetting.let_go(tx, waiting, forgetting.REDRAFT)
        await job.finish(tx)


async def _in_drafts(session: Session, account_ids: set[int]) -> set[int]:
    """The pictures in posts that are to be published later, or were not for some reason."""
    scheduled = await session.exec(
        select(ScheduledStatus.draft).where(col(ScheduledStatus.account_id).in_(account_ids))
    )
    painted = await session.exec(
        select(Painting.draft).where(
            col(Painting.account_id).in_(account_ids), col(Painting.state) != paintings.DONE
        )
    )
    drafts = (draft for draft in (*scheduled.all(), *painted.all()) if draft)
    return {media_id for draft in drafts for media_id in draft.get("media_ids", ())}
