"""Uploads that say of themselves that a machine made them go on saying so, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import pytest
from PIL import Image, PngImagePlugin

from fedi.database.tables import MediaAttachment, Status
from fedi.federation.translate import outward
from fedi.runtime import Easel
from fedi.social import posts, statuses
from fedi.social.statuses import Draft
from fedi.studio import media, pictures
from fedi.studio.remote_files import inspection
from fedi.studio.remote_files.claims import Claim
from generation import credentials, provenance, statements
from tests.generation import signing
from tests.studio import hostile_files as files
from tests.studio.asking import account

MB = 1_000_000
A1111 = (
    "a secret prompt\nNegative prompt: people\n"
    "Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 512x512, Model: dreams"
)
CAMERA = f"{provenance.SOURCES}digitalCapture"


def by_xmp() -> bytes:
    return files.labelled("JPEG", provenance.COMPOSITE)


def by_a1111() -> bytes:
    texts = PngImagePlugin.PngInfo()
    texts.add_text("parameters", A1111)
    return files.png(pnginfo=texts)


def by_a1111_in_exif() -> bytes:
    exif = files.exif()
    exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + A1111.encode("utf-16-be")
    return files.jpeg(exif=exif)


def by_credentials_alone(plain: bytes = b"", media_type: str = "image/png") -> bytes:
    """As some services do: no XMP, but a signature, by somebody whom nobody here knows."""
    _, by = signing.chain("somebody.example")
    claim = credentials.Claim(model="Dream 3", model_version="x", recipe=signing.RECIPE)
    return credentials.sign(plain or files.png(), media_type, claim, by)


def by_camera() -> bytes:
    return files.labelled("PNG", CAMERA)


def moving() -> bytes:
    frames = [Image.new("RGB", (16, 16), (red, 0, 0)) for red in (0, 90, 180)]
    out = BytesIO()
    packet = provenance.label(provenance.TRAINED_ALGORITHMIC_MEDIA, "Films", "")
    frames[0].save(out, "WEBP", save_all=True, append_images=frames[1:], duration=90, xmp=packet)
    return out.getvalue()


PAINTED = provenance.TRAINED_ALGORITHMIC_MEDIA
UPLOADS: list[tuple[Callable[[], bytes], str, str, str]] = [
    (by_xmp, provenance.COMPOSITE, "Model <One>", "edited"),
    (by_a1111, PAINTED, "dreams", "generated"),
    (by_a1111_in_exif, PAINTED, "dreams", "generated"),
    (by_credentials_alone, PAINTED, "Dream 3", "generated"),
    (by_camera, CAMERA, "Model <One>", "undeclared"),
    (moving, PAINTED, "Films", "generated"),
]


@pytest.mark.parametrize(("make", "source", "model", "label"), UPLOADS)
async def test_the_label_stands_in_our_copy_and_in_the_post(
    easel: Easel, make: Callable[[], bytes], source: str, model: str, label: str
) -> None:
    alice = await account(easel, "alice")
    prepared = await media.prepare_upload(make(), easel.settings.media)
    for file in (prepared.content, prepared.preview):
        said = provenance.read(file)
        assert (said.digital_source_type, said.ai_system) == (source, model)
        assert (said.parameters, said.ai_prompt) == ("", "")
        for secret in (b"secret", b"lighthouse", b"Camera", b"jumb"):
            assert secret not in file
    stored = await media.store(easel.storage, prepared)
    async with easel.database.write() as tx:
        row = media.add_upload(tx, alice, stored, description="x")
        await tx.flush()
        status = await statuses.publish(tx, alice, Draft(text="Mine.", media_ids=[row.id]))
    async with easel.database.read() as session:
        found = await session.get_one(Status, status.id)
        [post] = await posts.assemble(session, [found], alice)
    assert found.ai == label
    document = outward.note(post, easel.settings.instance, easel.clock.now()).document()
    [attachment] = document["attachment"]
    assert (attachment["digitalSourceType"], attachment["AISystemUsed"]) == (source, model)
    tagged = "#AIgenerated" in [tag["name"] for tag in document.get("tag", [])]
    assert tagged is (label != "undeclared")


async def test_an_upload_that_says_nothing_is_given_no_label(easel: Easel) -> None:
    alice = await account(easel, "alice")
    for content in (files.jpeg(exif=files.exif()), files.labelled("PNG", "<script>"), files.png()):
        prepared = await media.prepare_upload(content, easel.settings.media)
        assert provenance.read(prepared.content).digital_source_type == ""
        stored = await media.store(easel.storage, prepared)
        async with easel.database.write() as tx:
            row = media.add_upload(tx, alice, stored)
        async with easel.database.read() as session:
            found = await session.get_one(MediaAttachment, row.id)
        assert (found.digital_source_type, found.ai_system) == (None, "")


def test_a_gif_has_no_place_for_a_label_but_its_preview_has() -> None:
    signed = by_credentials_alone(files.moving("GIF", 3), "image/gif")
    assert statements.read(signed).manifest.state == "valid"
    prepared = pictures.prepare_upload(signed, 16 * MB, 33 * MB)
    assert prepared.media_type == "image/gif" and prepared.label.source_type == PAINTED
    assert provenance.read(prepared.preview).generated


@pytest.mark.parametrize("place", [False, True])
def test_a_file_of_another_server_keeps_what_only_its_signature_said(place: bool) -> None:
    content = by_credentials_alone(files.jpeg(exif=files.exif(place=place)), "image/jpeg")
    found = inspection.inspect(Claim("attachment", "https://a.example/b"), BytesIO(content))
    assert (found.content is not None) is place
    assert found.preview is not None
    said = provenance.read(found.preview)
    assert (said.digital_source_type, said.ai_system) == (PAINTED, "Dream 3")
    if found.content is not None:
        assert provenance.read(found.content).generated and b"jumb" not in found.content
