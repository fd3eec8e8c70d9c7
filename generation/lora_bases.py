"""For which models a LoRA was made: by who published it, or by the file itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from generation import catalogue, families, hub, parts
from generation.parts import Unusable

MAX_WORD = 100  # characters of what a file says of itself
# What the names of its tensors contain, in each of the ways in which LoRAs are written.
_MARKS = ("lora", "lokr", "loha")

# Models that LoRAs are made from and that the catalogue does not have.
_BASES = {
    "black-forest-labs/FLUX.1-dev": "flux",
    "black-forest-labs/FLUX.2-dev": "flux2",
    "black-forest-labs/FLUX.2-klein-base-4B": "flux2-klein",
    "Qwen/Qwen-Image": "qwen-image",
    "Tongyi-MAI/Z-Image": "z-image",
    "runwayml/stable-diffusion-v1-5": "stable-diffusion",
    "stable-diffusion-v1-5/stable-diffusion-v1-5": "stable-diffusion",
}
# How architectures begin in a file's own metadata (Stability's ModelSpec 1.0.1, and kohya's).
_ARCHITECTURES = {
    "stable-diffusion-xl": "stable-diffusion-xl",
    "stable-diffusion-3": "stable-diffusion-3",
    "stable-diffusion-v": "stable-diffusion",
    "sdxl": "stable-diffusion-xl",
    "sd3": "stable-diffusion-3",
    "sd_v": "stable-diffusion",
    "flux-1": "flux",
    "flux1": "flux",
    "qwen-image": "qwen-image",
    "z-image": "z-image",
}


def header(path: Path) -> Mapping[str, Any]:
    """What stands before the weights of a LoRA. Raises Unusable if it is none."""
    said = parts.header(path)
    if not any(mark in name.lower() for name in said for mark in _MARKS):
        raise Unusable(f"{path.name} is no LoRA: it has no weights of one.")
    return said


def of_header(said: Mapping[str, Any]) -> tuple[str, str]:
    """The family that a file says it was made for, and in which words."""
    metadata = said.get("__metadata__")
    if isinstance(metadata, dict):
        for field in ("modelspec.architecture", "ss_base_model_version"):
            told = str(metadata.get(field) or "").lower()
            for beginning, family in _ARCHITECTURES.items():
                if told.startswith(beginning):
                    return family, told[:MAX_WORD]
    return "", ""


def of_bases(bases: Sequence[str]) -> str:
    """The family of the first of these models that is known."""
    for base in filter(None, bases):
        if base in _BASES:
            return _BASES[base]
        try:
            model = catalogue.find(base)
        except catalogue.UnknownModel:
            continue
        if not model.family and not model.local and (pulled := hub.here(model)) is not None:
            model = families.of_folder(model, pulled.folder)
        if model.family:
            return model.family
    return ""


def unknown(base: str) -> Unusable:
    return Unusable(
        f"Nothing is known of the model “{base[:80]}”: give one of the catalogue, or pull it first."
    )
