"""Pictures for apps: ask for one, watch it grow, cancel it.

All of it needs `Authorization: Bearer TOKEN` with an account's token; reading needs the scope
`read`, the rest `write`. A painting is

    {"id": "1", "state": "queued" | "painting" | "review" | "done" | "failed" | "cancelled",
     "recipe": {"prompt": …, "seed": …, …}, "share_recipe": false,
     "description": "alt text",   empty until the picture is there, if nobody wrote one
     "sensitive": false,          whether it is marked as not for everybody
     "step": 3, "steps": 20,
     "ahead": 2,                  how many are painted before it; null once it has ended
     "estimated_seconds": 12.5,   until it may be finished; null if nothing can be said
     "error": "",                 one sentence, if it failed
     "held": null | {"url": …},   the picture in review, for its author and moderators only
     "media": null | {"id", "url", "preview_url", "media_type", "width", "height", "blurhash",
                      "description", "described_by": what wrote that, if no person did},
     "remix_of": null | uri,      the post that it is made of
     "post_of": null | "1",       the painting that has the post, if it shows several pictures
     "post": null | {"text": …, …},   what is to be posted with it, as it was asked for
     "status": null | {"id": null | "2", "uri": …, "url": …},   what that becomes; its id when it
                                  is there, until then only its author sees it at its address
     "created_at": …, "started_at": …, "finished_at": …}

A picture in `review` is painted, and waits for a moderator: it becomes done or failed later. All
moments are in UTC (ISO 8601), all ids strings.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from fedi import ids
from fedi.api import auth
from fedi.api.easel import asking
from fedi.database import Session
from fedi.database.tables import Account, MediaAttachment, Painting, Status
from fedi.runtime import Easel, easel_of
from fedi.social import pending
from fedi.studio import drafting, limits, media, paintings, standing, watching, wishes

PATH = "/api/easel/v1/paintings"
PAGE, LARGEST_PAGE = 20, 80


def address(easel: Easel, painting_id: int) -> str:
    """Where an app watches a painting."""
    return f"{easel.settings.instance.url}{PATH}/{painting_id}"


async def create(request: Request) -> Response:
    """`POST /api/easel/v1/paintings`: ask for a picture.

    Body (JSON): see `fedi.studio.wishes`.

    Returns:
        201, `Location`, and the painting; with a `count`, all of them in a list.

    Raises:
        400, 413, 415 for a body that cannot be read; 401; 403 for the picture or the recipe of
        somebody who does not share it; 404 for what is not there; 422 with one plain sentence if
        the picture cannot be painted here or is over a limit of this host; 429 with `Retry-After`
        if the account has asked for as many as it may within an hour.
    """
    who = await auth.caller(request, "write:statuses")
    easel = easel_of(request)
    async with easel.database.read() as session:
        await limits.may_ask(session, easel.settings.painting, who.account)
    asked = await asking.read(request, easel, who.account)
    made = await wishes.grant(easel, who.account, asked)
    async with easel.database.read() as session:
        shown = [await entity(session, easel, painting) for painting in made]
    location = {"Location": address(easel, made[0].id)}
    return JSONResponse(shown if asked.several else shown[0], 201, location)


async def index(request: Request) -> Response:
    """`GET /api/easel/v1/paintings`: one's own, the newest first.

    Query: `limit` (20, at most 80), `max_id` (only older ones).
    """
    who = await auth.caller(request, "read:statuses")
    easel = easel_of(request)
    limit = _number(request, "limit", PAGE)
    max_id = _number(request, "max_id", 0) or None
    async with easel.database.read() as session:
        found = await paintings.list_own(
            session, who.account, limit=max(1, min(limit, LARGEST_PAGE)), max_id=max_id
        )
        shown = [await entity(session, easel, painting) for painting in found]
    return JSONResponse(shown, headers={"Cache-Control": "private, no-store"})


async def show(request: Request) -> Response:
    """`GET /api/easel/v1/paintings/ID`: one of one's own; 404 for any other."""
    who = await auth.caller(request, "read:statuses")
    easel = easel_of(request)
    async with easel.database.read() as session:
        painting = await paintings.find(session, who.account, parse_id(request))
        shown = await entity(session, easel, painting)
    return JSONResponse(shown, headers={"Cache-Control": "private, no-store"})


async def cancel(request: Request) -> Response:
    """`DELETE /api/easel/v1/paintings/ID`: stop it, wherever it stands; its post is not made.

    Returns:
        200 and the painting; one that has ended already stays as it is.
    """
    who = await auth.caller(request, "write:statuses")
    easel = easel_of(request)
    async with easel.database.write() as tx:
        painting = await paintings.find(tx, who.account, parse_id(request))
        painting = await paintings.cancel(tx, painting)
    async with easel.database.read() as session:
        shown = await entity(session, easel, painting)
    return JSONResponse(shown)


async def events(request: Request) -> Response:
    """`GET /api/easel/v1/paintings/ID/events`: server-sent events, until the picture has ended.

    `queued`, `painting`, `review`, `done`, `failed` and `cancelled` carry the painting; `progress`
    carries `{"id", "stage": "loading" | "painting" | "finishing", "step", "steps", "seconds",
    "note"?, "preview"?}`, the preview being a small JPEG as a `data:` address. See `watching`.
    After review, done, failed or cancelled the stream ends.

    Raises:
        204 to who has heard how it ended.
    """
    who = await auth.caller(request, "read:statuses")
    easel = easel_of(request)
    painting_id = parse_id(request)
    heard_last = request.headers.get("last-event-id", "")
    async with easel.database.read() as session:
        painting = await paintings.find(session, who.account, painting_id)
    if painting.state in paintings.PAINTED and heard_last == painting.state:
        return Response(status_code=204)
    return StreamingResponse(
        watching.stream(easel, painting_id, heard_last, entity),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def entity(session: Session, easel: Easel, painting: Painting) -> dict[str, Any]:
    """A painting as this API tells of it, to its author only."""
    picture = status = None
    if painting.media_id is not None:
        picture = await session.get(MediaAttachment, painting.media_id)
    if painting.status_id is not None:
        status = await session.get(Status, painting.status_id)
    where = await standing.position(session, painting)
    author = await session.get(Account, painting.account_id)
    assert author is not None
    return {
        "id": str(painting.id),
        "state": painting.state,
        # Asked for again, it is painted anew, and made as large again.
        "recipe": {k: v for k, v in painting.recipe.items() if k != "enlarge"},
        "share_recipe": painting.share_recipe,
        "description": painting.description,
        "sensitive": painting.sensitive,
        "step": painting.step,
        "steps": painting.steps,
        "ahead": None if where is None else where.ahead,
        "estimated_seconds": (
            None if where is None or where.seconds is None else round(where.seconds, 1)
        ),
        "error": painting.error,
        "held": None
        if painting.held is None
        else {"url": f"{address(easel, painting.id)}/picture"},
        "media": None if picture is None else _media(easel, picture),
        "post_of": None if painting.post_of is None else str(painting.post_of),
        "post": None if painting.draft is None else drafting.document(painting.draft),
        "status": None
        if painting.status_uri is None
        else {
            "id": None if status is None else str(status.id),
            "uri": painting.status_uri,
            "url": status.url if status is not None else _url(author, painting.status_uri),
        },
        "remix_of": painting.based_on_uri,
        "created_at": _moment(painting.created_at),
        "started_at": _moment(painting.started_at),
        "finished_at": _moment(painting.finished_at),
    }


def _url(author: Account, status_uri: str) -> str:
    return f"{author.url}/{pending.number(status_uri)}"


def _media(easel: Easel, picture: MediaAttachment) -> dict[str, Any]:
    instance = easel.settings.instance
    return {
        "id": str(picture.id),
        "url": picture.file and media.address(instance, picture.file),
        "preview_url": picture.preview_file and media.address(instance, picture.preview_file),
        "media_type": picture.media_type,
        "width": picture.width,
        "height": picture.height,
        "blurhash": picture.blurhash,
        "description": picture.description,
        "described_by": picture.described_by,
    }


def parse_id(request: Request) -> int:
    number = ids.parse(request.path_params["id"])
    if number is None:
        raise HTTPException(404, "There is no such painting.")
    return number


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, "")
    if not text:
        return default
    number = ids.parse(text)
    if number is None:
        raise HTTPException(400, f"“{name}” must be a whole number.")
    return number


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


routes: list[BaseRoute] = [
    Route(PATH, index, methods=["GET"]),
    Route(PATH, create, methods=["POST"]),
    Route(f"{PATH}/{{id}}", show, methods=["GET"]),
    Route(f"{PATH}/{{id}}", cancel, methods=["DELETE"]),
    Route(f"{PATH}/{{id}}/events", events, methods=["GET"]),
]
