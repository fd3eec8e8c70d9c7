"""The folder that ships, through the code that paints with every model."""

from __future__ import annotations

import io
import tomllib
from pathlib import Path

import pytest
from PIL import Image, ImageStat

from generation import catalogue, starter
from generation.pipeline import Pipeline, Step
from generation.recipe import Recipe

REPOSITORY = Path(__file__).parents[3]
LARGEST = 30_000_000  # bytes of the whole folder

# diffusers 0.42 with numpy 2.4
pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning"),
]


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    pytest.importorskip("diffusers", reason="easel[paint] is not installed")
    return Pipeline.load(catalogue.find("starter"), device="cpu")


def paint(pipeline: Pipeline, prompt: str, seed: int = 1) -> Image.Image:
    [painted] = pipeline.paint([Recipe(prompt=prompt, seed=seed)])
    return Image.open(io.BytesIO(painted.png)).convert("RGB")


def test_it_is_small_and_safe() -> None:
    files = [path for path in starter.FOLDER.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= LARGEST
    assert {path.suffix for path in files} <= {".json", ".safetensors", ".md", ".txt"}


def test_it_is_part_of_the_package() -> None:
    globs = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["setuptools"][
        "package-data"
    ]["generation"]
    package = REPOSITORY / "generation"
    shipped = {path for pattern in globs for path in package.glob(pattern)}
    assert {path for path in starter.FOLDER.rglob("*") if path.is_file()} <= shipped


def test_it_says_what_it_is(pipeline: Pipeline) -> None:
    model = pipeline.model
    assert model.key == "starter" and "trying things out" in model.name
    assert "config.toml" in model.note
    described = catalogue.find(str(starter.FOLDER))
    for field in ("name", "licence", "steps", "guidance", "width", "height", "multiple", "note"):
        assert getattr(described, field) == getattr(catalogue.STARTER, field)


def test_it_paints_256_pixels(pipeline: Pipeline) -> None:
    [painted] = pipeline.paint([Recipe(prompt="a red car in the snow", seed=1)])
    assert (painted.width, painted.height) == (256, 256)
    assert painted.recipe.model == "starter"


def test_the_same_seed_paints_the_same_picture(pipeline: Pipeline) -> None:
    prompt = "a red car in the snow"
    one, again, other = (paint(pipeline, prompt, seed) for seed in (1, 1, 2))
    assert one.tobytes() == again.tobytes()
    assert one.tobytes() != other.tobytes()


def test_it_follows_the_words(pipeline: Pipeline) -> None:
    red, green, blue = ImageStat.Stat(paint(pipeline, "a red heart in the snow")).mean
    dark = ImageStat.Stat(paint(pipeline, "a red heart at night")).mean
    assert sum(dark) < 0.6 * (red + green + blue)
    middle = (112, 128, 144, 160)
    red, green, blue = ImageStat.Stat(
        paint(pipeline, "a big red heart underwater").crop(middle)
    ).mean
    assert red > 1.5 * max(green, blue)


def test_it_is_seen_while_it_comes(pipeline: Pipeline) -> None:
    previews: list[bytes | None] = []

    def listen(step: Step) -> None:
        previews.append(step.preview(0))

    [painted] = pipeline.paint([Recipe(prompt="a blue car at sunset", seed=3)], listen)
    finished = Image.open(io.BytesIO(painted.png)).convert("RGB").resize((16, 16))

    def distance(jpeg: bytes | None) -> float:
        assert jpeg is not None
        seen = Image.open(io.BytesIO(jpeg)).convert("RGB").resize((16, 16))
        pairs = zip(seen.tobytes(), finished.tobytes(), strict=True)
        return sum(abs(a - b) for a, b in pairs) / (16 * 16 * 3)

    assert len(previews) == painted.recipe.steps
    assert distance(previews[-1]) < 25
    assert distance(previews[-1]) < distance(previews[0])


def test_it_paints_over_a_picture_and_inside_a_mask() -> None:
    diffusers = pytest.importorskip("diffusers")
    import torch

    source = Image.new("RGB", (256, 256), (40, 90, 200))
    over = diffusers.AutoPipelineForImage2Image.from_pretrained(
        starter.FOLDER, dtype=torch.float32, local_files_only=True
    )
    over.set_progress_bar_config(disable=True)
    wanted = {"num_inference_steps": 8, "generator": torch.Generator().manual_seed(1)}
    little, much = (
        over("a cat in the snow", image=source, strength=strength, **wanted).images[0]
        for strength in (0.3, 1.0)
    )
    away = [
        sum(abs(a - b) for a, b in zip(picture.tobytes(), source.tobytes(), strict=True))
        for picture in (little, much)
    ]
    assert away[0] < away[1]

    mask = Image.new("L", (256, 256))
    mask.paste(255, (128, 0, 256, 256))
    inside = diffusers.AutoPipelineForInpainting.from_pipe(over)
    inside.set_progress_bar_config(disable=True)
    painted = inside(
        "a cat in the snow", image=source, mask_image=mask, width=256, height=256, strength=1.0,
        **wanted,
    ).images[0]  # fmt: skip
    left, right = (painted.crop((x, 0, x + 100, 256)) for x in (0, 156))
    assert max(ImageStat.Stat(left).stddev) < max(ImageStat.Stat(right).stddev)
