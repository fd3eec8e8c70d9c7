"""The `relayed` job: what a relay says that there is, looked at where it comes from."""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import select

from activitypub.client import FetchError
from activitypub.errors import Malformed
from fedi.database.tables import Status
from fedi.federation import remote
from fedi.federation.handlers import rereading
from fedi.jobs import Backoff, Claimed, handles
from fedi.runtime import Easel

ATTEMPTS = 3
BACKOFF = Backoff(first=timedelta(minutes=1), factor=10)


@handles("relayed", attempts=ATTEMPTS, at_once=8, per_lane=2, backoff=BACKOFF)
async def relayed(easel: Easel, job: Claimed) -> None:
    """Look at a post: it may be new, changed, or gone."""
    uri = job.payload["uri"]
    async with easel.database.read() as session:
        known = (await session.exec(select(Status).where(Status.uri == uri))).first()
    try:
        if known is None:
            await remote.status(easel, uri, relayed=True)
            return
        effect = await rereading.again(easel, known)
    except Malformed:
        return
    except FetchError as error:
        if job.attempts < ATTEMPTS:
            remote.retry(error)
        return
    if effect is not None:
        async with easel.database.write() as tx:
            await effect(tx)
            await job.finish(tx)
