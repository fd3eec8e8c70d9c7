"""Where a page of a listing begins, as its address says it."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request

from fedi import ids


def max_id(request: Request) -> int | None:
    """Only what is older than this; None on the first page.

    Raises:
        HTTPException: 400, that is no id.
    """
    return number(request, "max_id")


def number(request: Request, name: str) -> int | None:
    """An id in the query; None where there is none.

    Raises:
        HTTPException: 400, that is no id.
    """
    text = request.query_params.get(name)
    if text is None:
        return None
    found = ids.parse(text)
    if not found:
        raise HTTPException(400, f"{name} must be the id of a post.")
    return found
