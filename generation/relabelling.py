"""A PNG with another label: its pixels as they are, and nothing that was said beside them.

Chunks are copied, not decoded (PNG, third edition, 5.3 and 11.2), so that it costs nothing and the
same file always becomes the same file.
"""

from __future__ import annotations

import struct
import zlib

from generation.provenance import XMP_KEY, ProvenanceError

SIGNATURE = b"\x89PNG\r\n\x1a\n"
# What a reader needs to show it as it was; all others say something.
KEPT = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"sRGB", b"gAMA", b"cHRM"})


def relabel(picture: bytes, packet: bytes) -> bytes:
    """A PNG whose only metadata is this XMP packet.

    Raises:
        ProvenanceError: it is no PNG, or broken.
    """
    if not picture.startswith(SIGNATURE):
        raise ProvenanceError("This is no PNG.")
    pieces, at, last = [SIGNATURE], len(SIGNATURE), b""
    while last != b"IEND":
        header = picture[at : at + 8]
        if len(header) < 8:
            raise ProvenanceError("The PNG ends too early.")
        length, last = struct.unpack(">I4s", header)
        end = at + 12 + length
        if end > len(picture):
            raise ProvenanceError("The PNG ends too early.")
        if last in KEPT:
            pieces.append(picture[at:end])
        if last == b"IHDR":
            # Keyword, not compressed, no language, no translation (11.3.3.4).
            pieces.append(_chunk(b"iTXt", XMP_KEY.encode() + b"\0\0\0\0\0" + packet))
        at = end
    return b"".join(pieces)


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I4s", len(content), kind) + content + struct.pack(">I", checksum)
