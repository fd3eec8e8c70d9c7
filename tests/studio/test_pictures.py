"""Pictures from outside: decoded within limits, encoded anew, and nothing else let through."""

from __future__ import annotations

import hashlib
import io
import random
import struct
import zlib
from collections.abc import Callable

import blurhash
import pytest
from PIL import Image, PngImagePlugin

from activitypub import multibase
from fedi.social.errors import Invalid
from fedi.studio import pictures
from generation import provenance
from generation.recipe import Recipe

MB = 1_000_000


def encoded(image: Image.Image, format: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def scene(width: int = 96, height: int = 64, mode: str = "RGB") -> Image.Image:
    """A picture with a top and a bottom: blue above, orange below."""
    image = Image.new("RGB", (width, height), (20, 60, 220))
    image.paste((240, 140, 10), (0, height // 2, width, height))
    return image.convert(mode)


def upload(
    content: bytes, max_bytes: int = 16 * MB, max_pixels: int = 33 * MB
) -> pictures.Prepared:
    return pictures.prepare_upload(content, max_bytes, max_pixels)


@pytest.mark.parametrize(
    ("format", "mode", "media_type"),
    [
        ("JPEG", "RGB", "image/jpeg"),
        ("JPEG", "L", "image/jpeg"),
        ("JPEG", "CMYK", "image/jpeg"),
        ("PNG", "RGB", "image/png"),
        ("PNG", "RGBA", "image/png"),
        ("PNG", "P", "image/png"),
        ("PNG", "1", "image/png"),
        ("PNG", "I;16", "image/png"),
        ("WEBP", "RGBA", "image/webp"),
        ("GIF", "P", "image/png"),  # a still one
    ],
)
def test_every_kind_of_picture_is_taken(format: str, mode: str, media_type: str) -> None:
    image = (
        scene().convert("I").point(lambda v: v * 200).convert("I;16")
        if mode == "I;16"
        else (scene(mode=mode))
    )
    prepared = upload(encoded(image, format))
    assert prepared.media_type == media_type
    assert (prepared.width, prepared.height) == (96, 64)
    again = Image.open(io.BytesIO(prepared.content))
    again.load()
    assert again.format == prepared.format
    small = Image.open(io.BytesIO(prepared.preview))
    assert (small.format, small.size) == ("WEBP", (96, 64))
    assert prepared.digest.startswith("zQm")
    if mode not in {"1", "I;16"}:
        top, bottom = (
            again.convert("RGB").getpixel((48, 8)),
            again.convert("RGB").getpixel((48, 56)),
        )
        assert isinstance(top, tuple) and isinstance(bottom, tuple)
        if mode != "L":
            assert top[2] > 150 > top[0] and bottom[0] > 150 > bottom[2]


def test_the_digest_is_a_multihash_of_the_file() -> None:
    content = b"any bytes"
    raw = multibase.decode(pictures.digest(content))
    assert raw == b"\x12\x20" + hashlib.sha256(content).digest()


def test_the_blurhash_shows_where_is_what() -> None:
    wide = upload(encoded(scene(90, 60), "PNG")).blurhash
    tall = upload(encoded(scene(60, 90), "PNG")).blurhash
    assert blurhash.components(wide) == (4, 3)
    assert blurhash.components(tall) == (3, 4)
    rows = blurhash.decode(wide, 8, 8)
    assert rows[0][4][2] > 120 > rows[0][4][0]
    assert rows[7][4][0] > 120 > rows[7][4][2]


def test_what_a_photo_tells_about_its_owner_is_gone() -> None:
    exif = Image.Exif()
    exif[0x010F] = "Secret Camera"
    exif.get_ifd(0x8825)[2] = (52.0, 31.0, 12.0)  # GPS latitude
    photo = encoded(scene(), "JPEG", exif=exif, comment=b"secret comment", xmp=b"<x>secret xmp</x>")
    photo += b"<html><script>secret()</script></html>"
    prepared = upload(photo)
    assert b"ecret" not in prepared.content and b"Exif" not in prepared.content
    assert b"ecret" not in prepared.preview

    texts = PngImagePlugin.PngInfo()
    texts.add_text("parameters", "secret prompt")
    texts.add_itxt("XML:com.adobe.xmp", "secret")
    prepared = upload(encoded(scene(), "PNG", pnginfo=texts, exif=exif))
    assert b"ecret" not in prepared.content
    assert Image.open(io.BytesIO(prepared.content)).info == {}


def test_a_photo_stands_upright_without_its_orientation() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees
    prepared = upload(encoded(scene(96, 64), "JPEG", exif=exif))
    assert (prepared.width, prepared.height) == (64, 96)


def test_a_large_picture_is_made_to_fit_every_peer() -> None:
    prepared = upload(encoded(Image.new("RGB", (6000, 300), "green"), "PNG"))
    assert max(prepared.width, prepared.height) == pictures.MAX_SIDE
    prepared = upload(encoded(Image.new("RGB", (3600, 3600), "green"), "JPEG"))
    assert prepared.width * prepared.height <= pictures.MAX_PIXELS
    assert prepared.width == prepared.height
    small = Image.open(io.BytesIO(prepared.preview))
    assert small.width * small.height <= pictures.PREVIEW_PIXELS


def test_a_large_png_of_a_photo_becomes_small_enough() -> None:
    noise = Image.frombytes("RGB", (2600, 2400), random.Random(1).randbytes(2600 * 2400 * 3))
    prepared = upload(encoded(noise, "PNG", compress_level=0), max_bytes=32 * MB)
    assert prepared.media_type == "image/webp"
    assert len(prepared.content) <= pictures.MAX_BYTES


def test_an_animation_keeps_moving_within_limits() -> None:
    frames = [Image.new("RGB", (40, 30), (red, 0, 90)) for red in range(0, 250, 50)]
    moving = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=80, loop=0)
    prepared = upload(moving)
    assert prepared.media_type == "image/gif"
    assert getattr(Image.open(io.BytesIO(prepared.content)), "n_frames", 1) == len(frames)

    with pytest.raises(Invalid, match="animation"):
        upload(moving, max_pixels=40 * 30 * 4)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_of(width: int, height: int, data: bytes = b"", extra: bytes = b"") -> bytes:
    """A PNG that says it has this size, whatever is in it."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + extra + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def gif_of(width: int, height: int) -> bytes:
    logical = struct.pack("<HHBBB", width, height, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    frame = b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x02\x02\x4c\x01\x00;"
    return b"GIF89a" + logical + frame


def bad_inputs() -> dict[str, Callable[[], bytes]]:
    png = encoded(scene(), "PNG")
    return {
        "nothing": lambda: b"",
        "text": lambda: b"hello",
        "html": lambda: b"<!doctype html><script>alert(1)</script>",
        "svg": lambda: b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
        "html called png": lambda: b"<html>" + png,
        "zip": lambda: b"PK\x03\x04" + bytes(200),
        "bmp": lambda: encoded(scene(), "BMP"),
        "tiff": lambda: encoded(scene(), "TIFF"),
        "ico": lambda: encoded(scene(), "ICO"),
        "ppm": lambda: encoded(scene(), "PPM"),
        "eps": lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 1 1\n%%EndComments\n",
        "truncated": lambda: png[: len(png) // 2],
        "only a head": lambda: png[:40],
        "1 x 1e9": lambda: png_of(1, 1_000_000_000),
        "huge": lambda: png_of(2**31 - 1, 2**31 - 1),
        "no size": lambda: png_of(0, 0),
        "gif 65535 x 65535": lambda: gif_of(65535, 65535),
        "bomb in a text": lambda: png_of(
            8,
            8,
            zlib.compress(bytes(72)),
            chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(80 * MB), 9)),
        ),
        "more data than pixels": lambda: png_of(4000, 4000, zlib.compress(b"\0")),
        "garbage pixels": lambda: png_of(64, 64, bytes(500)),
        "jpeg with a broken body": lambda: encoded(scene(), "JPEG")[:-400] + b"\xff\xd9",
    }


@pytest.mark.parametrize("name", bad_inputs())
def test_what_is_no_good_picture_is_refused_in_words(name: str) -> None:
    with pytest.raises(Invalid) as refusal:
        upload(bad_inputs()[name](), max_pixels=15 * MB)
    assert refusal.value.status == 422
    assert str(refusal.value).endswith(".")


def test_a_picture_over_the_limit_is_refused_before_it_is_decoded() -> None:
    content = encoded(scene(300, 300), "PNG")
    assert upload(content, max_pixels=300 * 300).width == 300
    for broken in (b"", bytes(100)):  # refused by its head, whatever follows
        with pytest.raises(Invalid, match="megapixels"):
            upload(content[:60] + broken, max_pixels=300 * 299)


def test_a_file_over_the_limit_is_refused() -> None:
    with pytest.raises(Invalid, match="at most 1 MB"):
        upload(bytes(MB + 1), max_bytes=MB)


def stamped(picture: bytes, format: provenance.Format) -> bytes:
    return provenance.stamp(
        picture,
        recipe=Recipe(prompt="a lighthouse", seed=7, steps=4, width=96, height=64),
        model="Random",
        model_version="",
        alt_text="A lighthouse.",
        creator="alice@easel.example",
        share_recipe=True,
        software="Easel",
        format=format,
    )


def test_a_painting_keeps_its_pixels_and_says_what_it_is() -> None:
    picture = encoded(scene(), "PNG")
    prepared = pictures.prepare_painting(picture, 20 * MB, stamped, stamped)
    assert prepared.media_type == "image/png"
    shown = Image.open(io.BytesIO(prepared.content))
    assert shown.convert("RGB").tobytes() == scene().tobytes()
    for file in (prepared.content, prepared.preview):
        said = provenance.read(file)
        assert said.generated
        assert said.description == "A lighthouse."
        assert said.prompt == "a lighthouse"
    assert prepared.digest == pictures.digest(prepared.content)


def test_a_painting_too_large_for_peers_is_made_to_fit_and_still_labelled() -> None:
    picture = encoded(Image.new("RGB", (4096, 3000), "teal"), "PNG")
    prepared = pictures.prepare_painting(picture, 20 * MB, stamped, stamped)
    assert prepared.width * prepared.height <= pictures.MAX_PIXELS
    assert provenance.read(prepared.content).generated
    assert provenance.read(prepared.preview).generated


def test_a_painter_that_sends_no_picture_is_refused() -> None:
    with pytest.raises(Invalid):
        pictures.prepare_painting(b"<html>", 20 * MB, stamped, stamped)
