"""What somebody does with a post: like it, boost it, keep it, and what stands behind «More».

Each is a form that works without a script. A module that asks for JSON gets what changed instead of
the page; the functions are those that apps reach, too.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from fedi.database import Session, Transaction
from fedi.database.tables import Account, Status
from fedi.runtime import Easel, easel_of
from fedi.social import (
    attempts,
    bookmarks,
    favourites,
    mutes,
    pins,
    posts,
    reblogs,
    relationships,
    statuses,
)
from fedi.social.posts import Post
from fedi.social.sessions import SignedIn
from fedi.social.training import choices, standing
from fedi.social.visibility import load_original
from fedi.studio.remote_files import claims, gallery
from fedi.web import forms, visitors
from fedi.web.render import private_page
from fedi.web.views import posts as post_views
from fedi.web.views.links import safe_link

Deed = Callable[[Transaction, Account, Status], Awaitable[Any]]

DEEDS: dict[str, Deed] = {
    "like": favourites.add,
    "unlike": favourites.remove,
    "boost": reblogs.add,
    "unboost": reblogs.remove,
    "keep": bookmarks.add,
    "unkeep": bookmarks.remove,
    "pin": pins.add,
    "unpin": pins.remove,
    "hush": mutes.mute_thread,
    "unhush": mutes.unmute_thread,
    "include": choices.include,
    "exclude": choices.exclude,
    "as-usual": choices.as_usual,
}
NO_POST = "There is no such post here, or it is not for you."


@visitors.signed_in
async def do(request: Request, visitor: SignedIn) -> Response:
    """`POST /posts/ID/DEED`: a button under a post was pressed."""
    await forms.read(request)
    name: str = request.path_params["deed"]
    deed = DEEDS.get(name)
    if deed is None:
        raise HTTPException(404, "Nothing of that kind can be done with a post.")
    easel = easel_of(request)
    attempts.by_account(easel, attempts.DEEDS_OF_ACCOUNT, visitor.account)
    async with easel.database.write() as tx:
        account = await tx.get_one(Account, visitor.account.id)
        status = await find(tx, account, request.path_params["id"])
        await deed(tx, account, status)
    if "application/json" in request.headers.get("accept", ""):
        return await _now(easel, visitor.account, status.id)
    return _back(request, status.id)


async def _now(easel: Easel, viewer: Account, status_id: int) -> Response:
    """How the buttons of a post stand now, for the module that pressed one."""
    async with easel.database.read() as session:
        found = await load(session, viewer, status_id)
    status = found.status
    told = {
        "like": {"done": found.favourited, "count": status.favourites_count},
        "boost": {"done": found.reblogged, "count": status.reblogs_count},
        "keep": {"done": found.bookmarked, "count": 0},
    }
    return JSONResponse(told, headers={"Cache-Control": "no-store"})


@visitors.signed_in
async def more(request: Request, visitor: SignedIn) -> Response:
    """`GET /posts/ID/more`: all else that can be done with a post and about its author."""
    easel = easel_of(request)
    viewer = visitor.account
    async with easel.database.read() as session:
        found = await load(session, viewer, request.path_params["id"])
        author = found.account
        relation = (await relationships.of(session, viewer, [author.id]))[author.id]
        hung = await gallery.of(easel, session, claims.of_posts([found]))
    return private_page(
        request,
        "more.html",
        sheets=("forms",),
        form_key=forms.key(request),
        post=post_views.shown(found, hung, viewer),
        author_id=str(author.id),
        relation=relation,
        training=found.status.training,
        usually=standing.allows(author),
        original="" if found.status.local else safe_link(found.status.url or found.status.uri),
        back=visitors.back(request),
    )


@visitors.signed_in
async def delete(request: Request, visitor: SignedIn) -> Response:
    """`POST /posts/ID/delete`: a post of one's own is taken back."""
    await forms.read(request)
    easel = easel_of(request)
    attempts.by_account(easel, attempts.DELETIONS_OF_ACCOUNT, visitor.account)
    async with easel.database.write() as tx:
        status = await find(tx, visitor.account, request.path_params["id"])
        if status.account_id != visitor.account.id:
            raise HTTPException(403, "Only its author can delete a post.")
        await statuses.delete(tx, status)
    return RedirectResponse(visitors.HOME, 303, {"Cache-Control": "no-store"})


async def find(session: Session, viewer: Account, status_id: int) -> Status:
    """A post that the viewer may see; a boost stands for what it boosts.

    Raises:
        HTTPException, NotFound: there is none.
    """
    status = await statuses.load(session, viewer, status_id)
    if status is None:
        raise HTTPException(404, NO_POST)
    return await load_original(session, viewer, status)


async def load(session: Session, viewer: Account, status_id: int) -> Post:
    """The same with all that stands around it."""
    status = await find(session, viewer, status_id)
    [found] = await posts.assemble(session, [status], viewer)
    return found


def _back(request: Request, status_id: int) -> Response:
    path = visitors.back(request).partition("#")[0]
    return RedirectResponse(f"{path}#p-{status_id}", 303, {"Cache-Control": "no-store"})


routes: list[BaseRoute] = [
    Route("/posts/{id:int}/more", more, methods=["GET"]),
    Route("/posts/{id:int}/delete", delete, methods=["POST"]),
    Route("/posts/{id:int}/{deed}", do, methods=["POST"]),
]
