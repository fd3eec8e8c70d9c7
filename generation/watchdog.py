"""Notices when the thread that paints gets nowhere any more.

A driver that hangs cannot be interrupted: only the end of the process gives the card back. What it
was painting is then painted again by the next.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

log = logging.getLogger("generation")

# Seconds that a step of a model of 10 GB at one megapixel may take on a card: a hundred times what
# it does take, and enough to compile it. Larger models and pictures have more, in proportion.
PATIENCE_S = 120.0
USUAL_GB = 10.0
SLOWER_ON_CPU = 15.0  # a step of SDXL takes a minute and a half on two old cores
# Reading a model: what a slow disk and a busy machine need; a download says itself that it goes on.
LOAD_S = 300.0
LOAD_S_PER_GB = 20.0
# Reading a helper of 5 GB from a slow disk, beside all that a helper does in one go.
PACK_S = 300.0
LOOKS = 8  # within a limit
LONGEST_PAUSE_S = 5.0  # between two looks
LONGEST_LOOK_S = 2 * LONGEST_PAUSE_S  # where more time passed, the whole process stood still


def step_limit(
    patience: float, *, device: str, gigabytes: float, megapixels: float, pictures: int
) -> float:
    """Seconds without a step after which a painting counts as hanging.

    patience: seconds for a usual model on a card. gigabytes: of weights. megapixels: of one
    picture.
    """
    scale = max(1.0, gigabytes / USUAL_GB) * max(1.0, megapixels * pictures)
    return patience * scale * (SLOWER_ON_CPU if device == "cpu" else 1.0)


def load_limit(gigabytes: float) -> float:
    """Seconds without a word after which loading a model counts as hanging."""
    return LOAD_S + LOAD_S_PER_GB * gigabytes


def packing_limit(patience: float, device: str) -> float:
    """Seconds without a sign after which what follows a painting counts as hanging: reading a
    helper, and having it look at a picture, describe it, or make a piece of it larger.

    patience, device: as for `step_limit`.
    """
    return PACK_S + patience * (SLOWER_ON_CPU if device == "cpu" else 1.0)


class Watchdog:
    """A thread that calls `bark` with a sentence when a watched piece of work gives no sign.

    Time in which the whole process stood still, as a machine that sleeps, does not count.
    """

    def __init__(self, bark: Callable[[str], None]) -> None:
        self._bark = bark
        self._changed = threading.Condition()
        self._limit: float | None = None  # seconds; None: nothing is watched
        self._silent = 0.0  # seconds since the last sign
        self._what = ""
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    @contextmanager
    def over(self, what: str, limit: float) -> Iterator[None]:
        """Watches while the context lasts. what: for the sentence, such as “painting”."""
        self.sign(limit, what)
        try:
            yield
        finally:
            with self._changed:
                self._limit = None

    def sign(self, limit: float | None = None, what: str = "") -> None:
        """Something went on. A new limit or name holds from here on."""
        with self._changed:
            self._silent = 0.0
            self._what = what or self._what
            if limit is not None:
                self._limit = limit
                self._changed.notify()  # it may have to look sooner

    def _watch(self) -> None:
        while True:
            with self._changed:
                while self._limit is None:
                    self._changed.wait()
                began = time.monotonic()
                self._changed.wait(min(self._limit / LOOKS, LONGEST_PAUSE_S))
                self._silent += min(time.monotonic() - began, LONGEST_LOOK_S)
                if self._limit is None or self._silent < self._limit:
                    continue
                sentence = f"{self._what} gave no sign for {self._limit:.0f} s"
                self._limit = None
            self._bark(sentence)
