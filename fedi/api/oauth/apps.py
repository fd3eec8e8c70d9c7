"""`/api/v1/apps`: an app registers, and asks how it is known."""

from __future__ import annotations

from typing import Any

from authlib.oauth2 import OAuth2Error
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from fedi.api import auth
from fedi.api.oauth import parameters
from fedi.api.oauth.answers import answer, endpoint
from fedi.database.tables import Application
from fedi.runtime import easel_of
from fedi.social import applications, attempts, vapid
from fedi.social.errors import Invalid, SocialError

NAMES = ("client_name", "redirect_uris", "scopes", "website")


@endpoint
async def create(request: Request) -> Response:
    """`POST /api/v1/apps`.

    Returns:
        What the app has to keep; the secret is told this once.

    Raises:
        422 for what cannot be registered, 429 for too many from one address.
    """
    easel = easel_of(request)
    host = request.client.host if request.client else ""
    limits = attempts.of(easel)
    limits.take(attempts.APPS_OF_ADDRESS, attempts.network(host), easel.clock.now())
    try:
        values = await parameters.read(request, NAMES)
    except OAuth2Error as error:
        raise Invalid(str(error.description)) from error
    told = parameters.single(values)
    # One to a line, as older apps send them, or each by itself.
    uris = [uri for entry in values.get("redirect_uris", []) for uri in entry.split()]
    async with easel.database.write() as tx:
        made = await applications.register(
            tx,
            told.get("client_name", ""),
            uris,
            scopes=told.get("scopes", ""),
            website=told.get("website", ""),
        )
        await vapid.ensure(tx)
        key = await vapid.public_key(tx)
    secrets = {
        "client_id": made.application.client_id,
        "client_secret": made.client_secret,
        "client_secret_expires_at": 0,  # never
    }
    return answer(entity(made.application, key) | secrets)


@endpoint
async def verify(request: Request) -> Response:
    """`GET /api/v1/apps/verify_credentials`: any token of the app will do."""
    who = await auth.app_caller(request)
    if who.application is None:
        raise SocialError("This token was made on the command line, for no app.", 404)
    easel = easel_of(request)
    async with easel.database.read() as session:
        key = await vapid.public_key(session)
    return answer(entity(who.application, key))


def entity(application: Application, vapid_key: str) -> dict[str, Any]:
    """An app as Mastodon 4.7 shows it."""
    return {
        "id": str(application.id),
        "name": application.name,
        "website": application.website,
        "scopes": application.scopes.split(),
        "redirect_uri": "\n".join(application.redirect_uris),
        "redirect_uris": application.redirect_uris,
        "vapid_key": vapid_key,
    }


routes: list[BaseRoute] = [
    Route("/api/v1/apps", create, methods=["POST"]),
    Route("/api/v1/apps/verify_credentials", verify, methods=["GET"]),
]
