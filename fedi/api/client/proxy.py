"""`proxyUrl`: an app reads an object by its id, as its account may see it (ActivityPub 4.1).

    POST /users/NAME/proxy
    id=https://else.example/notes/1

What is ours is answered from here, as a GET with the same token would be; what is another server's
is fetched from it, signed by the account. It is a POST so that nothing of other servers is ever to
be had by GET from our origin, where it would seem to be our word.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

from msgspec import Struct
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route

from activitypub import json, origin
from activitypub.context import LD_JSON
from activitypub.objects import values
from fedi.api.client import uploads
from fedi.api.client.owner import owner
from fedi.api.mastodon import throttle
from fedi.api.mastodon.params import decode, gather
from fedi.federation import documents, proxying
from fedi.runtime import easel_of
from fedi.social.errors import Invalid, NotFound

MAX_FORM = 16 * 1024  # bytes; an address has 2,048 at most
# What others read, too: an inbox is read where it is.
READABLE = (*documents.routes, *uploads.routes)
PRIVATE = {"Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff"}


class Asked(Struct, kw_only=True):
    id: str


async def proxy(request: Request) -> Response:
    """`POST /users/NAME/proxy`, with the id of an object as the field `id` of a form.

    Raises:
        400, 415 or 422 without a form, or an id that is an address; 401, 403; 404 for what is not
        there or not for the account; 422 for an address that may not be reached, and for what is no
        ActivityStreams; 429; 503 where another server does not answer.
    """
    account = (await owner(request, "read:statuses", throttle.FETCHES)).account
    easel = easel_of(request)
    asked = decode(await gather(request, MAX_FORM), Asked).id
    uri = values.web_uri(asked)
    if uri is None:
        raise Invalid("The id is no address of the web.")
    if origin.origin(uri) == easel.settings.instance.url:
        return await _ours(request, uri)
    document = await proxying.fetch(easel, account, uri)
    return Response(json.encode(document), headers=PRIVATE, media_type=LD_JSON)


async def _ours(request: Request, uri: str) -> Response:
    """What stands at an address of ours, to who brings this token."""
    parts = urlsplit(uri)
    path = unquote(parts.path)
    if "\0" in path:  # which PostgreSQL takes in no query
        raise NotFound(proxying.NOT_THERE)
    headers = [(b"accept", LD_JSON.encode())]
    headers += [one for one in request.scope["headers"] if one[0] == b"authorization"]
    scope: dict[str, Any] = {
        **request.scope,
        "method": "GET",
        "path": path,
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "headers": headers,
    }
    for route in READABLE:
        match, found = route.matches(scope)
        if match is Match.FULL and isinstance(route, Route):
            try:
                answer: Response = await route.endpoint(Request({**scope, **found}))
            except HTTPException as error:  # what is asked for is not there: the token was good
                raise NotFound(proxying.NOT_THERE) from error
            answer.headers.update(PRIVATE)
            return answer
    raise NotFound(proxying.NOT_THERE)


routes: list[BaseRoute] = [Route("/users/{name}/proxy", proxy, methods=["POST"])]
