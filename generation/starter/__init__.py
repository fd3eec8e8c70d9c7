"""The small model that ships with Easel, and how it was made.

`weights/` is an ordinary diffusers folder, loaded by the ordinary code. `vocabulary` lists what
it was shown, `assets` fetches the drawings, `scenes` composes pictures and captions of them,
`train` trains, and `evaluate` measures. Only the folder is needed to paint.
"""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent / "weights"
