"""One route of the client API: who asks is known, how often they do is counted, what they send is
read, what they get is written, and what is refused is refused as Mastodon does.

    async def lookup(call: Call) -> entities.Account:
        asked = await call.read(Lookup)
        ...

    routes = [route("GET", "/api/v1/accounts/lookup", lookup, "read:accounts", anybody=True)]
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeVar

import msgspec
from limits import RateLimitItem
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fedi import ids
from fedi.api import auth, body
from fedi.api.auth import Caller
from fedi.api.mastodon import paging, params, throttle
from fedi.api.mastodon.paging import Paged
from fedi.api.mastodon.throttle import Standing
from fedi.database.tables import Account
from fedi.runtime import Easel, easel_of
from fedi.social.errors import Later, NotFound, SocialError, TooMany

T = TypeVar("T", bound=msgspec.Struct)

NO_RECORD = "Record not found"  # what clients look for: Mastodon's own words

_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class Call:
    """A request, and who makes it.

    Attributes:
        caller: None for nobody, where `anybody` may ask.
        headers: further headers of the answer.
        status: of the answer.
    """

    request: Request
    easel: Easel
    caller: Caller | None
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 200

    @property
    def viewer(self) -> Account | None:
        return self.caller.account if self.caller is not None else None

    @property
    def account(self) -> Account:
        """Whose app asks, where nobody else may."""
        assert self.caller is not None
        return self.caller.account

    @property
    def application_id(self) -> int | None:
        """The app that asks, if it is one."""
        app = self.caller.application if self.caller is not None else None
        return app.id if app is not None else None

    async def read(self, kind: type[T], *, limit: int = body.MAX_BODY) -> T:
        """What is asked for: see `params.read`."""
        return await params.read(self.request, kind, limit=limit)

    def text(self, name: str) -> str:
        """A part of the path."""
        return str(self.request.path_params[name])

    def id(self, name: str = "id") -> int:
        """A part of the path, as an id.

        Raises:
            NotFound: it is none.
        """
        found = ids.parse(self.text(name))
        if found is None:
            raise NotFound(NO_RECORD)
        return found

    def count(self, limit: RateLimitItem) -> None:
        """Count what has a limit of its own.

        Raises:
            TooMany: there was too much of it.
        """
        standing = throttle.of(self.easel).hit(limit, str(self.account.id))
        self.headers |= standing.headers(self.easel.clock.now())
        if not standing.allowed:
            raise _too_many(self.easel, standing)


Handler = Callable[[Call], Awaitable[Any]]


def route(
    method: str, path: str, handler: Handler, scope: str = "", *, anybody: bool = False
) -> Route:
    """A route.

    Args:
        method: one of HTTP's.
        path: as Starlette has it.
        handler: gives back an entity, a list of them, a `Paged`, or a whole `Response`.
        scope: what the token must allow; of several, separated by spaces, one is enough; empty: no
            token is looked at.
        anybody: whether it can be asked without a token.
    """

    async def answer(request: Request) -> Response:
        easel = easel_of(request)
        told: dict[str, str] = {}
        try:
            who = await _who(request, easel, scope, anybody, told)
            call = Call(request, easel, who)
            try:
                found = await handler(call)
            finally:
                told |= call.headers
            if isinstance(found, Paged):
                told |= paging.links(request, easel.settings.instance.url, found)
                found = found.items
            response = found if isinstance(found, Response) else entity(found, call.status)
        except HTTPException as error:
            told |= dict(error.headers or {})
            response = refusal(error.status_code, str(error.detail))
        except SocialError as error:
            if isinstance(error, Later):
                told.setdefault("Retry-After", str(error.retry_after))
            response = refusal(error.status, str(error))
        response.headers.update(told)
        response.headers.setdefault("Cache-Control", "private, no-store")
        return response

    return Route(path, answer, methods=[method])


def entity(found: Any, status: int = 200) -> Response:
    """An answer of entities."""
    return Response(_encode(found), status, media_type="application/json")


def refusal(status: int, sentence: str) -> Response:
    """An answer that says why not."""
    if status == 422:
        sentence = f"Validation failed: {sentence}"
    return entity({"error": sentence or HTTPStatus(status).phrase}, status)


async def _who(
    request: Request, easel: Easel, scope: str, anybody: bool, told: dict[str, str]
) -> Caller | None:
    """Who asks, counted.

    Raises:
        HTTPException: 401 or 403.
        TooMany: they asked too often.
    """
    counts, now = throttle.of(easel), easel.clock.now()
    address = request.client.host if request.client is not None else ""

    def count(standing: Standing) -> None:
        told.update(standing.headers(now))
        if not standing.allowed:
            raise _too_many(easel, standing)

    if not scope:
        count(counts.address(address))
        return None
    try:
        ask = auth.optional_caller if anybody else auth.caller
        who = await ask(request, *scope.split())
    except HTTPException:
        count(counts.address(address))  # or one could try as many tokens as one likes
        raise
    count(counts.address(address) if who is None else counts.account(who.account.id))
    return who


def _too_many(easel: Easel, standing: Standing) -> TooMany:
    wait = (standing.reset - easel.clock.now()).total_seconds()
    return TooMany("Too many requests", max(1, int(wait + 0.999)))


def by_id(rows: Sequence[Any]) -> list[int]:
    """The ids of rows."""
    return [row.id for row in rows]
