"""Real diffusers pipelines with random weights, built once on disk for all tests."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

# Before anything imports torch: two threads on a busy machine are 30 times slower than one on
# networks of this size. And nothing here may reach for the hub.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["HF_HUB_OFFLINE"] = "1"

import pytest

from generation import catalogue
from generation.pipeline import Pipeline

FAMILIES = (
    "stable-diffusion",
    "stable-diffusion-xl",
    "flux",
    "z-image",
    "qwen-image",
    "flux2-klein",
    "ernie-image",
)


@pytest.fixture(scope="session")
def folder_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a family's pipeline, built on first use."""
    pytest.importorskip("diffusers", reason="easel[paint] is not installed")
    from generation.random_weights import build

    place = tmp_path_factory.mktemp("models")
    return lambda family: build(family, place / family)


@pytest.fixture(scope="session")
def pipeline_of(folder_of: Callable[[str], Path]) -> Callable[[str], Pipeline]:
    """A family's pipeline, loaded from its folder once."""
    loaded: dict[str, Pipeline] = {}

    def load(family: str) -> Pipeline:
        if family not in loaded:
            model = catalogue.find(str(folder_of(family)))
            loaded[family] = Pipeline.load(model, device="cpu")
        return loaded[family]

    return load


@pytest.fixture(params=FAMILIES)
def pipeline(request: pytest.FixtureRequest, pipeline_of: Callable[[str], Pipeline]) -> Pipeline:
    """Each family's pipeline in turn."""
    return pipeline_of(request.param)
