"""Digests over the raw bytes of a body: `Digest` (RFC 3230) and `Content-Digest` (RFC 9530)."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode

from activitypub.errors import Malformed

CONTENT_DIGEST_LIMIT = 1024
"""Characters of a Content-Digest header; SHA-256 and SHA-512 together have 160."""


def digest(body: bytes) -> str:
    """The value of `Digest`: `SHA-256=` and base64."""
    return f"SHA-256={_sha256(body)}"


def matches(header: str, body: bytes) -> bool:
    """Whether a `Digest` header names a SHA-256 of these bytes.

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


def content_digest(body: bytes) -> str:
    """The value of `Content-Digest`: `sha-256=:` and base64 and `:`."""
    return f"sha-256=:{_sha256(body)}:"


def content_matches(header: str, body: bytes) -> bool:
    """Whether a `Content-Digest` header names the SHA-256 of these bytes; other algorithms
    beside it do not count. Raises `Malformed` if it is no dictionary of byte sequences."""
    # imported when the first such header is met: most requests have none (20 ms)
    from activitypub.signatures.fields import dictionary

    members = dictionary(header, CONTENT_DIGEST_LIMIT, "Content-Digest")
    for value, _ in members.values():
        if type(value) is not bytes:
            raise Malformed("The Content-Digest header is malformed.")
    found = members.get("sha-256")
    return found is not None and hmac.compare_digest(found[0], hashlib.sha256(body).digest())


def _sha256(body: bytes) -> str:
    return b64encode(hashlib.sha256(body).digest()).decode("ascii")
