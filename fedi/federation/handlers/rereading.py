"""A post that is here, read once more: somebody who is no witness says that it has changed or is
gone (a group, a relay), and only its own server is believed about that."""

from __future__ import annotations

from activitypub.objects import Activity, values
from fedi.database import Transaction
from fedi.database.tables import Account, Status
from fedi.federation import remote
from fedi.federation.handlers import posts
from fedi.federation.handlers.effects import Effect, status_by_uri
from fedi.runtime import Easel
from fedi.social import statuses


async def again(easel: Easel, status: Status) -> Effect | None:
    """What has become of a post.

    Args:
        status: a post that is here; of ours, and of what is deleted, there is nothing to learn.

    Returns:
        What is to change, if anything is.

    Raises:
        FetchError: that cannot be told now.
        Malformed: what is there is no post, or somebody else's.
    """
    if status.local or status.deleted_at is not None:
        return None
    document = await remote.reread(easel, status)
    if document is None:
        return _end(status)
    if values.uri(document.get("id")) != status.uri:
        return None
    async with easel.database.read() as session:
        author = await session.get_one(Account, status.account_id)
    shown = Activity(type="Update", actor=author.uri, object_id=status.uri, object=dict(document))
    return await posts.update(easel, author, shown)


def _end(status: Status) -> Effect:
    async def effect(tx: Transaction) -> None:
        current = await status_by_uri(tx, status.uri)
        if current is not None:
            await statuses.delete(tx, current)

    return effect
