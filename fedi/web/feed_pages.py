"""Feeds: home, what is public here and elsewhere, lists. Each as a wall of pictures or as posts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from fedi.database import Session
from fedi.database.tables import Account, Status
from fedi.runtime import easel_of
from fedi.social import lists, posts, timelines
from fedi.social.posts import Post
from fedi.social.sessions import SignedIn
from fedi.social.timelines import Page
from fedi.studio.remote_files import claims, gallery
from fedi.web import announced, cards, choosing, cursors, sifting, visitors
from fedi.web.cards import Card
from fedi.web.choosing import Choice
from fedi.web.render import ROBOTS_NOWHERE, page
from fedi.web.views.announcements import Told

WALL_LENGTH = 24  # posts with pictures on one page of a wall: a few screens
POSTS_LENGTH = 20  # posts on one page of posts, as Mastodon's
MOST_NEW = 40  # new posts that are counted; more are "40+"

Read = Callable[[Session, Page], Awaitable[Sequence[Status]]]


@dataclass(frozen=True, slots=True)
class Feed:
    """A timeline as a page.

    Attributes:
        name: what the choices for it are remembered by.
        path: of its page.
        usual: how it looks to who has not chosen yet.
        blank: what to say when there is nothing.
    """

    name: str
    title: str
    path: str
    read: Read
    usual: Choice
    blank: str
    context: sifting.Context = "public"


def _home(account: Account) -> Feed:
    async def read(session: Session, page: Page) -> Sequence[Status]:
        return await timelines.home(session, account, page)

    words = "Follow people, and what they make and share comes here."
    return Feed("home", "Home", "/home", read, Choice("posts"), words, "home")


def _local(viewer: Account | None) -> Feed:
    async def read(session: Session, page: Page) -> Sequence[Status]:
        return await timelines.public(session, viewer, page, local=True)

    words = "What somebody makes here in public will hang in this place."
    return Feed("local", "Local", "/local", read, Choice("wall"), words)


def _federated(viewer: Account) -> Feed:
    async def read(session: Session, page: Page) -> Sequence[Status]:
        return await timelines.public(session, viewer, page)

    words = "What this server hears of from others comes here."
    return Feed("federated", "Federated", "/federated", read, Choice("wall"), words)


async def _list(session: Session, account: Account, number: int) -> Feed:
    """
    Raises:
        NotFound: it is no list of theirs.
    """
    row = await lists.find(session, account, number)

    async def read(session: Session, page: Page) -> Sequence[Status]:
        return await lists.timeline(session, account, row, page)

    path = f"/lists/{row.id}"
    words = "Nobody on this list has posted."
    return Feed("list", row.title, path, read, Choice("posts"), words, "home")


@visitors.signed_in
async def home(request: Request, visitor: SignedIn) -> Response:
    """`GET /home`: what those whom one follows posted and boosted, below what the host tells."""
    told: list[Told] = []
    if cursors.max_id(request) is None:
        async with easel_of(request).database.read() as session:
            told = await announced.of(session, visitor.account)
    return await show(request, visitor.account, _home(visitor.account), told=told)


async def local(request: Request) -> Response:
    """`GET /local`: what is public of this instance."""
    viewer = await visitors.viewer(request)
    card = cards.local(easel_of(request).settings.instance)
    return await show(request, viewer, _local(viewer), card=card)


@visitors.signed_in
async def federated(request: Request, visitor: SignedIn) -> Response:
    """`GET /federated`: what is public of all that this instance knows."""
    return await show(request, visitor.account, _federated(visitor.account))


@visitors.signed_in
async def of_list(request: Request, visitor: SignedIn) -> Response:
    """`GET /lists/ID`: what those on a list posted and boosted."""
    return await show(request, visitor.account, await _asked_list(request, visitor.account))


async def _asked_list(request: Request, account: Account) -> Feed:
    easel = easel_of(request)
    async with easel.database.read() as session:
        return await _list(session, account, request.path_params["id"])


async def show(
    request: Request,
    viewer: Account | None,
    feed: Feed,
    *,
    card: Card | None = None,
    followed: bool | None = None,
    told: Sequence[Told] = (),
) -> Response:
    """A page of a feed, in the way that its reader chose.

    Args:
        card: what the page says of itself elsewhere.
        followed: of a hashtag, whether its reader follows it.
        told: what stands above it, of what the host tells everybody.
    """
    easel = easel_of(request)
    choice = choosing.read(request, feed.name, feed.usual)
    max_id = cursors.max_id(request)
    wanted = replace(_page(choice), max_id=max_id)
    async with easel.database.read() as session:
        found, older = await read_page(session, viewer, partial(feed.read, session), wanted)
        hung = await gallery.of(easel, session, claims.of_posts(found))
        sieve = await sifting.sieve(session, viewer, feed.context)
    kept = choice.parameters(feed.usual)
    answer = page(
        request,
        "feed.html",
        robots=ROBOTS_NOWHERE,
        here=feed.name,
        modules=("feed", "deeds"),
        sheets=() if viewer else ("feeds",),
        feed=feed,
        choice=choice,
        views=choosing.links(feed.path, choice),
        card=card,
        followed=followed,
        told=told,
        tiles=sieve.tiles(found, hung) if choice.view == "wall" else [],
        posts=sieve.shown(found, hung) if choice.view == "posts" else [],
        newest=str(found[0].status.id) if found and not max_id else "",
        older=f"{feed.path}?{urlencode({**kept, 'max_id': older})}" if older else None,
        newer=f"{feed.path}?{urlencode(kept)}".rstrip("?") if max_id else None,
    )
    return choosing.remember(request, answer, feed.name, choice, feed.usual)


async def count_home(request: Request) -> Response:
    """`GET /home/new?since_id=ID`: how many have come since, as `{"new": N}`."""
    viewer = await visitors.viewer(request)
    return await count(request, viewer, _home(viewer) if viewer else None)


async def count_local(request: Request) -> Response:
    """`GET /local/new?since_id=ID`."""
    viewer = await visitors.viewer(request)
    return await count(request, viewer, _local(viewer))


async def count_federated(request: Request) -> Response:
    """`GET /federated/new?since_id=ID`."""
    viewer = await visitors.viewer(request)
    return await count(request, viewer, _federated(viewer) if viewer else None)


async def count_list(request: Request) -> Response:
    """`GET /lists/ID/new?since_id=ID`."""
    viewer = await visitors.viewer(request)
    return await count(request, viewer, await _asked_list(request, viewer) if viewer else None)


async def count(request: Request, viewer: Account | None, feed: Feed | None) -> Response:
    """How many posts of a feed have come since, as its reader would see it."""
    headers = {"Cache-Control": "no-store"}
    if feed is None:
        return JSONResponse({"error": "Please sign in first."}, 401, headers)
    easel = easel_of(request)
    choice = choosing.read(request, feed.name, feed.usual)
    since = cursors.number(request, "since_id") or 0
    wanted = replace(_page(choice), limit=MOST_NEW + 1, since_id=since)
    async with easel.database.read() as session:
        found = await feed.read(session, wanted)
        sieve = await sifting.sieve(session, viewer, feed.context)
        if sieve.wanted:
            seen = await posts.assemble(session, found, viewer)
            found = [post.status for post in seen if not sieve.hides(post)]
    more = len(found) > MOST_NEW
    return JSONResponse({"new": min(len(found), MOST_NEW), "more": more}, headers=headers)


def _page(choice: Choice) -> Page:
    wall = choice.view == "wall"
    length = WALL_LENGTH if wall else POSTS_LENGTH
    ai = "" if choice.ai == "all" else choice.ai
    return Page(length, only_media=wall, boosted_media=wall, ai=ai)


async def read_page(
    session: Session,
    viewer: Account | None,
    read: Callable[[Page], Awaitable[Sequence[Status]]],
    page: Page,
) -> tuple[Sequence[Post], int | None]:
    """One page of a timeline, and the `max_id` of the next page if there is one."""
    found = await read(replace(page, limit=page.limit + 1))
    older = found[page.limit - 1].id if len(found) > page.limit else None
    return await posts.assemble(session, found[: page.limit], viewer), older


routes: list[BaseRoute] = [
    Route("/home", home),
    Route("/home/new", count_home),
    Route("/local", local),
    Route("/local/new", count_local),
    Route("/federated", federated),
    Route("/federated/new", count_federated),
    Route("/lists/{id:int}", of_list),
    Route("/lists/{id:int}/new", count_list),
]
