"""What a picture needs beside its words, and what a painter can do: compared before it is handed
out, so that nobody waits for a painter that will only refuse."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from generation.catalogue import Model
from generation.recipe import Recipe

UPSCALE = "upscale"
LORA = "lora:"  # and its name
_WORDS = {
    "strength": "start from a picture",
    "inpaint": "paint inside a mask",
    "edit": "look at reference pictures",
    UPSCALE: "make pictures larger",
}


_SHORT = {"strength": "pictures", "inpaint": "masks", "edit": "references"}


class Abilities(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a painter can do beside painting from words.

    can: by model, as `catalogue.Model.can`; what a model that is not named here can do, only
    loading it tells. loras: all names by which recipes may call those that it has; `None` where
    only asking tells. misfits: by model, those of them that do not fit it. upscales: whether it
    makes pictures larger; `None` where nobody said. judges: the classifier that looks at what it
    paints; empty if none does. describes: likewise, what writes alt text. recognises: likewise,
    what sees what pictures show. looks: whether it judges and describes pictures that are here
    already, too. card: what it paints on, as people know it; empty until it has
    painted. memory_gb: all memory of that. bytes_per_weight:
    as in `devices.Memory`.
    """

    can: dict[str, tuple[str, ...]] = {}
    loras: tuple[str, ...] | None = None
    misfits: dict[str, tuple[str, ...]] = {}
    upscales: bool | None = None
    judges: str = ""
    describes: str = ""
    recognises: str = ""
    looks: bool = False
    card: str = ""
    memory_gb: float = 0.0
    bytes_per_weight: int = 2

    def lacks(self, model: str, needs: Iterable[str]) -> tuple[str, ...]:
        """Which of these needs it cannot meet, as far as is known.

        model: by the name that it has in `can`.
        """
        return tuple(need for need in needs if not self._meets(model, need))

    def _meets(self, model: str, need: str) -> bool:
        if need == UPSCALE:
            return self.upscales is not False
        can = self.can.get(model)
        if need.startswith(LORA):
            name = need.removeprefix(LORA)
            has = self.loras is None or name in self.loras
            has = has and name not in self.misfits.get(model, ())
            return has and (can is None or "lora" in can)
        return can is None or need in can


NOTHING_TOLD = Abilities()


def needs(recipe: Recipe) -> tuple[str, ...]:
    """What a recipe needs beside words, in the order of the alphabet."""
    if recipe.enlarge:
        return (UPSCALE,)  # it is painted
    wanted = {
        "strength": bool(recipe.source and not recipe.mask),
        "inpaint": bool(recipe.mask),
        "edit": bool(recipe.references),
        UPSCALE: bool(recipe.upscale),
    }
    found = [need for need, is_wanted in wanted.items() if is_wanted]
    found += [f"{LORA}{lora.name}" for lora in recipe.loras if lora.weight]
    return tuple(sorted(found))


def in_words(wanted: Sequence[str]) -> str:
    """Needs, or what meets them, as a sentence has it: “paint inside a mask and make …”."""
    words = [
        f"paint with the LoRA {need.removeprefix(LORA)}" if need.startswith(LORA) else _WORDS[need]
        for need in wanted
        if need.startswith(LORA) or need in _WORDS
    ]
    *most, last = words or ["paint this"]
    return f"{', '.join(most)} and {last}" if most else last


def told(can: Abilities) -> str:
    """What a painter can do, in a few words for its host: all that one of its models can."""
    if can == NOTHING_TOLD:
        return "not told"
    ways = [way for way in _SHORT if any(way in of_model for of_model in can.can.values())]
    words = [_SHORT[way] for way in ways]
    if can.loras:
        words.append("LoRAs")
    if can.upscales:
        words.append("enlarging")
    return ", ".join(["words", *words])


def of_models(models: Iterable[Model]) -> Mapping[str, tuple[str, ...]]:
    """What models can do, as `Abilities.can`: of those of which it is known before loading."""
    return {model.key: model.can for model in models if model.family or model.can}
