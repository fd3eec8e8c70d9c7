"""`POST /oauth/introspect`: an app asks what a token of its own is good for (RFC 7662)."""

from __future__ import annotations

from typing import Any

from authlib.oauth2.rfc6749 import InvalidRequestError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from fedi.api import auth
from fedi.api.oauth import clients, parameters
from fedi.api.oauth.answers import answer, endpoint
from fedi.runtime import easel_of
from fedi.settings import InstanceSettings
from fedi.social import attempts, credentials
from fedi.social.credentials import Bearer

NAMES = (*clients.NAMES, "token")
INACTIVE = {"active": False}


@endpoint
async def introspect(request: Request) -> Response:
    """What a token is, for the app that it was given to, which proves itself as at the token
    endpoint or by a bearer token. Of others' tokens nobody learns whether they are any.

    Raises:
        400 or 401 as RFC 6749, 5.2 names them; 429 for too many from one address.
    """
    values = parameters.single(await parameters.read(request, NAMES))
    if "token" not in values:
        raise InvalidRequestError("The token is missing.")
    easel = easel_of(request)
    host = request.client.host if request.client else ""
    limits = attempts.of(easel)
    limits.take(attempts.TOKENS_OF_ADDRESS, attempts.network(host), easel.clock.now())
    if auth.bearer(request) is not None:
        by = (await auth.app_caller(request)).token
        own, asking = by.id, by.application_id
    else:
        async with easel.database.read() as session:
            own, asking = None, (await clients.authenticate(session, request, values)).id
    async with easel.database.read() as session:
        found = await credentials.identify(session, values["token"])
    if found is None or found.obstacle is not None:
        return answer(INACTIVE)
    # What was made on the command line is no app's: it can ask for itself alone.
    theirs = asking is not None and found.token.application_id == asking
    if not theirs and found.token.id != own:
        return answer(INACTIVE)
    return answer(document(easel.settings.instance, found))


def document(instance: InstanceSettings, found: Bearer) -> dict[str, Any]:
    """What is told of a token that holds."""
    told: dict[str, Any] = {
        "active": True,
        "scope": found.token.scopes,
        "token_type": "Bearer",
        "iss": instance.url,
        "iat": int(found.token.created_at.timestamp()),
    }
    if found.application is not None:
        told["client_id"] = found.application.client_id
    if found.account is not None:
        uri = found.account.uri
        told |= {"username": found.account.username, "sub": uri, "me": uri}
        told["activitypub_actor_id"] = uri
    return told


routes: list[BaseRoute] = [Route("/oauth/introspect", introspect, methods=["POST"])]
