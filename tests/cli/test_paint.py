"""`easel paint` before it connects: what a machine lacks is said in one sentence."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import fedi
from generation import catalogue, devices

HERE = ("--server", "http://127.0.0.1:1")


def says(*options: str, python: tuple[str, ...] = (), token: str = "t", **more: str) -> str:
    """What it says before it ends."""
    result = subprocess.run(
        [sys.executable, *python, "-m", "fedi.cli", "paint", *options],
        env={**os.environ, "EASEL_PAINTER_TOKEN": token, "COLUMNS": "300", **more},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode != 0 and "Traceback" not in result.stderr, result.stderr
    return result.stderr.strip()


@pytest.fixture
def bare(tmp_path: Path) -> str:
    """The packages of a machine where Easel was installed without `[paint]`, as a PYTHONPATH."""
    installed = Path(sysconfig.get_path("purelib"))
    for entry in installed.iterdir():
        if entry.name.partition("-")[0] not in ("torch", "diffusers", "transformers"):
            (tmp_path / entry.name).symlink_to(entry)
    return os.pathsep.join((str(Path(fedi.__file__).parent.parent), str(tmp_path)))


def test_what_to_install_is_said(bare: str) -> None:
    told = says(*HERE, python=("-S",), PYTHONPATH=bare)
    assert told.startswith(
        "Painting is not installed here: pip install -c constraints.txt 'easel[paint]'"
    )
    assert "\n" not in told


def test_an_endpoint_needs_nothing_of_that(bare: str) -> None:
    nowhere = ("--endpoint", "http://127.0.0.1:1", "--model", "a/b")
    told = says("--server", "ftp://x", *nowhere, python=("-S",), PYTHONPATH=bare)
    assert "no address of a server" in told


def test_there_must_be_a_token(tmp_path: Path) -> None:
    assert "set EASEL_PAINTER_TOKEN or give --token-file" in says(*HERE, token="")
    told = says(*HERE, "--token-file", str(tmp_path / "nowhere"), token="")
    assert told.startswith("The token cannot be read")


def test_a_model_that_does_not_exist() -> None:
    assert "There is no model “nonsense”" in says(*HERE, "--model", "nonsense")


def test_one_of_several_models_that_does_not_fit_is_named() -> None:
    pytest.importorskip("torch", reason="easel[paint] is not installed")
    largest = max(catalogue.CATALOGUE.values(), key=lambda model: model.memory_gb or 0)
    if devices.memory("cpu").fit(largest.memory_gb) != "no":
        pytest.skip("the largest model of the catalogue fits into this machine")
    told = says(*HERE, "--device", "cpu", "--model", "sdxl-lightning", "--model", largest.key)
    assert told.startswith(f"{largest.name} needs ") and "does not fit into" in told
    assert "\n" not in told
