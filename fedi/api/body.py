"""Request bodies: read within a limit, decoded strictly."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Collection
from typing import Any

from python_multipart.multipart import parse_options_header
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from activitypub import json
from activitypub.errors import Malformed

MAX_BODY = 1024 * 1024  # bytes; what other servers take of a document
MAX_AFTER = 1024  # bytes after the end of a form; two are usual


async def read(request: Request, limit: int = MAX_BODY) -> bytes:
    """The whole body.

    Raises:
        HTTPException: 413 if it is larger than `limit` bytes, known beforehand or not.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared[:18]) > limit:
        raise _too_large(limit)
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > limit:
            raise _too_large(limit)
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


async def read_form(
    request: Request, field: str, limit: int, files: int
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """A `multipart/form-data` body of a JSON object and files.

    Args:
        field: the part that holds the object.
        limit: the largest body, in bytes.
        files: how many of them are taken.

    Returns:
        The object, and the files by the names of their parts.

    Raises:
        HTTPException: 413 or 400 for a body that cannot be read.
    """
    content = await read(request, limit)
    # The parser takes a form without its end for a whole one, and leaves its last file open.
    _, options = parse_options_header(request.headers["content-type"])
    end = b"--" + options.get(b"boundary", b"") + b"--"
    if end not in content[-len(end) - MAX_AFTER :]:
        raise HTTPException(400, "The form has no end.")

    async def stream() -> AsyncGenerator[bytes, None]:
        yield content

    parser = MultiPartParser(
        request.headers, stream(), max_files=files, max_fields=1, max_part_size=MAX_BODY
    )
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError, ValueError, UnicodeError) as error:
        message = error.message if isinstance(error, MultiPartException) else ""
        raise HTTPException(400, message or "The form cannot be read.") from error
    found: dict[str, bytes] = {}
    asked = b""
    async with contextlib.AsyncExitStack() as parts:
        parts.push_async_callback(form.close)
        for name, part in form.multi_items():
            if isinstance(part, UploadFile):
                value = await part.read()
            else:
                value = part.encode("utf-8", "surrogatepass")
            if name == field:
                asked = value[: MAX_BODY + 1]
            else:
                found[name] = value
    try:
        return json.decode(asked), found
    except Malformed as error:
        raise HTTPException(400, f"The part {field}: {error.reason}") from error


def _too_large(limit: int) -> HTTPException:
    return HTTPException(413, f"The body is too large: at most {limit // 1024} kB.")
