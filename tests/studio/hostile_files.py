"""Files that mean harm, and some that mean none (attacks 57 and 59)."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

from PIL import Image, ImageDraw, PngImagePlugin

PAGE = b"<!doctype html><html><script>alert(1)</script></html>"
SVG = (
    b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)">'
    b"<script>alert(1)</script></svg>"
)
GPS = 0x8825


def scene(width: int = 96, height: int = 64) -> Image.Image:
    """Blue above, orange below, and a line across so that it does not compress to nothing."""
    image = Image.new("RGB", (width, height), (20, 60, 220))
    image.paste((240, 140, 10), (0, height // 2, width, height))
    ImageDraw.Draw(image).line((0, 0, width, height), fill=(250, 250, 250), width=3)
    return image


def encoded(image: Image.Image, format: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def jpeg(width: int = 96, height: int = 64, **options: object) -> bytes:
    return encoded(scene(width, height), "JPEG", **options)


def png(width: int = 96, height: int = 64, **options: object) -> bytes:
    return encoded(scene(width, height), "PNG", **options)


def exif(*, place: bool = False, orientation: int = 1, make: str = "Camera") -> Image.Exif:
    found = Image.Exif()
    found[0x010F] = make
    found[0x0112] = orientation
    if place:
        found.get_ifd(GPS)[2] = (52.0, 31.0, 12.0)
    return found


def chunk(kind: bytes, content: bytes) -> bytes:
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )


def png_of(width: int, height: int, pixels: bytes = b"") -> bytes:
    """A PNG that says it has this size, whatever its pixels are."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(pixels))
        + chunk(b"IEND", b"")
    )


def archive() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as zipped:
        zipped.writestr("index.html", PAGE)
    return out.getvalue()


def moving(format: str, frames: int, width: int = 16, height: int = 16) -> bytes:
    """An animation whose frames differ."""
    pictures = [
        Image.new("RGB", (width, height), (number % 256, number // 256 % 256, 90))
        for number in range(frames)
    ]
    first, *rest = pictures
    options: dict[str, object] = {"lossless": True, "method": 0} if format == "WEBP" else {}
    return encoded(first, format, save_all=True, append_images=rest, duration=40, **options)


def gif_screen(width: int, height: int) -> bytes:
    """A GIF whose screen is as large as it says, with one pixel in it."""
    small = encoded(Image.new("P", (1, 1)), "GIF")
    return small[:6] + struct.pack("<HH", width, height) + small[10:]


def gif_that_grows(frame: tuple[int, int] = (65_535, 65_535)) -> bytes:
    """A GIF with a small screen and a second frame that is enormous."""
    content = moving("GIF", 2, 4, 4)
    at = content.rindex(b"\x21\xf9", 0, len(content)) + 8
    assert content[at] == 0x2C
    return content[: at + 5] + struct.pack("<HH", *frame) + content[at + 9 :]


def photo_with_php() -> bytes:
    return jpeg(exif=exif(make="<?php system($_GET['c']); ?>"))


def png_with_place_behind() -> bytes:
    """EXIF may stand after the pixels, where a hasty reader does not look."""
    content = png()
    packed = exif(place=True).tobytes().removeprefix(b"Exif\0\0")
    return content[:-12] + chunk(b"eXIf", packed) + content[-12:]


def text_bomb() -> bytes:
    """A PNG with a text of 100 MB in 100 kB."""
    content = png()
    bomb = b"bomb\0\0" + zlib.compress(b"x" * 100_000_000, 9)
    return content[:33] + chunk(b"zTXt", bomb) + content[33:]


def labelled(format: str, source: str, **options: object) -> bytes:
    """A picture whose XMP says where it comes from."""
    packet = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" '
        'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
        f'Iptc4xmpExt:DigitalSourceType="{source}" Iptc4xmpExt:AISystemUsed="Model &lt;One&gt;"/>'
        "</rdf:RDF></x:xmpmeta>"
    )
    if format == "PNG":
        texts = PngImagePlugin.PngInfo()
        texts.add_itxt("XML:com.adobe.xmp", packet)
        return encoded(scene(), "PNG", pnginfo=texts, **options)
    return encoded(scene(), format, xmp=packet.encode(), **options)
