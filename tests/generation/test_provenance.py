from __future__ import annotations

import io
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from generation import provenance
from generation.provenance import Format, ProvenanceError, read, stamp
from generation.recipe import MAX_NEGATIVE_PROMPT, MAX_PROMPT, Recipe, RecipeError

FORMATS: tuple[Format, ...] = ("PNG", "WEBP", "JPEG")
LABEL = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
RECIPE = Recipe(
    prompt='a <cat> & a "dog",\nSteps: none, 猫 😀',
    negative_prompt="blurry, <b>",
    seed=42,
    width=64,
    height=48,
    steps=4,
    guidance=7.5,
)


def picture(mode: str = "RGB", format: str = "PNG", **saving: Any) -> bytes:
    out = io.BytesIO()
    image = Image.linear_gradient("L").resize((64, 48)).convert(mode)
    image.save(out, format, **saving)
    return out.getvalue()


def stamped(format: Format = "PNG", **changed: Any) -> bytes:
    arguments: dict[str, Any] = {
        "recipe": RECIPE,
        "model": "FLUX.2 klein: 4B, new",
        "model_version": "0123456789abcdef",
        "alt_text": "A cat & a “dog” <there>",
        "creator": "alice@easel.example",
        "share_recipe": True,
        "software": "Easel 0.1",
        "sampler": "Euler",
    }
    return stamp(picture(), format=format, **(arguments | changed))


@pytest.mark.parametrize("format", FORMATS)
def test_a_shared_recipe_is_read_back(format: Format) -> None:
    found = read(stamped(format))
    assert found.digital_source_type == LABEL and found.generated
    assert found.ai_system == "FLUX.2 klein: 4B, new"
    assert found.ai_system_version == "0123456789abcdef"
    assert found.ai_prompt == f"{RECIPE.prompt}\nNegative prompt: {RECIPE.negative_prompt}"
    assert found.description == "A cat & a “dog” <there>"
    assert found.creator == "alice@easel.example"
    assert found.software == "Easel 0.1"
    assert found.prompt == RECIPE.prompt
    assert found.negative_prompt == RECIPE.negative_prompt
    assert found.fields == {
        "Steps": "4",
        "Sampler": "Euler",
        "CFG scale": "7.5",
        "Seed": "42",
        "Size": "64x48",
        "Model hash": "0123456789",
        "Model": "FLUX.2 klein: 4B, new",
        "Version": "Easel 0.1",
    }


@pytest.mark.parametrize("format", FORMATS)
def test_without_consent_the_label_stands_and_the_recipe_does_not(format: Format) -> None:
    secret = Recipe(prompt="SECRETPROMPT", negative_prompt="SECRETNEGATIVE", seed=987654321)
    data = stamped(format, recipe=secret, share_recipe=False)
    found = read(data)
    assert found.generated and found.ai_system and found.ai_system_version
    assert (found.parameters, found.ai_prompt, found.prompt, found.fields) == ("", "", "", {})
    for encoding in ("utf-8", "utf-16-be", "utf-16-le"):
        for word in ("SECRETPROMPT", "SECRETNEGATIVE", "987654321", "Steps"):
            assert word.encode(encoding) not in data


def test_the_infotext_is_a1111s() -> None:
    data = stamped(model="sdxl", recipe=Recipe(prompt="a cat", seed=1, steps=4, guidance=1.0))
    with Image.open(io.BytesIO(data)) as image:
        assert image.info["parameters"] == (
            "a cat\nSteps: 4, Sampler: Euler, CFG scale: 1, Seed: 1, Size: 64x48, "
            "Model hash: 0123456789, Model: sdxl, Version: Easel 0.1"
        )


def test_pixels_stay_as_they_are() -> None:
    with Image.open(io.BytesIO(picture())) as before, Image.open(io.BytesIO(stamped())) as after:
        assert before.convert("RGB").tobytes() == after.tobytes()


def test_a_transparent_picture_stays_transparent() -> None:
    out = io.BytesIO()
    Image.new("RGBA", (8, 8), (255, 0, 0, 100)).save(out, "PNG")
    for format, mode in (("PNG", "RGBA"), ("WEBP", "RGBA"), ("JPEG", "RGB")):
        data = stamp(
            out.getvalue(),
            format=format,  # type: ignore[arg-type]
            recipe=RECIPE,
            model="m",
            model_version="",
            alt_text="",
            creator="",
            share_recipe=False,
            software="",
        )
        with Image.open(io.BytesIO(data)) as image:
            assert (image.mode, image.format) == (mode, format)
        assert read(data).generated


@pytest.mark.parametrize("format", FORMATS)
def test_what_was_in_the_file_before_is_gone(format: Format) -> None:
    exif = Image.Exif()
    exif[0x010E] = "LEAK"
    carrying = picture(format="JPEG", exif=exif, comment=b"LEAK", xmp=b"<x>LEAK</x>")
    data = stamp(
        carrying,
        format=format,
        recipe=RECIPE,
        model="m",
        model_version="v",
        alt_text="",
        creator="",
        share_recipe=False,
        software="Easel",
    )
    assert b"LEAK" not in data


@pytest.mark.parametrize("format", FORMATS)
def test_the_longest_texts_fit(format: Format) -> None:
    # Each "&" takes five bytes in XML, each 😀 four in UTF-16; a JPEG segment has 64 KiB.
    longest = Recipe(prompt="&" * MAX_PROMPT, negative_prompt="😀" * MAX_NEGATIVE_PROMPT)
    found = read(stamped(format, recipe=longest, alt_text="&" * 5000, creator="&" * 5000))
    assert found.prompt == longest.prompt and found.negative_prompt == longest.negative_prompt
    assert len(found.description) == provenance.MAX_ALT_TEXT


@settings(max_examples=40)
@given(st.text(max_size=60), st.text(max_size=60), st.sampled_from(FORMATS))
def test_any_words_can_be_written(prompt: str, alt_text: str, format: Format) -> None:
    try:
        recipe = Recipe.parse({"prompt": prompt, "seed": 1, "steps": 2, "guidance": 1})
    except RecipeError:
        return
    found = read(stamped(format, recipe=recipe, alt_text=alt_text, model=prompt, creator=alt_text))
    assert found.generated
    assert found.fields["Seed"] == "1"
    if "Negative prompt:" not in prompt:
        assert found.prompt == recipe.prompt
    assert found.ai_prompt == recipe.prompt


@pytest.mark.parametrize(
    "data", [b"", b"no picture", b"\x89PNG\r\n\x1a\n", b"GIF89a", picture()[:100]]
)
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    with pytest.raises(ProvenanceError, match="no picture"):
        read(data)


@pytest.mark.parametrize(
    "packet",
    [
        b"<",
        b"\xff\xfe\x00",
        b'<?xml version="1.0" encoding="nonsense"?><a/>',
        b'<!DOCTYPE a [<!ENTITY b "c"><!ENTITY d "&b;&b;">]><a>&d;</a>',
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        b"<a>" * 100_000,
    ],
)
def test_a_hostile_packet_says_nothing(packet: bytes) -> None:
    assert read(picture(format="WEBP", xmp=packet)) == provenance.Credentials()


def test_hostile_texts_are_only_texts() -> None:
    texts = provenance.PngImagePlugin.PngInfo()
    texts.add_text("parameters", "a: b, " * 20_000)
    found = read(picture(pnginfo=texts))
    assert len(found.parameters) == provenance.MAX_TEXT


def test_the_compact_form_of_others_is_read() -> None:
    packet = f"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
      xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""
      xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
      Iptc4xmpExt:DigitalSourceType="{LABEL}"/></rdf:RDF></x:xmpmeta>"""
    assert read(picture(format="JPEG", xmp=packet.encode())).generated


@pytest.mark.parametrize("format", FORMATS)
def test_exiftool_reads_it(format: Format, tmp_path: Path) -> None:
    exiftool = shutil.which("exiftool")
    if exiftool is None:
        pytest.skip("exiftool is not installed (Debian: libimage-exiftool-perl)")
    path = tmp_path / f"picture.{format.lower()}"
    path.write_bytes(stamped(format))
    # Older releases than the fields of 2025 leave those out: -u shows them all the same.
    result = subprocess.run(
        [exiftool, "-json", "-G0", "-u", "-struct", "-charset", "UTF8", str(path)],
        capture_output=True,
        check=True,
    )
    (tags,) = json.loads(result.stdout)
    assert "Error" not in tags and "ExifTool:Warning" not in tags
    assert tags["XMP:DigitalSourceType"] in (LABEL, "Trained Algorithmic Media")
    assert tags["XMP:Description"] == "A cat & a “dog” <there>"
    assert tags["XMP:Creator"] in ("alice@easel.example", ["alice@easel.example"])
    assert tags["XMP:AISystemUsed"] == "FLUX.2 klein: 4B, new"
    assert tags["XMP:AISystemVersionUsed"] == "0123456789abcdef"
    assert tags["XMP:AIPromptInformation"].startswith(RECIPE.prompt)
    parameters = tags["PNG:Parameters" if format == "PNG" else "EXIF:UserComment"]
    assert parameters.startswith(RECIPE.prompt) and "Seed: 42" in parameters
