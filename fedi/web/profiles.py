"""The pages of an account: its pictures, its posts, its replies, its remixes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any
from urllib.parse import quote

from sqlmodel import col
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from activitypub.context import accepts_activity
from fedi.database import Session
from fedi.database.tables import Account, Status
from fedi.runtime import easel_of
from fedi.social import accounts, posts, relationships, statuses, timelines
from fedi.social.posts import Post
from fedi.social.timelines import Page
from fedi.social.training import standing
from fedi.studio.remote_files import claims, gallery
from fedi.web import cards, consenting, cursors, feed_pages, sifting, visitors
from fedi.web.feed_pages import POSTS_LENGTH, WALL_LENGTH
from fedi.web.render import page, robots
from fedi.web.residents import NAME, NOBODY, resident
from fedi.web.views import people
from fedi.web.views.links import safe_link

MAX_HANDLE = 320  # characters: a name, @, and the longest host
MAX_PINNED = 5  # that stand above the posts; as Mastodon pins at most

# What there is to see, and which part of an account's timeline that is.
TABS = {"": "Pictures", "posts": "Posts", "replies": "Replies", "remixes": "Remixes"}
_PARTS: dict[str, dict[str, Any]] = {
    "": {"boosts": False},
    "posts": {"replies": False},
    "replies": {"boosts": False},
    "remixes": {"boosts": False, "remixes": True},
}
_WALLS = {"", "remixes"}


async def show(request: Request) -> Response:
    """`GET /@NAME` and `/@NAME/TAB`: an account, and a part of what it posted."""
    easel = easel_of(request)
    asked, tab = request.path_params["name"], request.path_params.get("tab", "")
    if tab not in TABS:
        raise HTTPException(404, "There is no such page of an account.")
    name, at, domain = asked.partition("@")
    if at and domain.lower() == easel.settings.instance.domain and NAME.fullmatch(name):
        return RedirectResponse(f"/@{name}", 301)
    max_id = cursors.max_id(request)
    viewer = await visitors.viewer(request)
    wall = tab in _WALLS
    async with easel.database.read() as session:
        account = await find(session, asked, viewer)
        if accepts_activity(request.headers.get("accept")):
            return to_activity(account.uri)
        read = partial(timelines.of_account, session, viewer, account, **_PARTS[tab])
        length = WALL_LENGTH if wall else POSTS_LENGTH
        wanted = Page(length, max_id, only_media=wall)
        found, older = await feed_pages.read_page(session, viewer, read, wanted)
        pinned = await _pinned(session, viewer, account) if tab == "posts" and not max_id else []
        sieve = await sifting.sieve(session, viewer, "account")
        relation = None
        if viewer is not None and viewer.id != account.id:
            relation = (await relationships.of(session, viewer, [account.id]))[account.id]
        hung = await gallery.of(
            easel, session, [*claims.of_posts([*pinned, *found]), *claims.of_account(account)]
        )
        training = standing.allows(account) and await consenting.all_of(
            easel, session, [*pinned, *found]
        )
    base = people.path_of(account)
    here = f"{base}/{tab}" if tab else base
    return page(
        request,
        "profile.html",
        here="self" if viewer is not None and viewer.id == account.id else "",
        modules=("feed", "deeds"),
        robots=robots(listed=account.discoverable and account.local, training=training),
        card=cards.profile(account, hung) if account.local else None,
        maker=people.maker(account, hung, viewer),
        profile=people.profile(account, hung),
        account_id=str(account.id),
        uri=account.uri,
        original="" if account.local else safe_link(account.url or account.uri),
        relation=relation,
        tab=tab,
        tabs={f"{base}/{key}".rstrip("/"): (key, words) for key, words in TABS.items()},
        tiles=sieve.tiles(found, hung) if wall else [],
        pinned=sieve.shown(pinned, hung),
        posts=[] if wall else sieve.shown(found, hung),
        older=f"{here}?max_id={older}" if older else None,
        newer=here if max_id else None,
    )


async def _pinned(session: Session, viewer: Account | None, account: Account) -> Sequence[Post]:
    found = await timelines.of_account(session, viewer, account, Page(MAX_PINNED), pinned=True)
    return await posts.assemble(session, found, viewer)


async def find(
    session: Session, name: str, viewer: Account | None, *, nobody: str = NOBODY
) -> Account:
    """An account that may be seen: one of ours, or one from elsewhere by who is signed in.

    Raises:
        HTTPException: 410 if it was deleted, 404 if it never was or is hidden.
    """
    if "@" not in name:
        return await resident(session, name, nobody=nobody)
    known = viewer is not None and len(name) <= MAX_HANDLE
    account = await accounts.by_handle(session, name) if known else None
    if account is None or account.suspended_at is not None:
        raise HTTPException(404, nobody)
    if account.deleted_at is not None:
        raise HTTPException(410, "This account was deleted.")
    return account


async def find_post(
    session: Session, request: Request, viewer: Account | None, *, nobody: str
) -> Status:
    """The post of an address that begins with `/@NAME/ID`, as a viewer may see it.

    Args:
        nobody: what is said if there is none.

    Raises:
        HTTPException: as `find`; 404 if there is no such post.
    """
    author = await find(session, request.path_params["name"], viewer, nobody=nobody)
    status = await post_of(session, author, request.path_params["id"], viewer)
    if status is None:
        raise HTTPException(404, nobody)
    return status


async def post_of(
    session: Session, author: Account, status_id: int, viewer: Account | None
) -> Status | None:
    """A post of somebody, no boost, if a viewer may see it."""
    query = statuses.visible_to(viewer).where(
        col(Status.id) == status_id,
        col(Status.account_id) == author.id,
        col(Status.reblog_of_id).is_(None),
    )
    return (await session.exec(query)).first()


def to_activity(uri: str) -> Response:
    """To the object of a page, for other servers."""
    # Temporary, so that nobody remembers it for a reader who wants the page.
    return RedirectResponse(quote(uri, safe=":/?#[]@!$&'()*+,;=%~"), 302, {"Vary": "Accept"})


routes: list[BaseRoute] = [
    Route("/@{name}", show),
    Route("/@{name}/{tab:str}", show),
]
