"""What other servers' files are taken for, what is refused, and what is left of them."""

from __future__ import annotations

import hashlib
import io
import random
import struct

import pytest
from PIL import Image

from activitypub.client import FetchError
from fedi.social.errors import Invalid
from fedi.studio import ends, pictures
from fedi.studio.remote_files import inspection
from fedi.studio.remote_files.claims import Claim, Kind
from fedi.studio.remote_files.inspection import Inspected
from generation import provenance
from tests.studio import hostile_files as files

URL = "https://peer.example/a"


def look(content: bytes, kind: Kind = "attachment", **claim: object) -> Inspected:
    return inspection.inspect(Claim(kind, URL, **claim), io.BytesIO(content))  # type: ignore[arg-type]


def refusal(content: bytes, kind: Kind = "attachment", **claim: object) -> str:
    with pytest.raises(Invalid) as caught:
        look(content, kind, **claim)
    return str(caught.value)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "GIF", "AVIF"])
def test_a_picture_is_kept_byte_for_byte(format: str) -> None:
    content = files.encoded(files.scene(), format)
    found = look(content)
    assert found.medium == inspection.sniffed(content)
    assert found.medium.media_type == f"image/{format.lower()}"
    assert found.content is None
    assert (found.width, found.height) == (96, 64)
    small = Image.open(io.BytesIO(found.preview or b""))
    assert (small.format, small.size) == ("WEBP", (96, 64))
    assert found.blurhash


def test_camera_and_words_without_a_place_are_kept() -> None:
    assert look(files.jpeg(exif=files.exif(), comment=b"hello")).content is None
    assert look(files.photo_with_php()).content is None


def test_a_photo_on_its_side_has_the_size_that_people_see() -> None:
    found = look(files.jpeg(exif=files.exif(orientation=6)))
    assert found.content is None
    assert (found.width, found.height) == (64, 96)
    assert Image.open(io.BytesIO(found.preview or b"")).size == (64, 96)


XMP_PLACE = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a exif:GPSLatitude="52,31.2N"/></x:xmpmeta>'


@pytest.mark.parametrize(
    "content",
    [
        files.jpeg(exif=files.exif(place=True, orientation=6)),
        files.png(exif=files.exif(place=True)),
        files.png_with_place_behind(),
        files.encoded(files.scene(), "WEBP", exif=files.exif(place=True)),
        files.jpeg(xmp=XMP_PLACE),
        files.encoded(files.scene(), "WEBP", xmp=XMP_PLACE),
        files.encoded(files.scene(), "AVIF", exif=files.exif(place=True)),
    ],
    ids=["jpeg", "png", "png-behind", "webp", "jpeg-xmp", "webp-xmp", "avif"],
)
def test_where_a_photo_was_taken_is_not_passed_on(content: bytes) -> None:
    found = look(content)
    assert found.content is not None
    for shown in (found.content, found.preview or b""):
        image = Image.open(io.BytesIO(shown))
        image.load()
        assert not image.getexif().get_ifd(files.GPS)
        assert b"GPS" not in shown and b"Camera" not in shown
    image = Image.open(io.BytesIO(found.content))
    assert image.size == (found.width, found.height)
    assert (image.width < image.height) is (b"Camera" in content and content[:2] == b"\xff\xd8")


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("place", [False, True])
def test_the_label_is_kept_whatever_happens(format: str, place: bool) -> None:
    content = files.labelled(
        format, provenance.TRAINED_ALGORITHMIC_MEDIA, exif=files.exif(place=place)
    )
    found = look(content)
    assert (found.content is not None) is place
    for shown in (found.content or content, found.preview or b""):
        said = provenance.read(shown)
        assert said.generated
        assert said.ai_system == "Model <One>"


def test_what_is_too_large_to_show_is_made_smaller() -> None:
    found = look(files.jpeg(3200, 2700))
    assert found.content is not None and found.width is not None and found.height is not None
    assert found.width * found.height <= pictures.MAX_PIXELS
    assert Image.open(io.BytesIO(found.content)).size == (found.width, found.height)
    turned = look(files.jpeg(3200, 2700, exif=files.exif(place=True, orientation=6)))
    assert turned.width and turned.height and turned.width < turned.height
    assert b"Exif" not in (turned.content or b"Exif")
    tall = look(files.png(40, 6000))
    assert (tall.width, tall.height) == (33, 5000)


@pytest.mark.parametrize(
    ("content", "kept"),
    [
        (files.png() + files.archive(), files.png()),
        (files.png() + files.PAGE, files.png()),
        (files.jpeg() + files.PAGE, files.jpeg()),
        (files.jpeg(progressive=True) + files.archive(), files.jpeg(progressive=True)),
        (files.jpeg(exif=files.exif()) + b"\0\0\0\x18ftypmp42", files.jpeg(exif=files.exif())),
        (files.encoded(files.scene(), "GIF") + files.PAGE, files.encoded(files.scene(), "GIF")),
        (files.moving("GIF", 3) + files.PAGE, files.moving("GIF", 3)),
        (files.encoded(files.scene(), "WEBP") + files.PAGE, files.encoded(files.scene(), "WEBP")),
    ],
    ids=["png-zip", "png-page", "jpeg-page", "progressive-zip", "film", "gif", "moving", "webp"],
)
def test_what_hangs_behind_a_picture_is_cut_off(content: bytes, kept: bytes) -> None:
    assert look(content).content == kept


def test_any_bytes_have_an_end() -> None:
    chance = random.Random(7)
    for format in ("JPEG", "PNG", "WEBP", "GIF", "AVIF"):
        whole = files.encoded(files.scene(), format)
        assert ends.end(whole, format) == len(whole)
        for _ in range(200):
            broken = bytearray(whole[: chance.randrange(len(whole))])
            for _ in range(chance.randrange(6)):
                if broken:
                    broken[chance.randrange(len(broken))] = chance.randrange(256)
            assert 0 <= ends.end(bytes(broken), format) <= len(broken)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        files.PAGE,
        files.SVG,
        files.archive(),
        b"\0" * 100,
        b"%PDF-1.7",
        b"GIF89a<script>alert(1)</script>",
        b"\xff\xd8\xff" + files.PAGE,
        b"\x89PNG\r\n\x1a\n" + files.PAGE,
        b"RIFF\x20\0\0\0WEBP" + files.PAGE,
        b"\0\0\0\x20ftypavif" + files.PAGE,
        b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
        files.png()[:-30],
        files.jpeg()[:-200],
        files.encoded(files.scene(), "WEBP")[:-60],
        files.encoded(files.scene(), "GIF")[:-40],
        files.png_of(1, 1_000_000_000),
        files.png_of(65_535, 65_535),
        files.png_of(8000, 8000),
        files.gif_screen(65_535, 65_535),
        files.gif_that_grows(),
        files.gif_that_grows((9000, 9000)),
        files.text_bomb(),
        files.moving("PNG", 1001, 2, 2),
        files.moving("WEBP", 1001, 2, 2),
        files.moving("GIF", 1001, 2, 2),
    ],
    ids=lambda content: f"{content[:8]!r}-{len(content)}",
)
def test_what_cannot_be_shown_is_refused_in_words(content: bytes) -> None:
    assert refusal(content).endswith(".")


def test_the_frames_of_an_animation_cost_what_they_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    content = files.moving("GIF", 20, 100, 100)
    assert look(content).content is None
    monkeypatch.setattr(inspection, "MAX_FRAME_PIXELS", 19 * 100 * 100)
    assert "animation" in refusal(content)


def test_damage_never_raises_anything_else() -> None:
    chance = random.Random(11)
    for format in ("JPEG", "PNG", "WEBP", "GIF", "AVIF"):
        options = {} if format == "GIF" else {"exif": files.exif(place=True)}
        whole = files.encoded(files.scene(32, 24), format, **options)
        for _ in range(60):
            broken = bytearray(whole)
            for _ in range(chance.randrange(1, 8)):
                broken[chance.randrange(len(broken))] = chance.randrange(256)
            try:
                found = look(bytes(broken))
            except Invalid as error:
                assert str(error).endswith(".")
            else:
                assert found.preview is None or Image.open(io.BytesIO(found.preview)).load()


def test_small_ones_are_as_small_as_their_purpose() -> None:
    large = files.png(1600, 1200)
    sizes = {
        kind: Image.open(io.BytesIO(look(large, kind).preview or b"")).size
        for kind in inspection.SMALL_PIXELS
    }
    assert sizes == {
        "attachment": (554, 415),
        "avatar": (461, 346),
        "header": (1000, 750),
        "emoji": (147, 110),
        "preview": (554, 415),
    }


def test_an_emoji_stays_see_through_and_a_picture_stands_on_white() -> None:
    clear = files.encoded(Image.new("RGBA", (40, 40), (0, 0, 0, 0)), "PNG")
    emoji = Image.open(io.BytesIO(look(clear, "emoji").preview or b""))
    picture = Image.open(io.BytesIO(look(clear).preview or b""))
    assert emoji.convert("RGBA").getpixel((20, 20)) == (0, 0, 0, 0)
    assert picture.convert("RGBA").getpixel((20, 20)) == (255, 255, 255, 255)


FILMS = {
    b"\0\0\0\x18ftypisom\0\0\0\0isomavc1": ("video/mp4", "mp4"),
    b"\0\0\0\x18ftypM4A \0\0\0\0M4A isom": ("audio/mp4", "m4a"),
    b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\xf2\x81\x04B\x82\x84webm": (
        "video/webm",
        "webm",
    ),
    b"OggS\0\x02" + bytes(22) + b"\x01\x13OpusHead": ("audio/ogg", "ogg"),
    b"OggS\0\x02" + bytes(22) + b"\x01*\x80theora": ("video/ogg", "ogv"),
    b"ID3\x04\0\0\0\0\0\x0a": ("audio/mpeg", "mp3"),
    b"fLaC\0\0\0\x22": ("audio/flac", "flac"),
    b"RIFF\x24\0\0\0WAVEfmt ": ("audio/wav", "wav"),
}


@pytest.mark.parametrize("content", FILMS, ids=[type_ for type_, _ in FILMS.values()])
def test_films_and_sounds_are_told_by_their_bytes(content: bytes) -> None:
    found = look(content)
    assert (found.medium.media_type, found.medium.ending) == FILMS[content]
    assert (found.content, found.preview) == (None, None)
    assert inspection.most_bytes("attachment", content) == inspection.MAX_FILM
    with pytest.raises(FetchError):
        inspection.most_bytes("avatar", content)


def test_each_purpose_has_its_limit() -> None:
    head = files.png()[:512]
    assert inspection.most_bytes("attachment", head) == 16 * 2**20
    assert (
        inspection.most_bytes("avatar", head) == inspection.most_bytes("header", head) == 8 * 2**20
    )
    assert inspection.most_bytes("emoji", head) == 256 * 1024


def multibase(code: int, name: str, content: bytes) -> str:
    hashed = hashlib.new(name, content).digest()
    return "f" + (struct.pack("BB", code, len(hashed)) + hashed).hex()


def test_a_file_is_held_against_what_was_promised() -> None:
    content = files.png()
    other = files.png(97)
    assert look(content, digest=pictures.digest(content), size=len(content)).content is None
    for code, name in ((0x12, "sha256"), (0x13, "sha512"), (0x20, "sha384")):
        assert look(content, digest=multibase(code, name, content))
        assert "digest" in refusal(content, digest=multibase(code, name, other))
    assert "digest" in refusal(content, digest=pictures.digest(other))
    assert "bytes" in refusal(content, size=len(content) - 1)
    assert "digest" in refusal(b"ID3\x04 sound", digest=pictures.digest(other))


@pytest.mark.parametrize(
    "digest", ["z", "zzzz0OIl", "Qm" + "a" * 44, "f1220", "f12", "f" + "zz" * 34, "u____", "x" * 40]
)
def test_a_digest_that_nobody_can_read_promises_nothing(digest: str) -> None:
    assert look(files.png(), digest=digest).content is None
