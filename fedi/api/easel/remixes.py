"""What a post is a remix of, and what was made of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlmodel import col, select
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from fedi.api import auth
from fedi.database import Session
from fedi.database.tables import Account, Status
from fedi.runtime import easel_of
from fedi.social import remixes, statuses

PATH = "/api/easel/v1/statuses/{id:int}/remixes"


async def show(request: Request) -> Response:
    """`GET /api/easel/v1/statuses/ID/remixes`: the chain of a post, both ways.

    Needs no token for what everybody may see; with one, what its account may see.

    Returns:
        200 and `{"remix_of": null | uri, "parents": [post, …], "remixes": [post, …]}`: the parents
        the nearest first, the remixes the newest first, both as far as they may be seen; a post is
        `{"id", "uri", "url", "account": "name@host"}`. 404 for a post that is not to be seen.
    """
    easel = easel_of(request)
    who = await auth.optional_caller(request, "read:statuses")
    viewer = who.account if who is not None else None
    status_id: int = request.path_params["id"]
    async with easel.database.read() as session:
        status = await statuses.load(session, viewer, status_id)
        if status is None:
            raise HTTPException(404, "There is no such post.")
        above = await remixes.parents(session, viewer, status)
        below = await remixes.remixes(session, viewer, status)
        shown = {
            "remix_of": status.based_on_uri,
            "parents": await named(session, above),
            "remixes": await named(session, below),
        }
    return JSONResponse(shown, headers={"Cache-Control": "private, no-store"})


async def named(session: Session, found: Iterable[Status]) -> list[dict[str, Any]]:
    """Posts as others are told which they are, in the same order."""
    posts = list(found)
    ids = {post.account_id for post in posts}
    rows = await session.exec(select(Account).where(col(Account.id).in_(ids)))
    makers = {maker.id: maker for maker in rows.all()}
    return [
        {
            "id": str(post.id),
            "uri": post.uri,
            "url": post.url or post.uri,
            "account": makers[post.account_id].acct,
        }
        for post in posts
    ]


routes: list[BaseRoute] = [Route(PATH, show, methods=["GET"])]
