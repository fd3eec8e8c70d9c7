"""`POST /users/NAME/outbox`: an app does something in the name of its account (ActivityPub 6).

What is posted is an activity, or an object that becomes the Create of itself (`envelope`); what
each type does stands in `activities`.
"""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from activitypub import json
from activitypub.context import LD_JSON, with_context
from fedi.api import auth, body
from fedi.api.client import envelope
from fedi.api.client.activities import ANYTHING, WAYS
from fedi.api.client.activities.asked import Asked, Done
from fedi.api.client.owner import count
from fedi.runtime import easel_of

# What ActivityPub wants and what apps send: AndStatus the third, curl users the last.
TYPES = (
    "application/ld+json",
    "application/activity+json",
    "application/json",
)


async def post(request: Request) -> Response:
    """Do what an app asks for.

    Returns:
        201, the id of the activity as `Location`, and the activity as the body (`evanp/ap` reads
        that, AndStatus the former). If a picture was asked for, the post appears under its id when
        the picture is done; `Link: <…>; rel="monitor"` names the painting to watch.

    Raises:
        400 for what is no ActivityStreams, or misses what an activity needs; 401 without a valid
        token; 403 for another's outbox, what is another's to do, or a token that may not do it;
        404 for what is not there; 413; 415 for a body of another type; 422, with one plain
        sentence, for what this server does not do; 429 for too much of it.
    """
    who = await auth.caller(request)
    author = who.account
    if request.path_params["name"].lower() != author.username.lower():
        raise HTTPException(403, "This is somebody else's outbox.")
    easel = easel_of(request)
    count(request, who)
    document = envelope.opened(await body.read_object(request, TYPES))
    way = WAYS.get(envelope.kind(document), ANYTHING)
    auth.demand(who, *way.scope.split())
    if way.limit is not None:
        count(request, who, way.limit)
    done = await way.do(Asked(easel, who, document, envelope.parsed(document)))
    return _created(done)


def _created(done: Done) -> Response:
    return Response(
        json.encode(with_context(done.document, done.terms)),
        201,
        {"Location": done.document["id"], **done.headers},
        media_type=LD_JSON,
    )


routes: list[BaseRoute] = [Route("/users/{name}/outbox", post, methods=["POST"])]
