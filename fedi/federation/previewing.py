"""The `preview` job: a page that posts link to is read once, and what it says of itself is kept
(`social.previews`)."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from datetime import datetime, timedelta
from weakref import WeakKeyDictionary

from sqlalchemy import select

from activitypub.client import FetchError
from fedi import ids, logs
from fedi.database import Session
from fedi.database.insertion import table_of
from fedi.database.tables import LinkPreview, Status
from fedi.federation import arrivals, pages, summaries
from fedi.federation.summaries import Described
from fedi.jobs import Claimed, Postpone, Retry, handles
from fedi.runtime import Easel
from fedi.social import domains, previews
from fedi.social.trends.subjects import number_of

AT_ONCE = 6  # pages that are read at once: who hangs holds up nobody else
PAUSE = timedelta(seconds=2)  # between two visits to one domain, whatever is posted
DOMAINS = 10_000  # of which is known when they were visited last
LATE = timedelta(hours=1)  # a link that had to wait for so long is old news
ATTEMPTS = 3
RETRY_WAIT = timedelta(minutes=5)
RUNS = 100  # of a job; the limit that matters is that of the attempts

MAX_OEMBED = 64 * 1024  # bytes
NOTHING = "It says nothing of itself."

log = logs.get(__name__)

_visited: WeakKeyDictionary[Easel, OrderedDict[str, datetime]] = WeakKeyDictionary()


@handles(previews.PREVIEW, attempts=RUNS, at_once=AT_ONCE, per_lane=1)
async def preview(easel: Easel, job: Claimed) -> None:
    """Read a page, if that was not done lately, and not too often of one domain."""
    url: str = job.payload["url"]
    now = easel.clock.now()
    if not easel.settings.instance.link_previews or now - ids.moment(job.id) > LATE:
        return
    async with easel.database.read() as session:
        known = await session.get(LinkPreview, number_of(url))
    if not previews.is_due(known, now):
        return
    _visit(easel, job.lane, now)
    try:
        found = await _described(easel, url)
    except FetchError as error:
        if not error.permanent and job.attempts < ATTEMPTS:
            raise Retry(error.reason, after=RETRY_WAIT) from error
        log.info("preview_refused", url=url, reason=error.reason)
        async with easel.database.write() as tx:
            await previews.fail(tx, url, error.reason)
            await job.finish(tx)
        return
    async with easel.database.write() as tx:
        if found.documents and await _is_known(tx, found):
            await previews.is_post(tx, url)
        elif found.said is None:
            await previews.fail(tx, url, NOTHING)
        else:
            shown = await previews.keep(tx, url, found.said)
            if found.said.image_url:
                await arrivals.expect_all(easel, tx, shown[:1])
        await job.finish(tx)


def _visit(easel: Easel, domain: str, now: datetime) -> None:
    """Note a visit to a domain, in bounded memory; each process counts for itself.

    Raises:
        Postpone: the last one was only just now.
    """
    visited = _visited.setdefault(easel, OrderedDict())
    last = visited.get(domain)
    if last is not None and now - last < PAUSE:
        raise Postpone("This domain was visited just now.", last + PAUSE)
    visited[domain] = now
    visited.move_to_end(domain)
    while len(visited) > DOMAINS:
        visited.popitem(last=False)


async def _described(easel: Easel, url: str) -> Described:
    """A page, and its oEmbed.

    Raises:
        FetchError: it could not be read.
    """
    await domains.of(easel)  # the client keeps to them
    secure = not easel.client.policy.allow_private
    page = await pages.read(easel, url)
    found = await asyncio.to_thread(summaries.read, page, secure=secure)
    if not found.oembed:
        return found
    try:
        oembed = await easel.client.get_json(found.oembed, limit=MAX_OEMBED, redirects=1)
    except FetchError:
        return found
    said = summaries.embedded(found.said, oembed, page, secure=secure)
    return Described(said, documents=found.documents)


async def _is_known(session: Session, found: Described) -> bool:
    """Whether a page is that of a post which we have."""
    uri = table_of(Status).c.uri
    rows = await session.execute(select(uri).where(uri.in_(found.documents[:10])).limit(1))
    return rows.first() is not None
