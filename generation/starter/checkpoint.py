"""What the stages of training share: checkpoints, the learning rate, the device."""

from __future__ import annotations

import logging
import math
import os
import signal
import time
from pathlib import Path
from typing import Any

import torch

log = logging.getLogger("generation.starter")

CHECKPOINT_SECONDS = 120


class Checkpoint:
    """Named parts with a `state_dict` and the step they are at, kept in one file.

    The file's state is loaded into the parts if it is there.
    """

    def __init__(self, path: Path, **parts: Any) -> None:
        self.path = path
        self.step = 0
        self._parts = parts
        self._saved = time.monotonic()
        if path.is_file():
            kept = torch.load(path, map_location="cpu", weights_only=True)
            self.step = kept["step"]
            for name, part in parts.items():
                part.load_state_dict(kept[name])
            log.info("going on from step %d of %s", self.step, path.name)

    def save(self) -> None:
        """Writes the file, whole or not at all."""
        kept = {name: part.state_dict() for name, part in self._parts.items()}
        new = self.path.with_suffix(".new")
        torch.save({"step": self.step, **kept}, new)
        os.replace(new, self.path)
        self._saved = time.monotonic()

    def save_sometimes(self) -> None:
        """Writes the file if CHECKPOINT_SECONDS have gone since the last time, or if it is asked
        to stop, which it then does: raises SystemExit."""
        if _asked_to_stop:
            self.save()
            raise SystemExit(f"Stopped at step {self.step}; start it again to go on.")
        if time.monotonic() - self._saved > CHECKPOINT_SECONDS:
            self.save()


_asked_to_stop: list[int] = []  # the signals that came


def stop_at(*signals: signal.Signals) -> None:
    """Lets those signals end a stage after its step, with a checkpoint. For the main thread."""
    for number in signals:
        signal.signal(number, lambda number, _frame: _asked_to_stop.append(number))


def best_device() -> torch.device:
    """The graphics card where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def decay(step: int, steps: int, *, warm: int = 100, least: float = 0.02) -> float:
    """The learning rate's share at that step: a short rise, then half a cosine to `least`."""
    along = min(1.0, step / max(1, steps))
    rise = min(1.0, (step + 1) / warm)
    return rise * (least + (1 - least) * 0.5 * (1 + math.cos(math.pi * along)))
