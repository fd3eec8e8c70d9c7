"""Alt text: the author's, else a model's, else an honest sentence; never none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fedi.database.tables import MediaAttachment
from fedi.social.statuses import Draft
from fedi.studio import descriptions, paintings
from generation.recipe import Recipe
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


async def test_all_pictures_of_a_post_are_described_in_its_language(
    instance: rig.Instance,
) -> None:
    easel = instance.easel
    alice = await account(easel, "alice")
    async with easel.database.write() as tx:
        made = await paintings.request_several(
            tx,
            easel.settings.painting,
            alice,
            Recipe(prompt="a lighthouse").times(2),
            draft=Draft(text="x", language="de"),
        )
    async with connected(instance) as card:
        for painting in made:
            given = await card.given()
            assert given.describe == "de"
            async with reaches(easel, painting, "done"):
                await card.finish(given)
            done = await look(easel, painting)
            assert done.description.endswith("Niemand hat es beschrieben.")


@pytest.mark.parametrize(
    ("seen", "text", "marked"),
    [
        ("A man with a GUN.", "A picture that Flat colours made. Nobody has described it.", True),
        ("A man with a gunwale.", "A man with a gunwale.", False),
        ("A man with Blood on him.", "A man with Blood on him.", True),
        (
            "A white\x1b[31m tower\x00\ud800.\n\nBy the\u202e sea.",
            "A white[31m tower. By the sea.",
            False,
        ),
        ("\x00\x1b", "A picture that Flat colours made. Nobody has described it.", False),
    ],
)
async def test_what_a_model_says_obeys_the_rules_for_what_is_asked_for(
    new_database: rig.NewDatabase, tmp_path: Path, seen: str, text: str, marked: bool
) -> None:
    words = {"local": False, "blocked_words": ["gun"], "sensitive_words": ["blood"]}
    async with rig.serve_instance(tmp_path, new_database(), painting=words) as instance:
        said = {"description": seen.encode("utf-8", "ignore").decode(), "described_by": "S m"}
        _, media = await described(instance, said)
        assert media.description == text
        assert media.described_by == ("prompt" if "Nobody" in text else "S m")
        assert media.sensitive is marked


async def test_where_a_model_sees_what_is_never_painted_a_moderator_looks_first(
    instance: rig.Instance,
) -> None:
    easel = instance.easel
    painting = await ask(easel, await account(easel, "alice"))
    async with connected(instance) as card:
        given = await card.given()
        async with reaches(easel, painting, "review"):
            await card.finish(given, description="A naked child.", described_by="S m")
    held = await look(easel, painting)
    assert held.sensitive and held.media_id is None and held.held is not None
    assert "naked" not in str(held.held)
