"""Where a training stands: the LoRA, the optimiser, and the step.

All that is drawn by chance is drawn from the seed and the number of the step, so there is no state
of chance to keep: a training that goes on draws what it would have drawn.
"""

from __future__ import annotations

import io
from collections import deque
from pathlib import Path
from typing import Any

import torch

from generation.errors import PaintError
from generation.style import brief

FILE = "checkpoint.pt"
RECENT = 50  # steps that the loss is told over


class Standing:
    """A training in memory, and in its folder.

    denoiser: with a new adapter, whose weights are those of the checkpoint if there is one.
    """

    def __init__(self, folder: Path, denoiser: Any, optimiser: torch.optim.Optimizer) -> None:
        self._path = folder / FILE
        self._weights = {
            name: weights for name, weights in denoiser.named_parameters() if weights.requires_grad
        }
        self._optimiser = optimiser
        self.step = 0
        self.recent: deque[float] = deque(maxlen=RECENT)
        if self._path.is_file():
            self._load()

    def save(self) -> None:
        """Writes the checkpoint, whole or not at all."""
        out = io.BytesIO()
        torch.save(
            {
                "step": self.step,
                "recent": list(self.recent),
                "weights": {name: weights.detach() for name, weights in self._weights.items()},
                "optimiser": self._optimiser.state_dict(),
            },
            out,
        )
        brief.replace(self._path, out.getvalue())
        brief.note_steps(self._path.parent, self.step)

    def _load(self) -> None:
        try:
            kept = torch.load(self._path, map_location="cpu", weights_only=True)
            with torch.no_grad():
                for name, weights in self._weights.items():
                    weights.copy_(kept["weights"][name])
        except (KeyError, RuntimeError, ValueError) as error:
            raise PaintError(
                "The checkpoint is not of this training: begin it anew, under another name."
            ) from error
        self._optimiser.load_state_dict(kept["optimiser"])
        self.step = kept["step"]
        self.recent.extend(kept["recent"])
