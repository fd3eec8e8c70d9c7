"""Structured fields of HTTP (RFC 8941), bounded before they are read."""

from __future__ import annotations

from typing import Any

import http_sf

from activitypub.errors import Malformed


def dictionary(header: str, limit: int, name: str) -> dict[str, Any]:
    """A dictionary (RFC 8941, 3.2): the member and its parameters, by key.

    `limit` is in characters. Raises `Malformed`: too long, not ASCII, no dictionary, or a key
    twice at its top.
    """
    if len(header) > limit or not header.isascii():
        raise Malformed(f"The {name} header is too long or not ASCII.")

    def refuse(key: str, context: str) -> None:
        if context == "dictionary":
            raise Malformed(f"The {name} header names {key[:40]} twice.")

    try:
        found = http_sf.parse(header.encode(), tltype="dictionary", on_duplicate_key=refuse)
    except Malformed:
        raise
    except (ValueError, TypeError, RecursionError) as error:
        raise Malformed(f"The {name} header is malformed.") from error
    if not isinstance(found, dict):
        raise Malformed(f"The {name} header is malformed.")
    return found
