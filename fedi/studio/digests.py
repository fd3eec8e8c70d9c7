"""FEP-1311's `digestMultibase` of others, held against what came."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable
from typing import BinaryIO

from activitypub import multibase

CHUNK_BYTES = 256 * 1024

# Multihash codes (multiformats/multicodec) and the lengths of their digests in bytes.
_HASHES = {0x12: ("sha256", 32), 0x13: ("sha512", 64), 0x20: ("sha384", 48)}


def matches(stated: str, content: BinaryIO) -> bool | None:
    """Whether `content` has the digest that is stated, as a multibase multihash.

    Returns:
        None if that cannot be told: it is no multihash, or one of a function we do not have.
    """
    raw = _decoded(stated)
    if raw is None or len(raw) < 2 or raw[0] not in _HASHES:
        return None
    name, length = _HASHES[raw[0]]
    if raw[1] != length or len(raw) != 2 + length:
        return None
    hashed = hashlib.new(name)
    content.seek(0)
    while piece := content.read(CHUNK_BYTES):
        hashed.update(piece)
    return hashed.digest() == raw[2:]


def _decoded(text: str) -> bytes | None:
    decode = _BASES.get(text[:1])
    try:
        return decode(text[1:]) if decode else None
    except (ValueError, binascii.Error):
        return None


def _base58(text: str) -> bytes:
    return multibase.decode(multibase.PREFIX + text)


def _base64(text: str) -> bytes:
    plain = text.rstrip("=").replace("-", "+").replace("_", "/")
    return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)


def _base32(text: str) -> bytes:
    plain = text.rstrip("=").upper()
    return base64.b32decode(plain + "=" * (-len(plain) % 8))


# Multibase prefixes (multiformats/multibase). A multihash never begins with a zero byte.
_BASES: dict[str, Callable[[str], bytes]] = {
    "z": _base58,
    "u": _base64,
    "U": _base64,
    "m": _base64,
    "M": _base64,
    "f": bytes.fromhex,
    "F": bytes.fromhex,
    "b": _base32,
    "B": _base32,
}
