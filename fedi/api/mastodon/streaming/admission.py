"""Who wants to listen: the token, wherever an app can put it, and to what it gives leave."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection

from fedi.api import auth
from fedi.api.auth import Caller
from fedi.api.mastodon import throttle
from fedi.api.mastodon.streaming import channels
from fedi.api.mastodon.streaming.channels import Channel
from fedi.runtime import Easel, easel_of
from fedi.social import credentials, lists

MISSING = "Missing access token"  # Mastodon's own words
INVALID = "Invalid access token"


def offered(connection: HTTPConnection) -> str:
    """The subprotocol that an app offers: browsers can put a token nowhere else."""
    given: list[str] = connection.scope.get("subprotocols") or []
    return given[0] if given else ""


async def caller(connection: HTTPConnection) -> Caller:
    """Who asks, by the Authorization header, the query, or the subprotocol.

    Raises:
        HTTPException: 401; 429 to an address that has tried too many.
    """
    try:
        return await _caller(connection)
    except HTTPException:
        easel = easel_of(connection)
        address = connection.client.host if connection.client is not None else ""
        if not throttle.of(easel).address(address).allowed:
            raise HTTPException(429, "Too many requests") from None
        raise


async def _caller(connection: HTTPConnection) -> Caller:
    easel = easel_of(connection)
    token = auth.bearer(connection) or connection.query_params.get("access_token", "")
    token = token or offered(connection)
    if not token:
        raise auth.challenge(connection, MISSING)
    if len(token) > credentials.MAX_TOKEN:
        raise auth.challenge(connection, INVALID, error="invalid_token")
    async with easel.database.read() as session:
        found = await credentials.authenticate(session, token)
    if found is None:
        raise auth.challenge(connection, INVALID, error="invalid_token")
    account, row = found
    return Caller(account, row, frozenset(row.scopes.split()))


async def own(easel: Easel, who: Caller, channel: Channel) -> None:
    """Refuse a list that is somebody else's.

    Raises:
        NotFound: it is, or there is none.
    """
    if channel.kind == channels.LIST:
        async with easel.database.read() as session:
            await lists.find(session, who.account, int(channel.about))


def check(who: Caller, kind: str) -> None:
    """Refuse what a token does not allow.

    Raises:
        HTTPException: 403.
    """
    if not who.may(channels.scope(kind)):
        raise HTTPException(403, "This action is outside the authorized scopes")
