from __future__ import annotations

import io
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from generation.pipeline import Painted, Pipeline, Step
from generation.preview import PREVIEW_SIDE, Previews, examples
from generation.random_helpers import build_tiny_decoder
from generation.recipe import Recipe

if TYPE_CHECKING:
    import torch

# diffusers 0.42 hands tensors to numpy 2.4 in a way that numpy will stop to accept.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

WEIGHTS = "diffusion_pytorch_model.safetensors"
TALL = Recipe(prompt="a cat", seed=3, width=64, height=96)


def painted_with_previews(
    pipeline: Pipeline, recipes: list[Recipe]
) -> tuple[list[Painted], list[list[bytes | None]]]:
    previews: list[list[bytes | None]] = []

    def listen(step: Step) -> None:
        previews.append([step.preview(n) for n in range(len(recipes))])

    return pipeline.paint(recipes, listen), previews


def colours(picture: bytes | None) -> list[int]:
    """A picture's colours, seen from afar."""
    with Image.open(io.BytesIO(picture or b"")) as image:
        return list(image.convert("RGB").resize((8, 12), Image.Resampling.BOX).tobytes())


def likeness(one: list[int], other: list[int]) -> float:
    """How two rows of numbers go together, -1 to 1."""
    products = sum(a * b for a, b in zip(one, other, strict=True))
    return products / math.sqrt(math.prod(sum(a * a for a in side) for side in (one, other)))


def test_each_step_has_a_small_jpeg(pipeline: Pipeline) -> None:
    _, previews = painted_with_previews(pipeline, [TALL])
    assert len(previews) == 4
    for (jpeg,) in previews:
        assert jpeg is not None and len(jpeg) < 32_768
        with Image.open(io.BytesIO(jpeg), formats=["JPEG"]) as image:
            assert image.size == (round(PREVIEW_SIDE * 64 / 96), PREVIEW_SIDE)


@pytest.mark.parametrize("family", ["flux", "z-image", "flux2-klein"])
def test_the_last_preview_resembles_the_picture(
    family: str, pipeline_of: Callable[[str], Pipeline]
) -> None:
    """Packed latents, sixteen channels, normalised patches: with the channels or the rows of any
    of them in another order, no likeness is left. (It is never close: random decoders are far
    from linear, trained ones are near.)"""
    recipes = [TALL, Recipe(prompt="a dog", seed=4, width=64, height=96)]
    painted, previews = painted_with_previews(pipeline_of(family), recipes)
    # What two pictures have in common, such as their borders, proves nothing: compare how they
    # differ with how their previews differ.
    pictures, lasts = [
        [a - b for a, b in zip(*map(colours, pair), strict=True)]
        for pair in ([each.png for each in painted], previews[-1])
    ]
    assert likeness(pictures, lasts) > 0.25


def lessons(pipeline: Pipeline) -> tuple[torch.Tensor, torch.Tensor]:
    """Latents as the scheduler holds them, and what the pipeline's own decoder makes of those."""
    import torch

    with torch.inference_mode():
        latents, decoded = examples(pipeline._pipe)
    return latents * pipeline._pipe.vae.config.scaling_factor, decoded


def test_a_tiny_decoder_shows_the_pictures_where_it_comes_near(
    pipeline_of: Callable[[str], Pipeline], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Of those that are here the nearest; none made for other latents, and none that is broken."""
    pipeline = pipeline_of("stable-diffusion")
    taught = build_tiny_decoder(tmp_path / "taught", taught=lessons(pipeline))
    stranger = build_tiny_decoder(tmp_path / "stranger")
    others = build_tiny_decoder(tmp_path / "others", channels=16)
    broken = build_tiny_decoder(tmp_path / "broken")
    (broken / WEIGHTS).write_bytes(b"nothing")
    folders = [stranger, broken, others, taught]
    pipe = pipeline._pipe
    shown = Previews.fit(pipe, folders)
    assert shown.decoder == str(taught)
    assert f"{broken} shows no previews" in caplog.text
    plain = Previews.fit(pipe, [stranger, others])
    assert plain.decoder == ""

    latents, pictures = lessons(pipeline)
    wanted = [round(float(one) * 127.5 + 127.5) for one in coarsely(pictures[0])]
    far = [
        sum(abs(a - b) for a, b in zip(colours(one.jpeg(latents, 0, 24, 24)), wanted, strict=True))
        for one in (shown, plain)
    ]
    assert far[0] < far[1]


def test_a_tiny_decoder_that_fails_leaves_the_picture_alone(
    pipeline_of: Callable[[str], Pipeline], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pipeline = pipeline_of("stable-diffusion")
    folder = build_tiny_decoder(tmp_path / "taught", taught=lessons(pipeline))
    shown = Previews.fit(pipeline._pipe, [folder])
    assert shown._decoder is not None
    shown._decoder.decoder.register_forward_pre_hook(exhausted)
    shown._decoder.decoder.decoder.register_forward_pre_hook(exhausted)
    latents, _ = lessons(pipeline)
    assert shown.jpeg(latents, 0, 24, 24) is not None
    assert shown.decoder == "" and "no previews by" in caplog.text


def exhausted(*_: object) -> None:
    raise RuntimeError("CUDA out of memory.")


def coarsely(picture: torch.Tensor) -> list[float]:
    """A picture, (3, h, w), as `colours` sees one."""
    from torch.nn import functional

    seen: torch.Tensor = functional.adaptive_avg_pool2d(picture, (12, 8)).movedim(0, -1).flatten()
    return [float(one) for one in seen]


def test_a_pipeline_without_a_decoder_paints_without_previews(
    caplog: pytest.LogCaptureFixture,
) -> None:
    import torch

    class Strange:
        vae_scale_factor = 8

    previews = Previews.fit(Strange())
    assert previews.jpeg(torch.zeros(1, 4, 8, 8), 0, 64, 64) is None
    assert "no previews for Strange" in caplog.text
