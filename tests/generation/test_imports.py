"""The server imports half of this package, and must stay small."""

from __future__ import annotations

import subprocess
import sys

import pytest

LIGHT = ("recipe", "catalogue", "protocol", "provenance", "safety")
HEAVY = ("torch", "diffusers", "transformers", "numpy")


@pytest.mark.parametrize("module", [*LIGHT, "painter", "pipeline", "preview", "random_weights"])
def test_importing_it_loads_no_torch(module: str) -> None:
    script = (
        f"import sys, generation.{module}\n"
        f"print(*[name for name in {HEAVY!r} if name in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert result.stdout.split() == []
