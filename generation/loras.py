"""LoRAs: small changes to a model's weights, put on a loaded pipeline.

Where they lie says `generation.lora_files`.
"""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from generation.lora_files import find
from generation.recipe import Lora, RecipeError

log = logging.getLogger("generation")

MAX_HELD = 8  # in memory beside a model, used or not; some have hundreds of megabytes


class _File(NamedTuple):
    """A file as it was: one that comes in its place, such as a style that was learned anew, is
    another."""

    path: Path
    modified: int
    size: int


def _file(name: str) -> _File:
    path = find(name)
    try:
        state = path.stat()
    except OSError as error:  # removed in this moment
        raise RecipeError(f"There is no LoRA {name} here.") from error
    return _File(path, state.st_mtime_ns, state.st_size)


class Adapters:
    """The LoRAs of one loaded pipeline, and of all that share its parts."""

    def __init__(self, pipe: Any) -> None:
        self._pipe = pipe
        # The pipeline's name of each file, the longest unused first.
        self._held: dict[_File, str] = {}
        self._count = 0

    def use(self, loras: Sequence[Lora], model: str) -> None:
        """Paints with these from now on, and with no others; a weight of 0 is none at all.

        model: its name, for people. Raises RecipeError for one that is not here or does not fit.
        """
        wanted = {lora.name: lora.weight for lora in loras if lora.weight}
        if not wanted:
            if self._held:
                self._pipe.disable_lora()
            return
        weights: dict[_File, float] = {}
        for name, weight in wanted.items():
            file = _file(name)
            held = self._held.pop(file, None) or self._load(name, file.path, model)
            self._held[file] = held  # the last used
            weights[file] = weights.get(file, 0.0) + weight  # two names may mean one
        self._pipe.enable_lora()
        self._pipe.set_adapters([self._held[file] for file in weights], list(weights.values()))
        for file in list(self._held)[: max(0, len(self._held) - MAX_HELD)]:
            if file not in weights:
                self._pipe.delete_adapters(self._held.pop(file))

    def _load(self, name: str, file: Path, model: str) -> str:
        self._count += 1
        adapter = f"lora{self._count}"
        try:
            with warnings.catch_warnings():
                # peft wonders at a second one; several at once are meant.
                warnings.filterwarnings("ignore", "Already found a `peft_config`")
                self._pipe.load_lora_weights(
                    str(file.parent),
                    weight_name=file.name,
                    adapter_name=adapter,
                    use_safetensors=True,
                    local_files_only=True,
                )
            held = {each for names in self._pipe.get_list_adapters().values() for each in names}
            if adapter not in held:  # none of its weights are for parts of this model
                raise ValueError("it has no weights for this model")
        except Exception as error:  # each family's converter fails in its own way
            log.warning("the LoRA %s does not fit %s", name, model, exc_info=error)
            with contextlib.suppress(Exception):  # perhaps half of it was there
                self._pipe.delete_adapters(adapter)
            raise RecipeError(f"The LoRA {name} does not fit {model}.") from error
        return adapter
