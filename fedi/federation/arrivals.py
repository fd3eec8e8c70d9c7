"""What a post from elsewhere shows is fetched as soon as it arrives, where the host wants that."""

from __future__ import annotations

from fedi.database import Transaction
from fedi.database.tables import Status
from fedi.jobs import enqueue
from fedi.runtime import Easel


async def expect(easel: Easel, tx: Transaction, status: Status | None) -> None:
    """A post from elsewhere was stored or has changed: its files may be fetched now.

    With `media.remote = "view"` they are fetched when somebody sees them.
    """
    if status is not None and easel.settings.media.remote == "arrival":
        key = f"remote_media {status.id}"
        await enqueue(tx, "remote_media", {"status_id": status.id}, unique_key=key)
