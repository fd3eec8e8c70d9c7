"""Where a picture ends in its file: what comes after is no part of it, and is not passed on.

Phones hang films of the seconds around it behind a photo, and attackers hang archives and pages
there (attack 57). Only containers are read here; nothing is decoded.
"""

from __future__ import annotations

import re

_JPEG_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")  # not stuffing, filling or a restart
_JPEG_BARE = frozenset({0x01, *range(0xD0, 0xD9)})  # markers without a length
_JPEG_END = 0xD9


def end(content: bytes, format: str) -> int:
    """How many bytes of a file are the picture; all of them where that cannot be told.

    Args:
        content: a file that was decoded without an error.
        format: as Pillow names it.
    """
    find = {"JPEG": _jpeg, "PNG": _png, "WEBP": _riff, "GIF": _gif}.get(format)
    try:
        found = find(content) if find else None
    except IndexError:
        found = None
    return len(content) if found is None else min(found, len(content))


def _jpeg(content: bytes) -> int | None:
    at = 2
    while found := _JPEG_MARKER.search(content, at):
        marker, at = content[found.end() - 1], found.end()
        if marker == _JPEG_END:
            return at
        if marker not in _JPEG_BARE:
            at += int.from_bytes(content[at : at + 2], "big")
    return None


def _png(content: bytes) -> int | None:
    at = 8
    while at + 12 <= len(content):
        length, kind = int.from_bytes(content[at : at + 4], "big"), content[at + 4 : at + 8]
        at += 12 + length
        if kind == b"IEND":
            return at
    return None


def _riff(content: bytes) -> int | None:
    length = int.from_bytes(content[4:8], "little")
    return 8 + length + length % 2


def _gif(content: bytes) -> int | None:
    at = 13 + _gif_colours(content[10])
    while True:
        match content[at]:
            case 0x3B:
                return at + 1
            case 0x21:
                at = _gif_blocks(content, at + 2)
            case 0x2C:
                at = _gif_blocks(content, at + 11 + _gif_colours(content[at + 9]))
            case _:
                return None


def _gif_colours(flags: int) -> int:
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


def _gif_blocks(content: bytes, at: int) -> int:
    while content[at]:
        at += content[at] + 1
    return at + 1
