"""What is said to programs that walk over the pages: `/robots.txt`, and `/sitemap.xml`.

Those that gather training data are refused, unless the host lets them in. Of accounts that do not
want to be found, nothing is in a map.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from weakref import WeakKeyDictionary
from xml.etree.ElementTree import Element, SubElement, tostring

from sqlalchemy import ColumnElement
from sqlmodel import col, select
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from fedi import ids
from fedi.database.tables import Account, Status
from fedi.runtime import Easel, easel_of
from fedi.social.visibility import visible_to
from fedi.web.render import ROBOTS_NOWHERE, kept

# Programs that, by their own makers' words, gather what models are trained on.
TRAINING = (
    "AI2Bot", "Ai2Bot-Dolma", "Amazonbot", "anthropic-ai", "Applebot-Extended", "Bytespider",
    "CCBot", "ClaudeBot", "cohere-ai", "cohere-training-data-crawler", "Diffbot", "FacebookBot",
    "Google-Extended", "GPTBot", "img2dataset", "ImagesiftBot", "meta-externalagent", "omgili",
    "omgilibot", "PanguBot", "PerplexityBot", "Timpibot", "Webzio-Extended",
)  # fmt: skip
NOT_PAGES = ("/api/", "/oauth/", "/settings/", "/media/remote/", "/sign-in", "/sign-up")
MAX_ADDRESSES = 10_000  # in one map, the latest; sitemaps.org allows 50,000
SECONDS = 3600  # for which a map is kept, by us, too: it is much work

Map = tuple[str, str, Sequence[tuple[str, datetime | None]]]
"""Its kind, what its entries are called, and these: addresses, and when they changed."""


class _Maps:
    """The maps of an instance, by their paths, and when each was made."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.made: dict[str, tuple[datetime, bytes]] = {}


_maps: WeakKeyDictionary[Easel, _Maps] = WeakKeyDictionary()
_SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"
_MONTH = re.compile(r"(20\d\d)-(0[1-9]|1[0-2])", re.ASCII)


async def robots(request: Request) -> Response:
    """`GET /robots.txt` (RFC 9309)."""
    instance = easel_of(request).settings.instance
    lines: list[str] = []
    if not instance.training_crawlers:
        lines += [*(f"User-agent: {name}" for name in TRAINING), "Disallow: /", ""]
    lines += ["User-agent: *", *(f"Disallow: {path}" for path in NOT_PAGES), ""]
    lines += [f"Sitemap: {instance.url}/sitemap.xml", ""]
    written = "\n".join(lines).encode()
    return kept(request, written, "text/plain; charset=utf-8", seconds=SECONDS)


async def index(request: Request) -> Response:
    """`GET /sitemap.xml`: a map of people, and one of each month since the first post."""
    return await _answer(request, _index)


async def people(request: Request) -> Response:
    """`GET /sitemap/people.xml`: those here who want to be found, and the pages of the instance."""
    return await _answer(request, _people)


async def month(request: Request) -> Response:
    """`GET /sitemap/YYYY-MM.xml`: what was posted here in a month, in public."""
    asked = _MONTH.fullmatch(request.path_params["month"])
    begins = datetime(int(asked[1]), int(asked[2]), 1, tzinfo=UTC) if asked else None
    if begins is None or begins > easel_of(request).clock.now():
        raise HTTPException(404, "There is no such map.")
    return await _answer(request, partial(_posts, begins))


async def _index(easel: Easel) -> Map:
    query = (
        select(Status.created_at)
        .where(col(Status.local), Status.visibility == "public")
        .order_by(col(Status.id))
        .limit(1)
    )
    async with easel.database.read() as session:
        first = (await session.exec(query)).first()
    home = easel.settings.instance.url
    months = [] if first is None else _months(first, easel.clock.now())
    names = ["people", *months]
    return "sitemapindex", "sitemap", [(f"{home}/sitemap/{name}.xml", None) for name in names]


async def _people(easel: Easel) -> Map:
    home = easel.settings.instance.url
    query = (
        select(Account.username, Account.last_status_at)
        .where(*_found(), col(Account.domain).is_(None))
        .order_by(col(Account.id).desc())
        .limit(MAX_ADDRESSES - 2)
    )
    async with easel.database.read() as session:
        found = (await session.exec(query)).all()
    people = [(f"{home}/@{name}", posted) for name, posted in found]
    return "urlset", "url", [(f"{home}/", None), (f"{home}/about", None), *people]


async def _posts(begins: datetime, easel: Easel) -> Map:
    query = (
        visible_to(None)
        .join(Account, col(Account.id) == col(Status.account_id))
        .where(
            col(Status.local),
            Status.visibility == "public",
            col(Status.reblog_of_id).is_(None),
            col(Status.id) >= ids.floor(begins),
            col(Status.id) < ids.floor(_after(begins)),
            *_found(),
        )
        .order_by(col(Status.id).desc())
        .limit(MAX_ADDRESSES)
        .with_only_columns(col(Status.url), col(Status.created_at), col(Status.edited_at))
    )
    async with easel.database.read() as session:
        rows = (await session.execute(query)).all()
    return "urlset", "url", [(url, edited or created) for url, created, edited in rows if url]


def _found() -> tuple[ColumnElement[bool], ...]:
    return (
        col(Account.discoverable).is_(True),
        col(Account.suspended_at).is_(None),
        col(Account.deleted_at).is_(None),
        col(Account.actor_type) != "Application",
    )


def _months(first: datetime, now: datetime) -> Iterable[str]:
    begins = datetime(first.year, first.month, 1, tzinfo=UTC)
    while begins <= now:
        yield f"{begins:%Y-%m}"
        begins = _after(begins)


def _after(begins: datetime) -> datetime:
    year, before = divmod(begins.year * 12 + begins.month, 12)
    return datetime(year, before + 1, 1, tzinfo=UTC)


async def _answer(request: Request, make: Callable[[Easel], Awaitable[Map]]) -> Response:
    """A map: made once for all who ask within an hour."""
    easel = easel_of(request)
    maps, now, path = _maps.setdefault(easel, _Maps()), easel.clock.now(), request.url.path
    async with maps.lock:
        found = maps.made.get(path)
        if found is None or now - found[0] >= timedelta(seconds=SECONDS):
            written = await asyncio.to_thread(_written, await make(easel))
            maps.made[path] = found = now, written
    return kept(
        request,
        found[1],
        "application/xml; charset=utf-8",
        robots=ROBOTS_NOWHERE,
        seconds=SECONDS,
    )


def _written(made: Map) -> bytes:
    kind, each, pages = made
    root = Element(kind, xmlns=_SITEMAP)
    for address, changed in pages:
        entry = SubElement(root, each)
        SubElement(entry, "loc").text = address
        if changed is not None:
            SubElement(entry, "lastmod").text = changed.strftime("%Y-%m-%dT%H:%M:%SZ")
    written: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return written


routes: list[BaseRoute] = [
    Route("/robots.txt", robots),
    Route("/sitemap.xml", index),
    Route("/sitemap/people.xml", people),
    Route("/sitemap/{month}.xml", month),
]
