"""What people send from our pages: read within limits, and only if our page sent it."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import secrets
from collections.abc import AsyncIterator, Collection
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from fedi.social.errors import Later, SocialError
from fedi.uploads import forms as uploads
from fedi.uploads.forms import UploadedFile
from fedi.uploads.multipart import Limits
from fedi.web import cookies

MAX_BODY = 64 * 1024  # bytes
MAX_FIELDS = 50
KEY = "form_key"  # the hidden field
FORM = "application/x-www-form-urlencoded"


def key(request: Request) -> str:
    """What proves that a form is from our page: derived from a cookie that no other site can read
    or send along (see `cookies`)."""
    secret = cookies.session(request) or cookies.visit(request)
    if not secret:
        secret = request.scope.setdefault("easel.visit", secrets.token_urlsafe(32))
    return _derived(secret)


def remember(request: Request, response: Response) -> Response:
    """Let a browser keep what the key of its form was derived from."""
    fresh = request.scope.get("easel.visit")
    if fresh is not None:
        cookies.set_visit(request, response, fresh)
    return response


def patient(response: Response, error: SocialError | None) -> Response:
    """Say when to come again, to who came too often."""
    if isinstance(error, Later):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


async def read(request: Request) -> dict[str, str]:
    """The fields of a form.

    Raises:
        HTTPException: 403 if it is not from our page, 400, 413 or 415 if it cannot be read.
    """
    fields = await _fields(request)
    _refuse_others(request, fields)
    return fields


@contextlib.asynccontextmanager
async def read_with_files(
    request: Request, max_bytes: int, max_files: int
) -> AsyncIterator[tuple[dict[str, str], dict[str, UploadedFile]]]:
    """A form that may have files; one without is read as by `read`.

    Args:
        max_bytes: of all files together.

    Yields:
        The fields, and the files that were chosen, by their names; they can be read until the block
        ends.

    Raises:
        HTTPException: as `read`.
    """
    if not uploads.is_form(request):
        yield await read(request), {}
        return
    limits = Limits(max_bytes + MAX_BODY, max_files, MAX_FIELDS + max_files, MAX_BODY)
    async with uploads.read_multipart(request, limits) as parts:
        fields: dict[str, str] = {}
        files: dict[str, UploadedFile] = {}
        for name, part in parts:
            if name in fields or name in files:
                raise HTTPException(400, "A parameter comes twice.")
            if isinstance(part, UploadedFile):
                files[name] = part
            else:  # browsers end lines so in every form; the page's own script does not
                fields[name] = part.replace("\r\n", "\n")
        if any("\0" in name or "\0" in value for name, value in fields.items()):
            raise HTTPException(400, "A parameter holds a NUL.")
        _refuse_others(request, fields)
        # What nobody chose comes as a file without a name and without a byte.
        yield fields, {name: file for name, file in files.items() if file.size}


def _refuse_others(request: Request, fields: dict[str, str]) -> None:
    """Take the key out of a form, and refuse it if it is not from our page."""
    given = fields.pop(KEY, "")
    known = [secret for secret in (cookies.session(request), cookies.visit(request)) if secret]
    ours = any(hmac.compare_digest(_derived(one), given) for one in known if given.isascii())
    if not ours or from_elsewhere(request):
        raise HTTPException(403, "This form has run out. Go back, load the page, and try again.")


def from_elsewhere(request: Request) -> bool:
    """Whether a browser says that a page of another site asked for this."""
    return request.headers.get("sec-fetch-site") in {"cross-site", "same-site"}


async def _fields(request: Request) -> dict[str, str]:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise HTTPException(415, "That is no form.")
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_BODY:
            raise HTTPException(413, "That is too much for one form.")
    return parsed(body.decode("latin-1"))


def parsed(text: str, names: Collection[str] | None = None) -> dict[str, str]:
    """The fields of a form or of a query.

    Args:
        names: of which; the rest is left alone, whatever it is. All of them by default.

    Raises:
        HTTPException: 400 if they cannot be read, one comes twice, or holds a NUL.
    """
    try:
        sent = parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict")
    except ValueError as error:
        raise HTTPException(400, "The parameters cannot be read.") from error
    pairs = [pair for pair in sent if names is None or pair[0] in names]
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise HTTPException(400, "A parameter comes twice.")
    if any("\0" in name or "\0" in value for name, value in pairs):
        raise HTTPException(400, "A parameter holds a NUL.")
    return fields


def _derived(secret: str) -> str:
    return hashlib.sha256(b"easel form\0" + secret.encode("utf-8", "replace")).hexdigest()
