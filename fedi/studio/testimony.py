"""What the files of pictures say of themselves, for the pages that show them.

A file is read when its page is first looked at, never on the event loop, and what it said is
remembered: a storage key stands for one content for ever. Files of other servers are read with all
distrust, and their signatures held against the certificate that the signer's own domain shows.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from weakref import WeakKeyDictionary

from sqlmodel import col, select

from fedi import logs
from fedi.database.tables import Account
from fedi.runtime import Easel
from fedi.social import seals
from fedi.social.posts import Post
from fedi.storage import Missing
from fedi.studio import authorities, gate
from fedi.studio.authorities import Unavailable
from fedi.studio.remote_files import claims, rules
from fedi.studio.remote_files.gallery import Gallery
from generation import statements
from generation.provenance import ProvenanceError
from generation.statements import Statement

PATIENCE_S = 1.5  # how long a page waits; what is not read by then stands there the next time
REMEMBERED = 4000  # statements, of a few kilobytes each at most
MAX_EXHIBITS = 40  # pictures of one page that are read, the post's own first
ASK_AGAIN = timedelta(hours=1)  # for the authority of a signer that could not be had
AUTHORITIES = 500  # of other instances that are remembered
AUTHORITY_AGE = timedelta(days=1)

Heard = Mapping[str, Statement]
"""What files said, by their storage keys."""

log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class Exhibit:
    """A file. `ours`: we wrote it, so nothing in it is hostile."""

    key: str
    ours: bool


def exhibits(posts: Iterable[Post], gallery: Gallery) -> list[Exhibit]:
    """The files of the pictures that these posts show, as far as they are here."""
    found: dict[Exhibit, None] = {}
    for post in posts:
        for medium in post.media:
            if medium.file:
                found[Exhibit(medium.file, True)] = None
            elif (framed := gallery.find(claims.of_media(medium))) and framed.file:
                found[Exhibit(framed.file, False)] = None
    return list(found)[:MAX_EXHIBITS]


class Witness:
    """Reads files for one process of an instance; `of` gives it."""

    def __init__(self, easel: Easel) -> None:
        self._easel = easel
        self._heard: OrderedDict[str, tuple[asyncio.Task[Statement | None], datetime]] = (
            OrderedDict()
        )
        self._authorities: OrderedDict[str, tuple[str, datetime]] = OrderedDict()
        easel.closing.append(self._stop)

    async def hear(self, wanted: Iterable[Exhibit]) -> dict[str, Statement]:
        """What files say, as far as that is known soon enough for a page."""
        tasks = {exhibit.key: self._task(exhibit) for exhibit in wanted}
        if not tasks:
            return {}
        await asyncio.wait(tasks.values(), timeout=PATIENCE_S)
        return {
            key: said
            for key, task in tasks.items()
            if task.done() and not task.cancelled() and (said := task.result()) is not None
        }

    def _task(self, exhibit: Exhibit) -> asyncio.Task[Statement | None]:
        now = self._easel.clock.now()
        task, since = self._heard.get(exhibit.key, (None, now))
        if task is None or (task.done() and now - since > ASK_AGAIN and not _settled(task)):
            task = asyncio.create_task(self._read(exhibit), name=f"testimony {exhibit.key}")
            self._heard[exhibit.key] = task, now
        self._heard.move_to_end(exhibit.key)
        while len(self._heard) > REMEMBERED:
            _, (oldest, _) = self._heard.popitem(last=False)
            oldest.cancel()
        return task

    async def _read(self, exhibit: Exhibit) -> Statement | None:
        try:
            said = await self._said(exhibit, await self._own())
            signer = said.manifest.signer
            if said.manifest.state == "valid" and not said.manifest.vouched and signer:
                # Another server is asked, which may be slow: nobody waits for that but this file.
                theirs = await self._theirs(signer)
                if theirs:
                    said = await self._said(exhibit, {signer: theirs})
            return said
        except (Missing, ProvenanceError):  # a film; or room was made for another
            return None
        except Exception:
            log.exception("testimony_failed", key=exhibit.key)
            return None

    async def _said(self, exhibit: Exhibit, known: Mapping[str, str]) -> Statement:
        async with gate.of(self._easel).job():
            content = await self._easel.storage.read(exhibit.key)
            return await asyncio.to_thread(statements.read, content, known, ours=exhibit.ours)

    async def _own(self) -> dict[str, str]:
        async with self._easel.database.read() as session:
            certificate = await seals.authority(session)
        return {self._easel.settings.instance.domain: certificate} if certificate else {}

    async def _theirs(self, domain: str) -> str:
        """The authority of an instance that somebody here knows people of: a file may name any
        domain, and we ask none that we had no other reason to ask."""
        now = self._easel.clock.now()
        found, since = self._authorities.get(domain, ("", now))
        if domain in self._authorities and now - since < (AUTHORITY_AGE if found else ASK_AGAIN):
            return found
        async with self._easel.database.read() as session:
            query = select(Account.id).where(col(Account.domain) == domain).limit(1)
            known = (await session.exec(query)).first() is not None
        found = ""
        if known and await rules.shown_here(self._easel, domain):
            try:
                found = await authorities.fetch(self._easel.client, domain)
            except Unavailable as error:
                log.info("authority_unavailable", domain=domain, reason=str(error))
        self._authorities[domain] = found, now
        if len(self._authorities) > AUTHORITIES:
            self._authorities.popitem(last=False)
        return found

    async def _stop(self) -> None:
        _witnesses.pop(self._easel, None)
        tasks = [task for task, _ in self._heard.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _settled(task: asyncio.Task[Statement | None]) -> bool:
    """Whether asking again would bring nothing new."""
    if task.cancelled():
        return False
    said = task.result()
    return said is not None and (said.manifest.state != "valid" or bool(said.manifest.vouched))


_witnesses: WeakKeyDictionary[Easel, Witness] = WeakKeyDictionary()


def of(easel: Easel) -> Witness:
    """The witness of this process."""
    if easel not in _witnesses:
        _witnesses[easel] = Witness(easel)
    return _witnesses[easel]
