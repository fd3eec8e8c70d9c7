"""What OAuth endpoints answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

from authlib.oauth2 import OAuth2Error
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}  # RFC 6749, 5.1

Endpoint = Callable[[Request], Awaitable[Response]]


def answer(document: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON document that no cache keeps."""
    return JSONResponse(document, status, {**NO_STORE, **(headers or {})})


def endpoint(function: Endpoint) -> Endpoint:
    """An endpoint that says what is wrong as RFC 6749, 5.2 has it."""

    @wraps(function)
    async def run(request: Request) -> Response:
        try:
            return await function(request)
        except OAuth2Error as error:
            return answer(
                {
                    "error": error.error,
                    "error_description": error.get_error_description() or error.description,
                },
                error.status_code,
                {
                    name: value
                    for name, value in error.get_headers()
                    if name.lower() == "www-authenticate"
                },
            )

    return run
