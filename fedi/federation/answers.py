"""The answers to a post from elsewhere, as its own server lists them (FEP-7888, FEP-f228).

A post that came or was looked up leads to one job, and that to a bounded number of pages, posts
and hosts, whatever the lists claim. Each post is read from its own server and stored for the
thread only; the list is read again at growing intervals, if something asks for it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta

import sqlalchemy
from sqlalchemy import bindparam, func
from sqlmodel import col, select

from activitypub import origin
from activitypub.client import FetchError
from activitypub.errors import Malformed
from activitypub.objects import Collection, CollectionPage, Note, values
from activitypub.objects.collection import COLLECTION_TYPES, Item
from fedi.database import Session, Transaction
from fedi.database.insertion import table_of
from fedi.database.tables import Account, Status
from fedi.federation import remote
from fedi.jobs import Claimed, NewJob, enqueue, enqueue_many, handles
from fedi.runtime import Easel
from fedi.social.statuses import SHOWN_TO_ALL, NewStatus

# What one post may lead to; Mastodon 4.4 reads 500 replies of 200 pages.
MAX_PAGES = 10  # of all lists together
MAX_POSTS = 60  # that are fetched
MAX_DEPTH = 3  # answers to answers to answers
MAX_HOSTS = 12
MAX_TIME_S = 120.0
AT_ONCE = 16  # most lists are one short page; those of servers that hang must not hold them up

FRESH_AFTER = timedelta(minutes=10)  # a post that just came has no answers yet
SOONEST = timedelta(minutes=15)  # between two readings; later, half of how old the post was


_STATUSES = table_of(Status).c
_LAST_READ = (
    sqlalchemy.select(_STATUSES.context_uri, func.max(_STATUSES.replies_fetched_at).label("read"))
    .where(
        _STATUSES.context_uri.in_(bindparam("contexts", expanding=True)),
        _STATUSES.replies_fetched_at.is_not(None),
    )
    .group_by(_STATUSES.context_uri)
)


async def look_up(tx: Transaction, status: Status, *, delay: timedelta = timedelta()) -> None:
    """Ask for the answers to a post, if it is another server's and they were not just read.

    Args:
        status: a post from elsewhere.
        delay: how long to wait.
    """
    if status.local or _lists(tx, status) == (None, None) or not await _due(tx, status):
        return
    payload = {"status_id": status.id}
    await enqueue(tx, "answers", payload, delay=delay, unique_key=f"answers {status.id}")


async def opened(easel: Easel, reader: Account | None, status: Status) -> None:
    """Somebody opens a post: what answered it since it came is asked for, if that is due. Who is
    not signed in leads to no request of ours, however many they are.

    Args:
        reader: of here; None: nobody.
        status: what they read, and may see.
    """
    if reader is None or status.local or status.visibility not in SHOWN_TO_ALL:
        return
    async with easel.database.read() as session:
        if _lists(session, status) == (None, None) or not await _due(session, status):
            return
    async with easel.database.write() as tx:
        await look_up(tx, status)


async def look_up_new(
    tx: Transaction, statuses: Sequence[NewStatus], *, delay: timedelta = timedelta()
) -> None:
    """`look_up` for posts that have just been stored."""
    lists = {status.id: _lists(tx, status) for status in statuses}
    contexts = sorted({context for context, _ in lists.values() if context is not None})
    read: dict[str, datetime] = {}
    if contexts:
        rows = await tx.execute_core(_LAST_READ, {"contexts": contexts})
        read = {row.context_uri: row.read for row in rows}
    jobs = [
        NewJob({"status_id": status_id}, unique_key=f"answers {status_id}", delay=delay)
        for status_id, (context, replies) in lists.items()
        if (context, replies) != (None, None)
        and (context not in read or tx.now - read[context] >= SOONEST)
    ]
    await enqueue_many(tx, "answers", jobs)


def _lists(session: Session, status: Status | NewStatus) -> tuple[str | None, str | None]:
    """Where a post's thread and its answers are listed; a thread that began here, we know."""
    context = status.context_uri
    ours = context is not None and origin.same_origin(context, session.instance.url)
    return None if ours else context, status.replies_uri


async def _due(session: Session, status: Status) -> bool:
    """Whether the answers may be read again: the older the post, the rarer."""
    read: datetime | None = status.replies_fetched_at
    context, _ = _lists(session, status)
    if context is not None:  # one list for all posts of the thread
        query = select(func.max(Status.replies_fetched_at)).where(Status.context_uri == context)
        read = (await session.exec(query)).one() or read
    if read is None:
        return True
    return session.now - read >= max(SOONEST, (read - status.created_at) / 2)


@handles("answers", attempts=2, at_once=AT_ONCE)
async def answers(easel: Easel, job: Claimed) -> None:
    """Read the answers to a post, as far as the limits go."""
    async with easel.database.write() as tx:
        status = await tx.get(Status, job.payload["status_id"])
        wanted = status is not None and status.deleted_at is None and await _due(tx, status)
        if status is None or not wanted:
            await job.finish(tx)
            return
        status.replies_fetched_at = tx.now  # also if it fails: it is not asked for at once again
        tx.add(status)
        context, replies = _lists(tx, status)
    walk = _Walk(easel)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(MAX_TIME_S):
            if context is None or not await walk.thread(context):
                await walk.below(status.uri, replies)


class _Walk:
    """One reading, and what is left of its limits."""

    def __init__(self, easel: Easel) -> None:
        self._easel = easel
        self._pages = MAX_PAGES
        self._posts = MAX_POSTS
        self._hosts: set[str] = set()
        self._down: set[str] = set()  # hosts that did not answer are not asked again
        self._seen: set[str] = set()

    async def thread(self, context: str) -> bool:
        """Read the list of a whole thread; False if there is none."""
        listed: set[str] = set()

        def belongs(note: Note) -> bool:
            return note.context == context or note.in_reply_to in listed

        async for members in self._members(context):
            listed.update(members)
            for uri in await self._unknown(members):
                await self._fetch(uri, belongs)
        return bool(listed)

    async def below(self, uri: str, replies: str | None) -> None:
        """Read the answers to a post, to those, and so on."""
        waiting = deque([(uri, replies, 1)])
        while waiting:
            answered, address, depth = waiting.popleft()
            if address is None:
                continue
            async for members in self._members(address):
                for member in await self._unknown(members):
                    status = await self._fetch(member, _answer_to(answered))
                    if status is not None and depth < MAX_DEPTH:
                        waiting.append((status.uri, status.replies_uri, depth + 1))

    async def _members(self, address: str) -> AsyncIterator[list[str]]:
        """The ids of a collection's members, page by page, from its own server alone."""
        signer = await remote.instance_signer(self._easel)
        following: str | None = address
        while following is not None and self._pages > 0 and following not in self._seen:
            self._pages -= 1
            self._seen.add(following)
            try:
                got = await self._easel.client.get_document(following, signer)
                items, following = page_of(got.document)
            except (FetchError, Malformed):
                return
            if not origin.same_origin(following, address):
                following = None
            yield list(dict.fromkeys(uri for item in items if (uri := values.uri(item))))

    async def _unknown(self, uris: list[str]) -> list[str]:
        """Those of these posts that are other servers', and not here."""
        ours = self._easel.settings.instance.url
        foreign = [uri for uri in uris if origin.origin(uri) not in {None, ours}]
        async with self._easel.database.read() as session:
            rows = await session.exec(select(Status.uri).where(col(Status.uri).in_(foreign)))
            known = set(rows.all())
        return [uri for uri in foreign if uri not in known]

    async def _fetch(self, uri: str, belongs: remote.Belongs) -> Status | None:
        """A post from its own server, if it belongs to the thread and the limits allow it."""
        host = origin.host(uri)
        assert host is not None
        new = host not in self._hosts
        if host in self._down or uri in self._seen or self._posts < 1:
            return None
        if new and len(self._hosts) >= MAX_HOSTS:
            return None
        self._posts -= 1
        self._hosts.add(host)
        self._seen.add(uri)
        try:
            return await remote.status(self._easel, uri, belongs=belongs)
        except Malformed:
            return None
        except FetchError as error:
            if error.status is None and not error.permanent:
                self._down.add(host)
            return None


def _answer_to(uri: str) -> remote.Belongs:
    return lambda note: note.in_reply_to == uri


def page_of(document: dict[str, object]) -> tuple[tuple[Item, ...], str | None]:
    """What a collection or a page of one carries, and where it goes on.

    Raises:
        Malformed: it is neither.
    """
    if values.kind(document) not in COLLECTION_TYPES:
        page = CollectionPage.parse(document)
        return page.items, page.next
    whole = Collection.parse(document)
    if whole.first_page is not None:
        return (*(whole.items or ()), *whole.first_page.items), whole.first_page.next
    return whole.items or (), whole.first
