"""The `Digest` header (RFC 3230) over the raw bytes of a body."""

from __future__ import annotations


def digest(body: bytes) -> str:
    """The header's value: `SHA-256=` and base64."""
    raise NotImplementedError


def matches(header: str, body: bytes) -> bool:
    """Whether the header names a SHA-256 of these bytes.

    The algorithm's case does not matter and it may be one of a comma list (Mastodon 4.6,
    Fedify); other algorithms alone do not count.
    """
    raise NotImplementedError
