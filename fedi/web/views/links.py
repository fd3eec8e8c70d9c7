"""Addresses and words as they may stand on a page."""

from __future__ import annotations

from urllib.parse import quote, urlsplit


def media_path(key: str) -> str:
    return f"/media/{quote(key)}"


def safe_link(address: str) -> str:
    """An address that may stand in a link: http or https with a host, else nowhere."""
    try:
        parts = urlsplit(address)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        return "#"
    return address if usable else "#"


def excerpt(text: str, length: int, *, keep_lines: bool = False) -> str:
    """At most `length` characters, cut between words where that is possible."""
    text = text.strip() if keep_lines else " ".join(text.split())
    if len(text) <= length:
        return text
    cut = text[: length - 1]
    at = cut.rfind(" ")
    return (cut[:at] if at > length // 2 else cut).rstrip(" ,.;:") + "…"
