"""Bytes as pictures: decoded within limits, brought to a size that every peer takes, hashed.

Everything here is slow and pure: call it in a thread. What comes in is hostile until it has been
decoded, and what was uploaded is stored only as we encode it again, so that nothing that hides in
a file (a place where a photo was taken, a script, a second file) is ever served.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import blurhash
from PIL import Image, ImageCms, ImageOps, ImageSequence, PngImagePlugin

from activitypub import multibase
from fedi.social.errors import Invalid
from generation import protocol, provenance, statements
from generation.statements import UNLABELLED, Label

# The display file: Pixelfed 0.12 drops the whole post for a side over 5,000 px, Mastodon 4.6
# keeps a file byte for byte (with what it says about itself) only up to 3840x2160 pixels, and
# takes none over 16 MB.
MAX_SIDE = 5000
MAX_PIXELS = 8_294_400
MAX_BYTES = 16 * 1000 * 1000

PREVIEW_PIXELS = 230_400  # 640x360, what Mastodon calls `small`
PREVIEW_QUALITY = 80
UPLOAD_QUALITY = 92

MAX_FRAMES = 500  # of an animation; all its frames together obey the pixel limit

BLURHASH_SIDE = 20  # a blurhash keeps at most four waves; more pixels only cost time
BLURHASH_LONG, BLURHASH_SHORT = 4, 3

# Format as Pillow names it: what it is served as, and how its name ends.
FORMATS = {
    "JPEG": ("image/jpeg", "jpg"),
    "PNG": ("image/png", "png"),
    "WEBP": ("image/webp", "webp"),
    "GIF": ("image/gif", "gif"),
}

FORMATS_BY_TYPE = dict(FORMATS.values())  # media type: how a name ends

# Our own limits are lower and are checked before anything is decoded; this one is Pillow's, for
# frames of an animation that grow after the header was read. 200: what settings allow at most.
Image.MAX_IMAGE_PIXELS = 200_000_000


@dataclass(frozen=True, slots=True)
class Prepared:
    """A picture ready to be stored.

    Attributes:
        content: the display file, at most `MAX_SIDE`, `MAX_PIXELS` and `MAX_BYTES`.
        format: Pillow's name of its format, a key of `FORMATS`.
        width, height: pixels.
        preview: a small WebP.
        blurhash: 4x3 components (3x4 for a portrait).
        digest: multibase, base58: SHA-256 multihash of `content` (FEP-1311).
        label: what an upload says of where it comes from; it is kept in both files.
    """

    content: bytes
    format: str
    width: int
    height: int
    preview: bytes
    blurhash: str
    digest: str
    label: Label = UNLABELLED

    @property
    def media_type(self) -> str:
        return FORMATS[self.format][0]

    @property
    def ending(self) -> str:
        return FORMATS[self.format][1]


def prepare_upload(content: bytes, max_bytes: int, max_pixels: int) -> Prepared:
    """Decode what somebody sent and encode it anew, without whatever else was in the file but its
    honest label, if it says that a machine made it.

    Args:
        content: the file as it came.
        max_bytes: the largest file.
        max_pixels: the largest picture, all frames together.

    Raises:
        Invalid: it is no picture we take, broken, or too large; the sentence says which.
    """
    image = decoded(content, max_bytes, max_pixels)
    label = statements.label_of(image, content)
    packet = label.packet()
    fresh = animation(image, max_pixels, packet) if moves(image) else still(image, packet)
    if len(fresh) > MAX_BYTES:
        raise Invalid("The picture is too large even after it was made smaller.")
    shown = decoded(fresh, MAX_BYTES, max_pixels)
    small = io.BytesIO()
    flat = flattened(shown)
    xmp = {"xmp": packet} if packet else {}
    shrunk(flat, PREVIEW_PIXELS).save(small, "WEBP", quality=PREVIEW_QUALITY, method=4, **xmp)
    return _prepared(fresh, shown, flat, small.getvalue(), label)


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A small WebP that stands for a file; width and height in pixels."""

    content: bytes
    width: int
    height: int
    blurhash: str


def prepare_thumbnail(
    content: bytes, max_bytes: int, max_pixels: int, label: Label = UNLABELLED
) -> Thumbnail:
    """Decode what somebody wants to stand for their picture, and encode it anew, small.

    Args:
        content: the file as it came.
        max_bytes, max_pixels: the largest that is looked at.
        label: the honest label of the picture, which is that of the small one, too; without one
            the label of this file is kept.

    Raises:
        Invalid: it is no picture we take, broken, or too large; the sentence says which.
    """
    image = decoded(content, max_bytes, max_pixels)
    own = label if label != UNLABELLED else statements.label_of(image, content)
    packet = own.packet()
    turned = ImageOps.exif_transpose(image)
    small = shrunk(flattened(_in_srgb(turned)), PREVIEW_PIXELS)
    out = io.BytesIO()
    xmp = {"xmp": packet} if packet else {}
    small.save(out, "WEBP", quality=PREVIEW_QUALITY, method=4, **xmp)
    return Thumbnail(out.getvalue(), small.width, small.height, blurhash_of(small))


def prepare_painting(
    picture: bytes,
    max_pixels: int,
    write: Callable[[bytes, provenance.Format], bytes],
    write_preview: Callable[[bytes, provenance.Format], bytes],
) -> Prepared:
    """Check what a painter sent, and have its origin written into it.

    Args:
        picture: the painter's file. If it is within the limits of a display file, its pixels
            are kept as they are.
        max_pixels: the largest picture that is decoded.
        write: makes a file of a picture in a format: its origin is written into it, and signed.
        write_preview: the same in fewer bytes.

    Raises:
        Invalid: it is no picture, or a larger one than was asked for.
    """
    painted = decoded(picture, protocol.MAX_PICTURE, max_pixels)
    shown = shrunk(flattened(painted), MAX_PIXELS)
    if shown.size != painted.size:
        picture = _lossless(shown)
    content = write(picture, "PNG")
    if len(content) > MAX_BYTES:
        content = write(picture, "WEBP")
    stamped = decoded(content, MAX_BYTES, max_pixels)
    small = write_preview(_lossless(shrunk(shown, PREVIEW_PIXELS)), "WEBP")
    return _prepared(content, stamped, shown, small)


def _prepared(
    content: bytes, shown: Image.Image, flat: Image.Image, small: bytes, label: Label = UNLABELLED
) -> Prepared:
    assert shown.format is not None
    return Prepared(
        content=content,
        format=shown.format,
        width=shown.width,
        height=shown.height,
        preview=small,
        blurhash=blurhash_of(flat),
        digest=digest(content),
        label=label,
    )


def _lossless(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=1)
    return out.getvalue()


def decoded(content: bytes, max_bytes: int, max_pixels: int) -> Image.Image:
    """Open and decode a picture, or refuse it before it costs anything.

    Raises:
        Invalid: it is no JPEG, PNG, WebP or GIF, is broken, or is larger than allowed.
    """
    if len(content) > max_bytes:
        raise Invalid(f"The picture is too large: at most {max_bytes // 1_000_000} MB.")
    try:
        image = Image.open(io.BytesIO(content), formats=tuple(FORMATS))
    except Exception as error:  # Pillow's parsers raise whatever broke them
        raise Invalid("This is not a JPEG, PNG, WebP or GIF picture.") from error
    if image.width * image.height > max_pixels:
        raise Invalid(f"The picture is too large: at most {max_pixels / 1e6:g} megapixels.")
    try:
        image.load()
    except Exception as error:
        raise Invalid("The picture is broken and cannot be read.") from error
    if image.format == "MPO":  # a photo with a second view behind it; the first is the JPEG
        image.format = "JPEG"
    return image


def shrunk(image: Image.Image, max_pixels: int, max_side: int = MAX_SIDE) -> Image.Image:
    """The picture, or a smaller one of the same shape that keeps both limits."""
    size = shrunk_size(image.size, max_pixels, max_side)
    if size == image.size:
        return image
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


def shrunk_size(
    size: tuple[int, int], max_pixels: int, max_side: int = MAX_SIDE
) -> tuple[int, int]:
    """Width and height of `shrunk`."""
    width, height = size
    factor = min(1.0, max_side / max(size), (max_pixels / (width * height)) ** 0.5)
    return max(1, int(width * factor)), max(1, int(height * factor))


def flattened(image: Image.Image) -> Image.Image:
    """In RGB, what shines through being white."""
    if image.mode == "RGB":
        return image
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        white = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(white, layer).convert("RGB")
    return image.convert("RGB")


def blurhash_of(image: Image.Image) -> str:
    """A blurhash of an RGB picture, four components on its longer side and three on the other."""
    small = image.copy()
    small.thumbnail((BLURHASH_SIDE, BLURHASH_SIDE), Image.Resampling.BOX)
    pixels = small.tobytes()
    rows = [
        [tuple(pixels[at : at + 3]) for at in range(start, start + small.width * 3, 3)]
        for start in range(0, len(pixels), small.width * 3)
    ]
    wide = image.width >= image.height
    across, down = (BLURHASH_LONG, BLURHASH_SHORT) if wide else (BLURHASH_SHORT, BLURHASH_LONG)
    return str(blurhash.encode(rows, across, down))


SHA256_MULTIHASH = b"\x12\x20"  # its code and its length, before the hash itself


def digest(content: bytes) -> str:
    """The SHA-256 of `content` as a multibase (base58btc) multihash: `zQm…`."""
    return multibase.encode(SHA256_MULTIHASH + hashlib.sha256(content).digest())


def rectangle(size: tuple[int, int], box: tuple[int, int, int, int]) -> bytes:
    """A mask: white inside a box (left, top, right, bottom), black around it."""
    image = Image.new("L", size)
    image.paste(255, box)
    return _lossless(image)


def moves(image: Image.Image) -> bool:
    """Whether it is an animation that others play."""
    # A moving PNG stays a still picture: neither Mastodon nor Misskey play one.
    return image.format in {"GIF", "WEBP"} and getattr(image, "n_frames", 1) > 1


def still(image: Image.Image, label: bytes = b"") -> bytes:
    """The picture encoded anew, upright and within the limits of a display file.

    Args:
        image: decoded.
        label: an XMP packet to write into it.
    """
    turned = ImageOps.exif_transpose(image)
    picture = shrunk(_in_srgb(turned), MAX_PIXELS)
    out = io.BytesIO()
    xmp: dict[str, bytes] = {"xmp": label} if label else {}
    if image.format == "JPEG":
        flat = picture.convert("RGB")
        flat.save(out, "JPEG", quality=UPLOAD_QUALITY, progressive=True, **xmp)
    elif image.format == "WEBP":
        picture.save(out, "WEBP", quality=UPLOAD_QUALITY, exact=True, **xmp)
    else:  # a still GIF loses nothing as a PNG
        texts = PngImagePlugin.PngInfo()
        if label:
            texts.add_itxt(provenance.XMP_KEY, label.decode())
        picture.save(out, "PNG", optimize=False, pnginfo=texts)
        if out.tell() > MAX_BYTES:  # a photo that came as a PNG
            out = io.BytesIO()
            picture.save(out, "WEBP", quality=UPLOAD_QUALITY, exact=True, **xmp)
    return out.getvalue()


def _in_srgb(image: Image.Image) -> Image.Image:
    """In a mode and a colour space that every format and every reader has."""
    profile = image.info.get("icc_profile")
    plain = image
    if image.mode not in {"RGB", "RGBA", "L"}:
        plain = image.convert("RGBA" if image.has_transparency_data else "RGB")
    if profile and image.mode in {"RGB", "RGBA", "CMYK"}:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            changed = ImageCms.profileToProfile(
                image if image.mode == "CMYK" else plain,
                source,
                ImageCms.createProfile("sRGB"),
                outputMode="RGB" if image.mode == "CMYK" else plain.mode,
            )
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            changed = None  # a broken profile: the colours as they are
        if changed is not None:
            plain = changed
    # Pillow writes what it finds in `info` into the new file; a fresh image carries none.
    clean = Image.new(plain.mode, plain.size)
    clean.paste(plain)
    return clean


def animation(image: Image.Image, max_pixels: int, label: bytes = b"") -> bytes:
    """A GIF or WebP that moves, encoded anew.

    Args:
        image: opened.
        max_pixels: of all frames together.
        label: an XMP packet to write into a WebP; a GIF has no place for one.

    Raises:
        Invalid: it is too large, or broken.
    """
    frames, durations = [], []
    for frame, duration in _frames(image, max_pixels):
        frames.append(frame)
        durations.append(duration)
    out = io.BytesIO()
    first, *rest = frames
    loop = image.info.get("loop")
    options: dict[str, Any] = {} if loop is None else {"loop": int(loop)}
    assert image.format is not None
    if label and image.format == "WEBP":
        options["xmp"] = label
    first.save(out, image.format, save_all=True, append_images=rest, duration=durations, **options)
    return out.getvalue()


def _frames(image: Image.Image, max_pixels: int) -> Iterator[tuple[Image.Image, int]]:
    count = int(getattr(image, "n_frames", 1))
    if count > MAX_FRAMES or count * image.width * image.height > max_pixels:
        raise Invalid(
            f"The animation is too large: at most {MAX_FRAMES} frames "
            f"and {max_pixels / 1e6:g} megapixels in all."
        )
    try:
        for frame in ImageSequence.Iterator(image):
            if count * frame.width * frame.height > max_pixels:
                raise Invalid("The animation grows while it plays; that is too large.")
            picture = shrunk(frame.convert("RGBA"), MAX_PIXELS)
            picture.info.clear()
            yield picture, int(frame.info.get("duration") or 100)
    except Invalid:
        raise
    except Exception as error:
        raise Invalid("The animation is broken and cannot be read.") from error
