"""What stands in a picture's place until it is there: its shape, and a haze of its colours.

A page may hold no inline style (its content security policy), so a shape is the name of a class
in `static/css/pictures.css`, and a haze is a tiny bitmap made from the blurhash.
"""

from __future__ import annotations

import base64
import struct
from functools import lru_cache

import blurhash

# Width over height in percent, 5 % apart: at most 2.5 % of a picture is cut off in the wall.
RATIOS = tuple(round(100 * round(1.05**step, 2)) for step in range(-18, 23))
SQUARE = 100

HAZE_SIDE = 6  # pixels; browsers smooth it when they stretch it, which is all that a blurhash is
MAX_BLURHASH = 4 + 2 * 9 * 9  # characters of the longest, 9 × 9 components
KEPT_HAZES = 4096


def ratio(width: int | None, height: int | None) -> int:
    """The name (percent) of the shape that is nearest to a picture of this size in pixels."""
    if not width or not height or width < 0 or height < 0:
        return SQUARE
    exact = 100 * width / height
    return min(RATIOS, key=lambda known: abs(known - exact) / min(known, exact))


@lru_cache(KEPT_HAZES)
def haze(code: str | None) -> str | None:
    """A `data:` address of a bitmap of 6 × 6 pixels with the colours of a blurhash.

    None for what is no blurhash: it may come from anywhere.
    """
    if not code or len(code) > MAX_BLURHASH:
        return None
    try:
        rows = blurhash.decode(code, HAZE_SIDE, HAZE_SIDE)
    except (ValueError, LookupError):
        return None
    # BMP with a BITMAPCOREHEADER: 26 bytes before the pixels, a quarter of a PNG's. Rows go from
    # the bottom up, and each ends on a multiple of four bytes.
    gap = bytes(-3 * HAZE_SIDE % 4)
    pixels = b"".join(
        bytes(channel for pixel in row for channel in reversed(pixel)) + gap
        for row in reversed(rows)
    )
    header = struct.pack("<IHHHH", 12, HAZE_SIDE, HAZE_SIDE, 1, 24)
    start = 14 + len(header)
    file = struct.pack("<2sIHHI", b"BM", start + len(pixels), 0, 0, start) + header + pixels
    return "data:image/bmp;base64," + base64.b64encode(file).decode("ascii")
