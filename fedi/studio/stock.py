"""The models on this machine: which are here, what each takes, and what is said of it.

What looks at the disk is quick, and asks nobody; on the event loop it is called in a thread.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from fedi.settings import Settings
from fedi.social.errors import Invalid
from generation import catalogue, fetching, helpers, hub
from generation.catalogue import Kind, Model

MARK = "models"  # changes when one came or went
# Where the settings name the model of each kind; those of others are used as soon as they are here.
SETTINGS: dict[Kind, tuple[str, str]] = {
    "painting": ("painting", "model"),
    "safety": ("safety", "classifier"),
    "description": ("words", "describer"),
    "language": ("words", "language_model"),
    "upscaling": ("painting", "upscaler"),
    "recognition": ("painting", "recogniser"),
}
DOES: dict[Kind, str] = {
    "painting": "paints",
    "safety": "looks at each picture",
    "description": "describes pictures",
    "language": "proposes words",
    "upscaling": "makes pictures larger",
    "recognition": "sees what pictures show",
    "preview": "shows pictures while they are painted",
}
OURS = frozenset({catalogue.STARTER.key, helpers.OWN_UPSCALER.key})  # come with Easel
_CAN = {
    "strength": "a picture",
    "inpaint": "a mask",
    "edit": "reference pictures",
    "lora": "LoRAs",
}


@dataclass(frozen=True, slots=True)
class Stock:
    """What was found on the disk.

    Attributes:
        models: the catalogue, those that help, and what else is here, in the order of a list.
        sizes: bytes of those that are here whole, by key.
        parts: bytes of those that are here in part.
        used: the keys of those that paint or help by the settings.
        free: bytes that are free where models lie; None where nobody knows.
        place: where that is.
    """

    models: tuple[Model, ...]
    sizes: dict[str, int]
    parts: dict[str, int]
    used: dict[Kind, str]
    free: int | None
    place: str

    def missing(self, model: Model) -> int | None:
        """Bytes that are still to be fetched; None where only the hub knows."""
        if model.key in self.sizes:
            return 0
        if model.download_gb is None:
            return None
        return max(0, int(model.download_gb * 1e9) - self.parts.get(model.key, 0))

    def room(self, model: Model) -> str:
        """Why there is no room for a model, in a sentence; empty if there is, or nobody knows."""
        missing = self.missing(model)
        if not missing or self.free is None or missing + fetching.ROOM_TO_SPARE <= self.free:
            return ""
        return (
            f"It needs {told(missing)} more, and only {told(self.free)} are free in {self.place}."
        )


def find(name: str) -> Model:
    """The model of that name.

    Raises:
        Invalid: there is none of that name.
    """
    if (helper := helpers.listed(name)) is not None:
        return helper
    try:
        return helpers.described(catalogue.find(name))
    except catalogue.UnknownModel as error:
        raise Invalid(str(error) if str(error).endswith(".") else f"{error}.") from error


def is_here(model: Model) -> bool:
    """Whether a model is on this machine, whole."""
    if model.key in OURS:
        return True
    if model.local:
        return Path(model.source).is_dir()
    try:
        return hub.here(model) is not None
    except ImportError:
        return False


def chosen(settings: Settings, kind: Kind = "painting") -> Model | None:
    """The model that the settings name for something, or that is used where they leave it open."""
    if kind not in SETTINGS:
        return None  # what is here is used
    section, entry = SETTINGS[kind]
    name = getattr(getattr(settings, section), entry)
    try:
        if kind == "painting":
            return catalogue.find(name or catalogue.STARTER.key)
        return helpers.choose(kind, name)
    except catalogue.UnknownModel:
        return None  # `easel doctor` tells


def look(settings: Settings) -> Stock:
    """All there is on this disk."""
    used = {kind: model for kind in SETTINGS if (model := chosen(settings, kind)) is not None}
    models = {**catalogue.CATALOGUE, **helpers.HELPERS}
    models |= {model.key: model for model in used.values() if model.key not in models}
    free, place = None, ""
    sizes: dict[str, int] = {}
    parts: dict[str, int] = {}
    with suppress(ImportError):  # nothing is here where painting is not installed
        for found in hub.all_here():
            if helpers.listed(found.source) is None:
                models.setdefault(found.key, helpers.described(found))
        free, place = fetching.free()
        for model in models.values():
            size = 0 if model.key in OURS else hub.size_here(model)
            if is_here(model):
                sizes[model.key] = size
            elif size:
                parts[model.key] = size
    sizes |= {key: 0 for key in OURS if key not in sizes}
    weighed = tuple(weigh(model, sizes.get(model.key, 0)) for model in models.values())
    return Stock(
        weighed, sizes, parts, {kind: model.key for kind, model in used.items()}, free, place
    )


def painting(settings: Settings) -> tuple[str, ...]:
    """What this machine can paint with, as recipes name it: what the settings say, then whatever
    else was pulled."""
    usual = settings.painting.model or catalogue.STARTER.key
    pulled: list[str] = []
    with suppress(ImportError):
        known = [model for model in catalogue.CATALOGUE.values() if model.key not in OURS]
        pulled = [model.key for model in known if hub.here(model) is not None]
        pulled += [
            model.key
            for model in hub.all_here()
            if helpers.listed(model.source) is None and "painting" in helpers.described(model).kinds
        ]
    with suppress(catalogue.UnknownModel):
        pulled = [key for key in pulled if key != catalogue.find(usual).key]
    return (usual, *pulled)


def helping() -> tuple[str, ...]:
    """Which of the models that help are here: a painter looks for them when it starts."""
    return tuple(key for key, model in helpers.HELPERS.items() if helpers.here(model) is not None)


def weigh(model: Model, size: int) -> Model:
    """The model with its files' size (bytes) for its memory, where nothing else is known of it."""
    if model.memory_gb is not None or not size:
        return model
    return msgspec.structs.replace(model, memory_gb=round(size / 1e9, 1))


def memory(model: Model) -> str:
    """What it needs of a card."""
    if model.memory_gb is None:
        return ""
    if model.low_memory_gb is None or model.low_memory_gb == model.memory_gb:
        return f"{model.memory_gb:g} GB"
    return f"{model.low_memory_gb:g} to {model.memory_gb:g} GB"


def abilities(model: Model) -> str:
    """What one that paints can paint from."""
    more = ["a negative prompt"] if model.negative_prompt and model.family else []
    return ", ".join(["words", *more, *(_CAN[ability] for ability in model.can)])


def told(size: int) -> str:
    """A number of bytes."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"
