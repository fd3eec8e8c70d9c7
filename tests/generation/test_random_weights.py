from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image, ImageStat

from generation import catalogue
from generation.loading import fingerprint
from generation.pipeline import Pipeline
from generation.random_weights import build, build_tryout
from generation.recipe import Recipe


def test_building_twice_builds_once(tmp_path: Path) -> None:
    folder = build("z-image", tmp_path / "model")
    times = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    assert build("z-image", tmp_path / "model") == folder
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == times
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_the_weights_are_the_same_everywhere(tmp_path: Path) -> None:
    one, other = build("z-image", tmp_path / "one"), build("z-image", tmp_path / "other")
    assert fingerprint(one) == fingerprint(other)
    assert fingerprint(one) != fingerprint(build("flux", tmp_path / "flux"))


def test_two_may_build_at_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        folders = list(pool.map(build_tryout, [tmp_path / "model"] * 2))
    assert folders[0] == folders[1]
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert (folders[0] / "model_index.json").is_file()


def test_the_tryout_model_paints_in_colour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EASEL_CACHE", str(tmp_path))
    pipeline = Pipeline.load(catalogue.find("tryout"), device="cpu")
    assert "random weights" in pipeline.model.name
    pictures = []
    for seed in (1, 2):
        painted = pipeline.paint([Recipe(prompt="a lighthouse", seed=seed)])[0]
        assert (painted.width, painted.height) == (512, 512)
        assert painted.recipe.model == "tryout"
        image = Image.open(io.BytesIO(painted.png))
        # Light and dark, and colours that differ: neither black, nor grey, nor one flood.
        assert min(ImageStat.Stat(image).stddev) > 15
        assert ImageStat.Stat(image.convert("HSV").getchannel("S")).mean[0] > 40
        # Soft: neighbours resemble each other, which grain does not.
        near = ImageStat.Stat(image.resize((256, 256), Image.Resampling.BOX)).stddev[0]
        assert near > 0.95 * ImageStat.Stat(image).stddev[0]
        pictures.append(painted.png)
    assert pictures[0] != pictures[1]
