"""What a pipeline can do beside painting from words, and how: from a picture, inside a mask, by
reference, with LoRAs.

diffusers has a class for each of these in a family, and all of them work with the same parts. So
a way is: the class, made of the parts of the loaded pipeline and kept, and its arguments.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from generation import inputs
from generation.inputs import Inputs
from generation.loras import Adapters
from generation.recipe import Recipe, RecipeError


@dataclass(frozen=True)
class Way:
    """How one batch is painted: the pipeline to call, and what it is given beside the words."""

    pipe: Any
    arguments: dict[str, Any] = field(default_factory=dict)
    inputs: Inputs = field(default_factory=Inputs)

    @property
    def takes(self) -> Mapping[str, inspect.Parameter]:
        """The arguments of the pipeline."""
        return inspect.signature(type(self.pipe).__call__).parameters


class Modes:
    """The ways of one loaded pipeline. They share its parts, and so its memory.

    pipe: a diffusers text-to-image pipeline. model: its name, for people.
    """

    def __init__(self, pipe: Any, model: str) -> None:
        self._pipe = pipe
        self._model = model
        self._made: dict[type, Any] = {}
        self._adapters = Adapters(pipe)

    def way(self, recipe: Recipe, count: int, pictures: Mapping[str, bytes]) -> Way:
        """How to paint `count` recipes that have all but words and seeds in common.

        recipe: resolved. pictures: files by the names that it has for them.
        Raises RecipeError for what cannot be done, or for pictures that do not fit.
        """
        found = inputs.read(recipe, pictures)
        way = self._way(recipe, count, found)
        self._adapters.use(recipe.loras, self._model)
        return way

    def _way(self, recipe: Recipe, count: int, found: Inputs) -> Way:
        references = list(found.references)
        if found.source is None:
            if not references:
                return Way(self._pipe)
            if not _edits(self._pipe):
                raise RecipeError(f"{self._model} cannot look at reference pictures.")
            return Way(self._pipe, {"image": references}, found)
        cls = _class(self._pipe, "Img2Img" if found.mask is None else "Inpaint")
        if cls is None:
            what = "start from a picture" if found.mask is None else "paint inside a mask"
            raise RecipeError(f"{self._model} cannot {what}.")
        pipe = self._of_class(cls)
        # One for each, because each is given noise of its own seed when it is encoded.
        arguments: dict[str, Any] = {
            "image": [found.source] * count,
            "strength": recipe.strength,
        }
        if found.mask is not None:
            arguments["mask_image"] = [found.mask] * count
        if references:
            if "image_reference" not in inspect.signature(cls.__call__).parameters:
                raise RecipeError(f"{self._model} takes a picture or references, not both.")
            arguments["image_reference"] = references * count
        return Way(pipe, arguments, found)

    def _of_class(self, cls: type) -> Any:
        if cls not in self._made:
            # Not `from_pipe`, which brings all parts to one number format.
            parts = {**self._pipe.config, **self._pipe.components}
            wanted = inspect.signature(cls).parameters
            pipe = cls(**{name: part for name, part in parts.items() if name in wanted})
            pipe.set_progress_bar_config(disable=True)
            self._made[cls] = pipe
        return self._made[cls]


def abilities(pipe: Any) -> tuple[str, ...]:
    """What a loaded pipeline of a family that the catalogue does not know can do."""
    found = {
        "strength": _class(pipe, "Img2Img") is not None,
        "inpaint": _class(pipe, "Inpaint") is not None,
        "edit": _edits(pipe),
        "lora": hasattr(pipe, "load_lora_weights"),
    }
    return tuple(ability for ability, able in found.items() if able)


def alike(recipe: Recipe) -> tuple[object, ...]:
    """What recipes of one batch have in common beside what words alone need."""
    return (recipe.source, recipe.mask, recipe.references, recipe.strength, recipe.loras)


def _class(pipe: Any, way: str) -> type | None:
    """The class of the same family for another way, as diffusers names them."""
    import diffusers

    name = type(pipe).__name__.removesuffix("Pipeline") + way + "Pipeline"
    cls = getattr(diffusers, name, None)
    return cls if isinstance(cls, type) else None


def _edits(pipe: Any) -> bool:
    return "image" in inspect.signature(type(pipe).__call__).parameters
