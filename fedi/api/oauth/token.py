"""`POST /oauth/token`: an app comes for its token (RFC 6749, 3.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from authlib.oauth2.rfc6749 import (
    InvalidGrantError,
    InvalidRequestError,
    UnauthorizedClientError,
    UnsupportedGrantTypeError,
)
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from fedi.api.oauth import clients, parameters
from fedi.api.oauth.answers import answer, endpoint
from fedi.database import Transaction
from fedi.database.tables import Application
from fedi.runtime import easel_of
from fedi.social import attempts, grants
from fedi.social.grants import Issued

GRANTS = ("authorization_code", "client_credentials", "refresh_token")
NAMES = (
    *clients.NAMES, "grant_type", "code", "redirect_uri", "code_verifier", "scope", "refresh_token",
)  # fmt: skip


@endpoint
async def issue(request: Request) -> Response:
    """A token, for a code, for the app itself, or for a refresh token.

    Raises:
        400 or 401 as RFC 6749, 5.2 names them; 429 for too many from one address.
    """
    easel = easel_of(request)
    host = request.client.host if request.client else ""
    limits = attempts.of(easel)
    limits.take(attempts.TOKENS_OF_ADDRESS, attempts.network(host), easel.clock.now())
    values = parameters.single(await parameters.read(request, NAMES))
    if "grant_type" not in values:
        raise InvalidRequestError("The grant_type is missing.")
    async with easel.database.write() as tx:
        application = await clients.authenticate(tx, request, values)
        issued = await _issue(tx, application, values)
    if issued is None:  # what ended with the attempt has ended
        raise InvalidGrantError("That is not valid, has run out, or was used already.")
    return answer(document(issued))


async def _issue(
    tx: Transaction, application: Application, values: Mapping[str, str]
) -> Issued | None:
    match values["grant_type"]:
        case "authorization_code":
            if "code" not in values:
                raise InvalidRequestError("The code is missing.")
            return await grants.redeem(
                tx,
                application,
                values["code"],
                values.get("redirect_uri", ""),
                values.get("code_verifier"),
            )
        case "client_credentials":
            if application.secret_hash is None:
                raise UnauthorizedClientError("An app without a secret cannot prove itself.")
            return await grants.for_itself(tx, application, values.get("scope", ""))
        case "refresh_token":
            if "refresh_token" not in values:
                raise InvalidRequestError("The refresh_token is missing.")
            return await grants.renew(
                tx, application, values["refresh_token"], values.get("scope", "")
            )
        case _:
            raise UnsupportedGrantTypeError(values["grant_type"][:50])


def document(issued: Issued) -> dict[str, Any]:
    """A token as its app gets it, this once. It does not run out.

    Whose it is stands in it by every name that ActivityPub's apps look for: `me` (AndStatus) and
    `activitypub_actor_id` (the basic profile of the SWICG).
    """
    told: dict[str, Any] = {
        "access_token": issued.token,
        "token_type": "Bearer",
        "scope": issued.row.scopes,
        "created_at": int(issued.row.created_at.timestamp()),
    }
    if issued.refresh_token is not None:
        told["refresh_token"] = issued.refresh_token
    if issued.account is not None:
        told["me"] = told["activitypub_actor_id"] = issued.account.uri
    return told


routes: list[BaseRoute] = [Route("/oauth/token", issue, methods=["POST"])]
