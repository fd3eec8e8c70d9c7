"""`/media/KEY`: the files of the storage, safe to look at and to keep for ever.

Whoever knows a key may read the file (keys cannot be guessed), unless its owner is suspended. What
is sent is never a page and never an activity, whatever its bytes look like: the media type comes
from the key, which was minted here; the browser may not guess another; and were it opened as a
page, it stands in a sandbox (attacks 36 and 57; Pleroma and Akkoma served uploads as activities in
2024).
"""

from __future__ import annotations

import re

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from fedi.runtime import Easel, easel_of
from fedi.social import withheld
from fedi.social.training import offers, standing
from fedi.storage import Missing
from fedi.web.assets import FOR_EVER, matches
from fedi.web.render import ROBOTS

MEDIA_TYPES = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "gif": "image/gif",
    "avif": "image/avif",
    "mp4": "video/mp4",
    "webm": "video/webm",
    "ogv": "video/ogg",
    "m4a": "audio/mp4",
    "mp3": "audio/mpeg",
    "ogg": "audio/ogg",
    "flac": "audio/flac",
    "wav": "audio/wav",
}
FOR_A_DAY = "public, max-age=86400"
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


async def serve(request: Request) -> Response:
    """`GET /media/KEY`, whole or one range of it (RFC 9110, 14)."""
    easel = easel_of(request)
    try:
        return await answer(request, easel, request.path_params["key"])
    except Missing:
        raise HTTPException(404, "There is no such file.") from None


async def answer(request: Request, easel: Easel, key: str) -> Response:
    """The file under a storage key, as `request` wants it.

    Raises:
        Missing: there is none that is shown.
    """
    media_type = MEDIA_TYPES.get(key.rpartition(".")[2])
    if media_type is None or await withheld.is_withheld(easel, key):
        raise Missing(key)
    size = await easel.storage.size(key)
    robots, kept = await _said(easel, key)
    etag = f'"{key}"'  # a key is minted once, for one content
    headers = {
        "Cache-Control": kept,
        "ETag": etag,
        "Accept-Ranges": "bytes",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Access-Control-Allow-Origin": "*",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    if robots:
        headers["X-Robots-Tag"] = robots
    if matches(request, etag):
        return Response(status_code=304, headers=headers)
    headers["Content-Type"] = media_type
    start, end, status = 0, size, 200
    asked = _RANGE.fullmatch(request.headers.get("range", ""))
    if asked and request.headers.get("if-range", etag) == etag:
        span = _span(asked[1], asked[2], size)
        if span is None:
            return Response(status_code=416, headers=headers | {"Content-Range": f"bytes */{size}"})
        start, end = span
        status = 206
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    headers["Content-Length"] = str(end - start)
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers)
    return StreamingResponse(easel.storage.stream(key, start, end), status, headers)


async def _said(easel: Easel, key: str) -> tuple[str, str]:
    """What is said to crawlers of a file, and how long an answer may be kept. Its author may take
    back that it may be trained on: then nobody should say so for ever."""
    if await standing.somebody_consents(easel):
        async with easel.database.read() as session:
            if await offers.is_file_offered(session, key):
                return "", FOR_A_DAY
    return ROBOTS, FOR_EVER


def _span(first: str, last: str, size: int) -> tuple[int, int] | None:
    """The bytes that a range asks for, as start and end; None where there are none."""
    if not first:
        if not last or int(last) == 0 or size == 0:
            return None
        return max(0, size - int(last)), size
    start = int(first)
    end = min(int(last) + 1, size) if last else size
    return (start, end) if start < end else None
