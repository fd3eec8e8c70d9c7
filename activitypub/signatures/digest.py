"""The `Digest` header (RFC 3230) over the raw bytes of a body."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode


def digest(body: bytes) -> str:
    """The header's value: `SHA-256=` and base64."""
    return f"SHA-256={_sha256(body)}"


def matches(header: str, body: bytes) -> bool:
    """Whether the header names a SHA-256 of these bytes.

    The algorithm's case does not matter and it may be one of a comma list (Mastodon 4.6,
    Fedify); other algorithms alone do not count, and two SHA-256 must both be right.
    """
    found = False
    for entry in header.split(","):
        name, _, value = entry.strip().partition("=")
        if name.lower() == "sha-256":
            if not hmac.compare_digest(value.encode("utf-8", "replace"), _sha256(body).encode()):
                return False
            found = True
    return found


def _sha256(body: bytes) -> str:
    return b64encode(hashlib.sha256(body).digest()).decode("ascii")
