"""The pictures of people and of words: avatars, headers and emoji, in the sizes they are shown in.

They are decoded within limits and encoded anew as all pictures are, keep their honest label, and
do not move; of an emoji that moves there are two files.
"""

from __future__ import annotations

import asyncio
from typing import Literal

from PIL import Image, ImageOps

from fedi.jobs import Claimed, handles
from fedi.runtime import Easel
from fedi.social import forgetting
from fedi.social.errors import Invalid
from fedi.storage import Storage, new_key
from fedi.studio import gate, pictures
from generation import statements

Kind = Literal["avatar", "header"]

# Pixels, and bytes as they come: Mastodon's.
SIZES: dict[Kind, tuple[int, int]] = {"avatar": (400, 400), "header": (1500, 500)}
MAX_BYTES = 8_000_000
MAX_EMOJI_BYTES = 256 * 1024
MAX_EMOJI_PIXELS = 4_000_000  # all frames together
EMOJI_SIDE = 256  # pixels; they are shown with about 20


async def store(easel: Easel, kind: Kind, content: bytes) -> str:
    """Keep somebody's avatar or header, which they wait for.

    Returns:
        The storage key.

    Raises:
        Invalid: it is no picture that we take; the sentence says why.
        Busy: too many wait already.
    """
    settings = easel.settings.media
    most = min(settings.max_upload_mb * 1_000_000, MAX_BYTES)
    pixels = settings.max_megapixels * 1_000_000
    async with gate.of(easel).request():
        fresh, ending = await asyncio.to_thread(_face, content, most, pixels, SIZES[kind])
    key = new_key(ending)
    await easel.storage.put(key, fresh)
    return key


def _face(content: bytes, most: int, pixels: int, size: tuple[int, int]) -> tuple[bytes, str]:
    image = pictures.decoded(content, most, pixels)
    label = statements.label_of(image, content).packet()
    format = "JPEG" if image.format == "JPEG" else "PNG"
    upright = ImageOps.exif_transpose(image)
    # No larger than it is: only its shape is made to fit.
    factor = min(1.0, upright.width / size[0], upright.height / size[1])
    wanted = max(1, round(size[0] * factor)), max(1, round(size[1] * factor))
    if upright.mode not in {"RGB", "RGBA", "L"}:
        upright = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
    fitted = ImageOps.fit(upright, wanted, Image.Resampling.LANCZOS)
    fitted.format = format
    fresh = pictures.still(fitted, label)
    made = pictures.decoded(fresh, pictures.MAX_BYTES, pixels)
    assert made.format is not None
    return fresh, pictures.FORMATS[made.format][1]


async def store_emoji(storage: Storage, content: bytes) -> tuple[str, str, str]:
    """Keep the picture of an emoji.

    Returns:
        The storage keys of it and of one that does not move, and its media type.

    Raises:
        Invalid: it is no picture, or too large.
    """
    moving, still, format = await asyncio.to_thread(_emoji, content)
    media_type, ending = pictures.FORMATS[format]
    key = new_key(ending)
    await storage.put(key, moving)
    if still is None:
        return key, key, media_type
    still_key = new_key("png")
    await storage.put(still_key, still)
    return key, still_key, media_type


def _emoji(content: bytes) -> tuple[bytes, bytes | None, str]:
    image = pictures.decoded(content, MAX_EMOJI_BYTES, MAX_EMOJI_PIXELS)
    if max(image.size) > EMOJI_SIDE:
        raise Invalid(f"An emoji has at most {EMOJI_SIDE} x {EMOJI_SIDE} pixels.")
    moving = None
    if pictures.moves(image):
        moving = pictures.animation(image, MAX_EMOJI_PIXELS), str(image.format)
        image.seek(0)
    first = ImageOps.exif_transpose(image).convert("RGBA")
    still = pictures.still(first)  # as a PNG, whatever it was: it may be seen through
    return (moving[0], still, moving[1]) if moving else (still, None, "PNG")


@handles(forgetting.DISCARD)
async def discard(easel: Easel, job: Claimed) -> None:
    """Remove files that nobody shows any more."""
    for key in job.payload["keys"]:
        await easel.storage.delete(key)
