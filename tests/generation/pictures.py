"""How alike pictures are."""

from __future__ import annotations

import io

from PIL import Image, ImageChops


def opened(png: bytes) -> Image.Image:
    with Image.open(io.BytesIO(png), formats=["PNG"]) as image:
        image.load()
        return image


def difference_of(one: bytes, other: bytes) -> int:
    """The largest difference of two PNGs, in 1/255."""
    extremes = ImageChops.difference(opened(one), opened(other)).getextrema()
    return max(int(high) for _, high in extremes)  # type: ignore[misc, arg-type]
