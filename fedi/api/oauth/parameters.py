"""The parameters of a request to an OAuth endpoint: JSON, a form of either kind, or the query.

Strict where it matters: a parameter that comes twice could be read as one thing by us and as
another by whoever looked at the request before (RFC 6749, 3.1).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import parse_qsl

from authlib.oauth2.rfc6749 import InvalidRequestError
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from activitypub import json
from activitypub.errors import Malformed
from fedi.api import body

MAX_BODY = 64 * 1024  # bytes; twenty redirect URIs of two thousand fit
MAX_FIELDS = 50
MAX_VALUE = 8192  # characters
LISTS = frozenset(
    {"redirect_uris", "grant_types", "response_types"}
)  # what may come more than once

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
# AndStatus sends whatever it sends to an ActivityPub server by the name of ActivityStreams.
JSON = frozenset({"application/json", "application/ld+json", "application/activity+json"})


async def read(request: Request, names: Collection[str]) -> dict[str, list[str]]:
    """Some parameters by their names, without `[]` at the end. Empty ones are as if they had not
    been sent.

    Args:
        names: of which. The rest is left alone, whatever it is: Mastodon.py sends what it knows of
            itself along, some of it as a list.

    Raises:
        OAuth2Error: one comes twice, is no text, or too long.
        HTTPException: 413 or 415 for a body that cannot be read.
    """
    pairs: list[tuple[str, Any]] = []
    pairs += _pairs(request.scope["query_string"].decode("latin-1"))
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in JSON:
        pairs += _json_pairs(await body.read(request, MAX_BODY))
    elif kind == MULTIPART:
        pairs += await _multipart_pairs(request)
    else:
        content = await body.read(request, MAX_BODY)
        if content and kind != FORM:
            raise HTTPException(415, f"Send the body as {FORM} or application/json.")
        pairs += _pairs(content.decode("latin-1"))
    return _gather(pairs, names)


def _gather(pairs: list[tuple[str, Any]], names: Collection[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for sent, value in pairs:
        name = sent.removesuffix("[]")
        if name not in names or value is None or value == "":
            continue
        if not isinstance(value, str):
            raise InvalidRequestError("A parameter is no text.")
        if "\0" in value:
            raise InvalidRequestError("A parameter holds a NUL.")
        if name not in LISTS and len(value) > MAX_VALUE:
            raise InvalidRequestError("A parameter is too long.")
        held = found.setdefault(name, [])
        if held and name not in LISTS:
            raise InvalidRequestError("A parameter comes twice.")
        held.append(value)
    return found


def single(values: Mapping[str, list[str]]) -> dict[str, str]:
    """The parameters of which there is one."""
    return {name: held[0] for name, held in values.items() if len(held) == 1}


def _pairs(text: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            text,
            keep_blank_values=True,
            strict_parsing=bool(text),
            max_num_fields=MAX_FIELDS,
            errors="strict",
        )
    except ValueError as error:  # UnicodeDecodeError is one
        raise InvalidRequestError("The parameters cannot be read.") from error


def _json_pairs(content: bytes) -> list[tuple[str, Any]]:
    if not content.strip():
        return []
    try:
        document = json.decode(content)
    except Malformed as error:
        raise InvalidRequestError("The body is no JSON object.") from error
    pairs: list[tuple[str, Any]] = []
    for name, value in document.items():
        listed = name in LISTS and isinstance(value, list)
        pairs += [(name, entry) for entry in (value if listed else [value])]
    if len(pairs) > MAX_FIELDS:
        raise InvalidRequestError("There are too many parameters.")
    return pairs


async def _multipart_pairs(request: Request) -> list[tuple[str, str]]:
    content = await body.read(request, MAX_BODY)

    async def stream() -> Any:
        yield content

    parser = MultiPartParser(request.headers, stream(), max_files=0, max_fields=MAX_FIELDS)
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError, ValueError) as error:
        raise InvalidRequestError("The form cannot be read.") from error
    return [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
