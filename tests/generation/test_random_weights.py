from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from generation.loading import fingerprint
from generation.random_weights import build


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
        folders = list(pool.map(partial(build, "stable-diffusion"), [tmp_path / "model"] * 2))
    assert folders[0] == folders[1]
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert (folders[0] / "model_index.json").is_file()
