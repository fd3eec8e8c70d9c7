"""Pictures that wait for a moderator: for moderators, and each for its author.

What moderators do needs the scope `admin` and the role of one; a picture is seen by its author,
too, with the scope `read`. A review is

    {"id": "1", "account": "alice", "prompt": …, "score": 0.83, "scores": {"nsfw": 0.83, …},
     "classifier": "…", "sensitive": true, "url": where the picture is, "created_at": …}
"""

from __future__ import annotations

from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from fedi.api import auth, body
from fedi.api.easel import paintings as api
from fedi.database.tables import Account, Painting
from fedi.runtime import Easel, easel_of
from fedi.social.errors import Invalid, NotFound
from fedi.studio import reviews

PATH = "/api/easel/v1/reviews"
MOST = 80  # reviews in one answer: the oldest, which are to be dealt with first


async def index(request: Request) -> Response:
    """`GET /api/easel/v1/reviews`: what waits, the oldest first."""
    await _moderator(request)
    easel = easel_of(request)
    async with easel.database.read() as session:
        found = await reviews.waiting(session, limit=MOST)
    shown = [_entity(easel, painting, author) for painting, author in found]
    return JSONResponse(shown, headers={"Cache-Control": "private, no-store"})


async def approve(request: Request) -> Response:
    """`POST /api/easel/v1/reviews/ID/approve`: its post publishes itself.

    Body (JSON): `{"sensitive": true}`, which may be left out: then what the rules and the
    classifier said holds.
    """
    who = await _moderator(request)
    easel = easel_of(request)
    sensitive = (await body.read_object(request)).get("sensitive")
    if not isinstance(sensitive, bool | None):
        raise Invalid("“sensitive” must be true or false.")
    painting = await reviews.approve(easel, api.parse_id(request), sensitive=sensitive, by=who)
    return JSONResponse({"id": str(painting.id), "state": painting.state})


async def refuse(request: Request) -> Response:
    """`POST /api/easel/v1/reviews/ID/refuse`: it goes.

    Body (JSON): `{"reason": "One sentence for its author."}`, which may be left out.
    """
    who = await _moderator(request)
    easel = easel_of(request)
    reason = (await body.read_object(request)).get("reason") or ""
    if not isinstance(reason, str):
        raise Invalid("“reason” must be text.")
    async with easel.database.write() as tx:
        painting = await reviews.refuse(tx, api.parse_id(request), reason, by=who)
    return JSONResponse({"id": str(painting.id), "state": painting.state})


async def picture(request: Request) -> Response:
    """`GET /api/easel/v1/paintings/ID/picture`: one that waits, for its author and moderators."""
    who = await auth.caller(request, "read:statuses")
    easel = easel_of(request)
    async with easel.database.read() as session:
        painting = await reviews.find(session, api.parse_id(request))
        mine = painting.account_id == who.account.id
        if not mine and not await reviews.moderates(session, who.account):
            raise NotFound("There is no such picture to review.")
    if not mine:
        await auth.caller(request, "admin:read")
    content, media_type = await reviews.picture(easel.storage, painting)
    return Response(content, media_type=media_type, headers=reviews.HEADERS)


async def _moderator(request: Request) -> Account:
    who = await auth.caller(request, "admin:write")
    easel = easel_of(request)
    async with easel.database.read() as session:
        if not await reviews.moderates(session, who.account):
            raise HTTPException(403, "This is for moderators.")
    return who.account


def _entity(easel: Easel, painting: Painting, author: Account) -> dict[str, Any]:
    judgement = painting.judgement or {}
    return {
        "id": str(painting.id),
        "account": author.username,
        "prompt": painting.recipe.get("prompt", ""),
        "score": judgement.get("score"),
        "scores": judgement.get("scores", {}),
        "classifier": judgement.get("model", ""),
        "sensitive": painting.sensitive,
        "url": f"{api.address(easel, painting.id)}/picture",
        "created_at": painting.created_at.isoformat().replace("+00:00", "Z"),
    }


routes: list[BaseRoute] = [
    Route(PATH, index, methods=["GET"]),
    Route(PATH + "/{id}/approve", approve, methods=["POST"]),
    Route(PATH + "/{id}/refuse", refuse, methods=["POST"]),
    Route(api.PATH + "/{id}/picture", picture, methods=["GET"]),
]
