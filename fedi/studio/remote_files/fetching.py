"""Getting a file from elsewhere: once, however many ask, and again after growing waits.

Who asks first in a process begins a flight, and all others wait for it. Between processes the row
is the lock: it says who fetches until when. A job stands behind each flight, so that a file that
somebody wanted to see comes even if we die on the way, or its server is down for a while.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import BinaryIO, cast
from weakref import WeakKeyDictionary, WeakValueDictionary

import msgspec
from sqlalchemy import ColumnElement, CursorResult, delete, or_, true, update
from sqlmodel import col, select

from activitypub.client import FetchError
from activitypub.signatures import Signer
from fedi import logs
from fedi.database import Transaction
from fedi.database.insertion import add_once
from fedi.database.tables import Job, RemoteFile
from fedi.events import Event
from fedi.jobs import Backoff, enqueue
from fedi.runtime import Easel
from fedi.social import accounts
from fedi.social.errors import Invalid
from fedi.storage import new_key
from fedi.studio.remote_files import claims, inspection, keeping, rules
from fedi.studio.remote_files.claims import Claim
from fedi.studio.remote_files.inspection import Inspected

PATIENCE_S = 20.0  # how long a reader waits for a file; the fetch goes on without them
PER_HOST = 4  # fetched from one host at once
ALTOGETHER = 16  # fetched at once in this process; each is on the disk, not in memory
DECODED_AT_ONCE = 2  # each may need 133 MB: 33 megapixels of four bytes
MAX_FLIGHTS = 1000  # files that are waited for; who asks for more has to ask again
MEMORY_BYTES = 1_000_000  # of a file on its way; the rest lies on the disk

LOOK_AGAIN_S = 1.0  # at what another process fetches
LEASE = timedelta(minutes=3)  # longer than the client waits for a file and the decoder needs
# A server that is down is asked again soon, a file that is no picture after a day.
WAITS = Backoff(first=timedelta(minutes=1), factor=4, most=timedelta(days=7), jitter=0.2)
REFUSED_WAIT = timedelta(days=1)

JOB = "remote_file"
PRUNE = "remote_prune"
PRUNE_DELAY = timedelta(minutes=1)  # one look at the budget for all that came in this time

log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class _Failure:
    reason: str
    passing: bool  # whether it may be otherwise soon
    retry_after: float | None = None


class Fetcher:
    """Gets files for one process of an instance; `of` gives it."""

    def __init__(self, easel: Easel) -> None:
        self._easel = easel
        self._flights: dict[str, asyncio.Task[RemoteFile]] = {}
        self._hosts: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()
        self._busy: Counter[str] = Counter()
        self._altogether = asyncio.Semaphore(ALTOGETHER)
        self._decoders = asyncio.Semaphore(DECODED_AT_ONCE)
        self._signer: Signer | None = None
        easel.closing.append(self._stop)

    def busy(self, host: str) -> bool:
        """Whether a host has all the fetches that it may have, and more waiting."""
        return self._busy[host] >= PER_HOST

    async def get(self, claim: Claim) -> RemoteFile | None:
        """The file of a claim, fetched if it is not here.

        Returns:
            Its row, "ready" or "failed"; None if it is still on its way.
        """
        key = (await claims.addresses(self._easel)).key(claim)
        async with self._easel.database.read() as session:
            row = (await session.exec(select(RemoteFile).where(RemoteFile.key == key))).first()
        if row is not None and not _wanted(row, self._easel.clock.now()):
            return row
        return await self._joined(claim, key)

    async def refresh(self, row: RemoteFile) -> RemoteFile | None:
        """Fetch a file again, whatever is known of it, and in vain if it must be."""
        await keeping.evict(self._easel, [row])
        async with self._easel.database.write() as tx:
            await tx.execute(
                update(RemoteFile)
                .where(col(RemoteFile.id) == row.id, col(RemoteFile.state) == "failed")
                .values(next_attempt_at=tx.now)
            )
        return await self.get(claims.of_row(row))

    async def _joined(self, claim: Claim, key: str) -> RemoteFile | None:
        flight = self._flights.get(key)
        if flight is None:
            if len(self._flights) >= MAX_FLIGHTS:
                return None
            flight = asyncio.create_task(self._fly(claim, key), name=f"fetch {claim.url}")
            self._flights[key] = flight
            self._busy[claim.host] += 1
            flight.add_done_callback(lambda _: self._landed(claim, key))
        done, _ = await asyncio.wait({flight}, timeout=PATIENCE_S)
        return flight.result() if done else None

    def _landed(self, claim: Claim, key: str) -> None:
        self._flights.pop(key, None)
        self._busy[claim.host] -= 1
        if not self._busy[claim.host]:
            del self._busy[claim.host]

    async def _fly(self, claim: Claim, key: str) -> RemoteFile:
        """Fetch, or wait for the process that does."""
        host = self._hosts.setdefault(claim.host, asyncio.Semaphore(PER_HOST))
        topic = f"remote_file:{key}"
        with self._easel.events.listen([topic]) as heard:
            while True:
                async with host, self._altogether:
                    row, ours = await self._claim(claim, key)
                    if not ours and row.state != "fetching":
                        return row
                    if ours:
                        return await self._fetch(claim, row)
                with contextlib.suppress(TimeoutError):  # events are hints: look for yourself, too
                    async with asyncio.timeout(LOOK_AGAIN_S):
                        await heard.next()

    async def _claim(self, claim: Claim, key: str) -> tuple[RemoteFile, bool]:
        """The row, and whether it is for us to fetch its file."""
        async with self._easel.database.write() as tx:
            until = tx.now + LEASE
            fresh = RemoteFile(
                id=tx.new_id(),
                key=key,
                url=claim.url,
                host=claim.host,
                kind=claim.kind,
                promised_digest=claim.digest,
                promised_size=claim.size,
                state="fetching",
                created_at=tx.now,
                viewed_at=tx.now,
                next_attempt_at=until,
            )
            ours = await add_once(tx, fresh)
            if not ours:
                free = col(RemoteFile.state).in_(("failed", "fetching")) & (
                    col(RemoteFile.next_attempt_at) <= tx.now
                )
                gone = col(RemoteFile.state) == "evicted"
                result = await tx.execute(
                    update(RemoteFile)
                    .where(col(RemoteFile.key) == key, or_(free, gone))
                    .values(state="fetching", next_attempt_at=until)
                )
                ours = bool(cast("CursorResult[object]", result).rowcount)
            row = (await tx.exec(select(RemoteFile).where(RemoteFile.key == key))).one()
            if ours:
                payload = msgspec.to_builtins(claim)
                await enqueue(tx, JOB, payload, delay=LEASE, unique_key=job_key(key))
        return row, ours

    async def _fetch(self, claim: Claim, row: RemoteFile) -> RemoteFile:
        try:
            if not await rules.shown_here(self._easel, claim.host):
                raise Invalid("Files of this server are not shown here.")
            with tempfile.SpooledTemporaryFile(MEMORY_BYTES) as spooled:
                file = cast(BinaryIO, spooled)
                await self._download(claim, file)
                async with self._decoders:
                    found = await asyncio.to_thread(inspection.inspect, claim, file)
                return await self._keep(row, found, file)
        except FetchError as error:
            failure = _Failure(error.reason, not error.permanent, error.retry_after)
        except Invalid as error:
            failure = _Failure(str(error), passing=False)
        except Exception as error:
            log.exception("remote_file_failed", url=claim.url)
            failure = _Failure(f"Something went wrong here: {type(error).__name__}.", passing=True)
        return await self._fail(row, failure)

    async def _download(self, claim: Claim, file: BinaryIO) -> None:
        """The bytes, unsigned; signed by the instance where its server asks for that."""

        def limit(head: bytes) -> int:
            return inspection.most_bytes(claim.kind, head)

        try:
            await self._easel.client.get_file(claim.url, file, limit)
        except FetchError as error:
            if error.status != 401:
                raise
            signer = await self._instance()
            await self._easel.client.get_file(claim.url, file, limit, signer=signer)

    async def _instance(self) -> Signer:
        if self._signer is None:
            async with self._easel.database.write() as tx:
                actor = await accounts.ensure_instance_actor(tx)
            assert actor.private_key_pem is not None
            self._signer = Signer(actor.public_key_id, actor.private_key_pem)
        return self._signer

    async def _keep(self, row: RemoteFile, found: Inspected, file: BinaryIO) -> RemoteFile:
        """Files first, then the row that names them."""
        storage = self._easel.storage
        original, small = new_key(found.medium.ending), None
        size = file.seek(0, 2)
        if found.content is None:
            await storage.put_file(original, file)
        else:
            size = len(found.content)
            await storage.put(original, found.content)
        if found.preview is not None:
            small = new_key("webp")
            size += len(found.preview)
            await storage.put(small, found.preview)
        row.state, row.error, row.attempts, row.next_attempt_at = "ready", "", 0, None
        row.file, row.preview_file, row.bytes = original, small, size
        row.media_type, row.blurhash = found.medium.media_type, found.blurhash
        row.width, row.height = found.width, found.height
        async with self._easel.database.write() as tx:
            row.fetched_at = row.viewed_at = tx.now
            await tx.execute(delete(Job).where(col(Job.unique_key) == job_key(row.key)))
            await self._settle(tx, row)
            await enqueue(tx, PRUNE, {}, delay=PRUNE_DELAY, unique_key=PRUNE)
        return row

    async def _fail(self, row: RemoteFile, failure: _Failure) -> RemoteFile:
        log.info("remote_file_refused", url=row.url, reason=failure.reason)
        row.state, row.error, row.file, row.preview_file = "failed", failure.reason, None, None
        row.bytes, row.attempts = 0, row.attempts + 1
        wait = WAITS.wait(row.attempts)
        if not failure.passing:
            wait = max(wait, REFUSED_WAIT)
        if failure.retry_after is not None:
            wait = max(wait, timedelta(seconds=failure.retry_after))
        async with self._easel.database.write() as tx:
            row.next_attempt_at = tx.now + wait
            if not failure.passing:
                await tx.execute(delete(Job).where(col(Job.unique_key) == job_key(row.key)))
            await self._settle(tx, row)
        return row

    async def _settle(self, tx: Transaction, row: RemoteFile) -> None:
        await tx.merge(row)
        tx.emit(Event(f"remote_file:{row.key}", row.state))

    async def _stop(self) -> None:
        """Land nowhere: what was on its way is free for whoever wants it next."""
        _fetchers.pop(self._easel, None)
        flights = dict(self._flights)
        for flight in flights.values():
            flight.cancel()
        await asyncio.gather(*flights.values(), return_exceptions=True)
        if flights:
            async with self._easel.database.write() as tx:
                await _release(tx, col(RemoteFile.key).in_(list(flights)))


async def recover(easel: Easel) -> None:
    """On SQLite (one process) nobody fetches any more what was being fetched before the start."""
    if easel.database.sqlite:
        async with easel.database.write() as tx:
            await _release(tx, true())


async def _release(tx: Transaction, which: ColumnElement[bool]) -> None:
    await tx.execute(
        update(RemoteFile)
        .where(col(RemoteFile.state) == "fetching", which)
        .values(next_attempt_at=tx.now)
    )


def _wanted(row: RemoteFile, now: datetime) -> bool:
    """Whether something has to be done before this row can be answered with."""
    if row.state == "failed":
        return row.next_attempt_at is None or row.next_attempt_at <= now
    return row.state != "ready"


def job_key(key: str) -> str:
    """Under which a file is asked for in the queue: once."""
    return f"{JOB} {key}"


_fetchers: WeakKeyDictionary[Easel, Fetcher] = WeakKeyDictionary()


def of(easel: Easel) -> Fetcher:
    """The fetcher of this process."""
    if easel not in _fetchers:
        _fetchers[easel] = Fetcher(easel)
    return _fetchers[easel]
