"""JSON from outside, decoded strictly and within bounds; JSON to the outside.

Everything that Python would rather be lenient about is refused here, once, so that no parser
behind it has to think of it: NaN and Infinity, integers beyond 64 bits, duplicate keys, byte
order marks, UTF-16, NUL, lone surrogates, deep nesting and endless arrays.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from activitypub.errors import Malformed

BODY_LIMIT = 1024 * 1024
"""Bytes. Mastodon 4.6 refuses documents above 1 MiB (`MAX_JSON_SIZE`)."""

DEPTH_LIMIT = 32
"""Levels of nesting. Real documents stay below 12."""

VALUES_LIMIT = 50_000
"""Values in one document; a 1 MiB body of small values could hold half a million."""

INTEGER_LIMIT = 2**63
"""Integers must fit a signed 64-bit column."""

GRAPH_KEYWORDS = frozenset({"@graph", "@included", "@reverse"})
"""They let one document say two things to two readers (CVE-2026-42462, GHSA-53m7-2wrh-q839)."""

_STRINGS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"(\s*+:)?', re.DOTALL)


def decode(body: bytes, *, limit: int = BODY_LIMIT) -> dict[str, Any]:
    """Decode one JSON object.

    `limit` is in bytes. Raises `Malformed` for anything but a well-formed JSON object within
    the bounds named in this module.
    """
    if len(body) > limit:
        raise Malformed("The document is too large.")
    value = decode_again(body)
    keys = _measure(value)
    if keys != sum(1 for colon in _STRINGS.findall(body) if colon):
        raise Malformed("The document names a key twice.")
    return value


def decode_again(body: bytes) -> dict[str, Any]:
    """What `decode` took before, such as what was stored: nothing is measured twice.

    Raises `Malformed` if it is no JSON object after all.
    """
    try:
        value = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise Malformed("The body is not well-formed JSON.") from error
    if not isinstance(value, dict):
        raise Malformed("The body is not a JSON object.")
    return value


def encode(document: Mapping[str, Any]) -> bytes:
    """The document as compact UTF-8 JSON; key order is kept."""
    return msgspec.json.encode(document)


def _measure(root: dict[str, Any]) -> int:
    """Check nesting, number of values, integers and text; return the number of keys."""
    keys = values = depth = 0
    level: list[Any] = [root]
    while level:
        depth += 1
        if depth > DEPTH_LIMIT:
            raise Malformed("The document is nested too deeply.")
        below: list[Any] = []
        for container in level:
            values += len(container)
            if values > VALUES_LIMIT:
                raise Malformed("The document has too many values.")
            if type(container) is dict:
                keys += len(container)
                if not GRAPH_KEYWORDS.isdisjoint(container):
                    raise Malformed("Graph keywords of JSON-LD are not supported.")
                for key in container:
                    if "\0" in key:
                        raise Malformed("The document contains NUL.")
                members: Any = container.values()
            else:
                members = container
            for member in members:
                kind = type(member)
                if kind is str:
                    if "\0" in member:
                        raise Malformed("The document contains NUL.")
                elif kind is dict or kind is list:
                    below.append(member)
                elif kind is int and not -INTEGER_LIMIT <= member < INTEGER_LIMIT:
                    raise Malformed("The document contains an integer out of range.")
        level = below
    return keys
