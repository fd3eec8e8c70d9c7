"""How large a body may be, said beforehand or found while it is read."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request


def refuse_declared(request: Request, limit: int) -> None:
    """Refuse a body that says beforehand that it is larger than `limit` bytes."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared[:18]) > limit:
        raise too_large(limit)


def too_large(limit: int) -> HTTPException:
    """The refusal of a body that is larger than `limit` bytes."""
    return HTTPException(413, f"The body is too large: at most {limit // 1024} kB.")
