"""Who is asking: the bearer token of an app, and what it may do (RFC 6750); who brings none is told
where to get one (RFC 9728)."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection

from fedi.database.tables import AccessToken, Account, Application
from fedi.runtime import easel_of
from fedi.social import credentials
from fedi.social import scopes as scope_table
from fedi.social.credentials import Bearer

REALM = "Easel"
APPS_OWN = "This needs the token of an account, not of an app."
MAX_TARGET = 4096  # characters; clients refuse answers whose headers have 8,190
IN_A_TARGET = "!#$%&'()*+,/:;=?@[]~"  # RFC 3986; everything else is written by its number
RESOURCES = "/.well-known/oauth-protected-resource"  # what is told there: `oauth.metadata`


@dataclass(frozen=True, slots=True)
class AppCaller:
    """An app, for itself or for an account.

    Attributes:
        application: none for a token that was made on the command line.
        account: whom it acts for; nobody, if it asks for itself.
        scopes: what it may do: `read`, `write`, or parts of them such as `write:statuses`.
    """

    token: AccessToken
    application: Application | None
    account: Account | None
    scopes: frozenset[str]

    def may(self, scope: str) -> bool:
        """Whether `scope` (such as `write:statuses`) or the whole it is part of was granted;
        `follow` is an older name of reading and changing follows, blocks and mutes."""
        return scope_table.granted(self.scopes, scope)


@dataclass(frozen=True, slots=True)
class Caller:
    """An account, by one of its apps.

    Attributes:
        scopes: what the app may do: `read`, `write`, or parts of them such as `write:statuses`.
        application: the app; none for a token that was made on the command line.
    """

    account: Account
    token: AccessToken
    scopes: frozenset[str]
    application: Application | None = None

    def may(self, scope: str) -> bool:
        """As for `AppCaller`."""
        return scope_table.granted(self.scopes, scope)


async def caller(connection: HTTPConnection, *scopes: str) -> Caller:
    """Who asks.

    Args:
        connection: a request or a WebSocket.
        scopes: what the app must be allowed to do; of several, one is enough. Without any, every
            token of an account will do.

    Raises:
        HTTPException: 401 without a valid token of an account, 403 if it lacks the scope (both
            with a `WWW-Authenticate` header that says why), and 403 if the account may not act.
    """
    found = await _bearer(connection)
    if found is None:
        raise challenge(connection, "Sign in: this needs a bearer token.")
    return await _of_account(connection, found, scopes)


async def newcomer(connection: HTTPConnection, *scopes: str) -> Caller:
    """Who asks, even if they were not let in yet.

    Raises:
        HTTPException: as for `caller`, except that the account may have to wait.
    """
    found = await _bearer(connection)
    if found is None:
        raise challenge(connection, "Sign in: this needs a bearer token.")
    if found.account is None:
        raise challenge(connection, APPS_OWN, "invalid_token")
    _check_scopes(found, scopes)
    return Caller(found.account, found.token, _scopes(found), found.application)


async def optional_caller(connection: HTTPConnection, *scopes: str) -> Caller | None:
    """Who asks, for what is answered to everybody; None for nobody, and for an app that asks for
    itself.

    Raises:
        HTTPException: as for `caller` where a token is sent; 401 even here, if it is not valid.
    """
    found = await _bearer(connection)
    if found is None or found.account is None:
        return None
    return await _of_account(connection, found, scopes)


def demand(who: Caller, *scopes: str) -> None:
    """Refuse what an app may not do, once it is known what that is; of several scopes one is
    enough.

    Raises:
        HTTPException: 403 if it lacks them.
    """
    _check_scopes(who, scopes)


async def app_caller(connection: HTTPConnection, *scopes: str) -> AppCaller:
    """Which app asks, for itself or for an account.

    Raises:
        HTTPException: 401 without a valid token, 403 if it lacks the scope or its account may not
            act.
    """
    found = await _bearer(connection)
    if found is None:
        raise challenge(connection, "This needs the bearer token of an app.")
    _check(found, scopes)
    await _note_use(connection, found.token)
    return AppCaller(found.token, found.application, found.account, _scopes(found))


async def _bearer(connection: HTTPConnection) -> Bearer | None:
    """Who brings a token; None where none was sent.

    Raises:
        HTTPException: 401 if what was sent is no token that holds.
    """
    token = bearer(connection)
    if token is None:
        if "authorization" in connection.headers:
            raise challenge(connection, "Send one bearer token.", error="invalid_request")
        return None
    easel = easel_of(connection)
    async with easel.database.read() as session:
        found = await credentials.identify(session, token)
    if found is None:
        raise challenge(
            connection, "The token is not valid, or was revoked.", error="invalid_token"
        )
    return found


async def _of_account(connection: HTTPConnection, found: Bearer, scopes: tuple[str, ...]) -> Caller:
    if found.account is None:
        raise challenge(connection, APPS_OWN, "invalid_token")
    _check(found, scopes)
    await _note_use(connection, found.token)
    return Caller(found.account, found.token, _scopes(found), found.application)


def _check(found: Bearer, scopes: tuple[str, ...]) -> None:
    reason = found.obstacle
    if reason is not None:
        raise HTTPException(403, reason)
    _check_scopes(found, scopes)


def _check_scopes(found: Bearer | Caller, scopes: tuple[str, ...]) -> None:
    held = found.scopes if isinstance(found, Caller) else _scopes(found)
    if scopes and not any(scope_table.granted(held, scope) for scope in scopes):
        raise HTTPException(
            403,
            f"The token does not allow this: it needs the scope {scopes[0].split(':')[0]}.",
            {"WWW-Authenticate": _header(error="insufficient_scope", scope=scopes[0])},
        )


def _scopes(found: Bearer) -> frozenset[str]:
    return frozenset(found.token.scopes.split())


async def _note_use(connection: HTTPConnection, token: AccessToken) -> None:
    """Once in a while, so that reading does not become writing."""
    easel = easel_of(connection)
    now, before = easel.clock.now(), token.last_used_at
    if before is None or now - before >= credentials.USE_NOTED_EVERY:
        await easel.database.together(lambda tx: credentials.note_use(tx, token))


def bearer(connection: HTTPConnection) -> str | None:
    """The token in the Authorization header, if there is exactly one that could be ours."""
    return credentials.bearer(connection.headers)


def challenge(connection: HTTPConnection, message: str, error: str = "") -> HTTPException:
    """The 401 that tells an app how to sign in, and where."""
    url = easel_of(connection).settings.instance.url
    asked = target(connection)
    there = f"{url}{RESOURCES}{asked}" if len(asked) <= MAX_TARGET else ""
    header = _header(error=error, resource_metadata=there)
    return HTTPException(401, message, {"WWW-Authenticate": header})


def target(connection: HTTPConnection) -> str:
    """The path that was asked for, and its query, as they came over the wire, in so far as they
    can stand in quotes."""
    query = connection.scope["query_string"].decode("latin-1")
    path = connection.scope["raw_path"].decode("latin-1")
    return quote(f"{path}?{query}" if query else path, safe=IN_A_TARGET)


def _header(**parts: str) -> str:
    told = {"realm": REALM, **{name: value for name, value in parts.items() if value}}
    return "Bearer " + ", ".join(f'{name}="{value}"' for name, value in told.items())
