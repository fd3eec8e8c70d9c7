"""What came from elsewhere: told by its bytes, decoded within limits, cleaned, made small.

Everything but `most_bytes` is slow: call it in a thread. A picture is kept byte for byte where it
can be; it is encoded anew where it tells a place (EXIF or XMP with GPS) or is larger than anything
that is shown. What hangs behind its end is cut off, and its AI label is kept, whatever happens.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import BinaryIO

from PIL import Image, ImageOps

from activitypub.client import FetchError
from fedi.social.errors import Invalid
from fedi.studio import digests, ends, pictures
from fedi.studio.remote_files.claims import Claim, Kind
from generation import provenance, statements

MIB = 1024 * 1024

# Mastodon 4.6: pictures 16 MB, films 99 MB, avatars, headers and what links lead to 8 MB, emoji
# 256 kB.
MAX_PICTURE: dict[Kind, int] = {
    "attachment": 16 * MIB,
    "avatar": 8 * MIB,
    "header": 8 * MIB,
    "emoji": 256 * 1024,
    "preview": 8 * MIB,
}
MAX_FILM = 99 * MIB

MAX_PIXELS = 33_177_600  # 7680x4320, as Mastodon's
MAX_FRAMES = 1000
MAX_FRAME_PIXELS = 250_000_000  # all frames together: about two seconds of decoding

# The small rendition. Mastodon's: avatars 400x400, headers 1500x500; emoji are a line high.
SMALL_PIXELS: dict[Kind, int] = {
    "attachment": pictures.PREVIEW_PIXELS,
    "avatar": 400 * 400,
    "header": 1500 * 500,
    "emoji": 128 * 128,
    "preview": pictures.PREVIEW_PIXELS,
}
SEE_THROUGH: frozenset[Kind] = frozenset({"avatar", "emoji"})  # they stand on our own ground

_PICTURES = {**pictures.FORMATS, "AVIF": ("image/avif", "avif")}
_GPS, _ORIENTATION = 0x8825, 0x0112  # tags of EXIF
_SIDEWAYS = frozenset({5, 6, 7, 8})


@dataclass(frozen=True, slots=True)
class Medium:
    """A kind of file. `picture`: whether it is decoded here, or only passed on."""

    media_type: str
    ending: str
    picture: bool = False


@dataclass(frozen=True, slots=True)
class Inspected:
    """A file that may be shown.

    Attributes:
        content: the picture, if it is another than what came.
        preview: the small rendition, a WebP; None for films and sounds.
        width, height: pixels, as it is shown.
    """

    medium: Medium
    content: bytes | None = None
    preview: bytes | None = None
    width: int | None = None
    height: int | None = None
    blurhash: str | None = None


def sniffed(head: bytes) -> Medium | None:
    """What a file is, by its first bytes (WHATWG MIME Sniffing, 6); None if we show no such."""
    box = head[8:12] if head[4:8] == b"ftyp" else b""
    brands = head[8 : 8 + int.from_bytes(head[:4], "big")] if box else b""
    match head:
        case _ if head.startswith(b"\xff\xd8\xff"):
            return _picture("JPEG")
        case _ if head.startswith(b"\x89PNG\r\n\x1a\n"):
            return _picture("PNG")
        case _ if head.startswith((b"GIF87a", b"GIF89a")):
            return _picture("GIF")
        case _ if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
            return _picture("WEBP")
        case _ if box and (b"avif" in brands or b"avis" in brands):
            return _picture("AVIF")
        case _ if box in {b"heic", b"heix", b"hevc", b"mif1", b"msf1"}:
            return None
        case _ if box in {b"M4A ", b"M4B "}:
            return Medium("audio/mp4", "m4a")
        case _ if box:
            return Medium("video/mp4", "mp4")
        case _ if head.startswith(b"\x1aE\xdf\xa3") and b"webm" in head[:64]:
            return Medium("video/webm", "webm")
        case _ if head.startswith(b"OggS"):
            film = b"theora" in head[:512]
            return Medium("video/ogg", "ogv") if film else Medium("audio/ogg", "ogg")
        case _ if head.startswith(b"RIFF") and head[8:12] == b"WAVE":
            return Medium("audio/wav", "wav")
        case _ if head.startswith(b"fLaC"):
            return Medium("audio/flac", "flac")
        case _ if head.startswith(b"ID3") or head[:2] in {b"\xff\xfb", b"\xff\xf3", b"\xff\xf2"}:
            return Medium("audio/mpeg", "mp3")
    return None


def _picture(format: str) -> Medium:
    media_type, ending = _PICTURES[format]
    return Medium(media_type, ending, picture=True)


def most_bytes(kind: Kind, head: bytes) -> int:
    """How large a file may be that begins like this.

    Raises:
        FetchError: it is none that is shown as such.
    """
    medium = sniffed(head)
    if medium is None or not (medium.picture or kind == "attachment"):
        raise FetchError("It is no picture, film or sound that can be shown.")
    return MAX_PICTURE[kind] if medium.picture else MAX_FILM


def inspect(claim: Claim, file: BinaryIO) -> Inspected:
    """Look at what came for a claim, and make of it what is shown.

    Args:
        claim: what was said of it.
        file: all of it.

    Raises:
        Invalid: it is not what was claimed, or cannot be shown; the sentence says why.
    """
    size = file.seek(0, io.SEEK_END)
    if claim.size is not None and claim.size != size:
        raise Invalid(f"It has {size} bytes, and {claim.size} were promised.")
    if claim.digest and digests.matches(claim.digest, file) is False:
        raise Invalid("It is not the file that was promised: its digest is another.")
    file.seek(0)
    medium = sniffed(file.read(512))
    if medium is None:
        raise Invalid("It is no picture, film or sound that can be shown.")
    if not medium.picture:
        return Inspected(medium)
    file.seek(0)
    try:
        return _inspected(claim.kind, medium, file.read())
    except Invalid:
        raise
    except Exception as error:  # Pillow's parsers raise whatever broke them
        raise Invalid("The picture is broken and cannot be read.") from error


def _inspected(kind: Kind, medium: Medium, content: bytes) -> Inspected:
    image = _opened(content)
    width, height = image.size
    _check_pixels(image)
    fits = width * height <= pictures.MAX_PIXELS and max(image.size) <= pictures.MAX_SIDE
    kept = fits and not _tells_a_place(image, content)
    if image.format == "JPEG" and (kept or not fits):
        # It can be decoded at half or a quarter: only what is encoded here needs its pixels.
        most = SMALL_PIXELS[kind] if kept else pictures.MAX_PIXELS
        image.draft(None, pictures.shrunk_size(image.size, most))
    _decode(image)
    kept = fits and not _tells_a_place(image, content)  # EXIF may stand behind the pixels
    label = statements.label_of(image, content).packet()
    if image.getexif().get(_ORIENTATION, 1) in _SIDEWAYS:
        width, height = height, width
    if not fits:
        image = _smaller(image)
    turned = ImageOps.exif_transpose(image)
    changed = None
    if not kept:
        changed = _encoded_anew(image, label)
        again = _opened(changed)
        width, height = again.size
        medium = _picture(str(again.format))
    elif (end := ends.end(content, str(image.format))) < len(content):
        changed = content[:end]
    flat = pictures.flattened(turned)
    return Inspected(
        medium,
        content=changed,
        preview=_small(turned if kind in SEE_THROUGH else flat, kind, label),
        width=width,
        height=height,
        blurhash=pictures.blurhash_of(flat),
    )


def _opened(content: bytes) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(content), formats=tuple(_PICTURES))
    except Exception as error:  # Pillow's parsers raise whatever broke them
        raise Invalid("It is no picture that can be read.") from error
    if image.format == "MPO":  # a photo with a second view behind it; the first is the JPEG
        image.format = "JPEG"
    return image


def _check_pixels(image: Image.Image) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise Invalid(f"The picture is too large: at most {MAX_PIXELS / 1e6:g} megapixels.")


def _tells_a_place(image: Image.Image, content: bytes) -> bool:
    """Whether the file says where it was taken; what cannot be read may say it."""
    xmp = image.info.get(provenance.XMP_KEY) or image.info.get("xmp") or b""
    packet = xmp.encode() if isinstance(xmp, str) else xmp
    if b"GPSLatitude" in packet or b"GPSLatitude" in content:
        return True
    try:
        return bool(image.getexif().get_ifd(_GPS))
    except Exception:  # damaged EXIF raises whatever broke it
        return True


def _decode(image: Image.Image) -> None:
    """All frames, one after the other: each costs its pixels, and there are not too many."""
    too_large = Invalid(f"The animation is too large: at most {MAX_FRAMES} frames.")
    # A GIF has to be read to its end to count its frames.
    if image.format != "GIF" and getattr(image, "n_frames", 1) > MAX_FRAMES:
        raise too_large
    image.load()
    pixels = image.width * image.height
    if image.format == "JPEG":
        return
    for number in range(1, MAX_FRAMES + 1):
        try:
            image.seek(number)
        except EOFError:
            break
        pixels += image.width * image.height
        if number == MAX_FRAMES or pixels > MAX_FRAME_PIXELS:
            raise too_large
        _check_pixels(image)
        image.load()
    if image.tell():
        image.seek(0)
        image.load()


def _smaller(image: Image.Image) -> Image.Image:
    """A still picture as large as it is shown: no copy of it is made at its full size."""
    if pictures.moves(image) or image.mode not in {"RGB", "RGBA", "L"}:
        return image
    smaller = pictures.shrunk(image, pictures.MAX_PIXELS)
    smaller.format = image.format
    return smaller


def _encoded_anew(image: Image.Image, label: bytes) -> bytes:
    if pictures.moves(image):
        return pictures.animation(image, MAX_FRAME_PIXELS, label)
    return pictures.still(image, label)


def _small(image: Image.Image, kind: Kind, label: bytes) -> bytes:
    if image.mode not in {"RGB", "RGBA"}:
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    small = pictures.shrunk(image, SMALL_PIXELS[kind])
    out = io.BytesIO()
    clean = Image.new(small.mode, small.size)
    clean.paste(small)
    xmp = {"xmp": label} if label else {}
    clean.save(out, "WEBP", quality=pictures.PREVIEW_QUALITY, method=4, **xmp)
    return out.getvalue()
