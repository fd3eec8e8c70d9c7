from __future__ import annotations

import io
import math
from collections.abc import Callable

import pytest
from PIL import Image

from generation.pipeline import Painted, Pipeline, Step
from generation.preview import PREVIEW_SIDE, Previews
from generation.recipe import Recipe

# diffusers 0.42 hands tensors to numpy 2.4 in a way that numpy will stop to accept.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

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


def test_a_pipeline_without_a_decoder_paints_without_previews(
    caplog: pytest.LogCaptureFixture,
) -> None:
    import torch

    class Strange:
        vae_scale_factor = 8

    previews = Previews.fit(Strange())
    assert previews.jpeg(torch.zeros(1, 4, 8, 8), 0, 64, 64) is None
    assert "no previews for Strange" in caplog.text
