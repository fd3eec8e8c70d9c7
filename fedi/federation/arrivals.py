"""What a post from elsewhere shows is fetched as soon as it arrives, where the host wants that."""

from __future__ import annotations

from collections.abc import Iterable

from fedi.database import Transaction
from fedi.database.tables import Status
from fedi.jobs import NewJob, enqueue_many
from fedi.runtime import Easel
from fedi.social.statuses import NewStatus


async def expect(easel: Easel, tx: Transaction, status: Status | None) -> None:
    """A post from elsewhere was stored or has changed: its files may be fetched now.

    With `media.remote = "view"` they are fetched when somebody sees them.
    """
    await expect_all(easel, tx, [] if status is None else [status])


async def expect_all(easel: Easel, tx: Transaction, statuses: Iterable[Status | NewStatus]) -> None:
    """`expect` for many."""
    if easel.settings.media.remote == "arrival":
        jobs = [
            NewJob({"status_id": status.id}, unique_key=f"remote_media {status.id}")
            for status in statuses
        ]
        await enqueue_many(tx, "remote_media", jobs)
