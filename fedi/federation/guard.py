"""Who may read what other servers read: anybody, or only who signs well and is not blocked.

Stands in front of the routes of `documents`. The instance actor stays open, or nobody could ever
check our signatures, and so do WebFinger and NodeInfo, which are not behind it. Pages for people
are not its business.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from activitypub import origin
from activitypub.context import accepts_activity
from activitypub.signatures import Refused
from fedi.federation import hosts
from fedi.federation.inbox import again, signed_by, unwelcome
from fedi.runtime import Easel, easel_of
from fedi.social import credentials, domains

Endpoint = Callable[[Request], Awaitable[Response]]

OPEN = frozenset({"/actor"})
BLOCKED = "This instance does not talk to that server."
VARY = {"Vary": "Accept, Authorization, Signature"}


def guarded(routes: Sequence[BaseRoute]) -> list[BaseRoute]:
    """The routes, each behind the guard unless it is open to all."""
    return [
        Route(route.path, _behind(route.endpoint), methods=list(route.methods or ["GET"]))
        if isinstance(route, Route) and route.path not in OPEN
        else route
        for route in routes
    ]


def _behind(endpoint: Endpoint) -> Endpoint:
    async def ask(request: Request) -> Response:
        if not accepts_activity(request.headers.get("accept")):
            return await endpoint(request)
        easel = easel_of(request)
        settings = easel.settings.federation
        demanding = settings.authorized_fetch or settings.mode == "limited"
        await _admit(request, easel, demanding)
        answer = await endpoint(request)
        if demanding:  # what was for one reader is for no cache in front of us
            answer.headers["Cache-Control"] = "private, no-store"
        return answer

    return ask


async def _is_ours(request: Request, easel: Easel) -> bool:
    """Whether somebody from here reads, by an app."""
    async with easel.database.read() as session:
        return await credentials.app(session, request.headers) is not None


async def _admit(request: Request, easel: Easel, demanding: bool) -> None:
    """Let a request pass, or not.

    Raises:
        HTTPException: 401 for who does not sign well where that is asked for, 403 for who is
            blocked.
    """
    if not {"signature", "signature-input"} & set(request.headers):
        if demanding and not await _is_ours(request, easel):
            raise HTTPException(401, "This instance is read with a signature.", headers=VARY)
        return
    if await unwelcome(easel, request):
        raise HTTPException(403, BLOCKED, headers=VARY)
    signed = await signed_by(easel, request, b"")
    if isinstance(signed, Refused):
        if demanding:
            raise HTTPException(signed.status, signed.detail, headers={**VARY, **again(signed)})
        return  # counts as none: what is public is for all
    host = origin.host(signed.owner) or ""
    if (await domains.of(easel)).suspended(host):
        raise HTTPException(403, BLOCKED, headers=VARY)
    (await hosts.of(easel)).seen(host)
