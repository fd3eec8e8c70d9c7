from __future__ import annotations

import json
from pathlib import Path

import pytest

from generation import catalogue, hub
from generation.aides import Aides
from generation.catalogue import CATALOGUE, UnknownModel, find
from generation.families import FAMILIES
from generation.hands import Card
from generation.recipe import Recipe, RecipeError


@pytest.mark.parametrize("model", CATALOGUE.values(), ids=lambda model: model.key)
def test_every_entry_is_complete(model: catalogue.Model) -> None:
    assert find(model.key) is model
    assert model.family in FAMILIES
    assert model.licence and model.commercial is not None and model.memory_gb
    assert model.steps and model.guidance is not None and model.width and model.height
    assert model.width % model.multiple == model.height % model.multiple == 0
    assert not model.local
    assert set(model.can) <= set(FAMILIES[model.family].can)


def test_a_hub_id_finds_its_entry() -> None:
    assert find("black-forest-labs/FLUX.2-klein-4B").key == "flux2-klein-4b"
    # Two entries share the weights of SDXL: the one without an adapter is meant.
    assert find("stabilityai/stable-diffusion-xl-base-1.0").key == "sdxl"


def test_an_unlisted_hub_id_is_a_model_too() -> None:
    model = find("someone/their-model")
    assert (model.name, model.source) == ("someone/their-model", "someone/their-model")
    assert not model.local and model.steps is None


@pytest.mark.parametrize("name", ["", "no such model", "a\nb/c", "https:"])
def test_nonsense_is_no_model(name: str) -> None:
    with pytest.raises(UnknownModel, match="There is no model"):
        find(name)


def test_a_folder_is_told_by_its_form_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "owner" / "name").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert not find("owner/name").local
    assert find("./owner/name").local
    assert find(str(tmp_path)).local


def test_a_folder_says_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "model_index.json").write_text('{"_class_name": "ZImagePipeline"}')
    model = find(str(tmp_path))
    assert (model.family, model.steps, model.width, model.multiple) == ("z-image", 28, 1024, 16)

    described = {"name": "Mine", "steps": 7, "width": 256, "height": 128, "memory_gb": -1, "key": 1}
    (tmp_path / "easel.json").write_text(json.dumps(described))
    model = find(str(tmp_path))
    assert (model.name, model.steps, model.width, model.height) == ("Mine", 7, 256, 128)
    assert model.memory_gb is None and model.key == str(tmp_path)


def test_stable_diffusion_says_at_which_size_it_was_trained(tmp_path: Path) -> None:
    (tmp_path / "model_index.json").write_text('{"_class_name": "StableDiffusionPipeline"}')
    (tmp_path / "unet").mkdir()
    (tmp_path / "unet" / "config.json").write_text('{"sample_size": 96}')
    assert find(str(tmp_path)).width == 768


@pytest.mark.parametrize("text", ["", "[1]", "{", '{"steps": "many"}', '{"name": null}'])
def test_a_broken_description_describes_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "easel.json").write_text(text)
    (tmp_path / "model_index.json").write_text(text)
    assert find(str(tmp_path)).name == tmp_path.name


def test_what_an_unlisted_model_can_do_is_known_once_it_is_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("huggingface_hub", reason="easel[paint] is not installed")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setenv("EASEL_LORAS", str(tmp_path / "loras"))
    name = "someone/their-model"
    hand = Card([find(name)], "cpu", Aides("cpu"), lost=lambda why: None)
    try:
        assert hand.abilities().can == {}
        place = tmp_path / "models--someone--their-model"
        (place / "refs").mkdir(parents=True)
        (place / "refs" / "easel").write_text("a" * 40)
        folder = place / "snapshots" / ("a" * 40)
        folder.mkdir(parents=True)
        (folder / "model_index.json").write_text('{"_class_name": "FluxPipeline"}')
        assert hand.abilities().can == {name: ("strength", "inpaint", "lora")}
    finally:
        hand.close(10)
    with pytest.raises(RecipeError, match="takes no negative prompt"):
        Recipe(prompt="a", negative_prompt="b").resolved(hub.described(find(name)))
    # Where there are models for several sizes of one family, the folder knows.
    (folder / "model_index.json").write_text('{"_class_name": "StableDiffusionPipeline"}')
    (folder / "unet").mkdir()
    (folder / "unet/config.json").write_text('{"sample_size": 96}')
    assert hub.described(find(name)).width == 768
