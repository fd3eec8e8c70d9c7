"""The ladder for small cards, walked on the processor with real offloading and tiny networks."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from generation import catalogue, loading, memory
from generation.errors import PaintError, TooManyAtOnce
from generation.memory import LADDER, WORKING, Appetite, Sizes
from generation.pipeline import Pipeline
from generation.recipe import Recipe
from tests.generation.conftest import FAMILIES
from tests.generation.exhaustion import exhausted
from tests.generation.pictures import difference_of

# diffusers 0.42 hands tensors to numpy 2.4 in a way that numpy will stop to accept.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

CAT = Recipe(prompt="a red cat", seed=7)
GB = 10**9
NETWORKS = {
    "stable-diffusion": "UNet2DConditionModel",
    "stable-diffusion-xl": "UNet2DConditionModel",
    "flux": "FluxTransformer2DModel",
    "z-image": "ZImageTransformer2DModel",
    "flux2-klein": "Flux2Transformer2DModel",
    "qwen-image": "QwenImageTransformer2DModel",
    "ernie-image": "ErnieImageTransformer2DModel",
}


@pytest.mark.parametrize(
    ("model", "free_gb", "rung"),
    [
        ("flux2-klein-4b", 24, "whole"),
        ("flux2-klein-4b", 15, "parts"),
        ("flux2-klein-4b", 8, "blocks"),
        ("flux2-klein-4b", 2, "layers"),
        ("sdxl-lightning", 10, "whole"),
        ("sdxl-lightning", 6, "parts"),
        ("sdxl-lightning", 3.5, "layers"),
        ("somebody/unlisted", 20, "whole"),
        ("somebody/unlisted", 9, "parts"),
    ],
)
def test_the_first_rung_follows_from_the_card(model: str, free_gb: float, rung: str) -> None:
    sizes = Sizes(7 * GB, 5 * GB)
    number = memory.choose(catalogue.find(model), sizes, int(free_gb * GB), LADDER)
    assert LADDER[number] == rung


def test_only_cards_have_a_ladder() -> None:
    assert memory.ladder(torch.device("cpu")) == ("whole",)
    assert memory.ladder(torch.device("cuda", 0)) == LADDER


@pytest.mark.parametrize("family", FAMILIES)
def test_each_rung_paints_the_same_picture(family: str, folder_of: Callable[[str], Path]) -> None:
    """Whose memory runs out again and again, at the first step, until it is painted layer by
    layer; then the model stays there."""
    model = catalogue.find(str(folder_of(family)))
    pipeline = Pipeline.load(model, device="cpu", ladder=LADDER)
    assert pipeline.rung == "whole"
    before = pipeline.paint([CAT])[0].png
    kind = NETWORKS[family]
    for rung in LADDER[1:]:
        with exhausted(kind, times=1) as happened:
            painted = pipeline.paint([CAT])[0].png
        assert happened and pipeline.rung == rung
        assert difference_of(painted, before) <= 1
        assert difference_of(pipeline.paint([CAT])[0].png, before) <= 1
    with exhausted(kind), pytest.raises(PaintError, match="too little memory") as refused:
        pipeline.paint([CAT])
    assert refused.value.retry
    assert difference_of(pipeline.paint([CAT])[0].png, before) <= 1


@pytest.mark.parametrize("family", ["stable-diffusion", "flux2-klein"])
def test_the_old_weights_are_gone_before_the_new_ones_are_read(
    family: str, folder_of: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = catalogue.find(str(folder_of(family)))
    pipeline = Pipeline.load(model, device="cpu", ladder=LADDER)
    # What was painted before has made previews, ways and kept words, which must not hold on.
    pipeline.paint([CAT], lambda step: step.preview(0) and None)
    weights = {
        name: weakref.ref(value)
        for part in pipeline._pipe.components.values()
        if isinstance(part, torch.nn.Module)
        for name, value in part.named_parameters()
    }
    assert len(weights) > 50 and all(value() is not None for value in weights.values())
    left: list[list[str]] = []
    read = loading.read

    def reading(*given: Any) -> Any:
        left.append([name for name, value in weights.items() if value() is not None])
        return read(*given)

    monkeypatch.setattr(loading, "read", reading)
    with exhausted(NETWORKS[family], times=1) as happened:
        pipeline.paint([CAT], lambda step: step.preview(0) and None)
    assert happened and pipeline.rung == "parts"
    assert left == [[]]


def test_a_decoder_without_memory_works_in_tiles(folder_of: Callable[[str], Path]) -> None:
    model = catalogue.find(str(folder_of("z-image")))
    pipeline = Pipeline.load(model, device="cpu")
    wide = Recipe(prompt="a", seed=1, width=192, height=64)
    before = pipeline.paint([wide])[0]
    # Less than a third of the picture fits.
    with exhausted("Decoder", when=lambda inputs: inputs[0].shape[-1] > 40) as happened:
        tiled = pipeline.paint([wide])[0]
        again = pipeline.paint([wide])[0]
    assert len(happened) == 1  # it stays with tiles
    assert (tiled.width, tiled.height) == (192, 64) == (before.width, before.height)
    assert tiled.png == again.png


def test_what_was_too_many_is_remembered(pipeline_of: Callable[[str], Pipeline]) -> None:
    pipeline = pipeline_of("flux")
    small = pipeline.complete(Recipe(prompt="a", width=96, height=64))
    assert pipeline.at_once(small, wanted=8) == 8
    with exhausted("FluxTransformer2DModel", times=1), pytest.raises(TooManyAtOnce):
        pipeline.paint([small] * 4)
    assert pipeline.at_once(small, wanted=8) == 2
    assert pipeline.at_once(wanted=8) == 8  # of another size
    assert pipeline.at_once(small) == 1  # the processor is busy with one


def test_what_pictures_take_says_how_many_fit() -> None:
    appetite = Appetite()
    assert appetite.most(1.0, 0) >= 1 and not appetite.known
    appetite.took(2, 0.25, 1 * GB)  # two gigabytes a megapixel
    assert appetite.most(1.0, 20 * GB) == 9
    assert appetite.most(0.25, 20 * GB) == 36
    assert appetite.most(4.0, 1 * GB) == 1
    appetite.failed(9, 1.0)
    assert appetite.most(1.0, 20 * GB) == 4


def test_free_memory_is_the_machines_on_the_processor() -> None:
    from generation import devices

    assert 0 < memory.free(torch.device("cpu")) <= devices.machine_memory()


def test_needs_are_the_catalogues_or_the_weights(pipeline_of: Callable[[str], Pipeline]) -> None:
    sizes = Sizes(7 * GB, 5 * GB)
    assert memory.needed(catalogue.find("flux1-schnell"), sizes) == 33 * GB
    assert memory.needed(catalogue.find("somebody/unlisted"), sizes) == 7 * GB + WORKING
    assert 1_000_000 < pipeline_of("z-image").weights < 10_000_000
