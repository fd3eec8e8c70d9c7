"""What trends, with the reason of each: also what other APIs have no words for, which is prompts
and chains of remixes. Moderators judge those two here; the rest as Mastodon's apps do.

What trends is

    {"id": "1", "people": 12, "servers": 5, "hours": 7, "why": "12 people of 5 servers in 7 hours",
     "words": …,   the hashtag, the address, or the prompt; "" for a post or a chain
     "post": null | {"id", "uri", "url", "account": "name@host"}}   the post, the latest with the
                                                        prompt, or what the chain began with

and for moderators also `"allowed": null | true | false`, as they judged, and `"requires_review"`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from fedi import ids
from fedi.api import auth
from fedi.api.easel import remixes
from fedi.database import Session
from fedi.database.tables import Account, Login
from fedi.runtime import easel_of
from fedi.social import staff
from fedi.social.errors import NotFound
from fedi.social.trends import items, listing, verdicts
from fedi.social.trends.items import Item
from fedi.social.trends.subjects import Kind
from fedi.social.trends.verdicts import Which

PATH = "/api/easel/v1/trends"
ADMIN = "/api/easel/v1/admin/trends"
NAMES: dict[str, Kind] = {
    "statuses": "status",
    "tags": "tag",
    "links": "link",
    "prompts": "prompt",
    "chains": "chain",
}
JUDGED = ("prompts", "chains")
USUAL, MOST = 10, 40  # of one answer
MAX_OFFSET = 1000
PRIVATE = {"Cache-Control": "private, no-store"}


async def show(request: Request) -> Response:
    """`GET /api/easel/v1/trends/NAME`: `statuses`, `tags`, `links`, `prompts` or `chains`.

    Needs no token; with one, it is what its account may and wants to see. `limit` and `offset` are
    as in Mastodon's API.
    """
    easel = easel_of(request)
    kind = _kind(request, NAMES)
    who = await auth.optional_caller(request, "read:statuses")
    viewer = who.account if who is not None else None
    which = verdicts.which(easel.settings.trends)
    async with easel.database.read() as session:
        found = await _found(session, viewer, kind, which, request)
        shown = await _entities(session, kind, found)
    return JSONResponse(shown, headers=PRIVATE)


async def to_judge(request: Request) -> Response:
    """`GET /api/easel/v1/admin/trends/NAME`: `prompts` or `chains`, also those that were rejected
    or wait. Needs `admin:read`, and the role of a moderator."""
    easel = easel_of(request)
    kind = _kind(request, JUDGED)
    await _moderator(request, "admin:read")
    async with easel.database.read() as session:
        found = await _found(session, None, kind, "all", request)
        judged = await verdicts.of(session, kind, [item.number for item in found])
        shown = await _entities(session, kind, found)
    for entity in shown:
        allowed = judged.get(int(entity["id"]))
        entity["allowed"] = allowed
        entity["requires_review"] = easel.settings.trends.review and allowed is None
    return JSONResponse(shown, headers=PRIVATE)


def judging(allowed: bool) -> Callable[[Request], Awaitable[Response]]:
    """`POST /api/easel/v1/admin/trends/NAME/ID/approve` and `reject`: whether it may be shown among
    what trends. Needs `admin:write`, and the role of a moderator."""

    async def judge(request: Request) -> Response:
        kind = _kind(request, JUDGED)
        who = await _moderator(request, "admin:write")
        number = ids.parse(request.path_params["id"])
        async with easel_of(request).database.write() as tx:
            if number is None:
                raise NotFound(verdicts.NOTHING)
            by = await tx.get_one(Account, who.id)
            await verdicts.decide(tx, by, kind, number, allowed=allowed)
        return JSONResponse({"id": str(number), "allowed": allowed}, headers=PRIVATE)

    return judge


def _kind(request: Request, names: Collection[str]) -> Kind:
    name: str = request.path_params["name"]
    if name not in names:
        raise HTTPException(404, verdicts.NOTHING)
    return NAMES[name]


async def _moderator(request: Request, scope: str) -> Account:
    who = await auth.caller(request, scope)
    async with easel_of(request).database.read() as session:
        login = await session.get(Login, who.account.id)
    if not staff.may(login, "taxonomies"):
        raise HTTPException(403, "This is for moderators.")
    return who.account


async def _found(
    session: Session, viewer: Account | None, kind: Kind, which: Which, request: Request
) -> list[Item]:
    limit = min(ids.parse(request.query_params.get("limit")) or USUAL, MOST)
    offset = min(ids.parse(request.query_params.get("offset")) or 0, MAX_OFFSET)
    return await items.of_kind(session, viewer, kind, which, limit=limit, offset=offset)


async def _entities(session: Session, kind: Kind, found: Sequence[Item]) -> list[dict[str, Any]]:
    why = await listing.reasons(session, kind, [item.number for item in found])
    about = [item.post for item in found if item.post is not None]
    posts = dict(zip((post.id for post in about), await remixes.named(session, about), strict=True))
    return [
        {
            "id": str(item.number),
            "people": why[item.number].people,
            "servers": why[item.number].servers,
            "hours": why[item.number].hours,
            "why": why[item.number].words,
            "words": item.words,
            "post": None if item.post is None else posts[item.post.id],
        }
        for item in found
    ]


routes: list[BaseRoute] = [
    Route(f"{PATH}/{{name}}", show, methods=["GET"]),
    Route(f"{ADMIN}/{{name}}", to_judge, methods=["GET"]),
    Route(f"{ADMIN}/{{name}}/{{id}}/approve", judging(True), methods=["POST"]),
    Route(f"{ADMIN}/{{name}}/{{id}}/reject", judging(False), methods=["POST"]),
]
