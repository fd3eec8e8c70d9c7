"""Alt text: the author's, else a model's, else an honest sentence; never none."""

from __future__ import annotations

from typing import Any

import pytest

from fedi.database.tables import MediaAttachment
from fedi.social.statuses import Draft
from fedi.studio import descriptions
from tests import rig
from tests.studio.asking import account, ask, look, reaches
from tests.studio.easel_painter import connected


async def described(
    instance: rig.Instance, said: dict[str, Any], **asked: Any
) -> tuple[str | None, MediaAttachment]:
    """What the painter was asked to describe, and the picture."""
    easel = instance.easel
    painting = await ask(easel, await account(easel, "alice"), **asked)
    async with connected(instance) as card:
        given = await card.given()
        async with reaches(easel, painting, "done"):
            await card.finish(given, **said)
    done = await look(easel, painting)
    async with easel.database.read() as session:
        media = await session.get(MediaAttachment, done.media_id)
    assert media is not None and done.description == media.description
    return given.describe, media


SEEN = {"description": "A white tower by the sea.", "described_by": "Small"}


@pytest.mark.parametrize(
    ("said", "asked", "wish", "text", "by"),
    [
        (SEEN, {"description": "My tower."}, None, "My tower.", ""),
        (SEEN, {}, "", "A white tower by the sea.", "Small"),
        (SEEN, {"draft": Draft(text="x", language="pt-BR")}, "pt-BR",
         "A white tower by the sea.", "Small"),
        ({"description": " \n "}, {}, "",
         "A picture that Flat colours made. Nobody has described it.", "prompt"),
        ({}, {"share_recipe": True}, "",
         "A picture that Flat colours made from these words: a lighthouse", "prompt"),
        ({}, {"draft": Draft(text="x", language="de-AT"), "share_recipe": True}, "de-AT",
         "Ein Bild, das Flat colours aus diesen Worten gemacht hat: a lighthouse", "prompt"),
        ({}, {"draft": Draft(text="x", language="xx")}, "xx",
         "A picture that Flat colours made. Nobody has described it.", "prompt"),
    ],
)  # fmt: skip
async def test_who_describes_a_picture(
    instance: rig.Instance,
    said: dict[str, Any],
    asked: dict[str, Any],
    wish: str | None,
    text: str,
    by: str,
) -> None:
    wished, media = await described(instance, said, **asked)
    assert (wished, media.description, media.described_by) == (wish, text, by)


async def test_what_stands_in_is_never_longer_than_others_show(instance: rig.Instance) -> None:
    _, media = await described(instance, {}, prompt="{a} " * 900, share_recipe=True)
    assert len(media.description) < descriptions.MAX_SEEN and media.description.endswith("…")
    assert "{a} {a}" in media.description


async def test_what_a_painter_says_is_cut(instance: rig.Instance) -> None:
    _, media = await described(instance, {"description": "tower " * 4000, "described_by": "S"})
    assert len(media.description) == descriptions.MAX_SEEN
