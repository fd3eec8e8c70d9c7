"""Pages that posts link to: which one of a post is shown, and what is known of it.

A post names its page when it is written (`Status.preview_id`, a number made of the address), so
that many posts share what is read once. The page is read by the job `preview`
(`federation.previewing`); until then, and if nothing comes of it, a post is shown without.
"""

from __future__ import annotations

import random
import re
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy
from msgspec import Struct
from msgspec.structs import asdict
from sqlalchemy import ColumnElement, bindparam, delete, exists
from sqlmodel import col, select

from activitypub import origin
from fedi import ids
from fedi.database import Session, Transaction
from fedi.database.among import among
from fedi.database.insertion import insert_into, row_values, table_of
from fedi.database.tables import Account, LinkPreview, Status
from fedi.jobs.queue import NewJob, enqueue_many
from fedi.settings import InstanceSettings
from fedi.social import accounts, spreading
from fedi.social.trends import subjects
from fedi.social.trends.subjects import number_of

PREVIEW = "preview"  # the job: `{"url": …}`
# A post goes to thousands of servers in one moment; Mastodon 4.6 spreads their visits as far.
SPREAD_S = 60.0
FRESH = timedelta(days=14)  # what a page says of itself; then the next post has it read again
AGAIN = timedelta(days=1)  # a page that could not be read may be read then
MAX_TOLD = 50  # posts of which is told that their preview is there, the latest
TOLD_FOR = timedelta(hours=2)  # after it was posted; nobody looks at an older one just now
# What no post shows any more goes after so long; posts that only a relay told of are gone by then.
KEPT = timedelta(days=180)
LOOKED_AT_FOR = timedelta(days=30)  # what a post still shows after that is kept for good
BATCH = 200  # rows of one transaction

# As `text.sanitise` leaves them: what stands in for a quote where that is not understood, and links
# that are somebody's name or a hashtag, by whatever class their server calls them.
_QUOTED = re.compile(r"<(p|span)\b[^>]*\bquote-inline\b[^>]*>.*?</\1>", re.DOTALL)
_NAMES = re.compile(r"<a\b[^>]*>(?=\s*(?:<[^>]*>){0,4}\s*[#@＃＠])")

_PREVIEW, _STATUS = table_of(LinkPreview).c, table_of(Status).c
_KNOWN: Any = select(LinkPreview).where(among(_PREVIEW.id, "numbers"))
_STATES = sqlalchemy.select(_PREVIEW.id, _PREVIEW.state, _PREVIEW.fetched_at).where(
    _PREVIEW.id.in_(bindparam("numbers", expanding=True))
)
_POSTS = sqlalchemy.select(_STATUS.uri).where(_STATUS.uri.in_(bindparam("uris", expanding=True)))


class Written(Struct, frozen=True, kw_only=True):
    """What decides which page a post shows.

    Attributes:
        content: sanitised HTML.
        pictured: it has pictures of its own; then it shows no page.
        known: addresses that are no pages for it, such as what it quotes.
    """

    content: str
    visibility: str
    local: bool
    pictured: bool = False
    known: frozenset[str | None] = frozenset()


class Summary(Struct, frozen=True, kw_only=True):
    """What a page says of itself: text, and addresses of the web or none.

    Attributes:
        creator: the handle that it names as its author's.
    """

    title: str
    type: str = "link"
    description: str = ""
    author_name: str = ""
    author_url: str = ""
    provider_name: str = ""
    provider_url: str = ""
    image_url: str = ""
    image_description: str = ""
    image_width: int = 0
    image_height: int = 0
    language: str | None = None
    published_at: datetime | None = None
    creator: str = ""


def links(instance: InstanceSettings, written: Written) -> list[str]:
    """The pages that a post may show, in its order: none of a post that is not for everybody, of
    which their servers are not to hear."""
    content = written.content
    unfit = written.pictured or written.visibility not in {"public", "unlisted"}
    if unfit or "<a" not in content or not instance.link_previews:
        return []
    if "quote-inline" in content:
        content = _QUOTED.sub("", content)
    here = origin.host(instance.url)
    found = subjects.links(_NAMES.sub("<a>", content), here or "", written.known)
    return [url for url in found if (host := origin.host(url)) is not None and host != here]


async def choose(tx: Transaction, several: Sequence[Written]) -> list[int | None]:
    """The page that each of these posts shows, by its number, and ask for those to be read that
    are not known well enough: the first link that is no post which we know."""
    wanted = [links(tx.instance, written) for written in several]
    numbers = {url: number_of(url) for urls in wanted for url in urls}
    if not numbers:
        return [None] * len(several)
    rows = await tx.execute_core(_STATES, {"numbers": list(numbers.values())})
    known = {row.id: row for row in rows}
    posts = set((await tx.execute_core(_POSTS, {"uris": list(numbers)})).scalars())
    posts |= {url for url, n in numbers.items() if n in known and known[n].state == "post"}
    chosen: list[int | None] = []
    jobs: dict[int, NewJob] = {}
    for written, urls in zip(several, wanted, strict=True):
        url = next((url for url in urls if url not in posts), None)
        chosen.append(numbers[url] if url is not None else None)
        if url is not None and is_due(known.get(numbers[url]), tx.now):
            jobs.setdefault(numbers[url], _job(url, local=written.local))
    await enqueue_many(tx, PREVIEW, jobs.values())
    return chosen


async def choose_one(tx: Transaction, written: Written) -> int | None:
    """`choose` for one."""
    [number] = await choose(tx, [written])
    return number


def _job(url: str, *, local: bool) -> NewJob:
    delay = timedelta() if local else timedelta(seconds=random.uniform(0, SPREAD_S))
    lane = origin.domain_of(origin.host(url) or "")
    return NewJob({"url": url}, lane, f"{PREVIEW} {number_of(url)}", delay)


def is_due(row: Any, now: datetime) -> bool:
    """Whether a page is to be read (again); `row` is what is known of it, if anything."""
    if row is None:
        return True
    return bool(now - row.fetched_at >= (AGAIN if row.state == "failed" else FRESH))


async def of(session: Session, statuses: Iterable[Status]) -> dict[int, LinkPreview]:
    """What is shown of the pages of some posts, by their numbers."""
    return await ready(session, {s.preview_id for s in statuses if s.preview_id is not None})


async def ready(session: Session, numbers: Collection[int]) -> dict[int, LinkPreview]:
    """What is shown of some pages, by their numbers."""
    if not numbers or not session.instance.link_previews:
        return {}
    rows = (await session.execute(_KNOWN, {"numbers": list(numbers)})).scalars()
    return {row.id: row for row in rows if row.state == "ready"}


async def keep(tx: Transaction, url: str, summary: Summary) -> list[Status]:
    """A page was read: keep what it says of itself, and tell whoever sees the posts with it.

    Returns:
        The latest posts that show it.
    """
    values = asdict(summary)
    author = await _author(tx, url, values.pop("creator"))
    values["author_account_id"] = author.id if author is not None else None
    await _put(tx, url, values | {"state": "ready", "error": ""})
    statuses = await _latest(tx, number_of(url))
    for status in statuses:
        spreading.announce_event(tx, status, "update")
    return statuses


async def fail(tx: Transaction, url: str, reason: str) -> None:
    """A page could not be read, or says nothing of itself. What it said before stays for now."""
    row = await tx.get(LinkPreview, number_of(url))
    if row is not None and row.state == "ready":
        await _put(tx, url, {"state": "ready", "error": reason})
    else:
        await _put(tx, url, {"state": "failed", "error": reason})


async def is_post(tx: Transaction, url: str) -> None:
    """A page is that of a post which we know: the posts that link to it show their next page."""
    await _put(tx, url, {"state": "post", "error": ""})
    statuses = await _latest(tx, number_of(url))
    again = [
        Written(content=status.content, visibility=status.visibility, local=status.local)
        for status in statuses
    ]
    for status, number in zip(statuses, await choose(tx, again), strict=True):
        status.preview_id = number
        tx.add(status)
        if number is not None:
            spreading.announce_event(tx, status, "update")
    await tx.flush()


async def _put(tx: Transaction, url: str, values: dict[str, Any]) -> None:
    fresh = LinkPreview(id=number_of(url), url=url, fetched_at=tx.now, **values)
    insert = insert_into(tx, LinkPreview).values(row_values(fresh))
    await tx.execute(
        insert.on_conflict_do_update(index_elements=["id"], set_={**values, "fetched_at": tx.now})
    )


async def _latest(tx: Transaction, number: int) -> list[Status]:
    rows = await tx.exec(
        select(Status)
        .where(
            Status.preview_id == number,
            col(Status.id) >= ids.floor(tx.now - TOLD_FOR),
            col(Status.deleted_at).is_(None),
        )
        .order_by(col(Status.id).desc())
        .limit(MAX_TOLD)
    )
    return list(rows.all())


async def _author(session: Session, url: str, creator: str) -> Account | None:
    """Whom a page names as its author, if they said that pages there may."""
    if not creator:
        return None
    account = await accounts.by_handle(session, creator)
    host = (origin.host(url) or "").partition(":")[0]
    if account is None or account.deleted_at is not None or account.suspended_at is not None:
        return None
    theirs = any(host == one or host.endswith(f".{one}") for one in account.attribution_domains)
    return account if theirs else None


async def is_stale(tx: Transaction) -> bool:
    """Whether there is anything to let go."""
    return (await tx.exec(select(LinkPreview.id).where(*_stale(tx)).limit(1))).first() is not None


async def drop_stale(tx: Transaction) -> int:
    """Let go of old previews that no post shows.

    Returns:
        How many; less than `BATCH` if there are no more.
    """
    gone = list((await tx.exec(select(LinkPreview.id).where(*_stale(tx)).limit(BATCH))).all())
    await tx.execute(delete(LinkPreview).where(col(LinkPreview.id).in_(gone)))
    return len(gone)


def _stale(session: Session) -> tuple[ColumnElement[bool], ...]:
    return (
        col(LinkPreview.fetched_at) < session.now - KEPT,
        col(LinkPreview.fetched_at) > session.now - KEPT - LOOKED_AT_FOR,
        ~exists().where(col(Status.preview_id) == col(LinkPreview.id)),
    )
