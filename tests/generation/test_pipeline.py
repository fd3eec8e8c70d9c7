"""Real pipelines of several families, with random weights, through the real loading and sampling
code."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageChops

from generation import catalogue
from generation.errors import PaintError, Stopped
from generation.pipeline import Painted, Pipeline, Step
from generation.recipe import Recipe, RecipeError
from tests.generation.conftest import FAMILIES

# diffusers 0.42 hands tensors to numpy 2.4 in a way that numpy will stop to accept.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

CAT = Recipe(prompt="a red cat on the moon", seed=7)
DOG = Recipe(prompt="two dogs, 猫", seed=2**32 - 1)


def image(painted: Painted) -> Image.Image:
    with Image.open(io.BytesIO(painted.png), formats=["PNG"]) as opened:
        opened.load()
        return opened


def difference(one: Painted, other: Painted) -> int:
    """The largest difference of two pictures, in 1/255."""
    extremes = ImageChops.difference(image(one), image(other)).getextrema()
    return max(int(high) for _, high in extremes)  # type: ignore[misc, arg-type]


def test_it_paints_and_says_how(pipeline: Pipeline) -> None:
    painted = pipeline.paint([CAT])[0]
    assert image(painted).size == (painted.width, painted.height) == (64, 64)
    assert image(painted).mode == "RGB"
    used = painted.recipe
    assert (used.prompt, used.seed, used.steps) == (CAT.prompt, 7, 4)
    assert (used.width, used.height) == (64, 64) and used.guidance is not None
    assert pipeline.sampler in ("DDIM", "Euler")
    assert len(pipeline.version) == 40


def test_a_size_and_steps_are_followed(pipeline: Pipeline) -> None:
    steps: list[Step] = []
    asked = Recipe(prompt="a", seed=1, width=96, height=64, steps=3, guidance=2.0)
    painted = pipeline.paint([asked], steps.append)[0]
    assert image(painted).size == (96, 64)
    assert painted.recipe == asked
    assert [(step.step, step.of) for step in steps] == [(1, 3), (2, 3), (3, 3)]


def test_the_same_recipe_is_the_same_picture(pipeline: Pipeline) -> None:
    first, again = pipeline.paint([CAT])[0], pipeline.paint([CAT])[0]
    assert first.png == again.png
    other = pipeline.paint([Recipe(prompt=CAT.prompt, seed=8)])[0]
    assert difference(first, other) > 30
    words = pipeline.paint([Recipe(prompt="something else", seed=7)])[0]
    assert words.png != first.png


def test_a_painting_can_be_stopped_and_the_next_is_as_ever(pipeline: Pipeline) -> None:
    before = pipeline.paint([CAT])[0]
    seen: list[int] = []

    def stop(step: Step) -> None:
        seen.append(step.step)
        if step.step == 2:
            raise Stopped

    with pytest.raises(Stopped):
        pipeline.paint([DOG], stop)
    assert seen == [1, 2]
    assert pipeline.paint([CAT])[0].png == before.png
    assert seen == [1, 2]  # who listened to the one hears nothing of the other


def test_a_batch_is_the_same_as_each_alone(pipeline: Pipeline) -> None:
    together = pipeline.paint([CAT, DOG])
    alone = [pipeline.paint([recipe])[0] for recipe in (CAT, DOG)]
    assert [difference(*pair) <= 1 for pair in zip(together, alone, strict=True)] == [True, True]
    assert [painted.recipe.seed for painted in together] == [CAT.seed, DOG.seed]
    assert difference(alone[0], alone[1]) > 30


@pytest.mark.parametrize(
    "other",
    [
        Recipe(prompt="a", width=128, height=128),
        Recipe(prompt="a", steps=5),
        Recipe(prompt="a", guidance=1.0),
        Recipe(prompt="a", negative_prompt="b"),
    ],
)
def test_what_would_change_its_neighbour_is_no_batch(
    other: Recipe, pipeline_of: Callable[[str], Pipeline]
) -> None:
    with pytest.raises(ValueError, match="different batch keys"):
        pipeline_of("z-image").paint([CAT, other])


def test_a_listener_changes_nothing(pipeline: Pipeline) -> None:
    listened = pipeline.paint([CAT], lambda step: step.preview(0) and None)[0]
    assert listened.png == pipeline.paint([CAT])[0].png


@pytest.mark.parametrize("family", ["stable-diffusion", "stable-diffusion-xl", "z-image"])
def test_a_negative_prompt_matters(family: str, pipeline_of: Callable[[str], Pipeline]) -> None:
    pipeline = pipeline_of(family)
    without = pipeline.paint([CAT])[0]
    against = pipeline.paint([Recipe(prompt=CAT.prompt, seed=7, negative_prompt="moon")])[0]
    assert without.png != against.png
    batch = pipeline.paint(
        [Recipe(prompt=CAT.prompt, seed=7, negative_prompt=text) for text in ("moon", "sun")]
    )
    assert difference(batch[0], against) <= 1 and batch[1].png != batch[0].png


@pytest.mark.parametrize("family", ["flux", "flux2-klein"])
def test_one_that_takes_no_negative_prompt_says_so(
    family: str, pipeline_of: Callable[[str], Pipeline]
) -> None:
    with pytest.raises(RecipeError, match=f"Random {family} takes no negative prompt"):
        pipeline_of(family).paint([Recipe(prompt="a", negative_prompt="b")])


@pytest.mark.parametrize("family", FAMILIES)
def test_loaded_again_it_paints_the_same(
    family: str, pipeline_of: Callable[[str], Pipeline], folder_of: Callable[[str], Path]
) -> None:
    again = Pipeline.load(catalogue.find(str(folder_of(family))), device="cpu")
    assert again.version == pipeline_of(family).version
    assert again.paint([CAT])[0].png == pipeline_of(family).paint([CAT])[0].png


def test_loading_says_what_it_does(folder_of: Callable[[str], Path]) -> None:
    notes: list[str] = []
    Pipeline.load(catalogue.find(str(folder_of("z-image"))), device="cpu", note=notes.append)
    assert notes == ["Starting up.", "Loading Random z-image."]


# -- what goes wrong ---------------------------------------------------------------------------


def refusal(model: catalogue.Model | Path | str, device: str = "cpu") -> str:
    found = model if isinstance(model, catalogue.Model) else catalogue.find(str(model))
    with pytest.raises(PaintError) as error:
        Pipeline.load(found, device=device)
    sentence = str(error.value)
    assert sentence.endswith(".") or "failed:" in sentence
    assert "\n" not in sentence and "Traceback" not in sentence
    return sentence


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    sentence = refusal(tmp_path / "nowhere")
    assert sentence == "The model nowhere is not there: its folder does not exist."
    assert str(tmp_path) not in sentence  # authors read it


def test_a_folder_that_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    assert "no model_index.json" in refusal(tmp_path)


@pytest.mark.parametrize("index", ["{", "[]", '{"_class_name": "NoSuchPipeline"}'])
def test_a_folder_with_a_broken_index(tmp_path: Path, index: str) -> None:
    (tmp_path / "model_index.json").write_text(index)
    assert tmp_path.name in refusal(tmp_path)


def test_pickled_weights_are_never_loaded(tmp_path: Path, folder_of: Callable[[str], Path]) -> None:
    folder = shutil.copytree(folder_of("z-image"), tmp_path / "pickled")
    weights = next((folder / "transformer").glob("*.safetensors"))
    weights.rename(weights.with_name("diffusion_pytorch_model.bin"))
    assert "safetensors" in refusal(folder)


def test_code_that_comes_with_a_model_is_never_run(
    tmp_path: Path, folder_of: Callable[[str], Path]
) -> None:
    folder = shutil.copytree(folder_of("z-image"), tmp_path / "coded")
    ran = tmp_path / "ran"
    code = f"open({str(ran)!r}, 'w').close()\nclass Evil: pass\n"
    (folder / "pipeline.py").write_text(code)
    (folder / "transformer" / "evil.py").write_text(code)
    index = json.loads((folder / "model_index.json").read_text())
    index["_class_name"] = ["pipeline", "Evil"]
    index["transformer"] = ["evil", "Evil"]
    (folder / "model_index.json").write_text(json.dumps(index))
    refusal(folder)
    assert not ran.exists()


def test_a_hub_that_cannot_be_reached() -> None:
    assert "someone/their-model" in refusal("someone/their-model")


def test_a_device_that_is_not_there(folder_of: Callable[[str], Path]) -> None:
    from generation.devices import NoDevice

    model = catalogue.find(str(folder_of("z-image")))
    with pytest.raises(NoDevice, match="There is no device “abacus”"):
        Pipeline.load(model, device="abacus")


def test_a_size_that_the_pipeline_refuses_is_a_sentence(
    pipeline_of: Callable[[str], Pipeline],
) -> None:
    with pytest.raises(RecipeError, match="multiple of 16"):
        pipeline_of("z-image").paint([Recipe(prompt="a", width=72, height=64)])
