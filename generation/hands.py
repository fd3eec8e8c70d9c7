"""What a painter paints with: the pipelines on its own card, or an endpoint elsewhere."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from generation import abilities, devices, hub, lora_files
from generation.abilities import Abilities
from generation.aides import Aides
from generation.catalogue import Model
from generation.worker import Settings, Task, Worker


class Hand(Protocol):
    """Paints the tasks that it is given, and tells of each: any number of Progress, then exactly
    one Finished, Failed or Cancelled."""

    @property
    def device(self) -> str:
        """What it paints on, for the host of the server."""

    @property
    def slots(self) -> int:
        """How many tasks it takes now."""

    @property
    def alike(self) -> bool:
        """Whether the tasks that it takes at once must go together, as `batching.key` has it."""

    def listen(self, opened: Callable[[int], None]) -> None:
        """Has `opened` told, in any thread, how many tasks it takes from now on."""

    async def open(self) -> tuple[str, ...]:
        """The models that it paints with, its default first; asked before each connection.

        Raises OSError where it cannot paint for now, and ValueError where it never will; the
        message is one sentence.
        """

    def abilities(self) -> Abilities:
        """What it can do beside painting from words, without its helpers; asked when it is open,
        now and then, in any thread."""

    async def lost(self) -> None:
        """Returns when nothing can be painted any more before it is opened again."""

    def submit(self, task: Task) -> None:
        """Begins with a task, now or later."""

    def stop(self, task: Task) -> None:
        """Stops a task as soon as that is possible."""

    def close(self, seconds: float) -> bool:
        """Ends; whether it could within so many seconds."""


class Card:
    """The pipelines on this machine, one batch at a time, in a thread.

    lost: is told that only a new process can go on: a painting hung, or the card failed.
    """

    alike = True

    def __init__(
        self,
        models: Sequence[Model],
        device: str,
        aides: Aides,
        settings: Settings | None = None,
        *,
        lost: Callable[[str], None],
    ) -> None:
        self.device = device
        self._models = tuple(models)
        self._opened: Callable[[int], None] = lambda slots: None
        self._worker = Worker(
            models,
            device,
            settings,
            aides=aides,
            opened=lambda slots: self._opened(slots),
            lost=lost,
        )

    @property
    def slots(self) -> int:
        return self._worker.slots

    def listen(self, opened: Callable[[int], None]) -> None:
        self._opened = opened

    async def open(self) -> tuple[str, ...]:
        return tuple(model.key for model in self._models)

    def abilities(self) -> Abilities:
        models = [hub.described(model) for model in self._models]
        return Abilities(
            can=dict(abilities.of_models(models)),
            loras=lora_files.names(),
            misfits=lora_files.misfits(models),
            **self._memory(),
        )

    def _memory(self) -> dict[str, Any]:
        """What its card is, once torch is loaded: it is not loaded to say so."""
        if "torch" not in sys.modules:
            return {}
        try:
            found = devices.memory(self.device)
        except (ImportError, AttributeError, RuntimeError, ValueError):
            return {}  # it is being loaded just now, or cannot say
        return {
            "card": found.name,
            "memory_gb": round(found.gigabytes, 1),
            "bytes_per_weight": found.bytes_per_weight,
        }

    async def lost(self) -> None:
        await asyncio.get_running_loop().create_future()  # as long as the process lives

    def submit(self, task: Task) -> None:
        self._worker.submit(task)

    def stop(self, task: Task) -> None:
        task.stop.set()

    def close(self, seconds: float) -> bool:
        return self._worker.close(seconds)
