"""Request bodies: read within a limit, decoded strictly."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request

from activitypub import json
from activitypub.errors import Malformed
from fedi.uploads.sizes import refuse_declared, too_large

MAX_BODY = 1024 * 1024  # bytes; what other servers take of a document


async def read(request: Request, limit: int = MAX_BODY) -> bytes:
    """The whole body.

    Raises:
        HTTPException: 413 if it is larger than `limit` bytes, known beforehand or not.
    """
    refuse_declared(request, limit)
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > limit:
            raise too_large(limit)
    return bytes(body)


async def read_object(
    request: Request, types: Collection[str] = ("application/json",)
) -> dict[str, Any]:
    """The body as a JSON object.

    Args:
        types: the media types that are taken, without parameters.

    Raises:
        HTTPException: 415 for another media type, 413 or 400 for a body that cannot be read.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in types:
        raise HTTPException(415, f"Send the body as {' or '.join(types)}.")
    try:
        return json.decode(await read(request))
    except Malformed as error:
        raise HTTPException(400, error.reason) from error
