"""`POST /oauth/register`: an app registers, as RFC 7591 has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from authlib.oauth2 import OAuth2Error
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from fedi.api.oauth import parameters
from fedi.api.oauth.answers import answer, endpoint
from fedi.api.oauth.token import GRANTS
from fedi.database.tables import Application
from fedi.runtime import easel_of
from fedi.social import applications, attempts, scopes
from fedi.social.errors import Invalid

NAMES = (
    "redirect_uris", "client_name", "client_uri", "scope", "grant_types", "response_types",
    "token_endpoint_auth_method",
)  # fmt: skip
METHODS = ("client_secret_basic", "client_secret_post", "none")
USUAL_METHOD = "client_secret_basic"  # of whoever names none (section 2)
USUAL_GRANTS = ("authorization_code", "refresh_token")


class InvalidRedirectUri(OAuth2Error):  # type: ignore[misc]
    """What is refused by `invalid_redirect_uri` (section 3.2.2)."""

    error = "invalid_redirect_uri"


class InvalidMetadata(OAuth2Error):  # type: ignore[misc]
    """What is refused by `invalid_client_metadata`."""

    error = "invalid_client_metadata"


@endpoint
async def register(request: Request) -> Response:
    """Make an app known to this server: anybody may, and apps that nobody uses are forgotten.

    Returns:
        201, with what was registered; the secret, if there is one, is told this once. Metadata
        that is not known here is passed over, as the RFC demands.

    Raises:
        400 with `invalid_redirect_uri` or `invalid_client_metadata`; 429 for too many from one
        address.
    """
    easel = easel_of(request)
    host = request.client.host if request.client else ""
    limits = attempts.of(easel)
    limits.take(attempts.APPS_OF_ADDRESS, attempts.network(host), easel.clock.now())
    values = await parameters.read(request, NAMES)
    told = parameters.single(
        {name: held for name, held in values.items() if name not in parameters.LISTS}
    )
    method = told.get("token_endpoint_auth_method", USUAL_METHOD)
    if method not in METHODS:
        raise InvalidMetadata(f"An app proves itself by {', '.join(METHODS)}.")
    grants = [grant for grant in values.get("grant_types", USUAL_GRANTS) if grant in GRANTS]
    if "code" not in values.get("response_types", ["code"]) or "authorization_code" not in grants:
        raise InvalidMetadata("An app gets its tokens for an authorization code.")
    uris = values.get("redirect_uris", [])
    try:
        applications.checked(uris)
    except Invalid as error:
        raise InvalidRedirectUri(str(error)) from error
    website = told.get("client_uri", "")
    try:
        async with easel.database.write() as tx:
            made = await applications.register(
                tx,
                told.get("client_name") or urlsplit(uris[0]).netloc[: applications.MAX_NAME],
                uris,
                scopes=" ".join(scopes.known(told.get("scope", "")) or scopes.CLIENTS),
                website=website if applications.is_web_page(website) else "",
                confidential=method != "none",
                renewable="refresh_token" in grants,
            )
    except Invalid as error:
        raise InvalidMetadata(str(error)) from error
    return answer(_document(made.application, method, grants, made.client_secret), 201)


def _document(
    application: Application, method: str, grants: list[str], secret: str | None
) -> Mapping[str, Any]:
    told: dict[str, Any] = {
        "client_id": application.client_id,
        "client_id_issued_at": int(application.created_at.timestamp()),
        "client_name": application.name,
        "redirect_uris": application.redirect_uris,
        "scope": application.scopes,
        "grant_types": grants,
        "response_types": ["code"],
        "token_endpoint_auth_method": method,
    }
    if application.website:
        told["client_uri"] = application.website
    if secret is not None:
        told |= {"client_secret": secret, "client_secret_expires_at": 0}  # never
    return told


routes: list[BaseRoute] = [Route("/oauth/register", register, methods=["POST"])]
