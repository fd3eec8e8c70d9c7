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
# 4096 × 4096: in float pixels that is 200 MB, and as PNG of noise what a painter may send.
MAX_UPSCALED_MEGAPIXELS = 16.8
MAX_REFERENCES = 4  # pictures; what FLUX.2 klein was trained to look at together
MAX_LORAS = 5  # at once; each is held in memory beside the model
MAX_LORA_NAME = 200  # characters; a hub id and a file in it
MAX_LORA_WEIGHT = 4.0  # either way; beyond it a picture is noise
UPSCALES = (2, 4)  # times
PICTURE_STRENGTH = 0.6  # how far from a picture one goes that nobody asked for
MASK_STRENGTH = 0.85  # inside a mask there is something new, which still knows what was there

# Parts of a request that other tools count among a recipe; they are refused, never dropped.
BESIDE = frozenset(("count", "upscale_of"))

_CATALOGUE_KEY = re.compile(r"[a-z0-9][a-z0-9._-]*")
_HUB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*")
_LORA = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(?:/[A-Za-z0-9][A-Za-z0-9._-]*){0,2}")
_PICTURE = re.compile(r"zQm[1-9A-HJ-NP-Za-km-z]{44}")  # SHA-256 as a multibase multihash
# C0 and C1 controls but tab and newline, and lone surrogates: no XML, PNG or PostgreSQL text
# can hold them.
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


class RecipeError(ValueError):
    """A recipe that cannot be painted; the message is one plain sentence for its author."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a host allows, within what the format allows. upscaled: megapixels after enlarging."""

    steps: int = MAX_STEPS
    megapixels: float = MAX_MEGAPIXELS
    upscaled: float = MAX_UPSCALED_MEGAPIXELS


class Lora(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A small change to a model's weights, and how much of it.

    name: a hub id (`owner/name`), a file of one (`owner/name/file.safetensors`), or a file in the
    host's folder of LoRAs. weight: 1 is the whole of it, 0 nothing, below 0 the opposite.
    """

    name: str
    weight: float = 1.0


class Recipe(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What to paint. `None` and empty fields are filled by `resolved` and `seeded`.

    model: a catalogue key, a hub id (`owner/name`) or a local folder; empty is the host's default.
    seed: 0 to 2**32 - 1. width, height: pixels. steps: denoising steps.
    guidance: classifier-free guidance scale, as the model's own pipeline counts it.

    source: the picture to start from, and strength: how far from it to go, 0 to 1. mask: where to
    paint, white on black, of the source's size; the rest of the source stays. references: pictures
    to look at, for models that edit. Each is named by the SHA-256 of its file, a multibase
    multihash, so that the same recipe is the same picture. upscale: how many times as wide and as
    high as `width` and `height` the picture becomes, once it is painted.

    enlarge: the picture that was painted so already, and is only made larger, to `upscale` times
    the size. No app writes it.
    """

    prompt: str
    negative_prompt: str = ""
    model: str = ""
    seed: int | None = None
    width: int | None = None
    height: int | None = None
    steps: int | None = None
    guidance: float | None = None
    strength: float | None = None
    source: str = ""
    mask: str = ""
    references: tuple[str, ...] = ()
    loras: tuple[Lora, ...] = ()
    upscale: int | None = None
    enlarge: str = ""

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
            if name in BESIDE:
                raise RecipeError(f"“{name}” is not part of a recipe: it stands beside it.")
            if name not in cls.__struct_fields__ or name == "enlarge":
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
            strength=_number(mapping, "strength", 0.0, 1.0),
            source=_picture(mapping.get("source"), "source"),
            mask=_picture(mapping.get("mask"), "mask"),
            references=_references(mapping),
            loras=_loras(mapping),
            upscale=_upscale(mapping),
        )
        if (recipe.width is None) != (recipe.height is None):
            raise RecipeError("Give both width and height, or neither.")
        if recipe.mask and not recipe.source:
            raise RecipeError("A mask needs the picture that it lies on: give a source, too.")
        if recipe.strength is not None and not recipe.source:
            raise RecipeError("A strength needs the picture that it is for: give a source, too.")
        recipe.check(limits)
        return recipe

    def check(self, limits: Limits) -> None:
        """Raises RecipeError where the steps or the size are over a host's limits."""
        times = self.upscale or 1
        if self.upscale and self.megapixels() * times**2 > limits.upscaled:
            raise RecipeError(
                f"{(self.width or 0) * times} × {(self.height or 0) * times} is too large: at most "
                f"{limits.upscaled:g} megapixels are allowed here after enlarging."
            )
        if self.enlarge:
            return  # it is painted
        if self.steps is not None and self.steps > limits.steps:
            raise RecipeError(f"At most {limits.steps} steps are allowed here.")
        if self.width and self.height and self.megapixels() > limits.megapixels:
            raise RecipeError(
                f"{self.width} × {self.height} is too large: at most "
                f"{limits.megapixels:g} megapixels are allowed here."
            )

    def verify(self) -> None:
        """Raises RecipeError for what no server of ours sends: a field out of its range, more
        steps or pixels than the format allows."""
        from generation.catalogue import is_folder

        if not self.enlarge:
            document = self.document()
            if is_folder(self.model):  # which only a host names
                del document["model"]
            Recipe.parse(document)
        self.check(Limits())

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Recipe:
        """Reads what `document` wrote; fields of a newer version are ignored."""
        return msgspec.convert(document, cls)

    def document(self) -> dict[str, Any]:
        """This recipe as JSON-able builtins, without the fields left open."""
        document: dict[str, Any] = msgspec.to_builtins(self)
        lists = {name: [*value] for name, value in document.items() if isinstance(value, tuple)}
        return document | lists

    def resolved(self, model: Model) -> Recipe:
        """This recipe with the model named and the model's defaults filled in.

        Fields stay open where the model's defaults are known only after loading.
        Raises RecipeError, naming the model, for what it cannot do.
        """
        if self.negative_prompt and not model.negative_prompt:
            raise RecipeError(f"{model.name} takes no negative prompt.")
        self._refuse_what_it_cannot(model)
        width, height = self.width or model.width, self.height or model.height
        for side, pixels in (("width", width), ("height", height)):
            if pixels and pixels % model.multiple:
                raise RecipeError(
                    f"{model.name} needs a {side} that is a multiple of {model.multiple} pixels."
                )
        steps = self.steps if self.steps is not None else model.steps
        strength = self.strength
        if self.source and strength is None:
            strength = MASK_STRENGTH if self.mask else PICTURE_STRENGTH
            if steps:  # of one step there is no part
                strength = max(strength, 1 / steps)
        if steps and strength is not None and steps * strength < 1:
            raise RecipeError(
                f"A strength of {strength:g} is less than one of the {steps} steps that "
                f"{model.name} paints in: nothing would change."
            )
        return msgspec.structs.replace(
            self,
            # A folder's path is this machine's business; recipes are shared.
            model=self.model or ("" if model.local else model.key),
            width=width,
            height=height,
            steps=steps,
            guidance=self.guidance if self.guidance is not None else model.guidance,
            strength=strength,
        )

    def _refuse_what_it_cannot(self, model: Model) -> None:
        for ability, wanted, what in (
            ("strength", self.source and not self.mask, "start from a picture"),
            ("inpaint", self.mask, "paint inside a mask"),
            ("edit", self.references, "look at reference pictures"),
            ("lora", self.loras, "paint with LoRAs"),
        ):
            if wanted and not model.may(ability):
                raise RecipeError(f"{model.name} cannot {what}.")
        if self.mask and len(self.references) > 1:  # no pipeline has a place for more
            raise RecipeError(f"{model.name} looks at one reference inside a mask.")

    def shared(self) -> Recipe:
        """What of it others can do something with: all but the pictures, which are its author's."""
        return msgspec.structs.replace(
            self, source="", mask="", references=(), strength=None, enlarge=""
        )

    @property
    def pictures(self) -> tuple[str, ...]:
        """The names of all pictures that it needs, each once."""
        if self.enlarge:
            return (self.enlarge,)
        return tuple(dict.fromkeys(filter(None, (self.source, self.mask, *self.references))))

    def seeded(self) -> Recipe:
        """This recipe with a seed, drawn at random if it had none."""
        return self if self.seed is not None else msgspec.structs.replace(self, seed=draw_seed())

    def times(self, count: int) -> list[Recipe]:
        """As many recipes, with seeds in a row from this one's, which is drawn if it has none."""
        first = self.seeded().seed or 0
        return [
            msgspec.structs.replace(self, seed=(first + number) % (MAX_SEED + 1))
            for number in range(count)
        ]

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


def without_unwritable(text: str) -> str:
    """A text without what no XML, PNG or PostgreSQL text can hold."""
    return _UNWRITABLE.sub("", text)


def _text(mapping: Mapping[str, Any], name: str, longest: int) -> str:
    value = mapping.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise RecipeError(f"“{name}” must be text.")
    text = without_unwritable(value.replace("\r\n", "\n").replace("\r", "\n")).strip()
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


def _picture(value: object, name: str) -> str:
    if value in (None, ""):
        return ""
    if not isinstance(value, str) or not _PICTURE.fullmatch(value):
        raise RecipeError(f"“{name}” must name a picture by the digest of its file.")
    return value


def _references(mapping: Mapping[str, Any]) -> tuple[str, ...]:
    value = mapping.get("references")
    if value is None:
        return ()
    if not isinstance(value, list | tuple):
        raise RecipeError("“references” must be a list of pictures.")
    if len(value) > MAX_REFERENCES:
        raise RecipeError(f"There are too many references: at most {MAX_REFERENCES} pictures.")
    return tuple(filter(None, (_picture(entry, "references") for entry in value)))


def _loras(mapping: Mapping[str, Any]) -> tuple[Lora, ...]:
    value = mapping.get("loras")
    if value is None:
        return ()
    if not isinstance(value, list | tuple):
        raise RecipeError("“loras” must be a list.")
    if len(value) > MAX_LORAS:
        raise RecipeError(f"There are too many LoRAs: at most {MAX_LORAS}.")
    found: dict[str, Lora] = {}
    for entry in value:
        if not isinstance(entry, Mapping) or not entry.keys() <= {"name", "weight"}:
            raise RecipeError("Each of “loras” must be an object with a name and a weight.")
        name = _text(entry, "name", MAX_LORA_NAME)
        if not _LORA.fullmatch(name) or ".." in name:
            raise RecipeError("The name of a LoRA must be a hub id or a file that the host has.")
        weight = _number(entry, "weight", -MAX_LORA_WEIGHT, MAX_LORA_WEIGHT)
        found[name] = Lora(name=name, weight=1.0 if weight is None else weight)
    return tuple(found.values())


def _upscale(mapping: Mapping[str, Any]) -> int | None:
    value = mapping.get("upscale")
    if value is None:
        return None
    if isinstance(value, bool) or value not in UPSCALES:
        raise RecipeError(f"“upscale” must be one of {', '.join(map(str, UPSCALES))}.")
    return int(value)
