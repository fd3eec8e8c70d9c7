"""`/.well-known/oauth-authorization-server`: where an app finds what (RFC 8414)."""

from __future__ import annotations

from typing import Any, cast

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from fedi.api.oauth.token import GRANTS
from fedi.runtime import Easel
from fedi.settings import InstanceSettings
from fedi.social import scopes

MAX_AGE_S = 3600
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
        "revocation_endpoint": f"{url}/oauth/revoke",
        "userinfo_endpoint": f"{url}/oauth/userinfo",
        "scopes_supported": list(scopes.ALL),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": list(GRANTS),
        "token_endpoint_auth_methods_supported": [*ways, "none"],
        "revocation_endpoint_auth_methods_supported": [*ways, "none"],
        "code_challenge_methods_supported": ["S256"],
    }


async def show(request: Request) -> Response:
    """`GET /.well-known/oauth-authorization-server`."""
    easel = cast(Easel, request.app.state.easel)
    headers = {"Cache-Control": f"public, max-age={MAX_AGE_S}"}
    return JSONResponse(document(easel.settings.instance), headers=headers)


routes: list[BaseRoute] = [Route("/.well-known/oauth-authorization-server", show, methods=["GET"])]
