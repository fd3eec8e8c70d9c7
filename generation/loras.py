"""LoRAs: small changes to a model's weights, put on a loaded pipeline.

Where they lie says `generation.lora_files`.
"""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Sequence
from typing import Any

from generation.lora_files import find
from generation.recipe import Lora, RecipeError

log = logging.getLogger("generation")

MAX_HELD = 8  # in memory beside a model, used or not; some have hundreds of megabytes


class Adapters:
    """The LoRAs of one loaded pipeline, and of all that share its parts."""

    def __init__(self, pipe: Any) -> None:
        self._pipe = pipe
        self._held: dict[str, str] = {}  # the pipeline's name of each, the longest unused first
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
        for name in wanted:
            held = self._held.pop(name, None) or self._load(name, model)
            self._held[name] = held  # the last used
        self._pipe.enable_lora()
        self._pipe.set_adapters([self._held[name] for name in wanted], list(wanted.values()))
        for name in list(self._held)[: max(0, len(self._held) - MAX_HELD)]:
            if name not in wanted:
                self._pipe.delete_adapters(self._held.pop(name))

    def _load(self, name: str, model: str) -> str:
        file = find(name)
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
