"""`/imagine` in the words of a post: read in every form that apps and phones give it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import select

from fedi.database.tables import Account, Painting, Status
from fedi.runtime import Easel
from fedi.settings import PaintingSettings
from fedi.social.errors import Invalid
from fedi.social.statuses import Draft
from fedi.studio import imagine
from fedi.studio.imagine import Imagined
from tests import rig
from tests.studio.asking import account

COMMAND = "/imagine"


def asked(words: str) -> dict[str, Any]:
    found = imagine.read(words, COMMAND)
    assert found is not None, words
    return found.recipe


@pytest.mark.parametrize(
    ("written", "recipe", "words"),
    [
        ("/imagine a lighthouse", {"prompt": "a lighthouse"}, ""),
        ("  /Imagine   a   lighthouse ", {"prompt": "a lighthouse"}, ""),
        ("/imagine\u00a0a lighthouse", {"prompt": "a lighthouse"}, ""),
        ("\ufeff/imagine a lighthouse\u200b", {"prompt": "a lighthouse"}, ""),
        ("/imagine a lighthouse\n\nLook!\n#art", {"prompt": "a lighthouse"}, "Look!\n#art"),
        ("/imagine a lighthouse\r\nLook!", {"prompt": "a lighthouse"}, "Look!"),
        ("@bob @carol@b.example /imagine a boat\nfor you", {"prompt": "a boat"},
         "@bob @carol@b.example for you"),
        ("/imagine a lighthouse --seed 7", {"prompt": "a lighthouse", "seed": 7}, ""),
        ("/imagine --seed 7 a lighthouse", {"prompt": "a lighthouse", "seed": 7}, ""),
        ("/imagine a lighthouse --seed=7", {"prompt": "a lighthouse", "seed": 7}, ""),
        ("/imagine a lighthouse —seed 7", {"prompt": "a lighthouse", "seed": 7}, ""),
        ("/imagine a lighthouse –SEED 7", {"prompt": "a lighthouse", "seed": 7}, ""),
        ("/imagine a cat — happy, well-fed—and old", {"prompt": "a cat — happy, well-fed—and old"},
         ""),
        ("/imagine a cat -- happy", {"prompt": "a cat -- happy"}, ""),
        ("/imagine the keeper's house", {"prompt": "the keeper's house"}, ""),
        ('/imagine "a lighthouse"', {"prompt": "a lighthouse"}, ""),
        ("/imagine “a lighthouse --ar 7” --seed 8", {"prompt": "a lighthouse --ar 7", "seed": 8},
         ""),
        ('/imagine a sign "No --entry" here', {"prompt": 'a sign "No --entry" here'}, ""),
        ("/imagine a 5\" pipe", {"prompt": 'a 5" pipe'}, ""),
        ("/imagine sea --no people, cars --steps 4",
         {"prompt": "sea", "negative_prompt": "people, cars", "steps": 4}, ""),
        ('/imagine sea --no "people, cars" at night',
         {"prompt": "sea", "negative_prompt": "people, cars at night"}, ""),
        ('/imagine sea --no="people, cars" --steps 4',
         {"prompt": "sea", "negative_prompt": "people, cars", "steps": 4}, ""),
        ("/imagine sea --guidance 4,5 --model a/b",
         {"prompt": "sea", "guidance": 4.5, "model": "a/b"}, ""),
    ],
)  # fmt: skip
def test_what_is_asked_for_and_what_is_said(
    written: str, recipe: dict[str, Any], words: str
) -> None:
    found = imagine.read(written, COMMAND)
    assert found == Imagined(recipe=recipe, words=words)


def test_a_shape_and_sharing_are_asked_for() -> None:
    for shape in ("3:2", "3x2", "3×2", "3/2", "1.5:1"):
        found = imagine.read(f"/imagine sea --ar {shape} --share", COMMAND)
        assert found == Imagined(recipe={"prompt": "sea"}, shape=1.5, share=True)


@pytest.mark.parametrize(
    "written",
    ["", "hello", "to /imagine is easy", "/imagined a cat", "/imagin a cat", "imagine a cat", "/ "],
)
def test_other_posts_are_no_wish(written: str) -> None:
    assert imagine.read(written, COMMAND) is None


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("/imagine", "The prompt is empty"),
        ("/imagine\na lighthouse", "The prompt is empty"),
        ("/imagine --seed 7", "The prompt is empty"),
        ('/imagine ""', "The prompt is empty"),
        ("/imagine sea --zoom 2", "There is no option --zoom; there are --ar, --seed,"),
        ("/imagine sea —v 6", "There is no option --v; there are"),
        ("/imagine sea --seed", "--seed needs a whole number, such as --seed 7."),
        ("/imagine sea --seed seven", "--seed needs a whole number"),
        ("/imagine sea --seed -1", "--seed needs a whole number"),
        ("/imagine sea --seed ٧", "--seed needs a whole number"),
        ("/imagine sea --seed 1 --seed 2", "--seed is given twice."),
        ("/imagine sea --ar wide", "--ar needs the width to the height, such as --ar 3:2."),
        ("/imagine sea --ar 3:0", "--ar needs"),
        ("/imagine sea --ar 0:3", "--ar needs"),
        ("/imagine sea --no --seed 7", "--no needs what to leave out"),
        ("/imagine sea --guidance lots", "--guidance needs a number"),
        ("/imagine sea --share=yes", "--share has no value."),
    ],
)
def test_what_is_not_understood_is_refused_in_a_sentence(written: str, says: str) -> None:
    with pytest.raises(Invalid) as refusal:
        imagine.read(written, COMMAND)
    assert says in str(refusal.value) and str(refusal.value).endswith(".")


@given(st.text(max_size=200))
def test_anything_is_read_or_refused_and_nothing_of_it_is_lost(words: str) -> None:
    try:
        found = imagine.read(f"/imagine {words}", COMMAND)
    except Invalid as refusal:
        assert str(refusal).endswith(".")
    else:
        assert found is not None and found.recipe["prompt"].strip()


@given(
    st.sampled_from(["a lighthouse", 'a "red" door', "cats — many"]),
    st.integers(0, 2**32 - 1),
    st.permutations(["--seed {}", "--ar 3:2", "--no people, cars", "--share", "--steps 4"]),
    st.sampled_from(["--", "—", "–"]),
)
def test_options_are_read_in_any_order(
    prompt: str, seed: int, options: list[str], dashes: str
) -> None:
    said = " ".join(options).format(seed).replace("--", dashes)
    found = imagine.read(f"/imagine {prompt} {said}", COMMAND)
    assert found == Imagined(
        recipe={"prompt": prompt, "seed": seed, "negative_prompt": "people, cars", "steps": 4},
        shape=1.5,
        share=True,
    )


@pytest.mark.parametrize(
    ("settings", "option", "size"),
    [
        ({}, "", (None, None)),
        ({}, "--ar 3:2", (320, 192)),  # the starter: 256 pixels, in steps of 64
        ({"model": "flux2-klein-4b"}, "--ar 3:2", (1248, 832)),
        ({"model": "flux2-klein-4b"}, "--ar 2:3", (832, 1248)),
        ({"model": "flux2-klein-4b"}, "--ar 1:1", (1024, 1024)),
        ({"model": "flux2-klein-4b"}, "--ar 16:9", (1360, 768)),
        ({"model": "flux2-klein-4b"}, "--ar 16:9 --model qwen-image-2512", (1760, 992)),
        ({"model": "some/unknown"}, "--ar 16:9", (1344, 768)),
        ({"model": "flux2-klein-4b", "max_megapixels": 0.25}, "--ar 1:1", (480, 480)),
    ],
)
def test_a_shape_becomes_a_size_of_the_model(
    settings: dict[str, Any], option: str, size: tuple[int | None, int | None]
) -> None:
    wanted = imagine.read(f"/imagine sea {option}", COMMAND)
    assert wanted is not None
    recipe = imagine.recipe(wanted, PaintingSettings.model_validate(settings))
    assert (recipe.width, recipe.height) == size


def test_no_line_is_too_long() -> None:
    for words in ("“a " * 66_000, "x" * (imagine.MAX_LINE + 1)):
        with pytest.raises(Invalid, match="is too long: at most"):
            imagine.read(f"/imagine {words}", COMMAND)
    assert imagine.read("/imagine " + "“a " * 1000, COMMAND) is not None


def test_no_shape_is_too_long() -> None:
    wanted = imagine.read("/imagine sea --ar 9:1", COMMAND)
    assert wanted is not None
    with pytest.raises(Invalid, match="at most 4 times as long as it is wide"):
        imagine.recipe(wanted, PaintingSettings())


async def post(easel: Easel, who: Account, draft: Draft) -> Status | Painting:
    async with easel.database.write() as tx:
        return await imagine.post(tx, easel.settings.painting, who, draft)


async def test_a_post_is_published_or_painted(easel: Easel) -> None:
    alice = await account(easel, "alice")
    said = await post(easel, alice, Draft(text="Hello"))
    assert isinstance(said, Status)
    made = await post(
        easel, alice, Draft(text="/imagine a boat --share\n*Look!*", markdown=True, language="en")
    )
    assert isinstance(made, Painting) and made.draft is not None
    assert made.share_recipe
    assert (made.draft["text"], made.draft["markdown"], made.draft["language"]) == (
        "*Look!*", True, "en",
    )  # fmt: skip
    kept = await post(easel, alice, Draft(text="/imagine a boat"))
    assert isinstance(kept, Painting) and not kept.share_recipe


async def test_people_who_are_named_in_html_are_named_in_the_post(easel: Easel) -> None:
    """By their whole handles: of a link only the short one would be left."""
    alice, bob = await account(easel, "alice"), await account(easel, "bob")
    async with easel.database.write() as tx:
        far = Account(
            id=tx.new_id(), username="bob", domain="b.example", handle="bob@b.example",
            uri="https://b.example/users/bob", url="https://b.example/@bob",
            inbox_uri="https://b.example/inbox", created_at=tx.now, updated_at=tx.now,
        )  # fmt: skip
        tx.add(far)
    link = (
        f'<p><span class="h-card"><a href="{far.url}" class="u-url mention">@<span>bob</span></a>'
        "</span> /imagine a boat<br>for you</p>"
    )
    made = await post(easel, alice, Draft(content_html=link))
    assert isinstance(made, Painting) and made.draft is not None
    assert made.recipe["prompt"] == "a boat"
    assert made.draft["text"] == "@bob@b.example for you"
    assert bob.domain is None


async def test_the_command_is_a_setting(new_database: rig.NewDatabase, tmp_path: Path) -> None:
    for command, painted in (("!paint", "!paint a boat"), ("", "")):
        settings = rig.settings_for(
            tmp_path, new_database(), painting={"local": False, "command": command}
        )
        async with rig.opened(settings) as easel:
            alice = await account(easel, "alice")
            assert isinstance(await post(easel, alice, Draft(text="/imagine a boat")), Status)
            if painted:
                assert isinstance(await post(easel, alice, Draft(text=painted)), Painting)
            async with easel.database.read() as session:
                count = len((await session.exec(select(Painting))).all())
            assert count == bool(painted)
