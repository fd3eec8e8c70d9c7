"""The fast path, as far as a processor can walk it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from generation import catalogue, fast
from generation.pipeline import Pipeline
from generation.recipe import Recipe
from tests.generation.pictures import difference_of

# diffusers 0.42 hands tensors to numpy 2.4 in a way that numpy will stop to accept.
pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:torch"),
]

CPU = torch.device("cpu")


@pytest.fixture
def pipe_of(folder_of: Callable[[str], Path]) -> Callable[[str], object]:
    import diffusers

    def load(family: str) -> object:
        pipe = diffusers.DiffusionPipeline.from_pretrained(folder_of(family), local_files_only=True)
        pipe.set_progress_bar_config(disable=True)
        return pipe

    return load


def png(pipe: object, family: str) -> bytes:
    """What a pipeline paints, as `Pipeline` would pack it."""
    import io

    image = pipe(  # type: ignore[operator]
        prompt=["a cat"],
        generator=[torch.Generator().manual_seed(1)],
        num_inference_steps=2,
        width=64,
        height=64,
    ).images[0]
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def test_nothing_is_changed_on_the_processor(pipe_of: Callable[[str], object]) -> None:
    pipe = pipe_of("z-image")
    assert fast.prepare(pipe, CPU, fast.Options(fp8=True)) is False


@pytest.mark.parametrize("family", ["stable-diffusion", "stable-diffusion-xl"])
def test_convolutions_are_laid_out_for_tensor_cores(
    family: str, pipe_of: Callable[[str], object]
) -> None:
    pipe = pipe_of(family)
    before = png(pipe, family)
    fast.channels_last(pipe)
    weight = pipe.unet.conv_in.weight  # type: ignore[attr-defined]
    assert weight.is_contiguous(memory_format=torch.channels_last)
    assert fast.convolutional(pipe) and fast.denoiser(pipe) is pipe.unet  # type: ignore[attr-defined]
    assert difference_of(png(pipe, family), before) <= 1


@pytest.mark.parametrize("family", ["flux", "z-image", "flux2-klein"])
def test_noise_levels_stay_on_the_processor(family: str, pipe_of: Callable[[str], object]) -> None:
    pipe = pipe_of(family)
    before = png(pipe, family)
    fast.keep_sigmas_here(pipe.scheduler)  # type: ignore[attr-defined]
    assert png(pipe, family) == before
    assert pipe.scheduler.sigmas.device == CPU  # type: ignore[attr-defined]
    # Pipelines ask whether they may give their own.
    assert "sigmas" in inspect.signature(pipe.scheduler.set_timesteps).parameters  # type: ignore[attr-defined]


@pytest.mark.parametrize("family", ["stable-diffusion-xl", "z-image", "flux2-klein"])
def test_the_blocks_that_repeat_are_compiled(
    family: str, pipe_of: Callable[[str], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a backend that runs what it is given: which blocks, and that the picture stays."""
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    pipe = pipe_of(family)
    before = png(pipe, family)
    compiled: list[object] = []

    def backend(graph: torch.fx.GraphModule, inputs: object) -> object:
        compiled.append(graph)
        return graph.forward

    torch._dynamo.reset()
    assert fast.compile_blocks(fast.denoiser(pipe), backend=backend)
    assert difference_of(png(pipe, family), before) <= 1
    assert compiled
    torch._dynamo.reset()


def test_what_cannot_be_is_left_out() -> None:
    assert not fast.compile_blocks(torch.nn.Linear(2, 2))
    assert not fast.attend(torch.nn.Linear(2, 2))
    assert not fast.quantise(torch.nn.Linear(2, 2), (8, 0))  # too old a card
    assert not fast.cudnn_attends(CPU)


def test_it_attends_by_another_backend(pipe_of: Callable[[str], object]) -> None:
    pipe = pipe_of("z-image")
    before = png(pipe, "z-image")
    assert fast.attend(fast.denoiser(pipe), "native")
    assert png(pipe, "z-image") == before
    assert not fast.attend(fast.denoiser(pipe), "no such backend")


def test_sizes_to_warm_up_are_the_models() -> None:
    sizes = list(fast.warm_sizes(catalogue.find("flux2-klein-4b")))
    assert sizes[0] == (1024, 1024) and (1248, 832) in sizes and (832, 1248) in sizes
    assert all(side % 16 == 0 for size in sizes for side in size)
    assert all(0.9 < width * height / 1024**2 < 1.1 for width, height in sizes)


def test_options_change_nothing_on_the_processor(
    folder_of: Callable[[str], Path], pipeline_of: Callable[[str], Pipeline]
) -> None:
    model = catalogue.find(str(folder_of("z-image")))
    plain = Pipeline.load(model, device="cpu", options=fast.Options(compile=False))
    recipe = Recipe(prompt="a", seed=1)
    assert plain.paint([recipe])[0].png == pipeline_of("z-image").paint([recipe])[0].png
