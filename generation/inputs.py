"""The pictures that a recipe begins with: read, held against it, brought to the size of the canvas.

They come with the recipe, by name; nothing here fetches any.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass

from PIL import Image

from generation.recipe import Recipe, RecipeError

FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
MAX_PIXELS = 64_000_000  # of one picture; decoded it takes three bytes for each
# Models that edit shrink what they look at to this themselves; what is smaller stays as it is.
REFERENCE_PIXELS = 1024 * 1024
# What FLUX.2's own check of references takes: sides in pixels, and the longer by the shorter.
REFERENCE_SIDE = 64
REFERENCE_RATIO = 8


@dataclass(frozen=True)
class Inputs:
    """Pictures, ready for a pipeline.

    source: RGB, of the canvas's size. mask: L, of the same size, white where it is painted.
    references: RGB, each of its own size.
    """

    source: Image.Image | None = None
    mask: Image.Image | None = None
    references: tuple[Image.Image, ...] = ()

    def kept(self, painted: Image.Image) -> Image.Image:
        """What was painted, with the source where the mask is black: decoders change what they
        only pass on."""
        if self.source is None or self.mask is None:
            return painted
        if painted.size != self.source.size:  # FLUX.2 klein paints no more than a megapixel
            painted = painted.resize(self.source.size, Image.Resampling.LANCZOS)
        return Image.composite(painted.convert("RGB"), self.source, self.mask)


def read(recipe: Recipe, pictures: Mapping[str, bytes]) -> Inputs:
    """The inputs of a resolved recipe.

    pictures: files by the names that the recipe has for them. Raises RecipeError for one that is
    missing, no picture, too large, or a mask that is not of its source's size.
    """
    if not recipe.pictures:
        return Inputs()
    assert recipe.width and recipe.height
    canvas = (recipe.width, recipe.height)
    source = _opened(pictures, recipe.source, "picture to start from")
    mask = _opened(pictures, recipe.mask, "mask")
    if source is not None and mask is not None:
        check_mask(source.size, mask.size)
    references = (_opened(pictures, name, "reference") for name in recipe.references)
    return Inputs(
        source=None if source is None else cover(_flat(source), canvas),
        mask=None if mask is None else cover(_flat(mask).convert("L"), canvas),
        references=tuple(_looked_at(_flat(each)) for each in references if each is not None),
    )


def to_enlarge(recipe: Recipe, pictures: Mapping[str, bytes]) -> Image.Image:
    """The picture that is only made larger, RGB. Raises RecipeError as `read`."""
    picture = _opened(pictures, recipe.enlarge, "picture to enlarge")
    if picture is None:
        raise RecipeError("There is no picture to enlarge.")
    return _flat(picture)


def check_mask(source: tuple[int, int], mask: tuple[int, int]) -> None:
    """Raises RecipeError for a mask of another size than the picture that it lies on."""
    if source != mask:
        raise RecipeError(
            f"The mask is {mask[0]} × {mask[1]} pixels and its picture {source[0]} × {source[1]}: "
            "both must be of one size."
        )


def cover(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The middle of a picture, as large as fills `size` (width and height) without a gap."""
    if image.size == size:
        return image
    factor = max(size[0] / image.width, size[1] / image.height)
    wide, high = size[0] / factor, size[1] / factor
    left, top = (image.width - wide) / 2, (image.height - high) / 2
    box = (left, top, left + wide, top + high)
    return image.resize(size, Image.Resampling.LANCZOS, box=box)


def canvas(picture: tuple[int, int], usual: tuple[int, int], multiple: int) -> tuple[int, int]:
    """The size in which to paint over a picture: its shape, no more pixels than usual.

    picture, usual: width and height. multiple: both sides of the canvas are multiples of it.
    """
    factor = min(1.0, ((usual[0] * usual[1]) / (picture[0] * picture[1])) ** 0.5)
    wide, high = (max(multiple, round(side * factor / multiple) * multiple) for side in picture)
    return wide, high


def _opened(pictures: Mapping[str, bytes], name: str, what: str) -> Image.Image | None:
    if not name:
        return None
    if name not in pictures:
        raise RecipeError(f"The {what} did not come with its recipe.")
    try:
        image = Image.open(io.BytesIO(pictures[name]), formats=FORMATS)
        if image.width * image.height > MAX_PIXELS:
            raise RecipeError(f"The {what} has more than {MAX_PIXELS / 1e6:g} megapixels.")
        image.load()
    except RecipeError:
        raise
    except Exception as error:  # Pillow's readers raise whatever their formats make them
        raise RecipeError(f"The {what} is no picture that can be read.") from error
    return image


def _flat(image: Image.Image) -> Image.Image:
    """In RGB; what shines through is white, which in a mask is where to paint."""
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    return image.convert("RGB")


def _looked_at(image: Image.Image) -> Image.Image:
    """A reference in a size and a shape that models look at."""
    short, long = sorted(image.size)
    long = min(long, short * REFERENCE_RATIO)
    factor = min(1.0, (REFERENCE_PIXELS / (short * long)) ** 0.5)
    factor = max(factor, REFERENCE_SIDE / short)
    wide, high = (long, short) if image.width > image.height else (short, long)
    return cover(image, (round(wide * factor), round(high * factor)))
