"""A small hub on this machine, and an empty place for the models that are fetched from it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from generation import random_weights
from tests import rig
from tests.generation.hub_server import Hub, Repository

PATIENCE_S = 120.0  # a busy machine is no failure
HALF = 2**20  # bytes; only the weights of the UNet are larger
TINY, OTHER = "someone/tiny", "someone/other"


@contextmanager
def open_hub(folder: Path, monkeypatch: pytest.MonkeyPatch, *names: str) -> Iterator[Hub]:
    """A hub with small, whole pipelines of random weights, which this process and those that it
    starts ask from now on.

    Args:
        folder: for the pipelines, and for what is fetched.
        names: of its repositories.
    """
    constants = pytest.importorskip("huggingface_hub.constants", reason="easel[paint] is missing")
    hub = Hub()
    for name in names or (TINY,):
        model = random_weights.build("stable-diffusion", folder / "hub-of-others" / name)
        _shrink_latents(model)
        hub.repositories[name] = Repository(model)
    for variable in [one for one in os.environ if one.startswith("HF_")]:
        monkeypatch.delenv(variable)
    here = folder / "hub-here"
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    monkeypatch.setenv("HF_HOME", str(here))
    monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(here / "hub"))
    try:
        yield hub
    finally:
        hub.close()


def _shrink_latents(model: Path) -> None:
    """Give a pipeline latents of an eighth of a picture's sides, as real ones have. With those of
    half of them, whoever chooses no size would have it paint for minutes."""
    from diffusers import AutoencoderKL

    vae = AutoencoderKL(
        block_out_channels=(8,) * 4,
        norm_num_groups=8,
        latent_channels=4,
        sample_size=64,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
    )
    vae.save_pretrained(model / "vae", safe_serialization=True)


async def stalls(folder: Path) -> None:
    """Wait until the weights are half there, of a hub that gives no more."""

    await rig.until(lambda: half_there(folder / "hub-here"), seconds=PATIENCE_S)


def half_there(folder: Path) -> list[Path]:
    """The files below a folder of which so much has been fetched, and not all."""
    found = []
    for path in folder.rglob("*.part"):
        with suppress(FileNotFoundError):  # it is whole by now
            if path.stat().st_size >= HALF / 2:
                found.append(path)
    return found
