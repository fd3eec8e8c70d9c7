"""Helper models in memory: loaded when they are used, kept while there is room for them.

Painting comes first: on a card with little free memory a helper works on the processor, and where
even its weights are in the way it goes as soon as it has done its work.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from generation import devices, helpers, memory
from generation.catalogue import Model

if TYPE_CHECKING:
    import torch

log = logging.getLogger("generation")

T = TypeVar("T")
Load = Callable[[Model, Path, "torch.device", "torch.dtype"], T]

USUAL_GB = 2.0  # for a helper of which nothing is known
ROOM = 1.5  # times its weights, for what it computes
SPARE = 1_000_000_000  # bytes that stay free for painting, or the helper goes


class NotHere(Exception):
    """A helper was not pulled; the message is one plain sentence."""


@dataclass
class _Place:
    """Where one helper stands; whoever uses it has the lock."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    loaded: Any = None
    device: torch.device | None = None


class Shelf:
    """Helpers for one device. Several threads may use it.

    device: as for `devices.choose`.
    """

    def __init__(self, device: str) -> None:
        self._device = device
        self._places: dict[tuple[str, Any], _Place] = {}
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def use(self, helper: Model, load: Load[T]) -> Iterator[T]:
        """A loaded helper, for this thread alone.

        load: makes it from its folder, on a device and in a precision.
        Raises NotHere, and whatever transformers raises over a model that cannot be loaded.
        """
        with self._lock:
            place = self._places.setdefault((helper.key, load), _Place())
        with place.lock:
            if place.loaded is None:
                folder = helpers.here(helper)
                if folder is None:
                    raise NotHere(f"{helper.name} was not pulled: `easel models pull` does it.")
                place.device, dtype = self._choose(helper)
                log.info("loading %s on %s", helper.name, place.device)
                place.loaded = load(helper, folder, place.device, dtype)
            try:
                yield cast(T, place.loaded)
            finally:
                if memory.free(cast("torch.device", place.device)) < SPARE:
                    _empty(place)

    def clear(self) -> bool:
        """Removes what nobody is using: its memory is needed. Returns whether there was any."""
        with self._lock:
            places = list(self._places.values())
        had = False
        for place in places:
            if place.lock.acquire(blocking=False):
                try:
                    had = had or place.loaded is not None
                    _empty(place)
                finally:
                    place.lock.release()
        return had

    def _choose(self, helper: Model) -> tuple[torch.device, torch.dtype]:
        device, dtype = devices.choose(self._device)
        needed = ROOM * (helper.memory_gb or USUAL_GB) * 1e9 + SPARE
        if device.type != "cpu" and memory.free(device) < needed:
            return devices.choose("cpu")
        return device, dtype


def _empty(place: _Place) -> None:
    if place.loaded is None:
        return
    place.loaded = None
    gc.collect()
    if place.device is not None and place.device.type == "cuda":
        import torch

        torch.cuda.empty_cache()
