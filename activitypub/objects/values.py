"""Single values read from untrusted documents.

An optional property of the wrong type is treated as absent, because peers differ: GoToSocial,
Misskey, Pixelfed and Mastodon each write some property as something another never saw.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from activitypub.errors import Malformed

URI_LIMIT = 2048
"""Bytes. Mastodon 4.6 caps usernames and ids at 2048; PostgreSQL indexes nothing above 2704."""

NAME_LIMIT = 2048
"""Characters of names and titles (Mastodon FEDERATION.md: display name 2048)."""

TEXT_LIMIT = 200_000
"""Characters of content; far above any honest post, far below the 1 MiB document."""

RECIPIENTS_LIMIT = 2_000
"""Entries kept of `to`, `cc`, `bto`, `bcc`, `audience` each (mention bombs)."""

AUTHORS_LIMIT = 20
"""Entries of attributedTo; PeerTube names a person and a channel."""

LANGUAGE_LIMIT = 35
"""Characters of a BCP 47 tag."""

INTEGER_LIMIT = 2**63
"""Integers must fit a signed 64-bit column."""

T = TypeVar("T")

_NO_URI = re.compile(r"[\x00-\x20\ud800-\udfff]")
"""What no id has: control characters, blanks, lone surrogates."""


def entries(value: Any, limit: int) -> Iterator[Any]:
    """The value as a list: nothing for null, one for a scalar; at most `limit` entries."""
    if value is None:
        return
    if isinstance(value, list | tuple):
        yield from value[:limit]
    else:
        yield value


def text(value: Any, limit: int = TEXT_LIMIT) -> str | None:
    """A string cut at `limit` characters, without NUL and lone surrogates; else None."""
    if not isinstance(value, str):
        return None
    cut = value[:limit]
    if "\0" in cut:
        cut = cut.replace("\0", "")
    try:
        cut.encode()
    except UnicodeEncodeError:
        cut = cut.encode(errors="ignore").decode()
    return cut


def mapped(
    document: Mapping[str, Any], name: str, limit: int = TEXT_LIMIT
) -> tuple[str | None, str | None]:
    """A text and its language: the plain property, else the first of its language map."""
    plain = text(document.get(name), limit)
    by_language = document.get(f"{name}Map")
    if isinstance(by_language, Mapping):
        for language, content in by_language.items():
            found = text(content, limit)
            if found is not None and isinstance(language, str):
                tag = language if 0 < len(language) <= LANGUAGE_LIMIT else None
                return (found if plain is None else plain), tag
    return plain, None


def uri(value: Any) -> str | None:
    """An id: a string, or the `id`/`href` of an embedded object or Link; the first of many."""
    if isinstance(value, list | tuple):
        for entry in value[:RECIPIENTS_LIMIT]:
            if found := uri(entry) if not isinstance(entry, list | tuple) else None:
                return found
        return None
    if isinstance(value, Mapping):
        value = value.get("id") or value.get("href")
    if not isinstance(value, str) or not value or len(value) > URI_LIMIT:
        return None
    if _NO_URI.search(value):
        return None
    return value if value.isascii() or len(value.encode()) <= URI_LIMIT else None


def uris(value: Any, limit: int = RECIPIENTS_LIMIT) -> tuple[str, ...]:
    """All ids of a string, an object or an array of both, without repeats, in order."""
    return tuple(
        dict.fromkeys(
            found
            for entry in entries(value, limit)
            if not isinstance(entry, list | tuple) and (found := uri(entry))
        )
    )


def required_uri(document: Mapping[str, Any], name: str) -> str:
    """The id under `name`; raises `Malformed` if there is none."""
    found = uri(document.get(name))
    if found is None:
        raise Malformed(f"The property {name} is missing or is no id.")
    return found


def web_uri(value: Any) -> str | None:
    """Like `uri`, but http and https only: what may be shown as a link or fetched."""
    found = uri(value)
    return found if found and found[:8].lower().startswith(("http://", "https://")) else None


def author(value: Any) -> str | None:
    """The id that `attributedTo` names: the first, or the Person among several."""
    found = None
    for entry in entries(value, AUTHORS_LIMIT):
        named = web_uri(entry) if not isinstance(entry, list | tuple) else None
        if named is None:
            continue
        if isinstance(entry, Mapping) and entry.get("type") == "Person":
            return named
        found = found or named
    return found


def page_url(value: Any) -> str | None:
    """The address for people: a string, or the text/html Link among several, else the first."""
    first = None
    for entry in entries(value, 20):
        found = web_uri(entry)
        if found is None:
            continue
        if not isinstance(entry, Mapping) or entry.get("mediaType") == "text/html":
            return found
        first = first or found
    return first


def boolean(value: Any) -> bool | None:
    """True or False, also as the strings some clients send; else None."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    return None


def integer(value: Any, *, minimum: int = 0, maximum: int = INTEGER_LIMIT - 1) -> int | None:
    """A whole number within bounds (a float without fraction counts); else None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, float) and not (math.isfinite(value) and value.is_integer()):
        return None
    value = int(value)
    return value if minimum <= value <= maximum else None


def number(value: Any) -> float | None:
    """A finite number; else None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        value = float(value)
    except OverflowError:
        return None
    return value if math.isfinite(value) else None


def moment(value: Any) -> datetime | None:
    """An xsd:dateTime as an aware UTC datetime; without offset it is read as UTC; else None."""
    if not isinstance(value, str) or len(value) > 64:
        return None
    try:
        parsed = datetime.fromisoformat(value)
        if parsed.tzinfo is None:
            parsed = parsed.replace(tzinfo=UTC)
        return parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def kind(document: Mapping[str, Any]) -> str:
    """The `type`; the first string of an array. Raises `Malformed` if there is none."""
    for entry in entries(document.get("type"), 10):
        if isinstance(entry, str) and 0 < len(entry) <= 256:
            return entry
    raise Malformed("The property type is missing.")


def records(value: Any, limit: int, parse: Callable[[Any], T | None]) -> tuple[T, ...]:
    """Every entry that `parse` makes a record of; entries it calls `Malformed` are skipped."""
    found = []
    for entry in entries(value, limit):
        try:
            record = parse(entry)
        except Malformed:
            continue
        if record is not None:
            found.append(record)
    return tuple(found)


def stamp(value: datetime | None) -> str | None:
    """A datetime as the xsd:dateTime every peer reads: UTC, `Z`, milliseconds."""
    if value is None:
        return None
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def compact(document: dict[str, Any]) -> dict[str, Any]:
    """The document without the properties that are None."""
    return {name: value for name, value in document.items() if value is not None}
