"""The size of a picture of a given shape: as many pixels as its model was trained for, on sides
that the model takes."""

from __future__ import annotations

import math

from generation.recipe import MAX_SIDE, MIN_SIDE, RecipeError

LONGEST_SHAPE = 4.0  # times as long as wide; beyond it models paint the same thing twice
LEAST_SHARE, MOST_SHARE = 0.6, 1.1  # of the model's pixels, within which a size is looked for
AREA_COUNTS = 0.5  # how much an error in the number of pixels counts against one in the shape


def sides(shape: float, pixels: float, multiple: int) -> tuple[int, int]:
    """Width and height for a shape.

    Args:
        shape: width over height.
        pixels: how many there should be about.
        multiple: both sides are multiples of so many pixels.

    Raises:
        RecipeError: nothing that long is painted, or there is no such size.
    """
    if not 1 / LONGEST_SHAPE <= shape <= LONGEST_SHAPE:
        raise RecipeError(f"A picture is at most {LONGEST_SHAPE:g} times as long as it is wide.")
    least = multiple * math.ceil(MIN_SIDE / multiple)
    best, least_error = None, math.inf
    for width in range(least, MAX_SIDE + 1, multiple):
        below = max(least, int(width / shape) // multiple * multiple)
        for height in (below, below + multiple):
            share = width * height / pixels
            if height > MAX_SIDE or not LEAST_SHARE <= share <= MOST_SHARE:
                continue
            error = abs(math.log(width / height / shape)) + AREA_COUNTS * abs(math.log(share))
            if error < least_error:
                best, least_error = (width, height), error
    if best is None:
        raise RecipeError("There is no size of that shape here.")
    return best
