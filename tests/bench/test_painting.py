"""What the server costs a picture is measured through a whole server."""

from __future__ import annotations

from pathlib import Path

from bench import painting
from generation import random_weights


def test_a_picture_through_the_server_is_set_against_a_bare_one(tmp_path: Path) -> None:
    model = random_weights.build("stable-diffusion", tmp_path / "model")
    assert painting.overhead(tmp_path, model, step_s=0.0, steps=1, rounds=1) > 0
