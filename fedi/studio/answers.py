"""What a painter says of what it paints, held against what it was asked for.

A painter may be a stranger's machine, or one with a mistake. It settles what its author left open,
says what it could not follow, and what it painted with; everything else stands as it was asked for.
"""

from __future__ import annotations

from math import isfinite
from typing import Any

import msgspec

from fedi.database.tables import Painting
from fedi.studio import painters
from generation.catalogue import is_folder
from generation.protocol import Failed, Finished, Judgement, Progress
from generation.recipe import (
    MAX_GUIDANCE,
    MAX_MODEL_NAME,
    MAX_SEED,
    MAX_SIDE,
    MAX_STEPS,
    Recipe,
    without_unwritable,
)

MAX_NAME = 200  # characters of what painted, judged, described or enlarged a picture
MAX_LABELS = 100  # of a classifier; those that we know have two to seven
MAX_NOTE = 300  # characters of what is told while a picture is painted
MAX_REASON = 500  # characters of why it could not be
MOST = 1_000_000  # steps, and seconds: more than anything that ends

# What no painter has anything to settle of; what an endpoint does not know, it may leave out.
_ASKED = ("prompt", "source", "mask", "references", "loras", "upscale")


class Unbelievable(ValueError):
    """A painter says what cannot be; the message is one sentence for the host."""


def believed(painting: Painting, finished: Finished) -> Finished:
    """What is kept of what a painter says of a finished picture.

    Raises:
        Unbelievable: it was not asked for that, or there is no such thing.
    """
    asked = Recipe.from_document(painting.recipe)
    said = finished.recipe
    for name in _ASKED:
        if getattr(said, name) != getattr(asked, name):
            raise Unbelievable(f"It says another {name} than it was asked for.")
    if said.negative_prompt not in (asked.negative_prompt, ""):
        raise Unbelievable("It says another negative prompt than it was asked for.")
    if said.enlarge not in (asked.enlarge, ""):
        raise Unbelievable("It says that it enlarged another picture.")
    _refuse_model(painting, asked.model, said.model)
    _refuse_number("seed", asked.seed, said.seed, MAX_SEED)
    _refuse_number("steps", asked.steps, said.steps, MAX_STEPS, least=1)
    _refuse_number("guidance", asked.guidance, said.guidance, MAX_GUIDANCE)
    _refuse_number("strength", asked.strength, said.strength, 1.0)
    if said.strength is not None and not asked.source:
        raise Unbelievable("It says a strength without a picture.")
    _refuse_size(asked, finished)
    for name in ("model", "model_version", "sampler", "upscaler", "described_by"):
        _refuse_text(name, getattr(finished, name))
    if finished.judgement is not None:
        _refuse_judgement(finished.judgement)
    return msgspec.structs.replace(
        finished,
        description=without_unwritable(finished.description),
        seconds=_within(finished.seconds, MOST),
    )


def _refuse_model(painting: Painting, asked: str, said: str) -> None:
    """What any model will do for, is painted with one that a painter names."""
    _refuse_text("model", said, MAX_MODEL_NAME)
    if said in (asked, "") or painters.canonical(said) == painting.model:
        return
    if painting.model or is_folder(said):
        raise Unbelievable("It says another model than it was asked for.")


def _refuse_number(
    name: str, asked: float | None, said: float | None, most: float, *, least: float = 0
) -> None:
    """Nothing: it was not followed. Something else: only where nothing was asked for."""
    if said is None or said == asked:
        return
    if asked is not None:
        raise Unbelievable(f"It says another {name} than it was asked for.")
    if not least <= said <= most:
        raise Unbelievable(f"It says a {name} that there is not.")


def _refuse_size(asked: Recipe, finished: Finished) -> None:
    """An endpoint may make another size than it was asked for: then it is that of the picture."""
    size = finished.recipe.width, finished.recipe.height
    for side in (*size, finished.width, finished.height):
        if side is not None and not 1 <= side <= MAX_SIDE:
            raise Unbelievable("It says a size that there is not.")
    times = asked.upscale or 1
    made = finished.width // times, finished.height // times
    if size not in ((asked.width, asked.height), made, (None, None)) and asked.width:
        raise Unbelievable("It says another size than it was asked for.")


def _refuse_judgement(judgement: Judgement) -> None:
    _refuse_text("classifier", judgement.model)
    if len(judgement.scores) > MAX_LABELS:
        raise Unbelievable("It says more labels than a classifier has.")
    for label, score in judgement.scores.items():
        _refuse_text("label", label)
        if not isfinite(score):
            raise Unbelievable("It says a score that is no number.")


def _refuse_text(name: str, text: str, longest: int = MAX_NAME) -> None:
    if len(text) > longest or text != without_unwritable(text):
        raise Unbelievable(f"Its {name} is too long, or cannot be written.")


def told(progress: Progress) -> dict[str, Any]:
    """What listeners are told of how far a picture is, without its preview."""
    data: dict[str, Any] = {
        "id": progress.painting,
        "stage": progress.stage,
        "step": int(_within(progress.step, MOST)),
        "steps": int(_within(progress.of, MOST)),
        "seconds": round(_within(progress.elapsed_s, MOST), 2),
    }
    if progress.note:
        data["note"] = without_unwritable(progress.note)[:MAX_NOTE]
    return data


def reason(failed: Failed) -> str:
    """Why a picture could not be made, as its author is told."""
    words = " ".join(without_unwritable(failed.reason).split())[:MAX_REASON]
    return words or "The painter could not paint this picture, and did not say why."


def _within(number: float, most: float) -> float:
    return min(max(number, 0), most) if isfinite(number) else 0
