"""A recipe: everything that decides what a picture looks like.

The same record is what an author asks for (fields left open are `None`), what stands in the
queue, what travels to the painter, and, resolved, what a shared picture says about itself.
"""

from __future__ import annotations

import math
import re
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from generation.catalogue import Model

MAX_PROMPT = 4000  # characters; the longest text encoder of the catalogue reads 1,024 tokens
MAX_NEGATIVE_PROMPT = 2000  # characters
MAX_MODEL_NAME = 200  # characters; a hub id is at most 96 + 1 + 96
MAX_SEED = 2**32 - 1  # what A1111, ComfyUI and Civitai read back
MIN_SIDE = 64  # pixels; below it some decoders have no latent left
MAX_SIDE = 4096  # pixels
SIDE_MULTIPLE = 8  # every latent autoencoder of the catalogue shrinks by at least 8
MAX_MEGAPIXELS = 4.2  # 2048 × 2048, the largest that catalogue models are trained for
MAX_STEPS = 150  # A1111's own slider ends there
MAX_GUIDANCE = 30.0

# Parts of a recipe that other tools know and that are refused by name, never dropped silently.
UNSUPPORTED = frozenset(("loras", "source", "mask", "strength", "references", "count", "upscale"))

_CATALOGUE_KEY = re.compile(r"[a-z0-9][a-z0-9._-]*")
_HUB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*")
# C0 and C1 controls but tab and newline, and lone surrogates: no XML, PNG or PostgreSQL text
# can hold them.
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


class RecipeError(ValueError):
    """A recipe that cannot be painted; the message is one plain sentence for its author."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a host allows, within what the format allows."""

    steps: int = MAX_STEPS
    megapixels: float = MAX_MEGAPIXELS


class Recipe(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What to paint. `None` and empty fields are filled by `resolved` and `seeded`.

    model: a catalogue key, a hub id (`owner/name`) or a local folder; empty is the host's default.
    seed: 0 to 2**32 - 1. width, height: pixels. steps: denoising steps.
    guidance: classifier-free guidance scale, as the model's own pipeline counts it.
    """

    prompt: str
    negative_prompt: str = ""
    model: str = ""
    seed: int | None = None
    width: int | None = None
    height: int | None = None
    steps: int | None = None
    guidance: float | None = None

    @classmethod
    def parse(cls, mapping: object, limits: Limits | None = None) -> Recipe:
        """Reads untrusted JSON.

        Local folders are refused as `model` here: only the host names those.
        Raises RecipeError with one sentence that says what to change.
        """
        limits = limits or Limits()
        if not isinstance(mapping, Mapping):
            raise RecipeError("A recipe must be a JSON object.")
        for name in mapping:
            if name in UNSUPPORTED and mapping[name] not in (None, "", [], 1):
                raise RecipeError(f"“{name}” is not supported here.")
            if name not in cls.__struct_fields__ and name not in UNSUPPORTED:
                raise RecipeError(f"A recipe has no field “{str(name)[:40]}”.")
        prompt = _text(mapping, "prompt", MAX_PROMPT)
        if not prompt:
            raise RecipeError("The prompt is empty: say what the picture should show.")
        recipe = cls(
            prompt=prompt,
            negative_prompt=_text(mapping, "negative_prompt", MAX_NEGATIVE_PROMPT),
            model=_model(mapping),
            seed=_whole(mapping, "seed", 0, MAX_SEED),
            width=_side(mapping, "width"),
            height=_side(mapping, "height"),
            steps=_whole(mapping, "steps", 1, min(limits.steps, MAX_STEPS)),
            guidance=_number(mapping, "guidance", 0.0, MAX_GUIDANCE),
        )
        if (recipe.width is None) != (recipe.height is None):
            raise RecipeError("Give both width and height, or neither.")
        recipe.check(limits)
        return recipe

    def check(self, limits: Limits) -> None:
        """Raises RecipeError where the steps or the size are over a host's limits."""
        if self.steps is not None and self.steps > limits.steps:
            raise RecipeError(f"At most {limits.steps} steps are allowed here.")
        if self.width and self.height and self.megapixels() > limits.megapixels:
            raise RecipeError(
                f"{self.width} × {self.height} is too large: at most "
                f"{limits.megapixels:g} megapixels are allowed here."
            )

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Recipe:
        """Reads what `document` wrote; fields of a newer version are ignored."""
        return msgspec.convert(document, cls)

    def document(self) -> dict[str, Any]:
        """This recipe as JSON-able builtins, without the fields left open."""
        document: dict[str, Any] = msgspec.to_builtins(self)
        return document

    def resolved(self, model: Model) -> Recipe:
        """This recipe with the model named and the model's defaults filled in.

        Fields stay open where the model's defaults are known only after loading.
        Raises RecipeError, naming the model, for what it cannot do.
        """
        if self.negative_prompt and not model.negative_prompt:
            raise RecipeError(f"{model.name} takes no negative prompt.")
        width, height = self.width or model.width, self.height or model.height
        for side, pixels in (("width", width), ("height", height)):
            if pixels and pixels % model.multiple:
                raise RecipeError(
                    f"{model.name} needs a {side} that is a multiple of {model.multiple} pixels."
                )
        return msgspec.structs.replace(
            self,
            # A folder's path is this machine's business; recipes are shared.
            model=self.model or ("" if model.local else model.key),
            width=width,
            height=height,
            steps=self.steps if self.steps is not None else model.steps,
            guidance=self.guidance if self.guidance is not None else model.guidance,
        )

    def seeded(self) -> Recipe:
        """This recipe with a seed, drawn at random if it had none."""
        return self if self.seed is not None else msgspec.structs.replace(self, seed=draw_seed())

    def model_name(self) -> str:
        """The model as people read it: its catalogue name, hub id, or folder name."""
        from generation.catalogue import find

        return find(self.model).name if self.model else ""

    def megapixels(self) -> float:
        """The size in megapixels; 0 where it is open."""
        return (self.width or 0) * (self.height or 0) / 1e6


def draw_seed() -> int:
    """A random seed, 0 to 2**32 - 1."""
    return secrets.randbelow(MAX_SEED + 1)


def _text(mapping: Mapping[str, Any], name: str, longest: int) -> str:
    value = mapping.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise RecipeError(f"“{name}” must be text.")
    text = _UNWRITABLE.sub("", value.replace("\r\n", "\n").replace("\r", "\n")).strip()
    if len(text) > longest:
        raise RecipeError(f"“{name}” is too long: at most {longest} characters.")
    return text


def _model(mapping: Mapping[str, Any]) -> str:
    name = _text(mapping, "model", MAX_MODEL_NAME)
    if name and not (_CATALOGUE_KEY.fullmatch(name) or _HUB_ID.fullmatch(name)):
        raise RecipeError("“model” must be a name from the catalogue or a hub id (owner/name).")
    return name


def _number(mapping: Mapping[str, Any], name: str, least: float, most: float) -> float | None:
    value = mapping.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise RecipeError(f"“{name}” must be a number from {least:g} to {most:g}.")
    assert math.isfinite(value)  # NaN fails both comparisons above
    return float(value)


def _whole(mapping: Mapping[str, Any], name: str, least: int, most: int) -> int | None:
    value = mapping.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise RecipeError(f"“{name}” must be a whole number from {least} to {most}.")
    return value


def _side(mapping: Mapping[str, Any], name: str) -> int | None:
    pixels = _whole(mapping, name, MIN_SIDE, MAX_SIDE)
    if pixels is not None and pixels % SIDE_MULTIPLE:
        raise RecipeError(f"“{name}” must be a multiple of {SIDE_MULTIPLE} pixels.")
    return pixels
