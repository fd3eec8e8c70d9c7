"""What can be asked for here: the models that painters paint with, and what each can do.

What is told is what a refusal would say otherwise (`fedi.studio.cards`): an ability is offered if
one painter at hand has it, or may have it as far as anybody knows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fedi.database import Session
from fedi.settings import PaintingSettings
from fedi.studio import appraisal, cards, painters
from fedi.studio.cards import Card
from generation import catalogue, helpers
from generation.catalogue import Model

WAYS = ("strength", "inpaint", "lora")  # of those that a model may have, what pages ask for
MAX_MODELS = 50  # that are offered; a fleet of cards has a dozen


@dataclass(frozen=True, slots=True)
class Offer:
    """A model that somebody here paints with.

    Attributes:
        key: how a recipe names it; empty: the host's own.
        name: for people; empty if nothing is known.
        can: of `WAYS`.
        negative_prompt: whether it takes one.
        steps, guidance: what it paints with if nobody says; None: known after loading.
        starter: whether it is the small model that comes with Easel.
    """

    key: str
    name: str
    can: tuple[str, ...]
    negative_prompt: bool = True
    steps: int | None = None
    guidance: float | None = None
    starter: bool = False


@dataclass(frozen=True, slots=True)
class Offers:
    """What can be asked for.

    Attributes:
        models: the host's own first.
        loras: their names.
        upscales: whether pictures can be made larger.
        anybody: whether a painter is here, or started when it is needed.
    """

    models: Sequence[Offer]
    loras: Sequence[str]
    upscales: bool
    anybody: bool

    def can(self, way: str) -> bool:
        """Whether a model can do this."""
        return any(way in model.can for model in self.models)

    def of(self, key: str) -> Offer:
        """A model by its key; the host's own, if it is not offered."""
        return next((model for model in self.models if model.key == key), self.models[0])


async def find(session: Session, settings: PaintingSettings) -> Offers:
    """What painters of late offer."""
    known = await cards.known(session, settings)
    usual = painters.canonical(settings.model)
    named = {
        painters.canonical(name)
        for name in await painters.offered_models(session)
        if not catalogue.is_folder(name)
    }
    others = sorted(named - {usual})[:MAX_MODELS]
    models = [_offer("", usual or _first(known), known)]
    # Without a model of the host's own, any painter will do; then its first is among the others.
    models += [_offer(name, name, known) for name in others]
    return Offers(
        models=models,
        loras=_loras(known),
        upscales=settings.upscaler != helpers.NONE
        and not all(card.can.upscales is False for card in known),
        anybody=any(card.here for card in known),
    )


def _first(known: Iterable[Card]) -> str:
    """What is painted with where the host has chosen nothing."""
    here = [card for card in known if card.here]
    return next((card.models[0] for card in here if card.models), "")


def _offer(key: str, name: str, known: Iterable[Card]) -> Offer:
    model = appraisal.known_model(name) or (None if name else catalogue.STARTER)
    able = cards.at_hand(known, name)
    ways = tuple(way for way in WAYS if _may(able, name, way, model))
    if model is None:
        return Offer(key, name, ways)
    return Offer(
        key,
        model.name,
        ways,
        negative_prompt=model.negative_prompt,
        steps=model.steps,
        guidance=model.guidance,
        starter=model.key == catalogue.STARTER.key,
    )


def _may(able: Sequence[Card], name: str, way: str, model: Model | None) -> bool:
    if model is not None and not model.may(way):
        return False
    return not able or any(
        card.can.can.get(name) is None or way in card.can.can[name] for card in able
    )


def _loras(known: Iterable[Card]) -> list[str]:
    """The shortest name of each LoRA: a painter tells all by which recipes may call it."""
    told = {name for card in known if card.here for name in card.can.loras or ()}
    return sorted(
        name
        for name in told
        if name.removesuffix(".safetensors") not in told - {name}
        and not any(name.startswith(f"{other}/") for other in told)
    )
