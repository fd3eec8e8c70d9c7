"""What is posted, for feed readers: `/@NAME.rss`, `/@NAME.atom`, `/@NAME/feed.json`, and the same
for `/tags/NAME` and `/explore`. They hold no more than the page does that they are of.
(`/@NAME.json` is left free: on Mastodon that is the account as an activity.)"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from fedi.database import Session
from fedi.database.tables import Status
from fedi.runtime import Easel, easel_of
from fedi.social import posts, timelines
from fedi.social.timelines import Page
from fedi.social.trends import listing, verdicts
from fedi.studio.remote_files import claims, gallery
from fedi.web import cards
from fedi.web.cards import Card
from fedi.web.render import ROBOTS, ROBOTS_NOWHERE, kept
from fedi.web.residents import resident
from fedi.web.tags import tag_name
from fedi.web.views import feeds

LENGTH = 20  # posts, as Mastodon's feeds have
SECONDS = 300  # readers come again and again; none comes so often


async def of_account(ending: str, request: Request) -> Response:
    """`GET /@NAME.…`: what an account posts, without boosts and answers to others."""
    easel = easel_of(request)
    async with easel.database.read() as session:
        account = await resident(session, request.path_params["name"])
        page = Page(LENGTH)
        found = await timelines.of_account(
            session, None, account, page, replies=False, boosts=False
        )
        hung = await gallery.of(easel, session, [])
        card = cards.profile(account, hung)
        entries = await _entries(easel, session, found)
    robots = ROBOTS if account.discoverable else ROBOTS_NOWHERE
    return _answer(request, card, entries, f"/@{account.username}{ending}", robots)


async def of_tag(ending: str, request: Request) -> Response:
    """`GET /tags/NAME.…`: what is public under a hashtag."""
    easel = easel_of(request)
    name = tag_name(request)
    async with easel.database.read() as session:
        found = await timelines.tagged(session, None, name, Page(LENGTH))
        entries = await _entries(easel, session, found)
    card = cards.tag(name, easel.settings.instance)
    return _answer(request, card, entries, f"/tags/{quote(name)}{ending}", ROBOTS_NOWHERE)


async def of_trends(ending: str, request: Request) -> Response:
    """`GET /explore.…`: what trends, and why."""
    easel = easel_of(request)
    instance = easel.settings.instance
    which = verdicts.which(easel.settings.trends)
    async with easel.database.read() as session:
        found = await listing.statuses(session, None, which, limit=LENGTH)
        why = await listing.reasons(session, "status", [status.id for status in found])
        entries = await _entries(easel, session, found)
    reasoned = [
        replace(entry, html=f"{entry.html}<p>{why[status.id].words}</p>")
        for entry, status in zip(entries, found, strict=True)
    ]
    card = cards.explore(instance, "")
    return _answer(request, card, reasoned, f"/explore{ending}", ROBOTS_NOWHERE)


async def _entries(easel: Easel, session: Session, found: Sequence[Status]) -> list[feeds.Entry]:
    whole = await posts.assemble(session, found, None)
    hung = await gallery.of(easel, session, claims.of_posts(whole))
    return [feeds.entry(post, hung) for post in whole]


def _answer(
    request: Request, card: Card, entries: Sequence[feeds.Entry], path: str, robots: str
) -> Response:
    easel = easel_of(request)
    write, media_type = next(how for ending, how in feeds.FORMATS.items() if path.endswith(ending))
    feed = feeds.Feed(
        title=card.title,
        description=card.description,
        page=card.url,
        address=f"{easel.settings.instance.url}{path}",
        icon=card.pictures[0].address if card.pictures else "",
        entries=entries,
    )
    return kept(request, write(feed), media_type, robots=robots, seconds=SECONDS)


routes: list[BaseRoute] = [
    Route(f"{place}{ending}", partial(reader, ending))
    for place, reader in (
        ("/@{name}", of_account),
        ("/tags/{name}", of_tag),
        ("/explore", of_trends),
    )
    for ending in feeds.FORMATS
]
