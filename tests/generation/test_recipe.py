from __future__ import annotations

import json
import math
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation import catalogue
from generation.recipe import MAX_PROMPT, MAX_SEED, Limits, Recipe, RecipeError, draw_seed

PICTURE = "zQm" + "a" * 44  # a digest as names of pictures are


def test_a_prompt_is_enough() -> None:
    recipe = Recipe.parse({"prompt": "  a red cat\r\non the moon "})
    assert recipe == Recipe(prompt="a red cat\non the moon")
    assert recipe.document() == {"prompt": "a red cat\non the moon"}


def test_everything_goes_through_a_document_unchanged() -> None:
    asked = {
        "prompt": "猫 😀",
        "negative_prompt": "blurry",
        "model": "black-forest-labs/FLUX.2-klein-4B",
        "seed": MAX_SEED,
        "width": 768,
        "height": 512,
        "steps": 12,
        "guidance": 4,
        "strength": 0.25,
        "source": PICTURE,
        "mask": "zQm" + "b" * 44,
        "references": [PICTURE],
        "loras": [{"name": "someone/ink", "weight": -0.5}, {"name": "house.safetensors"}],
        "upscale": 2,
    }
    recipe = Recipe.parse(json.loads(json.dumps(asked)))
    assert recipe.document() == asked
    assert Recipe.from_document(json.loads(json.dumps(recipe.document()))) == recipe


def test_a_stored_recipe_of_a_newer_version_can_be_read() -> None:
    assert Recipe.from_document({"prompt": "a", "sparkle": 3}) == Recipe(prompt="a")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"prompt": ""}, "prompt is empty"),
        ({"prompt": " \x00 "}, "prompt is empty"),
        ({"prompt": None}, "prompt is empty"),
        ({"prompt": 7}, "“prompt” must be text"),
        ({"prompt": "x" * (MAX_PROMPT + 1)}, "“prompt” is too long: at most 4000"),
        ({"negative_prompt": ["x"]}, "“negative_prompt” must be text"),
        ({"seed": -1}, "“seed” must be a whole number from 0 to 4294967295"),
        ({"seed": 2**32}, "“seed”"),
        ({"seed": 1.5}, "“seed”"),
        ({"seed": True}, "“seed”"),
        ({"seed": "7"}, "“seed”"),
        ({"width": 500, "height": 512}, "“width” must be a multiple of 8"),
        ({"width": 512}, "both width and height"),
        ({"width": 8, "height": 8}, "“width” must be a whole number from 64"),
        ({"width": 4096, "height": 4096}, "too large"),
        ({"steps": 0}, "“steps”"),
        ({"steps": 10**30}, "“steps”"),
        ({"guidance": math.nan}, "“guidance” must be a number from 0 to 30"),
        ({"guidance": math.inf}, "“guidance”"),
        ({"guidance": False}, "“guidance”"),
        ({"model": "/etc"}, "“model” must be a name from the catalogue or a hub id"),
        ({"model": "../secret"}, "“model”"),
        ({"model": "~/x"}, "“model”"),
        ({"model": "a/b/c"}, "“model”"),
        ({"loras": ["x"]}, "“loras” must be an object"),
        ({"loras": [{"name": "../x"}]}, "name of a LoRA"),
        ({"loras": [{"name": "a/b/c/d"}]}, "name of a LoRA"),
        ({"loras": [{"name": "a..b"}]}, "name of a LoRA"),
        ({"loras": [{"name": "x", "weight": 5}]}, "“weight” must be a number from -4 to 4"),
        ({"loras": [{"name": "x", "path": "/"}]}, "“loras” must be an object with a name"),
        ({"loras": [{"name": str(n)} for n in range(6)]}, "at most 5"),
        ({"loras": "x"}, "“loras” must be a list"),
        ({"strength": 0.5}, "A strength needs the picture"),
        ({"strength": 1.5, "source": PICTURE}, "“strength” must be a number from 0 to 1"),
        ({"source": "/etc/passwd"}, "“source” must name a picture by the digest"),
        ({"source": "https://b.example/1.png"}, "“source” must name a picture"),
        ({"source": ["x"]}, "“source” must name a picture"),
        ({"mask": PICTURE}, "A mask needs the picture"),
        ({"references": PICTURE}, "“references” must be a list"),
        ({"references": ["x"]}, "“references” must name a picture"),
        ({"references": [PICTURE] * 5}, "at most 4 pictures"),
        ({"upscale": 3}, "“upscale” must be one of 2, 4"),
        ({"upscale": True}, "“upscale” must be"),
        ({"count": 4}, "“count” is not part of a recipe"),
        ({"colour": "red"}, "no field “colour”"),
    ],
)
def test_what_cannot_be_painted_is_refused_in_one_sentence(
    change: dict[str, Any], says: str
) -> None:
    with pytest.raises(RecipeError) as refusal:
        Recipe.parse({"prompt": "a cat"} | change)
    assert says in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert str(refusal.value).endswith(".")


@pytest.mark.parametrize("document", [None, [], "a cat", 7, [{"prompt": "a"}]])
def test_a_recipe_is_an_object(document: object) -> None:
    with pytest.raises(RecipeError, match="must be a JSON object"):
        Recipe.parse(document)


def test_a_host_allows_less_than_the_format() -> None:
    limits = Limits(steps=10, megapixels=0.3)
    fine = {"prompt": "a", "steps": 10, "width": 512, "height": 512}
    assert Recipe.parse(fine, limits).steps == 10
    with pytest.raises(RecipeError, match="from 1 to 10"):
        Recipe.parse(fine | {"steps": 11}, limits)
    with pytest.raises(RecipeError, match=r"at most 0\.3 megapixels"):
        Recipe.parse(fine | {"width": 1024}, limits)
    # The model's own defaults are held to them too, once they are filled in.
    with pytest.raises(RecipeError, match="At most 10 steps"):
        Recipe(prompt="a").resolved(catalogue.find("sdxl")).check(limits)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([*Recipe.__struct_fields__, "count", "other"]), json_values))
def test_any_json_is_parsed_or_refused(document: dict[str, Any]) -> None:
    try:
        recipe = Recipe.parse(document)
    except RecipeError as refusal:
        str(refusal).encode()
    else:
        assert Recipe.from_document(json.loads(json.dumps(recipe.document()))) == recipe
        recipe.prompt.encode()


def test_a_model_fills_what_was_left_open() -> None:
    model = catalogue.find("z-image-turbo")
    recipe = Recipe(prompt="a", steps=5).resolved(model)
    assert (recipe.model, recipe.steps, recipe.guidance) == ("z-image-turbo", 5, 0.0)
    assert (recipe.width, recipe.height) == (1024, 1024)
    assert recipe.model_name() == "Z-Image Turbo"


def test_a_folder_is_not_told_to_the_world() -> None:
    recipe = Recipe(prompt="a").resolved(catalogue.find("/home/someone/models/mine"))
    assert "someone" not in json.dumps(recipe.document())


def test_what_a_model_cannot_do_is_refused_by_its_name() -> None:
    klein = catalogue.find("flux2-klein-4b")
    with pytest.raises(RecipeError, match=r"FLUX\.2 klein 4B takes no negative prompt"):
        Recipe(prompt="a", negative_prompt="b").resolved(klein)
    with pytest.raises(RecipeError, match="multiple of 16"):
        Recipe(prompt="a", width=520, height=512).resolved(klein)


@pytest.mark.parametrize("model", catalogue.CATALOGUE.values(), ids=lambda model: model.key)
def test_every_entry_refuses_what_it_cannot_do_and_nothing_else(model: catalogue.Model) -> None:
    asked = Recipe(prompt="a", negative_prompt="b")
    if model.negative_prompt:
        assert asked.resolved(model).negative_prompt == "b"
    else:
        with pytest.raises(RecipeError, match=re.escape(model.name)):
            asked.resolved(model)
    with pytest.raises(RecipeError, match=re.escape(model.name)):
        Recipe(prompt="a", width=model.multiple * 9 + 4, height=model.multiple * 9).resolved(model)


WAYS = {
    "strength": ({"source": PICTURE}, "cannot start from a picture"),
    "inpaint": ({"source": PICTURE, "mask": PICTURE}, "cannot paint inside a mask"),
    "edit": ({"references": [PICTURE]}, "cannot look at reference pictures"),
    "lora": ({"loras": [{"name": "ink"}]}, "cannot paint with LoRAs"),
}


@pytest.mark.parametrize("ability", WAYS)
@pytest.mark.parametrize("model", catalogue.CATALOGUE.values(), ids=lambda model: model.key)
def test_every_entry_refuses_the_ways_that_it_has_not(model: catalogue.Model, ability: str) -> None:
    asked, says = WAYS[ability]
    recipe = Recipe.parse({"prompt": "a"} | asked)
    if ability in model.can:
        assert recipe.resolved(model).pictures == recipe.pictures
    else:
        with pytest.raises(RecipeError, match=re.escape(f"{model.name} {says}.")):
            recipe.resolved(model)


def test_what_only_loading_tells_is_not_refused_before() -> None:
    unlisted = catalogue.find("someone/their-model")
    for asked, _ in WAYS.values():
        Recipe.parse({"prompt": "a"} | asked).resolved(unlisted)


def test_a_strength_is_filled_in_and_never_less_than_a_step() -> None:
    sdxl, lightning = catalogue.find("sdxl"), catalogue.find("sdxl-lightning")
    over = Recipe(prompt="a", source=PICTURE)
    assert over.resolved(sdxl).strength == 0.6
    assert Recipe(prompt="a", source=PICTURE, mask=PICTURE).resolved(sdxl).strength == 0.85
    assert Recipe(prompt="a", source=PICTURE, steps=1).resolved(lightning).strength == 1.0
    assert Recipe(prompt="a").resolved(sdxl).strength is None
    with pytest.raises(RecipeError, match=r"A strength of 0\.2 .* 4 steps that SDXL Lightning"):
        Recipe(prompt="a", source=PICTURE, strength=0.2).resolved(lightning)


def test_a_seed_is_drawn_once() -> None:
    assert Recipe(prompt="a", seed=0).seeded().seed == 0
    seeded = Recipe(prompt="a").seeded()
    assert seeded.seeded() == seeded
    seeds = {draw_seed() for _ in range(50)}
    assert len(seeds) == 50
    assert all(0 <= seed <= MAX_SEED for seed in seeds)
