"""`POST /oauth/revoke`: an app gives a token back (RFC 7009)."""

from __future__ import annotations

from authlib.oauth2.rfc6749 import InvalidRequestError, UnauthorizedClientError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from fedi.api.oauth import clients, parameters
from fedi.api.oauth.answers import answer, endpoint
from fedi.runtime import easel_of
from fedi.social import grants

NAMES = (*clients.NAMES, "token")


@endpoint
async def revoke(request: Request) -> Response:
    """End a token of the app that asks; one that is not there has ended already.

    Raises:
        400 or 401 as RFC 6749, 5.2 names them; 403 for the token of another app.
    """
    values = parameters.single(await parameters.read(request, NAMES))
    if "token" not in values:
        raise InvalidRequestError("The token is missing.")
    easel = easel_of(request)
    async with easel.database.write() as tx:
        application = await clients.authenticate(tx, request, values)
        if not await grants.revoke(tx, application, values["token"]):
            raise UnauthorizedClientError("That is the token of another app.", status_code=403)
    return answer({})


routes: list[BaseRoute] = [Route("/oauth/revoke", revoke, methods=["POST"])]
