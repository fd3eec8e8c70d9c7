"""The page of a post that waits for its picture: for its author, and for nobody else."""

from __future__ import annotations

from dataclasses import replace

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from activitypub.context import accepts_activity
from fedi.database import Session
from fedi.database.tables import Account
from fedi.runtime import Easel
from fedi.social import credentials, pending
from fedi.studio import standing
from fedi.studio.remote_files import gallery
from fedi.web.render import ROBOTS_NOWHERE, page
from fedi.web.views import posts as post_views

REFRESH_S = 5  # the page loads itself again, until it leads to the post


async def show(
    request: Request,
    easel: Easel,
    session: Session,
    author: Account,
    number: int,
    visitor: Account | None,
) -> Response | None:
    """The page under a number that was promised for a post; None if there is none to see.

    Once the post is there, the number leads to it.
    """
    viewer = visitor or await credentials.reader(session, request.headers)
    status = await pending.moved_to(session, visitor, author, number)
    if status is not None:
        return RedirectResponse(f"/@{author.username}/{status.id}", 302, {"Vary": "Accept"})
    waiting = await pending.load(session, viewer, pending.uri_of(author, number))
    if waiting is None:
        return None
    if accepts_activity(request.headers.get("accept")):
        return RedirectResponse(waiting.post.status.uri, 302, {"Cache-Control": "no-store"})
    where = await standing.position(session, waiting.painting)
    hung = await gallery.of(easel, session, [])
    answer = page(
        request,
        "waiting.html",
        robots=ROBOTS_NOWHERE,
        post=post_views.shown(replace(waiting.post, media=[]), hung),
        painting=waiting.painting,
        where=where,
    )
    answer.headers.update({"Cache-Control": "private, no-store", "Refresh": str(REFRESH_S)})
    return answer
