"""What browsers may read from other origins: all that apps use (Phanpy, Elk are web pages), the
clients of ActivityPub among them.

No answer here depends on a cookie, so every origin may read every answer, and none may send
credentials (attack 74).
"""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PREFIXES = ("/api/", "/.well-known/", "/nodeinfo/", "/media/", "/users/")
PATHS = frozenset(
    {
        "/actor", "/inbox", "/oauth/introspect", "/oauth/register", "/oauth/revoke",
        "/oauth/token", "/oauth/userinfo",
    }
)  # fmt: skip
METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
EXPOSED = (
    "Link, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, X-Request-Id, "
    "RateLimit, RateLimit-Policy, "
    "Mastodon-Async-Refresh, Retry-After, Location, WWW-Authenticate"
)
PREFLIGHT_S = 86_400  # what browsers keep it for at most: Firefox a day, others less


class Cors:
    """Says so on every answer under these paths, and answers preflights."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not (
            scope["path"].startswith(PREFIXES) or scope["path"] in PATHS
        ):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            asked = headers.get("access-control-request-headers", "")
            allowed = {
                "Access-Control-Allow-Origin": "*",
                "Access-Control-Allow-Methods": METHODS,
                "Access-Control-Max-Age": str(PREFLIGHT_S),
                **({"Access-Control-Allow-Headers": asked} if asked else {}),
            }
            await Response(status_code=204, headers=allowed)(scope, receive, send)
            return

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                told = MutableHeaders(scope=message)
                told["Access-Control-Allow-Origin"] = "*"
                told["Access-Control-Expose-Headers"] = EXPOSED
            await send(message)

        await self.app(scope, receive, tell)
