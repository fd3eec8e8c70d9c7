"""The page on which people look for pictures, people and hashtags, here and elsewhere."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from fedi.database.tables import Account, Status
from fedi.federation import lookup
from fedi.runtime import Easel, easel_of
from fedi.social import attempts, posts, search
from fedi.social.sessions import SignedIn
from fedi.studio.remote_files import claims, gallery
from fedi.web import cursors, forms, sifting, visitors
from fedi.web.intents import LOOK_UPS
from fedi.web.render import private_page
from fedi.web.views import people
from fedi.web.views import posts as post_views

MAX_QUERY = 500  # characters
PEOPLE, TAGS, POSTS = 8, 12, 20  # found on one page


@visitors.signed_in
async def show(request: Request, visitor: SignedIn) -> Response:
    """`GET /search?q=WORDS`: an address or a handle leads to what it names, even elsewhere."""
    easel = easel_of(request)
    viewer = visitor.account
    query = forms.parsed(request.url.query, {"q"}).get("q", "").strip()[:MAX_QUERY]
    max_id = cursors.max_id(request)
    named = await _named(easel, visitor, query) if query and not max_id else None
    if named is not None:
        return RedirectResponse(named, 303, {"Cache-Control": "no-store"})
    found_people, found_posts, tags = [], [], []
    async with easel.database.read() as session:
        if query:
            found_posts = await search.statuses.find(
                session, viewer, search.understand(query), limit=POSTS + 1, below=max_id
            )
        if query and not max_id:
            found_people = await search.people.find(session, viewer, query, limit=PEOPLE)
            tags = await search.tags.find(session, query, limit=TAGS)
        shown = await posts.assemble(session, found_posts[:POSTS], viewer)
        about = [claim for one in found_people for claim in claims.of_account(one)]
        sieve = await sifting.sieve(session, viewer, "public")
        hung = await gallery.of(easel, session, [*claims.of_posts(shown), *about])
    more = len(found_posts) > POSTS
    return private_page(
        request,
        "search.html",
        sheets=("forms",),
        modules=("feed", "deeds"),
        here="search",
        query=query,
        people=[people.maker(one, hung, viewer) for one in found_people],
        tags=[tag.display_name for tag in tags],
        posts=sieve.shown(shown, hung),
        older=_path(query, shown[-1].status.id) if more else None,
        newer=_path(query) if max_id else None,
    )


def _path(query: str, max_id: int | None = None) -> str:
    return f"/search?q={visitors.quoted(query)}" + (f"&max_id={max_id}" if max_id else "")


async def _named(easel: Easel, visitor: SignedIn, query: str) -> str | None:
    """The page of what an address or a handle names, asked for elsewhere if need be."""
    if not (lookup.is_address(query) or lookup.is_handle(query)):
        return None
    attempts.by_account(easel, LOOK_UPS, visitor.account)
    found: Account | Status | None
    if lookup.is_address(query):
        found = await lookup.address(easel, visitor.account, query)
    else:
        found = await lookup.person(easel, query)
    if isinstance(found, Status):
        async with easel.database.read() as session:
            [post] = await posts.assemble(session, [found], visitor.account)
        return post_views.post_href(post, visitor.account)
    if found is None or found.deleted_at is not None or found.suspended_at is not None:
        return None
    return people.path_of(found)


routes: list[BaseRoute] = [Route("/search", show, methods=["GET"])]
