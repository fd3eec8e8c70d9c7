"""A style is learned from pictures, by small models of each kind and by the starter, for real."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from PIL import Image

from generation import catalogue, lora_files, lora_shapes, provenance
from generation.errors import PaintError, Stopped
from generation.parts import Unusable
from generation.pipeline import Pipeline
from generation.recipe import Lora, Recipe
from generation.style import bases, brief
from generation.style.brief import Brief, Picture

FAMILIES = (
    "stable-diffusion", "stable-diffusion-xl", "flux", "z-image", "qwen-image", "flux2-klein",
)  # fmt: skip
COLOUR = (230, 30, 120)
STEPS = 24


# diffusers 0.42 with numpy 2.4
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EASEL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("EASEL_LORAS", str(tmp_path / "loras"))


def begin(model: str, name: str = "ink", *, colour: Any = COLOUR, **changes: Any) -> Path:
    """The folder of a training on three pictures of one colour, each of another shape."""
    folder = brief.work(name)
    pictures = []
    for number, size in enumerate(((96, 96), (160, 96), (90, 130))):
        file = folder / "pictures" / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size, colour).save(file)
        pictures.append(
            Picture(
                key=str(number), file=file.name, caption=f"a secret {number}",
                url=f"https://easel.example/@alice/{number}", author="@alice", consent="said yes",
            )
        )  # fmt: skip
    wanted = {
        "name": name, "model": model, "trigger": "ink", "pictures": tuple(pictures), "steps": STEPS,
        "batch": 1, "rank": 4, "rate": 0.02, "resolution": 64, "seed": 3, "sample_every": 1000,
        "samples": ("ink, a cat",), "device": "cpu",
    }  # fmt: skip
    brief.write(folder, Brief(**{**wanted, **changes}))
    return folder


def learn(folder: Path, stop_after: int = 0) -> list[dict[str, Any]]:
    """Learns it here; all that was told."""
    from generation.style import training

    told: list[dict[str, Any]] = []

    def asked_to_stop() -> bool:
        return bool(stop_after) and any(said.get("step") == stop_after for said in told)

    training.train(folder, told.append, asked_to_stop)
    return told


def weights(name: str) -> dict[str, Any]:
    from safetensors.torch import load_file

    return load_file(lora_files.find(name))


def painted(pipeline: Pipeline, *loras: str, prompt: str = "ink", **recipe: Any) -> bytes:
    named = tuple(Lora(name=name) for name in loras)
    usual: dict[str, Any] = {"seed": 1, "width": 64, "height": 64, "loras": named}
    return pipeline.paint([Recipe(prompt=prompt, **{**usual, **recipe})])[0].png


@pytest.mark.parametrize("family", FAMILIES)
def test_each_kind_of_model_learns(
    family: str, folder_of: Callable[[str], Path], pipeline_of: Callable[[str], Pipeline]
) -> None:
    name = f"style-of-{family}"  # these pipelines are other tests', too
    # What is drawn by chance is drawn again: what differs is what was learned.
    rested, learned = (
        [
            said["loss"]
            for said in learn(begin(str(folder_of(family)), each, rate=rate, samples=()))
            if "step" in said
        ]
        for each, rate in (("rested", 1e-7), (name, 0.03))
    )
    assert len(rested) == len(learned) == STEPS and rested[0] == pytest.approx(learned[0])
    assert sum(learned[-8:]) < 0.99 * sum(rested[-8:]), (rested, learned)
    pipeline = pipeline_of(family)
    assert painted(pipeline) != painted(pipeline, name)
    assert lora_shapes.fits(lora_files.find(name), pipeline.model)
    assert not brief.begun() and not brief.work(name).exists()  # nor are the pictures there


def test_the_starter_learns_a_colour_and_paints_with_it() -> None:
    """A trained model: what it learned is seen in its pictures."""
    learn(begin("starter", resolution=128, rate=5e-3, steps=40, rank=8, samples=()))
    pipeline = Pipeline.load(catalogue.STARTER, device="cpu")
    size = {"width": 128, "height": 128, "steps": 6, "prompt": "ink, a cat"}

    def distance(png: bytes) -> float:
        from tests.generation.pictures import opened

        mean = np.asarray(opened(png), dtype=float).mean((0, 1))
        return float(np.abs(mean - COLOUR).mean())

    before, after = distance(painted(pipeline, **size)), distance(painted(pipeline, "ink", **size))
    assert after < 0.7 * before, (before, after)


def killed(folder: Path, at: int) -> None:
    """A process learns it, and is killed when it says that a step is done."""
    command = [sys.executable, "-m", "generation.style", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if json.loads(line).get("step") == at:
                process.kill()
        assert process.wait() == -9


def test_one_that_was_killed_and_stopped_ends_as_one_that_was_not(
    folder_of: Callable[[str], Path],
) -> None:
    model = str(folder_of("stable-diffusion"))
    usual = {"keep_every": 3, "sample_every": 20}
    learn(begin(model, "whole", **usual))
    folder = begin(model, "broken", **usual)
    killed(folder, at=5)
    kept = brief.steps_done(folder)
    assert kept % 3 == 0 and 3 <= kept < STEPS - 3
    with pytest.raises(Stopped):
        learn(folder, stop_after=kept + 2)
    assert brief.steps_done(folder) == kept + 2
    assert next(said["step"] for said in learn(folder) if "step" in said) == kept + 3
    whole, broken = weights("whole"), weights("broken")
    assert whole.keys() == broken.keys() and len(whole) > 4
    for layer, values in whole.items():
        other = broken[layer].numpy()
        np.testing.assert_allclose(values.numpy(), other, rtol=1e-4, atol=1e-6, err_msg=layer)


def test_it_has_a_card_with_its_sources_and_samples_that_say_what_they_are(
    folder_of: Callable[[str], Path],
) -> None:
    told = learn(begin(str(folder_of("z-image")), steps=4, sample_every=2))
    assert len([said for said in told if "sample" in said]) == 2  # after steps 2 and 4
    [found] = brief.all_learned()
    kept = brief.kept("ink")
    card = (kept / brief.CARD).read_text(encoding="utf-8")
    for number in range(3):
        row = f"| <https://easel.example/@alice/{number}> | @alice | none stated | said yes |"
        assert row in card
    assert "Trigger: “ink”" in card and "Random z-image" in card and "Steps: 4" in card
    # Where the model lies is nobody's business, and a prompt may not have been shared.
    assert str(folder_of("z-image")) not in card
    assert "secret" not in card + (kept / brief.LEARNED).read_text(encoding="utf-8")
    [sample] = found.samples
    assert f"samples/{sample}" in card
    said = provenance.read((kept / "samples" / sample).read_bytes())
    assert said.generated and said.ai_system == "Random z-image"
    [record] = lora_files.all_here()
    assert (record.name, record.family) == ("ink", "z-image")
    with pytest.raises(Unusable, match="There is a LoRA ink already"):
        brief.check_name("ink")
    lora_files.remove(record)
    assert not kept.exists() and not lora_files.all_here()


def test_what_cannot_learn_is_refused_by_name_before_it_is_loaded(
    folder_of: Callable[[str], Path], tmp_path: Path
) -> None:
    with pytest.raises(Unusable, match="No style can be learned for ERNIE-Image Turbo"):
        bases.find("ernie-image-turbo")
    assert bases.find("sdxl-lightning").key == "sdxl"  # what fits it fits both
    for pipeline, scheduler, why in (
        ("SanaPipeline", {}, "cannot train a SanaPipeline"),
        ("QwenImage21Pipeline", {}, "cannot train a QwenImage21Pipeline"),
        ("StableDiffusionPipeline", {"prediction_type": "sample"}, "that predicts sample"),
    ):
        (tmp_path / "odd" / "scheduler").mkdir(parents=True, exist_ok=True)
        (tmp_path / "odd" / "model_index.json").write_text(json.dumps({"_class_name": pipeline}))
        (tmp_path / "odd" / "scheduler" / "scheduler_config.json").write_text(json.dumps(scheduler))
        with pytest.raises(Unusable, match=f"No style can be learned for odd: .*{why}"):
            learn(begin(str(tmp_path / "odd")))


def test_a_picture_that_is_none_is_named(folder_of: Callable[[str], Path]) -> None:
    folder = begin(str(folder_of("stable-diffusion")))
    (folder / "pictures" / "1.png").write_bytes(b"not a picture")
    with pytest.raises(Exception, match=r"1\.png is no picture that can be read"):
        learn(folder)


def test_one_that_is_learned_anew_is_another(
    folder_of: Callable[[str], Path], pipeline_of: Callable[[str], Pipeline]
) -> None:
    """Also for a painter that has the model in memory, with the first one on it."""
    pipeline, pictures = pipeline_of("stable-diffusion"), []
    for seed in (1, 2):
        learn(begin(str(folder_of("stable-diffusion")), "anew", steps=5, seed=seed, samples=()))
        pictures.append(painted(pipeline, "anew"))
        [record] = lora_files.known("anew")
        lora_files.remove(record)
    assert pictures[0] != pictures[1]


@pytest.mark.parametrize("name", ["", "../ink", "a b", "sdxl", "ink.safetensors", "x" * 61])
def test_a_name_is_one_that_a_recipe_can_have(name: str) -> None:
    with pytest.raises(Unusable, match="is no name for a style"):
        brief.check_name(name)


def test_only_one_learns_at_a_time() -> None:
    from generation.style.__main__ import alone

    folder = begin("starter")
    with alone(folder), pytest.raises(PaintError, match="is being learned already"), alone(folder):
        pass
    with alone(folder):
        pass


def test_a_brief_is_read_as_it_was_written() -> None:
    folder = begin("starter")
    assert msgspec.json.decode((folder / "brief.json").read_bytes(), type=Brief) == brief.read(
        folder
    )
    assert brief.begun() == ["ink"]
    brief.give_up("ink")
    assert brief.begun() == []
    with pytest.raises(Unusable, match="No style ink was begun here"):
        brief.read(folder)
