"""Who is asking: the bearer token of an app, and what it may do (RFC 6750)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection

from fedi.database.tables import AccessToken, Account
from fedi.runtime import Easel
from fedi.social import credentials

REALM = "Easel"


@dataclass(frozen=True, slots=True)
class Caller:
    """An account, by one of its apps.

    Attributes:
        scopes: what the app may do: `read`, `write`, or parts of them such as `write:statuses`.
    """

    account: Account
    token: AccessToken
    scopes: frozenset[str]

    def may(self, scope: str) -> bool:
        """Whether `scope` (such as `write:statuses`) or the whole it is part of was granted."""
        return scope in self.scopes or scope.split(":")[0] in self.scopes


async def caller(connection: HTTPConnection, scope: str) -> Caller:
    """Who asks.

    Args:
        connection: a request or a WebSocket.
        scope: what the app must be allowed to do.

    Raises:
        HTTPException: 401 without a valid token, 403 if it lacks the scope; both with a
            `WWW-Authenticate` header that says why.
    """
    token = bearer(connection)
    if token is None:
        raise challenge("Sign in: this needs a bearer token.")
    easel = cast(Easel, connection.app.state.easel)
    async with easel.database.read() as session:
        found = await credentials.authenticate(session, token)
    if found is None:
        raise challenge("The token is not valid, or was revoked.", error="invalid_token")
    account, row = found
    who = Caller(account, row, frozenset(row.scopes.split()))
    if not who.may(scope):
        raise HTTPException(
            403,
            f"The token does not allow this: it needs the scope {scope.split(':')[0]}.",
            {"WWW-Authenticate": _header(error="insufficient_scope", scope=scope)},
        )
    return who


def bearer(connection: HTTPConnection) -> str | None:
    """The token in the Authorization header, if there is exactly one that could be ours."""
    return credentials.bearer(connection.headers)


def challenge(message: str, error: str = "") -> HTTPException:
    """The 401 that tells an app how to sign in."""
    return HTTPException(401, message, {"WWW-Authenticate": _header(error=error)})


def _header(**parts: str) -> str:
    told = {"realm": REALM, **{name: value for name, value in parts.items() if value}}
    return "Bearer " + ", ".join(f'{name}="{value}"' for name, value in told.items())
