"""Help with words for apps: a better prompt, a title, hashtags, alt texts, a content warning.
Proposals: nothing is changed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from fedi import ids
from fedi.api import auth, body
from fedi.social import drafts, text
from fedi.social.errors import Invalid
from fedi.studio import drafting, media, proposals
from fedi.studio.advice import Advice
from fedi.studio.assistance import MAX_TEXT
from fedi.studio.dispatcher import Dispatcher
from fedi.studio.proposals import Change
from generation.recipe import MAX_MODEL_NAME

PATH = "/api/easel/v1/assist"
MAX_LANGUAGE = 35  # characters of a language tag


async def assist(request: Request) -> Response:
    """`POST /api/easel/v1/assist`, with the scope `write`: proposals for what somebody writes.

    Body (JSON): `{"text": "a fox asleep", "status": "My fox", "spoiler_text": "", "media_ids":
    ["1"], "alt_texts": {"1": "A fox"}, "language": "en", "model": "flux2-klein-4b"}`. One of
    `text` (the prompt), `status` (the draft of the post) and `media_ids` must be there: own
    pictures, posted or not, at most four. `alt_texts` is what stands there now, where that is not
    saved yet; `language` is that of all but the prompt, `model` what will paint.

    Returns:
        200 and `{"prompt": "A fox curled up …" | null, "title": "Asleep", "hashtags": ["fox"],
        "alt_texts": {"1": "A red fox …"}, "content_warning": "Blood" | null, "differences":
        [{"field": "alt_text", "what": "alt_text", "media_id": "1", "value": "A red fox …",
        "pieces": [{"kind": "same" | "new" | "gone", "text": "A "}], "note": ""}],
        "by": {"kind": "model" | "rules", "name": "Qwen3.5 0.8B"}, "note": ""}`. `differences` has
        what would change in a field (`prompt`, `status`, `alt_text`, `spoiler_text`); `note` is a
        sentence or two that say why there is no more. Who hangs up is forgotten, and the model
        stops.

    Raises:
        400, 413, 415 for a body that cannot be read; 401, 403; 404 if a picture is not there, or
        somebody else's; 422 if there is nothing to work with, or nothing is painted from such a
        prompt here; 429 with `Retry-After` while an earlier request of the account is not answered,
        or if it has asked for as many as it may within an hour.
    """
    who = await auth.caller(request, "write:statuses")
    asked = await body.read_object(request)
    dispatcher = cast(Dispatcher, request.app.state.dispatcher)
    stands = {
        "prompt": drafting.words(asked, "text", MAX_TEXT),
        "status": drafting.words(asked, "status", text.MAX_TEXT),
        "spoiler_text": drafting.words(asked, "spoiler_text", drafts.MAX_SPOILER),
    }
    alt_texts = _alt_texts(asked)
    working = asyncio.create_task(
        dispatcher.assistance.propose(
            who.account,
            stands["prompt"],
            draft=stands["status"],
            media_ids=_media_ids(asked),
            language=drafting.words(asked, "language", MAX_LANGUAGE),
            model=drafting.words(asked, "model", MAX_MODEL_NAME),
        )
    )
    leaving = asyncio.create_task(_left(request))
    try:
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            return Response(status_code=400)  # nobody reads it
        advice = working.result()
        alts = {one.media_id: one.stands for one in advice.alt_texts} | alt_texts
        changes = proposals.changes(advice, alt_texts=alts, **stands)
        return JSONResponse(_entity(advice, changes), headers={"Cache-Control": "no-store"})
    finally:
        for task in (working, leaving):
            task.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


async def _left(request: Request) -> None:
    """Returns when the caller has hung up."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _media_ids(asked: Mapping[str, Any]) -> list[int]:
    value = asked.get("media_ids")
    if value is None:
        return []
    if not isinstance(value, list):
        raise Invalid("“media_ids” must be a list of ids.")
    drafts.check_media_count(value)
    return [_id(one, "media_ids") for one in value]


def _alt_texts(asked: Mapping[str, Any]) -> dict[int, str]:
    value = asked.get("alt_texts")
    if value is None:
        return {}
    if not isinstance(value, Mapping) or len(value) > drafts.MAX_MEDIA:
        raise Invalid("“alt_texts” must be an object of texts by the ids of the pictures.")
    return {
        _id(name, "alt_texts"): drafting.words(value, name, media.MAX_DESCRIPTION) for name in value
    }


def _id(value: object, name: str) -> int:
    number = ids.parse(value)
    if number is None:
        raise Invalid(f"“{name}” must name ids as text.")
    return number


def _entity(advice: Advice, changes: list[Change]) -> dict[str, object]:
    return {
        "prompt": advice.prompt or None,
        "title": advice.title,
        "hashtags": list(advice.hashtags),
        "alt_texts": {str(one.media_id): one.text for one in advice.alt_texts},
        "content_warning": advice.warned.text or None,
        "differences": [
            {
                "field": one.field,
                "what": one.what,
                "media_id": None if one.media_id is None else str(one.media_id),
                "value": one.value,
                "pieces": [{"kind": piece.kind, "text": piece.text} for piece in one.pieces],
                "note": one.note,
            }
            for one in changes
        ],
        "by": {"kind": "model" if advice.model else "rules", "name": advice.model},
        "note": advice.note,
    }


routes: list[BaseRoute] = [Route(PATH, assist, methods=["POST"])]
