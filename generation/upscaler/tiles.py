"""A large picture is enlarged piece by piece, so that memory does not grow with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

from PIL import Image
from torch import Tensor
from torch.nn.functional import pad

from generation.upscaler.pixels import from_tensor, to_tensor

Grow = Callable[[Tensor], Tensor]
Listen = Callable[[float], None]
"""Is told how much of the work is done, 0 to 1; what it raises stops it."""


def enlarge(
    picture: Image.Image, times: int, grow: Grow, *, side: int, overlap: int, listen: Listen
) -> Image.Image:
    """The picture `times` as large, RGB.

    grow: makes a piece so much larger, 1 × 3 × height × width, 0 to 1; it is given `overlap` pixels
    more on each side, to look at, and gives back the piece without them. Beyond the picture's
    border they are its mirror image. side: of a piece, in pixels of the small picture.
    Raises ValueError where it makes no number of a pixel.
    """
    around = _framed(to_tensor(picture), overlap)
    enlarged = Image.new("RGB", (picture.width * times, picture.height * times))
    boxes = list(_pieces(picture.width, picture.height, side))
    for number, (left, top, wide, high) in enumerate(boxes):
        listen(number / len(boxes))
        frame = 2 * overlap
        piece = grow(around[..., top : top + high + frame, left : left + wide + frame])
        if not piece.isfinite().all():  # it would be black
            raise ValueError("the numbers overflowed")
        enlarged.paste(from_tensor(piece), (left * times, top * times))
    listen(1.0)
    return enlarged


def _framed(picture: Tensor, width: int) -> Tensor:
    """Mirrored beyond its border; where it is smaller than its frame, drawn out."""
    mode = "reflect" if min(picture.shape[-2:]) > width else "replicate"
    return pad(picture, (width,) * 4, mode=mode)


def _pieces(width: int, height: int, side: int) -> Iterator[tuple[int, int, int, int]]:
    """Left, top, width and height of pieces that cover the picture, none much smaller than
    another."""
    for top, high in _shared(height, side):
        for left, wide in _shared(width, side):
            yield left, top, wide, high


def _shared(length: int, most: int) -> Iterator[tuple[int, int]]:
    count = -(-length // most)
    ends = [length * number // count for number in range(count + 1)]
    for begin, end in pairwise(ends):
        yield begin, end - begin
