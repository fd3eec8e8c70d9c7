"""«For you»: a feed of pictures that its reader switched on, each with its reason and two buttons,
for more like it and for less."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from fedi.database.tables import Account
from fedi.runtime import easel_of
from fedi.social import attempts
from fedi.social.errors import NotAllowed, NotFound
from fedi.social.for_you import feed, marks
from fedi.social.sessions import SignedIn
from fedi.studio.remote_files import claims, gallery
from fedi.web import choosing, deeds, forms, sifting, visitors
from fedi.web.choosing import Choice
from fedi.web.feed_pages import POSTS_LENGTH, WALL_LENGTH
from fedi.web.render import private_page

HERE = "/for-you"
TUNING = "/settings/for-you"
USUAL = Choice("wall")
WAYS: Final[dict[str, bool | None]] = {"more": True, "less": False, "neither": None}


@visitors.signed_in
async def show(request: Request, visitor: SignedIn) -> Response:
    """`GET /for-you`: the feed, a page of it; where it is off, to where it is switched on."""
    easel = easel_of(request)
    choice = choosing.read(request, "for-you", USUAL)
    cursor = request.query_params.get("cursor")
    length = WALL_LENGTH if choice.view == "wall" else POSTS_LENGTH
    try:
        async with feed.page(easel.database, visitor.account, cursor, length) as (session, part):
            found = claims.of_posts(item.post for item in part.items)
            sieve = await sifting.sieve(session, visitor.account, "public")
            hung = await gallery.of(easel, session, found)
    except NotAllowed:
        return _to(TUNING)
    except NotFound:  # it was begun long ago
        return _to(HERE)
    kept = choice.parameters(USUAL)
    shown = []
    for item in part.items:
        tile = next(iter(sieve.tiles([item.post], hung)), None)
        whole = next(iter(sieve.shown([item.post], hung)), None)
        if whole is not None and (tile is not None or choice.view == "posts"):
            shown.append((item, tile, whole))
    answer = private_page(
        request,
        "for_you.html",
        here="for-you",
        modules=("feed", "deeds", "nudges"),
        sheets=("explore",),
        choice=choice,
        views=choosing.links(HERE, choice)["view"],
        form_key=forms.key(request),
        items=[item for item, _, _ in shown],
        tiles=[tile for _, tile, _ in shown],
        written=[whole for _, _, whole in shown],
        reasons=[item.reason.words for item, _, _ in shown],
        older=f"{HERE}?{urlencode({**kept, 'cursor': part.next})}" if part.next else None,
        newer=f"{HERE}?{urlencode(kept)}".rstrip("?") if cursor else None,
    )
    return choosing.remember(request, answer, "for-you", choice, USUAL)


@visitors.signed_in
async def nudge(request: Request, visitor: SignedIn) -> Response:
    """`POST /for-you/ID/more`, `less`, and `neither`, which takes it back."""
    await forms.read(request)
    name: str = request.path_params["way"]
    if name not in WAYS:
        raise HTTPException(404, "There is more, less, and neither.")
    easel, more = easel_of(request), WAYS[name]
    attempts.by_account(easel, attempts.DEEDS_OF_ACCOUNT, visitor.account)
    async with easel.database.write() as tx:
        account = await tx.get_one(Account, visitor.account.id)
        status = await deeds.find(tx, account, request.path_params["id"])
        if more is None:
            await marks.take(tx, account, status)
        else:
            await marks.put(tx, account, status, more=more)
    if "application/json" in request.headers.get("accept", ""):
        return JSONResponse({"more": more}, headers={"Cache-Control": "no-store"})
    return _to(visitors.back(request).partition("#")[0])


def _to(path: str) -> Response:
    return RedirectResponse(path, 303, {"Cache-Control": "no-store"})


routes: list[BaseRoute] = [
    Route(HERE, show, methods=["GET"]),
    Route(f"{HERE}/{{id:int}}/{{way}}", nudge, methods=["POST"]),
]
