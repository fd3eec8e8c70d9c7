"""Where an app finds what: of us as an authorization server (RFC 8414), and as what it protects
(RFC 9728)."""

from __future__ import annotations

from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from fedi.api import auth
from fedi.api.oauth.token import GRANTS
from fedi.runtime import easel_of
from fedi.settings import InstanceSettings
from fedi.social import scopes

MAX_AGE_S = 3600
MAX_TARGET = 2048  # characters of a path and its query
DOCUMENTATION = "https://docs.joinmastodon.org/"  # of what we speak


def document(instance: InstanceSettings) -> dict[str, Any]:
    """The endpoints, as far as they are there."""
    url = instance.url
    ways = ["client_secret_basic", "client_secret_post"]
    return {
        "issuer": url,
        "service_documentation": DOCUMENTATION,
        "authorization_endpoint": f"{url}/oauth/authorize",
        "token_endpoint": f"{url}/oauth/token",
        "app_registration_endpoint": f"{url}/api/v1/apps",
        "registration_endpoint": f"{url}/oauth/register",
        "introspection_endpoint": f"{url}/oauth/introspect",
        "revocation_endpoint": f"{url}/oauth/revoke",
        "userinfo_endpoint": f"{url}/oauth/userinfo",
        "scopes_supported": list(scopes.SUPPORTED),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": list(GRANTS),
        "token_endpoint_auth_methods_supported": [*ways, "none"],
        "introspection_endpoint_auth_methods_supported": [*ways, "none"],
        "revocation_endpoint_auth_methods_supported": [*ways, "none"],
        "code_challenge_methods_supported": ["S256"],
        "client_id_metadata_document_supported": True,
        "activitypub_object_id_as_client_id": True,  # FEP-d8c2
    }


async def show(request: Request) -> Response:
    """`GET /.well-known/oauth-authorization-server`."""
    easel = easel_of(request)
    headers = {"Cache-Control": f"public, max-age={MAX_AGE_S}"}
    return JSONResponse(document(easel.settings.instance), headers=headers)


def resource(instance: InstanceSettings, address: str) -> dict[str, Any]:
    """What a client needs to know of something that it may read or post to by a token.

    Args:
        address: of what, in our origin, or that alone. It is said back as it was asked for: a
            client must not believe what is said of another (RFC 9728, 3.3).
    """
    return {
        "resource": address,
        "resource_name": instance.name,
        "authorization_servers": [instance.url],
        "scopes_supported": list(scopes.SUPPORTED),
        "bearer_methods_supported": ["header"],
    }


async def show_resource(request: Request) -> Response:
    """`GET /.well-known/oauth-protected-resource`, and below it for every address of ours.

    Raises:
        HTTPException: 404 for an address that is too long to be one.
    """
    easel = easel_of(request)
    instance = easel.settings.instance
    below = auth.target(request).removeprefix(auth.RESOURCES)
    if len(below) > MAX_TARGET:
        raise HTTPException(404, "There is nothing here.")
    headers = {"Cache-Control": f"public, max-age={MAX_AGE_S}"}
    return JSONResponse(resource(instance, f"{instance.url}{below}"), headers=headers)


routes: list[BaseRoute] = [
    Route("/.well-known/oauth-authorization-server", show, methods=["GET"]),
    Route(auth.RESOURCES, show_resource, methods=["GET"]),
    Route(f"{auth.RESOURCES}/{{path:path}}", show_resource, methods=["GET"]),
]
