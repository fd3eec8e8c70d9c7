"""Models from the disk or the hub into memory: their files, their pipeline, their defaults.

Imports torch when first used.
"""

from __future__ import annotations

import hashlib
import inspect
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from generation import catalogue, families, hub, modes, parts, starter
from generation.catalogue import Model
from generation.errors import PaintError, plainly
from generation.fetching import Unavailable

if TYPE_CHECKING:
    import torch

log = logging.getLogger("generation")

DEFAULT_STEPS = 25  # for a pipeline of no family that we know and no default of its own
DEFAULT_SIDE = 1024  # pixels
FINGERPRINT_PIECE = 2**20  # bytes read from each end of a weights file
NOTED_PERCENT = 5  # a download is noted each so many per cent

Note = Callable[[str], None]
"""Is told, in plain words, what is happening. An empty one says only that something is."""


@dataclass(frozen=True)
class Files:
    """Where a model lies: its folder, the file of its adapter, and what names its weights."""

    folder: Path
    adapter: Path | None
    version: str


def find(model: Model, note: Note) -> Files:
    """The files of a model, fetched or built first where they are not here. Raises PaintError."""
    if model.key == catalogue.STARTER.key:
        note(model.note)
        return Files(starter.FOLDER, None, fingerprint(starter.FOLDER))
    if model.local:
        folder = _folder(model)
        return Files(folder, None, fingerprint(folder))
    pulled = _pulled(model, note)
    return Files(pulled.folder, pulled.adapter, pulled.version)


def read(model: Model, files: Files, dtype: torch.dtype) -> Any:
    """The pipeline, in the machine's memory. Raises PaintError."""
    import diffusers

    index = parts.document(files.folder / parts.INDEX) or {}
    without: dict[str, None] = dict.fromkeys(parts.unused(index))
    with plainly(model):
        # Only its own class knows that a pipeline can do without a part.
        kind = getattr(diffusers, index["_class_name"] if without else "DiffusionPipeline")
        pipe = kind.from_pretrained(
            files.folder,
            dtype=dtype,
            local_files_only=True,
            use_safetensors=True,
            variant=model.variant or None,
            **without,
        )
        if model.adapter is not None and files.adapter is not None:
            _adapt(pipe, model.adapter, files.adapter)
        pipe.set_progress_bar_config(disable=True)
    parameters = inspect.signature(type(pipe).__call__).parameters
    if "prompt" not in parameters or getattr(pipe, "scheduler", None) is None:
        raise PaintError(f"{model.name} does not make pictures from words.")
    return pipe


def cache_folder() -> Path:
    """Where Easel keeps what it can make again: $EASEL_CACHE, or `easel` in the user's cache."""
    if place := os.environ.get("EASEL_CACHE"):
        return Path(place)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "easel"


def fingerprint(folder: Path) -> str:
    """40 hex digits that change with the weights in a folder, read from the ends of its files."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.safetensors")):
        size = path.stat().st_size
        digest.update(f"{path.relative_to(folder).as_posix()} {size}\n".encode())
        with path.open("rb") as file:
            digest.update(file.read(FINGERPRINT_PIECE))
            file.seek(max(0, size - FINGERPRINT_PIECE))
            digest.update(file.read(FINGERPRINT_PIECE))
    return digest.hexdigest()[:40]


def _folder(model: Model) -> Path:
    folder = Path(model.source).expanduser()
    if not folder.is_dir():
        log.error("there is no folder %s", folder)
        raise PaintError(f"The model {model.name} is not there: its folder does not exist.")
    if not (folder / "model_index.json").is_file():
        log.error("%s has no model_index.json", folder)
        raise PaintError(f"{model.name} is no diffusers model: it has no model_index.json.")
    try:
        parts.of_folder(model.name, folder, model.variant)
    except parts.Unusable as error:
        raise PaintError(str(error)) from error
    return folder


def _pulled(model: Model, note: Callable[[str], None]) -> hub.Pulled:
    """The model from the hub as it lies here, fetched first if it is not here."""
    if found := hub.here(model):
        return found
    said = -1

    def progress(done: int, size: int) -> None:
        nonlocal said
        percent = 100 * done // max(size, 1)
        if percent // NOTED_PERCENT > said:
            said = percent // NOTED_PERCENT
            note(f"Fetching {model.name}: {percent} % of {size / 1e9:.1f} GB.")
        else:
            note("")

    note(f"Fetching {model.name}.")
    try:
        return hub.pull(model, progress)
    except parts.Unusable as error:
        retry = isinstance(error, Unavailable) and error.retry
        # What another program fetched does, where the hub cannot be asked.
        if retry and (found := hub.here(model, "main")):
            return found
        raise PaintError(str(error), retry=retry) from error


def _adapt(pipe: Any, adapter: catalogue.Adapter, file: Path) -> None:
    pipe.load_lora_weights(str(file.parent), weight_name=file.name)
    pipe.fuse_lora()
    pipe.unload_lora_weights()
    changed: dict[str, Any] = dict(adapter.scheduler)
    if adapter.trailing_timesteps:
        changed["timestep_spacing"] = "trailing"
    if changed:
        scheduler = pipe.scheduler
        pipe.scheduler = type(scheduler).from_config(scheduler.config, **changed)


def described(model: Model, pipe: Any) -> Model:
    """The model with every default known, the pipeline's own where nothing else says."""
    model = families.with_family(model, type(pipe).__name__)
    takes = inspect.signature(type(pipe).__call__).parameters

    def default(name: str, otherwise: Any) -> Any:
        value = takes[name].default if name in takes else None
        return value if isinstance(value, int | float) else otherwise

    latents = getattr(pipe, "default_sample_size", None)
    side = latents * pipe.vae_scale_factor if isinstance(latents, int) else DEFAULT_SIDE
    return msgspec.structs.replace(
        model,
        steps=model.steps or int(default("num_inference_steps", DEFAULT_STEPS)),
        guidance=(
            model.guidance if model.guidance is not None else float(default("guidance_scale", 1.0))
        ),
        width=model.width or side,
        height=model.height or side,
        negative_prompt=model.negative_prompt and "negative_prompt" in takes,
        can=model.can if model.family else modes.abilities(pipe),
    )


def weights(pipe: Any) -> int:
    """The number of weights of all parts."""
    import torch

    parts = [part for part in pipe.components.values() if isinstance(part, torch.nn.Module)]
    return sum(weights.numel() for part in parts for weights in part.parameters())


def quieten() -> None:
    """Progress bars are for terminals; elsewhere our own notes say what is happening."""
    if os.isatty(2):
        return
    import diffusers.utils.logging
    import transformers.utils.logging
    from huggingface_hub.utils.tqdm import disable_progress_bars

    disable_progress_bars()
    for library in (diffusers.utils.logging, transformers.utils.logging):
        library.disable_progress_bar()
        library.set_verbosity_error()
