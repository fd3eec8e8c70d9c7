"""The pages of what somebody keeps: bookmarks, and what they like."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from fedi.database import Session
from fedi.database.tables import Account, Status
from fedi.runtime import easel_of
from fedi.social import bookmarks, favourites, posts
from fedi.social.paging import Page
from fedi.social.sessions import SignedIn
from fedi.studio.remote_files import claims, gallery
from fedi.web import cursors, visitors
from fedi.web.feed_pages import POSTS_LENGTH
from fedi.web.render import private_page
from fedi.web.views import posts as post_views

Listed = Callable[[Session, Account, Page], Awaitable[list[tuple[Status, int]]]]


async def _page(request: Request, visitor: SignedIn, name: str, listed: Listed) -> Response:
    easel = easel_of(request)
    viewer = visitor.account
    max_id = cursors.max_id(request)
    async with easel.database.read() as session:
        rows = await listed(session, viewer, Page(POSTS_LENGTH + 1, max_id))
        kept = rows[:POSTS_LENGTH]
        found = await posts.assemble(session, [status for status, _ in kept], viewer)
        hung = await gallery.of(easel, session, claims.of_posts(found))
    path = f"/{name}"
    return private_page(
        request,
        "kept.html",
        sheets=(),
        modules=("feed", "deeds"),
        here=name,
        heading=name.capitalize(),
        posts=[post_views.shown(post, hung, viewer) for post in found],
        older=f"{path}?max_id={kept[-1][1]}" if len(rows) > POSTS_LENGTH else None,
        newer=path if max_id else None,
    )


def _kept(name: str, listed: Listed) -> Route:
    show = visitors.signed_in(partial(_page, name=name, listed=listed))
    return Route(f"/{name}", show, methods=["GET"])


routes: list[BaseRoute] = [
    _kept("bookmarks", bookmarks.listed),
    _kept("favourites", favourites.listed),
]
