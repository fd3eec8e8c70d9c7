"""From a picture, inside a mask, by reference, with LoRAs: every family that can, by the real
classes of diffusers with random weights."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from PIL import Image, ImageChops, ImageDraw

from generation import catalogue, lora_shapes
from generation.errors import Stopped
from generation.pipeline import Painted, Pipeline, Step
from generation.recipe import Lora, Recipe, RecipeError
from tests.generation.conftest import FAMILIES
from tests.generation.test_pipeline import difference, image

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

CAN = {
    "stable-diffusion": ("strength", "inpaint", "lora"),
    "stable-diffusion-xl": ("strength", "inpaint", "lora"),
    "flux": ("strength", "inpaint", "lora"),
    "z-image": ("strength", "inpaint", "lora"),
    "qwen-image": ("strength", "inpaint", "lora"),
    "flux2-klein": ("inpaint", "edit", "lora"),
    "ernie-image": ("lora",),
}


def names(letter: str) -> str:
    return "zQm" + letter * 44


SOURCE, MASK, OTHER = names("s"), names("m"), names("t")


def file(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def scene(size: tuple[int, int] = (64, 64), sky: str = "skyblue") -> Image.Image:
    picture = Image.new("RGB", size, sky)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, size[1] * 2 // 3, size[0], size[1]), fill="darkgreen")
    draw.ellipse((size[0] // 4, 4, size[0] // 2, size[1] // 3), fill="gold")
    return picture


def half(size: tuple[int, int] = (64, 64)) -> Image.Image:
    """A mask: the right half is painted."""
    mask = Image.new("L", size, 0)
    mask.paste(255, (size[0] // 2, 0, size[0], size[1]))
    return mask


PICTURES = {SOURCE: file(scene()), MASK: file(half()), OTHER: file(scene((80, 48), "salmon"))}
OVER = Recipe(prompt="a boat", seed=7, source=SOURCE, strength=0.5)
INSIDE = Recipe(prompt="a boat", seed=7, source=SOURCE, mask=MASK, strength=0.75)
LOOKING = Recipe(prompt="a boat", seed=7, references=(SOURCE,))
WORDS = Recipe(prompt="a boat", seed=7)


def those_that(ability: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("family", [f for f in FAMILIES if ability in CAN[f]])


def apart(one: Image.Image, other: Image.Image) -> float:
    """The mean difference of two pictures, in 1/255."""
    bands = ImageChops.difference(one.convert("RGB"), other.convert("RGB")).tobytes()
    return sum(bands) / len(bands)


Load = Callable[[str], Pipeline]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_can_what_the_catalogue_says(family: str, pipeline_of: Load) -> None:
    assert pipeline_of(family).model.can == CAN[family]


@those_that("strength")
def test_from_a_picture_the_strength_is_how_far(family: str, pipeline_of: Load) -> None:
    pipeline = pipeline_of(family)
    before = pipeline.paint([WORDS])[0]

    def paint(**changes: object) -> Painted:
        asked = Recipe.from_document(OVER.document() | {"steps": 8} | changes)
        return pipeline.paint([asked], pictures=PICTURES)[0]

    near, far = paint(strength=0.25), paint(strength=1.0)
    assert image(near).size == (64, 64)
    assert near.png == paint(strength=0.25).png
    assert near.png != far.png and near.png != paint(strength=0.25, source=OTHER).png
    # Random decoders do not give back what was encoded; but they give back the same.
    other = paint(strength=1.0, source=OTHER)
    assert apart(image(far), image(other)) <= apart(image(near), image(paint(source=OTHER)))
    assert near.recipe.strength == 0.25 and near.recipe.source == SOURCE
    assert pipeline.paint([WORDS])[0].png == before.png  # nothing of it stays


@those_that("inpaint")
def test_inside_a_mask_the_rest_stays_as_it_was(family: str, pipeline_of: Load) -> None:
    pipeline = pipeline_of(family)
    painted = image(pipeline.paint([INSIDE], pictures=PICTURES)[0])
    left, right = (0, 0, 32, 64), (32, 0, 64, 64)
    assert painted.crop(left).tobytes() == scene().crop(left).tobytes()
    assert apart(painted.crop(right), scene().crop(right)) > 5
    seed = Recipe.from_document(INSIDE.document() | {"seed": 8})
    other = image(pipeline.paint([seed], pictures=PICTURES)[0])
    assert other.crop(right).tobytes() != painted.crop(right).tobytes()


@those_that("edit")
def test_references_are_looked_at(family: str, pipeline_of: Load) -> None:
    pipeline = pipeline_of(family)
    words = pipeline.paint([WORDS])[0]
    one = pipeline.paint([LOOKING], pictures=PICTURES)[0]
    two = pipeline.paint(
        [Recipe(prompt="a boat", seed=7, references=(SOURCE, OTHER))], pictures=PICTURES
    )[0]
    assert image(one).size == image(two).size == (64, 64)
    assert len({words.png, one.png, two.png}) == 3
    assert pipeline.paint([LOOKING], pictures=PICTURES)[0].png == one.png
    both = Recipe.from_document(INSIDE.document() | {"references": [OTHER]})
    inside = pipeline.paint([both], pictures=PICTURES)[0]
    assert inside.png != pipeline.paint([INSIDE], pictures=PICTURES)[0].png
    with pytest.raises(RecipeError, match="one reference inside a mask"):
        many = Recipe.from_document(both.document() | {"references": [OTHER, SOURCE]})
        pipeline.paint([many], pictures=PICTURES)


@pytest.mark.parametrize("recipe", [OVER, INSIDE, LOOKING], ids=["picture", "mask", "reference"])
@pytest.mark.parametrize("family", FAMILIES)
def test_in_a_batch_each_is_as_it_is_alone(family: str, recipe: Recipe, pipeline_of: Load) -> None:
    pipeline = pipeline_of(family)
    try:
        recipe.resolved(pipeline.model)
    except RecipeError:
        return  # another test has that it is refused
    others = [Recipe.from_document(recipe.document() | {"seed": seed}) for seed in (7, 8, 9)]
    together = pipeline.paint(others, pictures=PICTURES)
    for each, asked in zip(together, others, strict=True):
        assert difference(each, pipeline.paint([asked], pictures=PICTURES)[0]) <= 1
    assert together[0].png != together[1].png


@those_that("inpaint")
def test_it_is_watched_and_stopped(family: str, pipeline_of: Load) -> None:
    pipeline = pipeline_of(family)
    steps: list[Step] = []
    previews: list[bytes | None] = []

    def listen(step: Step) -> None:
        steps.append(step)
        previews.append(step.preview(0))

    pipeline.paint([INSIDE], listen, PICTURES)
    assert [(step.step, step.of) for step in steps] == [(1, 3), (2, 3), (3, 3)]
    assert all(preview and preview.startswith(b"\xff\xd8") for preview in previews)

    def stop(step: Step) -> None:
        raise Stopped

    again = pipeline.paint([INSIDE], pictures=PICTURES)[0]
    with pytest.raises(Stopped):
        pipeline.paint([INSIDE], stop, PICTURES)
    assert pipeline.paint([INSIDE], pictures=PICTURES)[0].png == again.png


@pytest.mark.parametrize(
    ("family", "recipe", "says"),
    [
        ("flux2-klein", OVER, "cannot start from a picture"),
        ("z-image", LOOKING, "cannot look at reference pictures"),
    ],
)
def test_what_a_family_cannot_do_is_refused_by_name(
    family: str, recipe: Recipe, says: str, pipeline_of: Load
) -> None:
    with pytest.raises(RecipeError, match=f"Random {family} {says}"):
        pipeline_of(family).paint([recipe], pictures=PICTURES)


@pytest.mark.parametrize(
    ("pictures", "says"),
    [
        ({}, "The picture to start from did not come"),
        ({SOURCE: b"no picture"}, "The picture to start from is no picture"),
        ({SOURCE: PICTURES[SOURCE][:200]}, "The picture to start from is no picture"),
        ({SOURCE: PICTURES[SOURCE]}, "The mask did not come"),
        ({SOURCE: PICTURES[SOURCE], MASK: b"GIF89a"}, "The mask is no picture"),
        (
            {SOURCE: PICTURES[SOURCE], MASK: file(half((32, 64)))},
            "The mask is 32 × 64 pixels and its picture 64 × 64",
        ),
        (
            {SOURCE: file(Image.new("1", (9_000, 9_000))), MASK: PICTURES[MASK]},
            "has more than 64 megapixels",
        ),
    ],
)
def test_pictures_that_do_not_fit_are_refused(
    pictures: dict[str, bytes], says: str, pipeline_of: Load
) -> None:
    with pytest.raises(RecipeError, match=says):
        pipeline_of("z-image").paint([INSIDE], pictures=pictures)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "L", "1", "CMYK", "I;16"])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_every_kind_of_picture_can_be_started_from(mode: str, kind: str, pipeline_of: Load) -> None:
    picture = Image.new("I;16", (70, 64)) if mode == "I;16" else scene((70, 64)).convert(mode)
    out = io.BytesIO()
    try:
        picture.save(out, kind)
    except (OSError, ValueError):
        return  # there are no such files
    asked = Recipe(prompt="a", seed=1, source=SOURCE, steps=1, strength=1.0)
    pictures = {SOURCE: out.getvalue()}
    painted = pipeline_of("stable-diffusion").paint([asked], pictures=pictures)[0]
    assert image(painted).size == (64, 64)


# -- LoRAs -------------------------------------------------------------------------------------


@pytest.fixture
def lora_of(
    pipeline_of: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], str]:
    """Writes a LoRA for a family's denoiser into the host's folder; its name."""
    import torch
    from peft import LoraConfig, get_peft_model_state_dict
    from safetensors.torch import save_file

    monkeypatch.setenv("EASEL_LORAS", str(tmp_path))

    def write(family: str) -> str:
        # A pipeline of its own: adapters that are added by hand stay.
        model = catalogue.find(pipeline_of(family).model.source)
        pipe = Pipeline.load(model, device="cpu")._pipe
        part = "unet" if hasattr(pipe, "unet") else "transformer"
        denoiser = getattr(pipe, part)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(3)
            targets = r".*(to_q|to_v)$"
            denoiser.add_adapter(LoraConfig(r=2, lora_alpha=2, target_modules=targets))
            state = get_peft_model_state_dict(denoiser)
            state = {f"{part}.{name}": torch.randn_like(value) for name, value in state.items()}
        save_file(state, tmp_path / f"{family}.safetensors")
        return f"{family}.safetensors"

    return write


@those_that("lora")
def test_a_lora_changes_the_picture_by_its_weight(
    family: str, pipeline_of: Load, lora_of: Callable[[str], str]
) -> None:
    pipeline, name = pipeline_of(family), lora_of(family)

    def paint(*weights: float, over: Recipe = WORDS) -> Painted:
        loras = tuple(Lora(name=name, weight=weight) for weight in weights)
        asked = msgspec.structs.replace(over, loras=loras)
        return pipeline.paint([asked], pictures=PICTURES)[0]

    plain = paint()
    whole = paint(1.0)
    assert len({plain.png, whole.png, paint(0.5).png, paint(-1.0).png}) == 4
    assert paint(0.0).png == plain.png  # exactly
    assert paint(1.0).png == whole.png
    assert paint().png == plain.png
    if "inpaint" in CAN[family]:  # the other ways share the weights, and so the LoRA
        assert paint(1.0, over=INSIDE).png != paint(over=INSIDE).png
    assert paint().png == plain.png
    without = name.removesuffix(".safetensors")
    asked = Recipe(prompt="a boat", seed=7, loras=(Lora(name=without),))
    assert pipeline.paint([asked])[0].png == whole.png


def test_loras_that_are_not_here_or_do_not_fit_are_refused_by_name(
    pipeline_of: Load, lora_of: Callable[[str], str], tmp_path: Path
) -> None:
    pipeline = pipeline_of("stable-diffusion")
    plain = pipeline.paint([WORDS])[0]
    foreign = lora_of("flux")
    (tmp_path / "broken.safetensors").write_bytes(b"no tensors")
    (tmp_path / "pickled.bin").write_bytes(b"\x80\x04.")
    for name, says in [
        ("nothing", "There is no LoRA nothing here"),
        ("pickled.bin", r"There is no LoRA pickled\.bin here"),
        ("someone/ink", "There is no LoRA someone/ink here"),
        ("broken", "The LoRA broken does not fit Random stable-diffusion"),
        (foreign, r"The LoRA flux\.safetensors does not fit Random stable-diffusion"),
    ]:
        with pytest.raises(RecipeError, match=says):
            pipeline.paint([Recipe(prompt="a", loras=(Lora(name=name),))])
    assert pipeline.paint([WORDS])[0].png == plain.png


@those_that("lora")
def test_a_lora_that_turns_out_not_to_fit_is_told_beforehand(
    family: str, pipeline_of: Load, lora_of: Callable[[str], str], tmp_path: Path
) -> None:
    name = lora_of(family)
    for other in FAMILIES:
        pipeline = pipeline_of(other)
        told = lora_shapes.fits(tmp_path / name, catalogue.find(pipeline.model.source))
        try:
            pipeline.paint([Recipe(prompt="a", seed=1, steps=1, loras=(Lora(name=name),))])
        except RecipeError:
            assert not told and other != family, other
        else:
            assert told or other != family  # a foreign one may change a layer or two
