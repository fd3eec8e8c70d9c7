"""What an app sends, read in one way: query, form, multipart and JSON, under the same names.

    id[]=1&id[]=2                  {"id": ["1", "2"]}
    poll[options][]=yes            {"poll": {"options": ["yes"]}}
    media_attributes[][id]=1       {"media_attributes": [{"id": "1"}]}
    fields_attributes[0][name]=x   {"fields_attributes": {"0": {"name": "x"}}}

What is sent twice counts the last time, and the body before the query, as in Rails. It is read into
a struct: text becomes the number or the flag that the struct has there, one value a list of one,
numbered parts a list. What is null or empty, where there is no such value, counts as not sent, and
what the struct does not name is passed over. All else is refused in one sentence.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from functools import cache
from typing import Any, TypeVar, cast
from urllib.parse import parse_qsl

import msgspec
from msgspec import inspect as types
from starlette.exceptions import HTTPException
from starlette.requests import Request

from activitypub import json
from activitypub.errors import Malformed
from fedi import ids
from fedi.api import body
from fedi.social.errors import Invalid
from fedi.uploads import forms
from fedi.uploads.multipart import Limits

MAX_PARAMETERS = 1000  # of one request; Rack takes 4,096
MAX_DEPTH = 6  # brackets of one name; apps have up to 3
MAX_NAME = 200  # characters of a name
MAX_FILES = 4  # of one request; apps send an avatar and a header, or a file and a thumbnail
MAX_NUMBER = ids.MAX

_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_NUMBER = re.compile(r"-?[0-9]{1,19}")
_TRUE = frozenset({"1", "t", "true", "on", "yes"})
_FALSE = frozenset({"0", "f", "false", "off", "no"})
_UNFIT = re.compile("[\0\ud800-\udfff]")  # PostgreSQL takes no NUL, and UTF-8 no lone surrogate

T = TypeVar("T", bound=msgspec.Struct)


class Upload:
    """A file that was sent, with its name and media type as the app claims them."""

    def __init__(self, content: bytes, name: str, media_type: str) -> None:
        self.content, self.name, self.media_type = content, name, media_type


class _Nothing:
    """What counts as not sent."""


_NOTHING = _Nothing()


async def read(request: Request, kind: type[T], *, limit: int = body.MAX_BODY) -> T:
    """What a request asks for.

    Args:
        request: its body is not read yet.
        kind: a struct of str, int, float, bool, Literal, `Upload`, lists and structs of them.
        limit: the largest body, in bytes.

    Raises:
        HTTPException: 400, 413 or 415 for what cannot be read.
        Invalid: with what is wrong.
    """
    return decode(await gather(request, limit), kind)


async def gather(request: Request, limit: int = body.MAX_BODY) -> dict[str, Any]:
    """All parameters of a request, as they were sent.

    Raises:
        HTTPException: 400, 413 or 415 for what cannot be read.
    """
    found = _tree(_pairs(request.scope["query_string"]))
    if request.method in {"GET", "HEAD"}:
        return found
    if forms.is_form(request):
        return found | _tree(await _multipart(request, limit))
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    content = await body.read(request, limit)
    if not content:
        return found
    if media_type == "application/x-www-form-urlencoded":
        return found | _tree(_pairs(content))
    if media_type == "application/json":
        try:
            return found | json.decode(content, limit=limit)
        except Malformed as error:
            raise HTTPException(400, error.reason) from error
    raise HTTPException(415, "Send a form, or JSON.")


def decode(tree: dict[str, Any], kind: type[T]) -> T:
    """Parameters as a struct.

    Raises:
        Invalid: with what is wrong.
    """
    fitted = _fit(tree, _form(kind), "The request")
    try:
        return msgspec.convert(fitted, kind, dec_hook=_as_it_is)
    except msgspec.ValidationError as error:
        raise Invalid(_sentence(str(error))) from error


# ---- reading ------------------------------------------------------------------------------------


def _pairs(encoded: bytes) -> list[tuple[str, Any]]:
    try:
        return cast(
            list[tuple[str, Any]],
            parse_qsl(
                encoded.decode("utf-8", "replace"),
                keep_blank_values=True,
                max_num_fields=MAX_PARAMETERS,
            ),
        )
    except ValueError as error:
        raise _too_many() from error


async def _multipart(request: Request, limit: int) -> list[tuple[str, Any]]:
    """The parts of a `multipart/form-data` body."""
    limits = Limits(limit, MAX_FILES, MAX_PARAMETERS + MAX_FILES, body.MAX_BODY)
    found: list[tuple[str, Any]] = []
    async with forms.read_multipart(request, limits) as parts:
        for name, part in parts:
            if isinstance(part, str):
                found.append((name, part))
            # A file that was not chosen is sent as a part without a name and without content.
            elif part.filename or part.size:
                upload = Upload(await part.read(), part.filename, part.media_type)
                found.append((name, upload))
    return found


def _tree(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for count, (name, value) in enumerate(pairs, 1):
        if count > MAX_PARAMETERS:
            raise _too_many()
        split = _NAME.fullmatch(name[: MAX_NAME + 1])
        if split is None:
            continue  # nobody means that
        rest = split[2][1:-1].split("][") if split[2] else []
        if len(name) > MAX_NAME or len(rest) > MAX_DEPTH:
            raise HTTPException(400, "The name of a parameter is too long, or too deep.")
        _put(tree, split[1], rest, value)
    return tree


def _put(tree: dict[str, Any], key: str, rest: list[str], value: Any) -> None:
    if not rest:
        tree[key] = value
    elif rest[0]:
        _put(_inside(tree, key, dict), rest[0], rest[1:], value)
    elif len(rest) == 1:
        _inside(tree, key, list).append(value)
    else:
        # A part that comes again begins the next one.
        parts = _inside(tree, key, list)
        if not parts or not isinstance(parts[-1], dict) or _has(parts[-1], rest[1:]):
            parts.append({})
        _put(parts[-1], rest[1] or "", rest[2:], value)


def _inside(tree: dict[str, Any], key: str, kind: type[Any]) -> Any:
    found = tree.setdefault(key, kind())
    if not isinstance(found, kind):
        raise HTTPException(400, "A parameter is one thing here and another there.")
    return found


def _has(tree: Any, keys: list[str]) -> bool:
    for key in keys:
        if not key:
            return False
        if not isinstance(tree, dict) or key not in tree:
            return False
        tree = tree[key]
    return True


def _too_many() -> HTTPException:
    return HTTPException(400, f"There are too many parameters: at most {MAX_PARAMETERS}.")


@cache
def _form(kind: type[msgspec.Struct]) -> types.Type:
    """What a struct holds: to find out takes as long as to read a request."""
    return types.type_info(kind)


# ---- fitting ------------------------------------------------------------------------------------


def _fit(value: Any, kind: types.Type, name: str) -> Any:
    """A value as its type has it; `_NOTHING` for what counts as not sent.

    Raises:
        Invalid: it cannot be one.
    """
    if isinstance(kind, types.Metadata):
        return _fit(value, kind.type, name)
    if isinstance(kind, types.UnionType):
        return _fit_any(value, kind, name)
    if value is None:
        return _NOTHING
    if isinstance(kind, types.StrType | types.LiteralType):
        return _text(value, name, literal=isinstance(kind, types.LiteralType))
    if isinstance(kind, types.BoolType):
        return _flag(value, name)
    if isinstance(kind, types.IntType):
        return _whole(value, name)
    if isinstance(kind, types.FloatType):
        return _real(value, name)
    if isinstance(kind, types.ListType):
        found = [_fit(each, kind.item_type, name) for each in _items(value)]
        return [each for each in found if each is not _NOTHING]
    if isinstance(kind, types.StructType):
        if value == "":
            return _NOTHING
        if not isinstance(value, dict):
            raise Invalid(f"{name} must have parts.")
        parts = {
            field.encode_name: _fit(value[field.encode_name], field.type, field.encode_name)
            for field in kind.fields
            if field.encode_name in value
        }
        return {key: part for key, part in parts.items() if part is not _NOTHING}
    if isinstance(value, Upload):
        return value
    if value == "":
        return _NOTHING
    raise Invalid(f"{name} must be a file.")


def _fit_any(value: Any, kind: types.UnionType, name: str) -> Any:
    if value is None and any(isinstance(one, types.NoneType) for one in kind.types):
        return None
    file = isinstance(value, Upload)
    wanted = [one for one in kind.types if not isinstance(one, types.NoneType)]
    fitting = [one for one in wanted if isinstance(one, types.CustomType) == file]
    return _fit(value, (fitting or wanted)[0], name)


def _text(value: Any, name: str, *, literal: bool) -> Any:
    if literal and value == "":
        return _NOTHING
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if not isinstance(value, str):
        raise Invalid(f"{name} must be text.")
    if _UNFIT.search(value):
        raise HTTPException(400, f"{name} holds what is no text.")
    return value


def _flag(value: Any, name: str) -> Any:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower() if isinstance(value, str | int) else "?"
    if word == "":
        return _NOTHING
    if word not in _TRUE | _FALSE:
        raise Invalid(f"{name} must be true or false.")
    return word in _TRUE


def _whole(value: Any, name: str) -> Any:
    if isinstance(value, str):
        value = value.strip()
        if not value:
            return _NOTHING
        if _NUMBER.fullmatch(value):
            value = int(value)
    elif isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > MAX_NUMBER:
        raise Invalid(f"{name} must be a whole number.")
    return value


def _real(value: Any, name: str) -> Any:
    if value == "":
        return _NOTHING
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise Invalid(f"{name} must be a number.")
    return number


def _items(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    if isinstance(value, dict):  # fields_attributes[0][name], as Mastodon's own pages send it
        return [value[key] for key in sorted(value, key=_position)]
    return [] if value == "" else [value]


def _position(key: str) -> tuple[int, str]:
    return (int(key) if _NUMBER.fullmatch(key) else MAX_NUMBER, key)


def _as_it_is(kind: type[Any], value: Any) -> Any:
    if not isinstance(value, kind):
        raise ValueError("must be a file")
    return value


def _sentence(told: str) -> str:
    """What msgspec says, for people."""
    if missing := re.search(r"missing required field `([^`]+)`", told):
        return f"{missing[1]} can't be blank."
    what, _, where = told.partition(" - at `$")
    name = where.strip("`").lstrip(".") or "The request"
    return f"{name}: {what[:1].lower()}{what[1:]}."
