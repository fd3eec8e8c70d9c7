"""LoRAs: small changes to a model's weights, found on this machine and put on a loaded pipeline.

A LoRA is a safetensors file in `$EASEL_LORAS` (or `easel/loras` in the user's data folder), or one
that lies in the hub's cache: nobody who asks for a picture makes a painter download anything.
"""

from __future__ import annotations

import contextlib
import logging
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from generation.recipe import Lora, RecipeError

log = logging.getLogger("generation")

MAX_TOLD = 1000  # names of LoRAs that a server is told of
MAX_TOLD_LENGTH = 32_000  # characters of them together: `protocol.MAX_MESSAGE` has room for them
MAX_HELD = 8  # in memory beside a model, used or not; some have hundreds of megabytes
_ENDING = ".safetensors"


def folder() -> Path:
    """Where a host puts LoRAs of its own."""
    if place := os.environ.get("EASEL_LORAS"):
        return Path(place).expanduser()
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data) / "easel" / "loras"


def find(name: str) -> Path:
    """The file of a LoRA, by the name that recipes have for it.

    Raises RecipeError, naming it, if it is not here or cannot be told from others.
    """
    first, _, rest = name.partition("/")
    if not rest:
        for file in (folder() / first, folder() / f"{first}{_ENDING}"):
            if file.suffix == _ENDING and file.is_file():
                return file
        raise RecipeError(f"There is no LoRA {name} here.")
    source, _, file_name = rest.partition("/")
    place = _cached(f"{first}/{source}")
    found = [] if place is None else sorted(place.glob(f"*{_ENDING}"))
    if file_name:
        found = [file for file in found if file.name == file_name]
    if not found:
        raise RecipeError(f"There is no LoRA {name} here; whoever runs this can fetch it.")
    if len(found) > 1:
        raise RecipeError(f"{name} has several LoRAs: name one, such as {name}/{found[0].name}.")
    return found[0]


def names() -> tuple[str, ...] | None:
    """All names by which `find` finds a LoRA; None if there are too many to tell. What lies in the
    hub's cache may be something else: that comes out when it is loaded."""
    found: list[str] = []
    with contextlib.suppress(OSError):
        for file in folder().glob(f"*{_ENDING}"):
            found += [file.name, file.stem]
    for source in _in_cache():
        place = _cached(source)
        files = [] if place is None else list(place.glob(f"*{_ENDING}"))
        found += [f"{source}/{file.name}" for file in files]
        found += [source] if len(files) == 1 else []
    if len(found) > MAX_TOLD or sum(map(len, found)) > MAX_TOLD_LENGTH:
        return None
    return tuple(sorted(found))


def _in_cache() -> list[str]:
    """The ids of the models in the hub's cache."""
    try:
        from huggingface_hub import constants
    except ImportError:
        return []  # easel[paint] is not installed
    prefix = "models--"
    try:
        folders = [entry.name for entry in Path(constants.HF_HUB_CACHE).iterdir()]
    except OSError:
        return []
    ids = (name.removeprefix(prefix) for name in folders if name.startswith(prefix))
    return [name.replace("--", "/", 1) for name in ids]


def _cached(source: str) -> Path | None:
    """A repository as it lies in the hub's cache; asks nobody."""
    from huggingface_hub import errors, snapshot_download

    try:
        return Path(snapshot_download(source, local_files_only=True))
    except (errors.LocalEntryNotFoundError, errors.HFValidationError, OSError):
        return None


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
