"""Who a post is for: visibility read from `to` and `cc`, and written to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

PUBLIC = "https://www.w3.org/ns/activitystreams#Public"
PUBLIC_NAMES = frozenset({PUBLIC, "as:Public", "Public"})
"""All spellings of the Public collection. We write the first only: snac drops the others."""


class Visibility(StrEnum):
    """Mastodon's four words."""

    PUBLIC = "public"
    UNLISTED = "unlisted"
    PRIVATE = "private"
    DIRECT = "direct"


def read_visibility(to: Iterable[str], cc: Iterable[str], followers_uri: str | None) -> Visibility:
    """Visibility from addressing alone, as Mastodon 4.6 reads it.

    Public in `to` is public, Public in `cc` is unlisted, the author's followers collection
    anywhere else is private, and the rest is direct.
    """
    to, cc = set(to), set(cc)
    if not PUBLIC_NAMES.isdisjoint(to):
        return Visibility.PUBLIC
    if not PUBLIC_NAMES.isdisjoint(cc):
        return Visibility.UNLISTED
    if followers_uri and followers_uri in to | cc:
        return Visibility.PRIVATE
    return Visibility.DIRECT


def address(
    visibility: Visibility | str, followers_uri: str, mentions: Iterable[str] = ()
) -> tuple[list[str], list[str]]:
    """`(to, cc)` for a post of this visibility; `mentions` are actor ids, kept in order."""
    named = list(dict.fromkeys(mentions))
    match Visibility(visibility):
        case Visibility.PUBLIC:
            return [PUBLIC], [followers_uri, *named]
        case Visibility.UNLISTED:
            return [followers_uri], [PUBLIC, *named]
        case Visibility.PRIVATE:
            return [followers_uri], named
        case Visibility.DIRECT:
            return named, []


def without_blind(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document without `bto` and `bcc`, its embedded object likewise (ActivityPub 6)."""
    stripped = {k: v for k, v in document.items() if k not in ("bto", "bcc")}
    if isinstance(stripped.get("object"), Mapping):
        stripped["object"] = without_blind(stripped["object"])
    return stripped
