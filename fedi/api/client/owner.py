"""What is for an account's own apps alone: whose token it is, and how often it may ask."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import wraps

from limits import RateLimitItem
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from fedi.api import auth
from fedi.api.auth import Caller
from fedi.api.mastodon import throttle
from fedi.runtime import easel_of

Endpoint = Callable[[Request], Awaitable[Response]]


async def owner(request: Request, scope: str, limit: RateLimitItem | None = None) -> Caller:
    """The account of the path, by one of its apps.

    Args:
        scope: what the app must be allowed to do.
        limit: what this counts for, besides the requests of the account.

    Raises:
        HTTPException: 401 without a token, 403 for a token of another account or without the
            scope, 429 to who asks too often.
    """
    who = await auth.caller(request, scope)
    check(request, who, limit)
    return who


def check(request: Request, who: Caller, limit: RateLimitItem | None = None) -> None:
    """As `owner`, for who is known already."""
    count(request, who)
    if limit is not None:
        count(request, who, limit)
    if request.path_params["name"].lower() != who.account.username.lower():
        raise HTTPException(403, "This is for the account itself.")


def count(request: Request, who: Caller, limit: RateLimitItem | None = None) -> None:
    """Count what an account asks for, in the windows in which its other apps are counted.

    Args:
        limit: what it counts for; None: the requests of the account.

    Raises:
        HTTPException: 429 to who asks too often. Who does not is told how much is left (`told`).
    """
    easel = easel_of(request)
    counts = throttle.of(easel)
    account_id = who.account.id
    standing = counts.account(account_id) if limit is None else counts.hit(limit, str(account_id))
    headers = standing.headers(easel.clock.now())
    if not standing.allowed:
        raise HTTPException(429, "This is too often: ask again later.", headers)
    request.state.left = headers


def told(routes: Sequence[BaseRoute]) -> list[BaseRoute]:
    """The routes, each of which tells an app how much it may still ask for: of what was counted
    last."""
    return [
        Route(route.path, _telling(route.endpoint), methods=list(route.methods or ["GET"]))
        if isinstance(route, Route)
        else route
        for route in routes
    ]


def _telling(endpoint: Endpoint) -> Endpoint:
    @wraps(endpoint)
    async def tell(request: Request) -> Response:
        answer = await endpoint(request)
        answer.headers.update(getattr(request.state, "left", {}))
        return answer

    return tell
