"""Content credentials: signed last, read back with all distrust, told in plain words."""

from __future__ import annotations

import json
import shutil
import subprocess
from io import BytesIO
from pathlib import Path
from typing import Any

import c2pa
import pytest
from PIL import Image

from generation import apart, credentials, manifests, provenance, statements
from generation.certificates import Certified
from generation.credentials import Claim, CredentialsError, Parent
from generation.manifests import Manifest
from generation.provenance import Format
from tests.generation import signing
from tests.generation.signing import CLAIM, NAME, RECIPE, chain, signed, stamped

FORMATS: tuple[Format, ...] = ("PNG", "WEBP", "JPEG")
OTHER = "other.example"
HERE = Path(__file__).parent


def read(content: bytes, authorities: dict[str, str], format: Format = "PNG") -> Manifest:
    return credentials.read(content, provenance.MEDIA_TYPES[format], authorities)


def independent(content: bytes, format: Format, anchor: str = "") -> dict[str, Any]:
    """What the library's own reader says, with nothing of ours around it."""
    settings = {"trust": {"user_anchors": anchor}} if anchor else {}
    with (
        c2pa.Context.from_dict(settings) as context,
        c2pa.Reader(provenance.MEDIA_TYPES[format], BytesIO(content), context=context) as reader,
    ):
        found: dict[str, Any] = json.loads(reader.json())
        return found


@pytest.mark.parametrize("format", FORMATS)
def test_what_is_signed_is_read_by_everybody(format: Format) -> None:
    authority, by = chain()
    content = signed(by, format)
    store = independent(content, format, authority)
    assert store["validation_state"] == "Trusted"
    manifest = store["manifests"][store["active_manifest"]]
    said = {entry["label"]: entry["data"] for entry in manifest["assertions"]}
    [action] = said["c2pa.actions.v2"]["actions"]
    assert action["action"] == "c2pa.created"
    assert action["digitalSourceType"] == provenance.TRAINED_ALGORITHMIC_MEDIA
    assert action["softwareAgent"] == {"name": "FLUX.2 klein", "version": "0123456789"}
    assert {entry["use"] for entry in said["cawg.training-mining"]["entries"].values()} == {
        "notAllowed"
    }
    assert manifest["claim_generator_info"][0]["name"] == "Easel"
    # The pixels and all that was written before stand as they were.
    before, after = stamped(format), Image.open(BytesIO(content))
    assert Image.open(BytesIO(before)).tobytes() == after.tobytes()
    assert provenance.read(content) == provenance.read(before)


@pytest.mark.parametrize("format", FORMATS)
def test_whose_signature_it_is(format: Format) -> None:
    authority, by = chain()
    another, _ = chain(OTHER)
    content = signed(by, format)
    found = read(content, {OTHER: another, NAME: authority}, format)
    assert (found.state, found.signer, found.vouched) == ("valid", NAME, NAME)
    assert found.digital_source_type == provenance.TRAINED_ALGORITHMIC_MEDIA
    assert (found.ai_system, found.ai_system_version) == ("FLUX.2 klein", "0123456789")
    assert (found.software, found.training, found.prompt) == ("Easel 0.1", "notAllowed", "")
    assert manifests.sentence(found, NAME) == (
        "Signed by this instance, easel.example, and not altered since."
    )
    assert manifests.sentence(found, OTHER) == "Signed by easel.example, and not altered since."
    assert apart.read(content, provenance.MEDIA_TYPES[format], {NAME: authority}) == found


def test_whoever_calls_themselves_us_is_not_us() -> None:
    authority, _ = chain()
    _, impostor = chain()  # of the same name, by an authority of their own
    found = read(signed(impostor), {NAME: authority})
    assert (found.state, found.signer, found.vouched) == ("valid", NAME, "")
    assert "nobody known here vouches" in manifests.sentence(found, NAME)


def test_one_changed_pixel_is_noticed() -> None:
    authority, by = chain()
    changed = signing.with_another_pixel(signed(by))
    assert Image.open(BytesIO(changed)).tobytes() != Image.open(BytesIO(stamped())).tobytes()
    found = read(changed, {NAME: authority})
    assert (found.state, found.vouched) == ("altered", "")
    assert "assertion.dataHash.mismatch" in found.codes
    assert manifests.sentence(found, NAME) == (
        "It was altered after it was signed in the name of easel.example."
    )


@pytest.mark.parametrize("format", FORMATS)
def test_a_changed_byte_is_noticed(format: Format) -> None:
    authority, by = chain()
    content = signing.with_another_byte(signed(by, format))
    assert read(content, {NAME: authority}, format).state == "altered"


def test_changed_words_under_the_signature_are_noticed() -> None:
    authority, by = chain()
    content = signed(by)
    parts = [
        (kind, data.replace(b"FLUX.2 klein", b"Oil on linen") if kind == b"caBX" else data)
        for kind, data in signing.chunks(content)
    ]
    found = read(signing.png_of(parts), {NAME: authority})
    assert (found.state, found.vouched) == ("altered", "")


def test_stripping_is_noticed() -> None:
    authority, by = chain()
    said = statements.read(signing.stripped(signed(by)), {NAME: authority})
    assert said.manifest == Manifest() and said.stripped
    assert said.label.source_type == provenance.TRAINED_ALGORITHMIC_MEDIA
    assert "were taken out" not in manifests.sentence(said.manifest)
    assert statements.sentence(said).endswith("the content credentials were taken out of it.")


def test_the_prompt_is_there_only_if_its_author_shares_it() -> None:
    _, by = chain()
    content = signed(by, shared=False)
    for word in (b"lighthouse", b"fog"):
        assert word not in content.replace(b"A lighthouse.", b"")
    shared = Claim(**{**struct(CLAIM), "recipe": RECIPE})
    content = signed(by, claim=shared)
    assert read(content, {}).prompt == "a lighthouse"
    store = independent(content, "PNG")
    manifest = store["manifests"][store["active_manifest"]]
    [actions] = [entry["data"] for entry in manifest["assertions"] if "actions" in entry["data"]]
    assert actions["actions"][0]["parameters"] == {
        "prompt": "a lighthouse",
        "negativePrompt": "fog",
        "seed": 7,
        "steps": 4,
        "guidance": 1.5,
    }


def struct(claim: Claim) -> dict[str, Any]:
    return {name: getattr(claim, name) for name in claim.__struct_fields__}


def test_who_allows_training_says_so() -> None:
    _, by = chain()
    content = signed(by, claim=Claim(**{**struct(CLAIM), "training": True}))
    assert read(content, {}).training == "allowed"


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("with_file", [True, False])
def test_the_parent_of_a_remix_is_an_ingredient(format: Format, with_file: bool) -> None:
    authority, by = chain()
    theirs_authority, theirs = chain(OTHER)
    uri = "https://other.example/users/bob/statuses/1"
    parent = Parent(uri=uri)
    if with_file:
        parent = Parent(uri=uri, picture=signed(theirs, "WEBP"), media_type="image/webp")
    claim = Claim(**{**struct(CLAIM), "parents": (parent,), "source_type": provenance.COMPOSITE})
    media_type = provenance.MEDIA_TYPES[format]
    for sign in (credentials.sign, apart.sign):
        content = sign(stamped(format), media_type, claim, by)
        found = read(content, {NAME: authority, OTHER: theirs_authority}, format)
        assert (found.state, found.vouched, found.parents) == ("valid", NAME, (uri,))
        assert found.digital_source_type == provenance.COMPOSITE
        store = independent(content, format, authority)
        manifest = store["manifests"][store["active_manifest"]]
        [ingredient] = manifest["ingredients"]
        assert ingredient["relationship"] == "parentOf"
        assert len(store["manifests"]) == (2 if with_file else 1)  # theirs goes with it


@pytest.mark.parametrize("over", [False, True])
def test_what_was_made_larger_is_still_what_it_was(over: bool) -> None:
    authority, by = chain()
    changed: dict[str, Any] = {"upscaler": "Easel upscaler"}
    if over:
        parent = Parent(uri="https://other.example/users/bob/statuses/1")
        changed |= {"parents": (parent,), "source_type": provenance.COMPOSITE}
    claim = Claim(**{**struct(CLAIM), **changed})
    content = signed(by, claim=claim)
    found = read(content, {NAME: authority})
    assert (found.state, found.ai_system) == ("valid", CLAIM.model)
    assert found.digital_source_type == claim.source_type
    store = independent(content, "PNG", authority)
    assert store["validation_state"] == "Trusted"
    manifest = store["manifests"][store["active_manifest"]]
    said = {entry["label"]: entry["data"] for entry in manifest["assertions"]}
    *before, last = said["c2pa.actions.v2"]["actions"]
    assert [action["action"] for action in before] == (
        ["c2pa.opened", "c2pa.edited"] if over else ["c2pa.created"]
    )
    assert last["action"] == "c2pa.resized"
    assert last["digitalSourceType"].endswith("/algorithmicallyEnhanced")
    assert last["softwareAgent"] == {"name": "Easel upscaler"}


def test_who_took_over_a_recipe_painted_something_new() -> None:
    authority, by = chain()
    parent = Parent(uri="https://other.example/users/bob/statuses/1")
    content = signed(by, claim=Claim(**{**struct(CLAIM), "parents": (parent,)}))
    found = read(content, {NAME: authority})
    assert (found.state, found.parents) == ("valid", (parent.uri,))
    store = independent(content, "PNG", authority)
    manifest = store["manifests"][store["active_manifest"]]
    assert manifest["ingredients"][0]["relationship"] == "inputTo"
    [actions] = [a for a in manifest["assertions"] if a["label"] == "c2pa.actions.v2"]
    assert [action["action"] for action in actions["data"]["actions"]] == ["c2pa.created"]


def test_what_cannot_be_signed_says_why() -> None:
    _, by = chain()
    _, another = chain()
    for media_type, pair in (
        ("image/png", Certified(by.certificate, another.key)),
        ("text/html", by),
    ):
        with pytest.raises(CredentialsError, match="could not be signed"):
            credentials.sign(stamped(), media_type, CLAIM, pair)


def test_a_certificate_that_has_ended_proves_nothing() -> None:
    # Signed in 2026 by a leaf that lived for two seconds: what signs asks the clock of the machine.
    content = (HERE / "ended.webp").read_bytes()
    found = read(content, {"gone.example": (HERE / "ended.pem").read_text()}, "WEBP")
    assert (found.state, found.signer, found.vouched) == ("expired", "gone.example", "")
    assert "has ended" in manifests.sentence(found, NAME)


def nested(depth: int) -> bytes:
    content = b"jumb c2pa"
    for _ in range(depth):
        content = signing.box(b"jumb", content)
    return content


HOSTILE = {
    "nothing": b"jumb c2pa",
    "noise": b"\0\0\0\x30jumb\0\0\0\x28jumdc2pa\0\x11\0\x10\x80\0\0\xaa\0\x38\x9b\x71\x03c2pa\0"
    * 9,
    "a size that is a lie": b"\xff\xff\xff\xffjumb" + b"c2pa" * 100,
    "a long size that is a lie": b"\0\0\0\x01jumb" + b"\xff" * 8 + b"c2pa" * 100,
    "nested": nested(20_000),
    "huge": signing.box(b"jumb", b"c2pa" * 5_000_000),
}


@pytest.mark.parametrize("manifest", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_manifest_is_told_of_in_a_plain_sentence(manifest: bytes) -> None:
    said = statements.read(signing.with_manifest(manifest))
    assert said.manifest.state == "damaged"
    assert said.label.source_type == provenance.TRAINED_ALGORITHMIC_MEDIA  # of its XMP
    assert statements.sentence(said) == (
        "Its content credentials are damaged and cannot be believed."
    )


def test_a_reader_that_dies_or_hangs_harms_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    _, by = chain()
    content = signed(by)
    monkeypatch.setattr(apart, "TIMEOUT_S", 0.001)
    assert apart.read(content, "image/png", {}) == apart.DAMAGED
    with pytest.raises(CredentialsError):
        apart.sign(stamped(), "image/png", CLAIM, by)


@pytest.mark.parametrize("format", FORMATS)
def test_exiftool_reads_what_is_signed(format: Format, tmp_path: Path) -> None:
    exiftool = shutil.which("exiftool")
    if exiftool is None:
        pytest.skip("exiftool is not installed (Debian: libimage-exiftool-perl)")
    _, by = chain()
    path = tmp_path / f"picture.{format.lower()}"
    path.write_bytes(signed(by, format))
    result = subprocess.run(
        [exiftool, "-json", "-G0", "-u", str(path)], capture_output=True, check=True
    )
    (tags,) = json.loads(result.stdout)
    assert "Error" not in tags and "ExifTool:Warning" not in tags
    assert tags["XMP:DataMining"] in (
        provenance.NO_TRAINING,
        "Prohibited for AI/ML training",
        "DMI-PROHIBITED-AIMLTRAINING",
    )
