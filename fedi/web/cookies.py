"""Our cookies: who is signed in, which browser it was before somebody was, and what it likes.

No script can read them, no other site can have them sent with a form, and under https their names
say that they are of this very host and nobody else's (`__Host-`).
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from fedi.runtime import easel_of

MAX_AGE_S = 400 * 24 * 3600  # the most that browsers keep; the server ends sessions before
MAX_VALUE = 64  # characters; ours have 43


def session(request: Request) -> str:
    """The words of a session; empty without any."""
    return _value(request, "easel")


def visit(request: Request) -> str:
    """What a browser was given with its first form; empty without any."""
    return _value(request, "easel-visit")


def theme(request: Request) -> str:
    """`light` or `dark`, if somebody chose for this browser; else empty."""
    value = _value(request, "easel-theme")
    return value if value in {"light", "dark"} else ""


def liking(request: Request, feed: str) -> str:
    """How this browser likes a feed (see `choosing`); empty if nothing was chosen."""
    return _value(request, f"easel-feed-{feed}")


def set_liking(request: Request, response: Response, feed: str, value: str) -> None:
    """Keep a choice; forget it, if it is empty."""
    _set(request, response, f"easel-feed-{feed}", value, MAX_AGE_S if value else 0)


def set_session(request: Request, response: Response, token: str, *, lasting: bool = True) -> None:
    """Sign a browser in; for as long as it is open, if it is not `lasting`."""
    _set(request, response, "easel", token, MAX_AGE_S if lasting else None)


def set_visit(request: Request, response: Response, value: str) -> None:
    _set(request, response, "easel-visit", value, None)


def set_theme(request: Request, response: Response, value: str) -> None:
    """Keep a choice; forget it, if it is empty."""
    _set(request, response, "easel-theme", value, MAX_AGE_S if value else 0)


def end_session(request: Request, response: Response) -> None:
    _set(request, response, "easel", "", 0)


def _name(request: Request, name: str) -> str:
    return f"__Host-{name}" if _secure(request) else name


def _value(request: Request, name: str) -> str:
    value = request.cookies.get(_name(request, name), "")
    return value if len(value) <= MAX_VALUE else ""


def _set(request: Request, response: Response, name: str, value: str, age: int | None) -> None:
    response.set_cookie(
        _name(request, name),
        value,
        max_age=age,
        path="/",
        secure=_secure(request),
        httponly=True,
        samesite="lax",  # apps lead people here from other sites
    )


def _secure(request: Request) -> bool:
    return easel_of(request).settings.instance.secure
