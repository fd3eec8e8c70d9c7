"""The jobs of files from elsewhere: to get one, to get those of a post, and to make room."""

from __future__ import annotations

from datetime import timedelta

import msgspec
from sqlmodel import col, select

from fedi.database.tables import Account, RemoteFile, Status
from fedi.jobs import Claimed, Retry, handles
from fedi.jobs.queue import NewJob, enqueue_many
from fedi.runtime import Easel
from fedi.social import posts
from fedi.social.forgetting import FORGET
from fedi.studio.remote_files import claims, fetching, keeping
from fedi.studio.remote_files.claims import Claim

UNASKED = 6  # failures (about a day) after which only somebody who looks at it has it tried again
BUSY_WAIT = timedelta(seconds=2)  # for a host that has all the fetches it may have
RUNS = 1000  # of a job; the limit that matters is that of the failures


@handles(fetching.JOB, attempts=RUNS, at_once=fetching.ALTOGETHER)
async def fetch(easel: Easel, job: Claimed) -> None:
    """Get a file that somebody wanted to see, or that arrived."""
    claim = msgspec.convert(job.payload, Claim)
    fetcher = fetching.of(easel)
    if fetcher.busy(claim.host):
        raise Retry(f"{claim.host} is being asked already.", after=BUSY_WAIT)
    row = await fetcher.get(claim)
    if row is None:
        raise Retry("It is still on its way.", after=fetching.LEASE)
    if row.state == "failed" and row.attempts < UNASKED and row.next_attempt_at is not None:
        raise Retry(row.error, after=row.next_attempt_at - easel.clock.now())


@handles("remote_media", attempts=3)
async def arrived(easel: Easel, job: Claimed) -> None:
    """A post came from elsewhere: its pictures and those of its author are fetched at once."""
    addresses = await claims.addresses(easel)
    async with easel.database.write() as tx:
        status = await tx.get(Status, job.payload["status_id"])
        author = await tx.get(Account, status.account_id) if status is not None else None
        if status is None or author is None or status.deleted_at is not None:
            return
        wanted = claims.of_posts(await posts.assemble(tx, [status], author))
        await enqueue_many(
            tx,
            fetching.JOB,
            [
                NewJob(
                    msgspec.to_builtins(claim), unique_key=fetching.job_key(addresses.key(claim))
                )
                for claim in wanted
                if addresses.usable(claim)
            ],
        )
        await job.finish(tx)


@handles(FORGET, attempts=5)
async def forget(easel: Easel, job: Claimed) -> None:
    """Nothing here shows these files any more. (What something does is fetched again.)"""
    addresses = await claims.addresses(easel)
    gone = [addresses.key(Claim(*entry)) for entry in job.payload["files"]]
    async with easel.database.read() as session:
        kept = select(RemoteFile).where(col(RemoteFile.key).in_(gone), RemoteFile.state == "ready")
        rows = (await session.exec(kept)).all()
    await keeping.evict(easel, rows)


@handles(fetching.PRUNE, attempts=5, at_once=1)
async def prune(easel: Easel, job: Claimed) -> None:
    """Make room, if there is too much."""
    await keeping.prune(easel)
