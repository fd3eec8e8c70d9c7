"""What a request for a picture comes to: which model it is for, whether its words are allowed, what
it costs, and with what it can be painted as one batch."""

from __future__ import annotations

import contextlib
from functools import lru_cache
from typing import Any

from fedi.database import Session, Transaction
from fedi.settings import PaintingSettings
from fedi.social.errors import Invalid
from fedi.studio import painters
from generation import batching, catalogue, hub, safety
from generation.recipe import Recipe, RecipeError

# An estimate for what a recipe leaves open until the model is loaded.
USUAL_STEPS = 20
USUAL_MEGAPIXELS = 1.0
USUAL_MEMORY_GB = 8.0  # a model of this size costs 1 per step and megapixel, others in proportion
LEAST_MEGAPIXELS = 0.05
# For each megapixel of an enlarged picture: our own upscaler multiplies 30,000 times for each of
# its pixels, a model of 8 GB four billion times for each 256 of a picture's in a step.
UPSCALE_COST = 0.05


def judge_words(settings: PaintingSettings, prompt: str) -> bool:
    """Whether a picture painted with this prompt is to be marked as sensitive.

    Raises:
        Invalid: nothing is painted with it here.
    """
    try:
        return safety.check(
            prompt, blocked=settings.blocked_words, sensitive=settings.sensitive_words
        )
    except RecipeError as refusal:
        raise Invalid(str(refusal)) from refusal


async def paints_with(session: Session, settings: PaintingSettings, model: str) -> bool:
    """Whether somebody here paints with a model; what is empty is the host's own."""
    wanted = painters.canonical(model)
    if wanted in ("", painters.canonical(settings.model)):
        return True
    return wanted in map(painters.canonical, await painters.offered_models(session))


async def model_for(tx: Transaction, settings: PaintingSettings, recipe: Recipe) -> str:
    """The canonical name of the model that a painter must offer; empty if any will do."""
    if recipe.enlarge:
        return ""
    usual, wanted = painters.canonical(settings.model), painters.canonical(recipe.model)
    if wanted in ("", usual):
        return usual
    offered = await painters.offered_models(tx)
    if wanted not in map(painters.canonical, offered):
        known = ", ".join(name for name in offered if not catalogue.is_folder(name))
        raise Invalid(
            f"Nobody here paints with {recipe.model}; "
            + (f"there is {known}." if known else "leave the model out.")
        )
    return wanted


@lru_cache(maxsize=64)
def known_model(model: str) -> catalogue.Model | None:
    """What can be said of a model beforehand; None where none is chosen."""
    if not model:
        return None
    try:
        found = catalogue.find(model)
        with contextlib.suppress(ImportError):  # nothing is here where painting is not installed
            found = hub.described(found)
        return found
    except catalogue.UnknownModel:
        return None  # `easel doctor` tells the host; a painter may know better


def cost(recipe: Recipe, known: catalogue.Model | None) -> float:
    """What a picture costs beside others, about a GPU-second each; `studio.rates` measures."""
    size = max(recipe.megapixels() or USUAL_MEGAPIXELS, LEAST_MEGAPIXELS)
    enlarging = UPSCALE_COST * size * recipe.upscale**2 if recipe.upscale else 0.0
    if recipe.enlarge:
        return enlarging
    memory = (known.memory_gb if known else None) or USUAL_MEMORY_GB
    return (recipe.steps or USUAL_STEPS) * size * memory / USUAL_MEMORY_GB + enlarging


def kind(recipe: dict[str, Any], model: str) -> tuple[bytes, bool]:
    """What pictures that can be painted as one batch have in common, as far as it is known here:
    a painter knows better.

    Args:
        recipe: as it stands in a picture's row.
        model: the canonical name of the model that it is for.
    """
    wanted = Recipe.from_document(recipe)
    if (known := known_model(model)) is not None:
        with contextlib.suppress(RecipeError):  # a painter will say so
            wanted = wanted.resolved(known)
    return batching.key(wanted)
