"""The measurement of cards, at tiny sizes on the processor, and the configurations it is about."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from bench import gpu, real_models
from generation import fast, random_weights

# diffusers 0.42 hands tensors to numpy 2.4 in a way that numpy will stop to accept.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.mark.parametrize(
    ("make", "billions"),
    [(real_models.unet, 2.57), (real_models.klein, 3.88), (real_models.z_image, 6.15)],
)
def test_the_networks_have_as_many_weights_as_the_real_ones(
    make: Callable[[], Any], billions: float
) -> None:
    with torch.device("meta"):
        network = make()
    weights = sum(tensor.numel() for tensor in network.parameters())
    assert weights / 1e9 == pytest.approx(billions, abs=0.006)


@pytest.mark.parametrize("case", gpu.CASES, ids=lambda case: case.name)
def test_the_real_pipelines_are_whole(case: gpu.Case) -> None:
    """Built without memory: every part there, and of the sizes that go together."""
    with torch.device("meta"):
        pipe = case.make()
    optional = set(type(pipe)._optional_components)
    missing = {name for name, part in pipe.components.items() if part is None}
    assert missing <= optional and fast.denoiser(pipe) is not None


def test_a_case_is_measured(tmp_path: Path) -> None:
    folder = random_weights.build("z-image", tmp_path / "tiny")
    case = gpu.Case("tiny", lambda: None, 64, 2, 1.0, 0.001, 1.0, 0.0)
    found = gpu.measure(case, folder, device="cpu", ceiling=0.5, rounds=2)
    assert min(found.eager, found.painter, found.waiting, found.share, found.speed_up) > 0
    assert found.gigabytes == 0.0  # nothing is known of it on the processor


def test_what_matrix_products_reach_is_the_ceiling() -> None:
    assert gpu.ceiling("cpu", side=64, products=3) > 0
