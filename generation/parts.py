"""Which files of a model are needed, and which models are not opened at all.

A model that paints is a diffusers folder, with a `model_index.json` that names its parts; a helper
(`generation.helpers`) is a single transformers model, with a `config.json`.

Weights come as safetensors only: pickled ones (`.bin`, `.ckpt`, `.pt`) run whatever code is in
them when they are opened. Program code that lies beside the weights is neither fetched nor run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

INDEX = "model_index.json"
CONFIG = "config.json"
MAX_DOCUMENT = 65_536  # bytes of a JSON file that are read; an index of the catalogue has 2,000
MAX_HEADER = 25_000_000  # bytes; those that we know have less than one million
PICKLES = (".bin", ".ckpt", ".pt", ".pth", ".pkl")
# Of diffusers, what is used without the rest of a model (`generation.tiny`).
SINGLE = ("AutoencoderTiny",)
# Parts that their pipeline paints without, and that are never used here: ERNIE-Image's language
# model rewrites prompts by chance, but what was asked for (and judged) is painted.
UNUSED = {"ErnieImagePipeline": ("pe", "pe_tokenizer")}
# Configurations, vocabularies (SentencePiece's are `.model`) and chat templates.
_PLAIN = (".json", ".txt", ".model", ".jinja")
# Shards are numbered before or after the variant: diffusers changed its mind once.
_WEIGHTS = re.compile(
    r"(?:diffusion_pytorch_model|model)"
    r"(?:-\d{5}-of-\d{5})?(?:\.(?P<variant>[A-Za-z0-9_]+))?(?:-\d{5}-of-\d{5})?\.safetensors"
)
_WEIGHTS_INDEX = re.compile(
    r"(?:diffusion_pytorch_model|model)\.safetensors\.index"
    r"(?:\.(?P<variant>[A-Za-z0-9_]+))?\.json"
)


class Unusable(Exception):
    """A model that is not opened; the message is one plain sentence that names it."""


def needed(
    name: str,
    index: Mapping[str, Any] | None,
    files: Iterable[str],
    variant: str = "",
    config: Mapping[str, Any] | None = None,
) -> list[str]:
    """The files that a model is loaded from.

    name: the model, as people know it. index: its `model_index.json`, or None if it has none, and
    config: then its `config.json`, if it has that.
    files: all its files, as paths with `/` relative to its folder. variant: the variant of the
    weights to take where a part has it.
    Returns paths out of `files`. Raises Unusable for a model that is no diffusers model, has
    weights that are not safetensors, or brings program code of its own.
    """
    files = sorted(files)
    if index is None:
        if single := _of_single(name, files, variant, config):
            return single
        pickled = [file for file in files if file.endswith(PICKLES)]
        if pickled and not any(file.endswith(".safetensors") for file in files):
            raise _pickled(name, pickled[0])
        tensors = any(file.endswith(".safetensors") for file in files)
        hint = " If it is a LoRA, pull it with --lora." if tensors else ""
        raise Unusable(f"{name} is no diffusers model: it has no {INDEX}.{hint}")
    if not isinstance(index.get("_class_name"), str):
        raise Unusable(
            f"{name} is no diffusers model of a known kind: its {INDEX} names no pipeline class, "
            "or brings its own program code, which Easel never runs."
        )
    wanted = [INDEX] if INDEX in files else []
    for part, kind in index.items():
        if part in unused(index):
            continue
        if part.startswith("_") or not isinstance(kind, list) or len(kind) != 2 or not kind[0]:
            continue
        own = [file for file in files if file.startswith(f"{part}/")]
        if f"{part}/{kind[0]}.py" in own:
            raise Unusable(
                f"{name} brings its own program code ({part}/{kind[0]}.py), which Easel never runs."
            )
        wanted += _of_part(name, part, own, variant)
    return wanted


def unused(index: Mapping[str, Any]) -> tuple[str, ...]:
    """The parts of a model that are neither fetched nor loaded."""
    return UNUSED.get(str(index.get("_class_name")), ())


def _of_single(
    name: str, files: list[str], variant: str, config: Mapping[str, Any] | None
) -> list[str]:
    """The files of a single model; none if it is none."""
    own = [file for file in files if "/" not in file]
    if CONFIG not in own:
        return []
    weights = [file for file in own if _WEIGHTS.fullmatch(file)]
    if not any(file.startswith("model") for file in weights):
        if "pytorch_model.bin" in own:
            raise _pickled(name, "pytorch_model.bin")
        if not weights or (config or {}).get("_class_name") not in SINGLE:
            return []  # a part of a diffusers model is none by itself
    return _of_part(name, "model", own, variant)


def of_folder(name: str, folder: Path, variant: str = "") -> list[str]:
    """The files that a model in a folder is loaded from, as `needed` says.

    Raises Unusable.
    """
    index = document(folder / INDEX)
    if index is None:  # a helper, or nothing that is opened
        files = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    else:
        parts = [folder / part for part in index if _is_name(part) and (folder / part).is_dir()]
        found = [path for part in parts for path in part.rglob("*")]
        files = [INDEX, *(path.relative_to(folder).as_posix() for path in found)]
    return needed(name, index, files, variant, document(folder / CONFIG))


def document(path: Path) -> dict[str, Any] | None:
    """What a JSON file beside a model's weights says, or None if it is not there or is none."""
    try:
        with path.open("rb") as file:
            said = json.loads(file.read(MAX_DOCUMENT))
    except (OSError, ValueError):
        return None
    return said if isinstance(said, dict) else None


def header(path: Path) -> dict[str, Any]:
    """What stands before the weights of a safetensors file: the name, type and shape of each.

    Raises Unusable if it is none.
    """
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 2 <= length <= MAX_HEADER:
                raise ValueError
            said = json.loads(file.read(length))
        if not isinstance(said, dict):
            raise ValueError
    except (OSError, ValueError, RecursionError) as error:
        raise Unusable(f"{path.name} is no safetensors file.") from error
    return said


def _of_part(name: str, part: str, files: list[str], variant: str) -> list[str]:
    weights: dict[str, list[str]] = {}
    others = []
    for file in files:
        last = PurePosixPath(file).name
        if match := _WEIGHTS.fullmatch(last) or _WEIGHTS_INDEX.fullmatch(last):
            weights.setdefault(match["variant"] or "", []).append(file)
        elif last.endswith(_PLAIN) and not last.endswith(".index.json"):
            others.append(file)
    taken = weights.get(variant) or weights.get("") or []
    if taken:
        return others + taken
    if weights:
        raise Unusable(
            f"{name} has the weights of its {part} only as the variant {min(weights)}, "
            "which Easel does not load."
        )
    for file in files:
        if file.endswith(PICKLES):
            raise _pickled(name, file)
    return others


def _pickled(name: str, file: str) -> Unusable:
    return Unusable(
        f"{name} has pickled weights ({file}), which run code when they are opened: "
        "Easel loads safetensors only."
    )


def _is_name(part: str) -> bool:
    return not part.startswith((".", "_")) and "/" not in part and "\\" not in part
