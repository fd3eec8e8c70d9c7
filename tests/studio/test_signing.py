"""A remix is signed with its parent's file in it, as far as that can be."""

from __future__ import annotations

import json
from io import BytesIO

import c2pa
import pytest

from fedi.database.tables import Painting
from fedi.studio import media
from fedi.studio.pictures import Prepared
from generation import credentials, provenance
from generation.credentials import Parent
from generation.protocol import Finished
from generation.recipe import Recipe
from tests.generation import signing

URI = "https://other.example/users/bob/statuses/1"


async def remixed(parent: bytes) -> tuple[Prepared, str]:
    """A remix of a post with this file, and the authority of who signed it."""
    authority, by = signing.chain()
    painting = Painting(id=1, account_id=1, recipe={}, model="", created_at=None)
    finished = Finished(
        painting="1",
        media_type="image/png",
        width=64,
        height=48,
        recipe=Recipe(prompt="a lighthouse", seed=7, steps=4, width=64, height=48),
        model="Flat colours",
        model_version="",
        sampler="",
        seconds=1.0,
        description="A lighthouse.",
    )
    file = Parent(uri=URI, picture=parent, media_type="image/png")
    prepared = await media.prepare_painting(
        signing.stamped(), finished, painting, "alice@easel.example", by, file
    )
    return prepared, authority


def manifests(content: bytes, media_type: str) -> int:
    with c2pa.Reader(media_type, BytesIO(content)) as reader:
        return len(json.loads(reader.json())["manifests"])


async def test_the_picture_carries_its_parents_credentials_and_the_preview_only_its_name() -> None:
    _, theirs = signing.chain("other.example")
    prepared, authority = await remixed(signing.signed(theirs))
    for content, kind, carried in (
        (prepared.content, "image/png", 2),
        (prepared.preview, "image/webp", 1),
    ):
        found = credentials.read(content, kind, {signing.NAME: authority})
        assert (found.state, found.vouched, found.parents) == ("valid", signing.NAME, (URI,))
        assert provenance.read(content).source == URI
        assert manifests(content, kind) == carried


@pytest.mark.parametrize(
    "parent",
    [
        b"no picture at all: jumb c2pa",
        signing.with_manifest(b"jumb c2pa" * 100),
        signing.with_manifest(signing.box(b"jumb", b"c2pa" * 500_000)),
        signing.stamped()[:200],
    ],
    ids=["no picture", "noise", "huge", "half"],
)
async def test_a_remix_of_a_damaged_file_names_its_parent_all_the_same(parent: bytes) -> None:
    prepared, authority = await remixed(parent)
    found = credentials.read(prepared.content, "image/png", {signing.NAME: authority})
    assert (found.state, found.vouched, found.parents) == ("valid", signing.NAME, (URI,))
    assert manifests(prepared.content, "image/png") == 1
