"""Help with words for apps: a better prompt, a title, hashtags. Proposals: nothing is changed."""

from __future__ import annotations

import asyncio
from typing import cast

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from fedi.api import auth, body
from fedi.studio import drafting
from fedi.studio.assistance import MAX_TEXT, Advice
from fedi.studio.dispatcher import Dispatcher
from generation.recipe import MAX_MODEL_NAME

PATH = "/api/easel/v1/assist"
MAX_LANGUAGE = 35  # characters of a language tag


async def assist(request: Request) -> Response:
    """`POST /api/easel/v1/assist`, with the scope `write`: proposals for what somebody wrote.

    Body (JSON): `{"text": "a fox asleep", "language": "en", "model": "flux2-klein-4b"}`; only the
    text must be there. `language` is that of title and hashtags, `model` what will paint.

    Returns:
        200 and `{"prompt": "A fox curled up …" | null, "title": "Asleep", "hashtags": ["fox"],
        "by": {"kind": "model" | "rules", "name": "Qwen3.5 0.8B"}, "note": ""}`. `prompt` is null
        where none is proposed, `note` one sentence that says why there is no more. Who hangs up
        is forgotten, and the model stops.

    Raises:
        400, 413, 415 for a body that cannot be read; 401, 403; 422 if nothing is painted from such
        words here; 429 with `Retry-After` while an earlier request of the account is not answered,
        or if it has asked for as many as it may within an hour.
    """
    who = await auth.caller(request, "write:statuses")
    asked = await body.read_object(request)
    dispatcher = cast(Dispatcher, request.app.state.dispatcher)
    working = asyncio.create_task(
        dispatcher.assistance.propose(
            who.account,
            drafting.words(asked, "text", MAX_TEXT),
            language=drafting.words(asked, "language", MAX_LANGUAGE),
            model=drafting.words(asked, "model", MAX_MODEL_NAME),
        )
    )
    leaving = asyncio.create_task(_left(request))
    try:
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            return Response(status_code=400)  # nobody reads it
        return JSONResponse(_entity(working.result()), headers={"Cache-Control": "no-store"})
    finally:
        for task in (working, leaving):
            task.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


async def _left(request: Request) -> None:
    """Returns when the caller has hung up."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _entity(advice: Advice) -> dict[str, object]:
    return {
        "prompt": advice.prompt or None,
        "title": advice.title,
        "hashtags": list(advice.hashtags),
        "by": {"kind": "model" if advice.model else "rules", "name": advice.model},
        "note": advice.note,
    }


routes: list[BaseRoute] = [Route(PATH, assist, methods=["POST"])]
