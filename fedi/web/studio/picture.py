"""`/studio/ID`: one picture, while it comes into being and after, for whoever asked for it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from fedi import ids
from fedi.database import Session
from fedi.database.tables import Account, Painting, Status
from fedi.runtime import Easel, easel_of
from fedi.social import drafts, scheduling, text
from fedi.social.errors import SocialError, TooMany
from fedi.social.sessions import SignedIn
from fedi.studio import (
    media,
    offers,
    painters,
    paintings,
    reviews,
    standing,
    watching,
)
from fedi.studio.remote_files import gallery
from fedi.web import cookies, forms, visitors
from fedi.web import events as page_events
from fedi.web.render import private_page
from fedi.web.studio import composer, typed
from fedi.web.studio.composer import PATH
from fedi.web.studio.proposals import Proposals
from fedi.web.views import studio as views
from fedi.web.views.links import excerpt
from fedi.web.views.posts import Moment, moment
from generation.recipe import MAX_PROMPT, UPSCALES

REFRESH_S = 5  # without a script the page loads itself again, until the picture is there
HEADING = 280  # characters of a prompt that stand over its picture; the recipe has all of it
NONE = "There is no such picture of yours."


@visitors.signed_in
async def show(request: Request, visitor: SignedIn) -> Response:
    """`GET /studio/ID`.

    Raises:
        SocialError: there is none, or it is somebody else's.
    """
    return await page(request, visitor, number_of(request))


@visitors.signed_in
async def events(request: Request, visitor: SignedIn) -> Response:
    """`GET /studio/ID/events`: server-sent events of a picture and of those that were asked for
    with it, until the last has ended. Their names are those of `api.easel.paintings`; all but
    `progress` carry `{"id", "state", "line", "step", "steps"}`.

    Raises:
        204 to who comes back and has heard how it ended.
    """
    easel = easel_of(request)
    async with easel.database.read() as session:
        painting = await paintings.find(session, visitor.account, number_of(request))
        group = await paintings.asked_together(session, painting)
    again = bool(request.headers.get("last-event-id"))
    if again and all(one.state in paintings.PAINTED for one in group):
        return Response(status_code=204)
    page_events.refuse_too_many(easel, visitor.account.id)
    told = watching.together([watching.stream(easel, one.id, "", _told) for one in group])
    return StreamingResponse(
        page_events.seated(easel, visitor.account.id, cookies.session(request), told),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _told(session: Session, easel: Easel, painting: Painting) -> dict[str, Any]:
    where = await standing.position(session, painting)
    anybody = True
    if painting.state == paintings.QUEUED:
        anybody = (await offers.find(session, easel.settings.painting)).anybody
    return {
        "id": str(painting.id),
        "state": painting.state,
        "line": views.line(painting, where, anybody=anybody),
        "step": painting.step,
        "steps": painting.steps,
    }


@visitors.signed_in
async def held(request: Request, visitor: SignedIn) -> Response:
    """`GET /studio/ID/held`: a picture that waits for a moderator, to its author."""
    easel = easel_of(request)
    async with easel.database.read() as session:
        painting = await paintings.find(session, visitor.account, number_of(request))
    if painting.held is None:
        raise HTTPException(404, NONE)
    content, media_type = await reviews.picture(easel.storage, painting)
    return Response(content, media_type=media_type, headers=reviews.HEADERS)


async def page(
    request: Request,
    visitor: SignedIn,
    painting_id: int,
    *,
    fields: Mapping[str, str] | None = None,
    error: SocialError | None = None,
    about: str = "",
    proposed: Proposals | None = None,
) -> Response:
    """The page of a picture.

    Args:
        fields: what was typed in one of its forms, if that was refused, or helped with.
        error: why it was refused.
        about: of which form: `post` or `change`.
        proposed: what is proposed for the words of its post.
    """
    easel = easel_of(request)
    settings = easel.settings.painting
    async with easel.database.read() as session:
        painting = await paintings.find(session, visitor.account, painting_id)
        group = await paintings.asked_together(session, painting)
        there = await composer.pictures_of(session, group)
        offered = await offers.find(session, settings)
        hung = await gallery.of(easel, session, [])
        where = await standing.position(session, painting)
        status = await _status(session, painting, there)
        later = await _later(session, visitor.account, painting)
        planned = _planned(await paintings.post_of(session, painting))
        expected = await _expected(session, visitor.account, painting)
        sketches = [
            views.sketch(one, there.get(one.id), hung, anybody=offered.anybody)
            for one in group
            if one.media_id is None or one.id in there
        ]
    medium = there.get(painting.id)
    if painting.media_id is not None and medium is None:
        raise HTTPException(410, "This picture was thrown away.")
    seen = views.sketch(painting, medium, hung, where, anybody=offered.anybody)
    of_model = offered.of(
        next((one.key for one in offered.models if _is(one.key, painting, settings.model)), "")
    )
    response = private_page(
        request,
        "painting.html",
        status=error.status if error is not None else 200,
        script=True,
        sheets=("forms", "studio"),
        here="studio",
        visitor=visitor,
        form_key=forms.key(request),
        error=str(error) if error is not None else "",
        about=about,
        proposals=proposed,
        refresh=REFRESH_S if any(one.waits for one in sketches) else 0,
        seen=seen,
        painting=painting,
        heading=excerpt(painting.recipe.get("prompt", ""), HEADING, keep_lines=True),
        prompt=painting.recipe.get("prompt", ""),
        facts=views.facts(painting.recipe, medium.ai_system if medium else of_model.name),
        described_by=medium.described_by if medium else "",
        others=[one for one in sketches if len(sketches) > 1],
        status_url=status.url if status is not None else "",
        later=later,
        planned=planned,
        expected=expected,
        post=_post_fields(painting, medium.description if medium else "", fields),
        change=_change_fields(painting, fields),
        offer=of_model,
        larger=_larger(painting) if offered.upscales else (),
        audiences=composer.AUDIENCES,
        quoting=composer.QUOTING,
        training=typed.TRAINING,
        languages=composer.LANGUAGES,
        limits={
            "prompt": MAX_PROMPT,
            "text": text.MAX_TEXT,
            "warning": drafts.MAX_SPOILER,
            "description": media.MAX_DESCRIPTION,
        },
    )
    if isinstance(error, TooMany):
        response.headers["Retry-After"] = str(error.retry_after)
    return forms.remember(request, response)


def _is(key: str, painting: Painting, usual: str) -> bool:
    return painters.canonical(key or usual) == painting.model


async def _status(session: Session, painting: Painting, there: Mapping[int, Any]) -> Status | None:
    """The post that a picture is in."""
    medium = there.get(painting.id)
    if medium is None or medium.status_id is None:
        return None
    return await session.get(Status, medium.status_id)


async def _later(session: Session, account: Account, painting: Painting) -> bool:
    """Whether a post for later has it."""
    if painting.media_id is None:
        return False
    return painting.media_id in await scheduling.media_waiting(session, account)


async def _expected(session: Session, account: Account, painting: Painting) -> str:
    """Where the post for later is changed that asked for a picture in vain; empty if none did."""
    first = painting
    if painting.post_of is not None:
        first = await session.get(Painting, painting.post_of) or painting
    if painting.state not in (paintings.FAILED, paintings.CANCELLED) or first.status_uri is None:
        return ""
    row = await scheduling.by_uri(session, account, first.status_uri)
    return "" if row is None else f"/scheduled/{row.id}/change"


def _planned(draft: Mapping[str, Any]) -> Moment | None:
    """The time for which the post of a picture is meant, if it is for one."""
    when = draft.get("scheduled_at")
    return None if when is None else moment(datetime.fromisoformat(when))


def _post_fields(
    painting: Painting, description: str, fields: Mapping[str, str] | None
) -> dict[str, str]:
    begun = typed.of_post(painting.draft or painting.begun_post)
    known = typed.blank(visibility="public", quoters="public") | begun
    known["description"] = description or painting.description
    if painting.sensitive:
        known["sensitive"] = "1"
    if fields is not None and "text" in fields:  # the form was sent: what is not ticked is not
        known["sensitive"] = ""
    return known | {"when": ""} | dict(fields or {})


def _change_fields(painting: Painting, fields: Mapping[str, str] | None) -> dict[str, str]:
    known = {"prompt": painting.recipe.get("prompt", ""), "strength": "", "way": "mask"}
    return known | dict.fromkeys(typed.RECTANGLE, "") | dict(fields or {})


def _larger(painting: Painting) -> tuple[int, ...]:
    """How many times larger it can become."""
    before = painting.recipe.get("upscale") or 1
    return tuple(times for times in UPSCALES if before * times in UPSCALES)


def number_of(request: Request) -> int:
    number = ids.parse(request.path_params["id"])
    if number is None:
        raise HTTPException(404, NONE)
    return number


routes: list[BaseRoute] = [
    Route(f"{PATH}/{{id}}", show, methods=["GET"]),
    Route(f"{PATH}/{{id}}/events", events, methods=["GET"]),
    Route(f"{PATH}/{{id}}/held", held, methods=["GET"]),
]
