"""Models as those who run this instance see them: what each is, whether it fits, how far it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from fedi.database.tables import ModelPull
from fedi.studio import pulls, stock
from fedi.studio.machine import Machine
from fedi.studio.stock import Stock
from generation import catalogue, helpers
from generation.catalogue import Kind, Model
from generation.devices import Memory

GONE_AFTER = timedelta(minutes=3)  # without a sign of the server that fetches it
NO_CARD = (
    "There is no graphics card here. The starter paints 256 × 256 pixels in seconds; a larger "
    "model works, too, and takes minutes for a picture."
)
LOOKING = "Looking at what this machine paints on …"
# What `Memory.fit` says: in words, and how good that is.
FITS = {
    "whole": ("fits", "good"),
    "parts": ("fits in parts", ""),
    "no": ("too large", "warn"),
    "unknown": ("", ""),
}


@dataclass(frozen=True, slots=True)
class Place:
    """What is painted on.

    Attributes:
        line: that, in a sentence.
        memory: what has to be fitted into; None where nobody knows.
        slow: whether there is no card.
        known: whether this is all that will be known.
    """

    line: str
    memory: Memory | None = None
    slow: bool = False
    known: bool = True


@dataclass(frozen=True, slots=True)
class Choice:
    """A model.

    Attributes:
        fits: whether it fits, in words; `fits_kind` says how good that is.
        refused: why it cannot be fetched; empty if it can.
        uses: what it is used for here, by the settings.
        ours: whether it comes with Easel.
    """

    key: str
    name: str
    note: str
    source: str
    kinds: str
    licence: str
    commercial: str
    download: str
    memory: str
    can: str
    fits: str
    fits_kind: str
    here: bool
    size: str
    default: bool
    uses: str
    ours: bool
    paints: bool
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Pull:
    """A model that is being fetched, or waits for somebody to go on.

    Attributes:
        percent: of it that is here; None where that is not known yet.
    """

    key: str
    name: str
    state: str
    line: str
    percent: int | None
    chosen: bool

    @property
    def under_way(self) -> bool:
        return self.state in pulls.UNDER_WAY


def place_of(machine: Machine | None) -> Place:
    """This machine; None: it is being looked at."""
    if machine is None:
        return Place(LOOKING, known=False)
    if machine.memory is None:
        return Place(machine.trouble)
    if machine.slow:
        return Place(NO_CARD, machine.memory, slow=True)
    return Place(f"{device(machine.memory)}.", machine.memory)


def device(memory: Memory) -> str:
    """A card, for people."""
    kind, _, name = memory.name.partition(" ")
    said = {"cpu": "The processor", "mps": "The Apple GPU"}.get(kind, name or memory.name)
    return f"{said} with {memory.gigabytes:.0f} GB"


def choices(found: Stock, place: Place, but: Iterable[str] = ()) -> list[Choice]:
    """All models of a stock.

    Args:
        but: keys of those that are left out.
    """
    left_out = frozenset(but)
    return [choice(found, place, model) for model in found.models if model.key not in left_out]


def choice(found: Stock, place: Place, model: Model) -> Choice:
    paints, here = "painting" in model.kinds, model.key in found.sizes
    fit = place.memory.fit(model.memory_gb, model.low_memory_gb) if place.memory else "unknown"
    fits, kind = FITS[fit]
    starter = model.key == catalogue.STARTER.key
    if fit == "whole" and paints and place.slow and not starter:
        fits, kind = "slow here", "warn"
    return Choice(
        key=model.key,
        name=model.name,
        note=model.note if not starter else model.note.rpartition(". ")[0] + ".",
        source="" if model.local or model.key in stock.OURS else model.source,
        kinds=", ".join(stock.DOES[one] for one in model.kinds),
        licence=model.licence,
        commercial=commercial(model),
        download="" if model.download_gb is None else f"{model.download_gb:g} GB",
        memory=stock.memory(model),
        can=stock.abilities(model) if paints else "",
        fits=fits,
        fits_kind=kind,
        here=here,
        size=stock.told(found.sizes[model.key]) if found.sizes.get(model.key) else "",
        default=found.used.get("painting") == model.key,
        uses=", ".join(_uses(found, model)),
        ours=model.key in stock.OURS,
        paints=paints,
        refused=found.room(model),
    )


def commercial(model: Model) -> str:
    """Whether a licence allows what is sold."""
    if model.commercial is None:
        return ""
    return "commercial use allowed" if model.commercial else "no commercial use"


def _uses(found: Stock, model: Model) -> Iterable[str]:
    kinds: Sequence[Kind] = model.kinds
    return (stock.DOES[one] for one in kinds if found.used.get(one) == model.key)


def best(found: Stock, place: Place) -> Choice | None:
    """The model that fits a card best; None where only the starter does."""
    if place.memory is None or place.slow:
        return None
    able = [
        model
        for model in found.models
        if "painting" in model.kinds and model.key not in stock.OURS and not found.room(model)
    ]
    for wanted in ("whole", "parts"):
        for model in able:
            if place.memory.fit(model.memory_gb, model.low_memory_gb) == wanted:
                return choice(found, place, model)
    return None


def pull(row: ModelPull, now: datetime, server: str) -> Pull:
    """A model that is being fetched.

    Args:
        server: who is asked; what another fetches that gives no sign any more has broken off.
    """
    state, line = row.state, row.error
    if state in pulls.UNDER_WAY and row.server != server and row.told_at < now - GONE_AFTER:
        state, line = pulls.BROKEN, "The server that fetched it is gone."
    so_far = f"{stock.told(row.done)} of {stock.told(row.size)}" if row.size else ""
    if state == pulls.WAITING:
        line = "It waits for its turn."
    elif state == pulls.FETCHING:
        line = f"{so_far}.{_left(row, now)}" if so_far else "Asking the hub what there is."
    elif state == pulls.STOPPED:
        line = f"Stopped at {so_far}." if so_far else "Stopped."
    elif so_far:
        line = f"{line} {so_far} are here."
    return Pull(
        key=row.key,
        name=name(row.key),
        state=state,
        line=line,
        percent=min(100, 100 * row.done // row.size) if row.size else None,
        chosen=row.chosen,
    )


def name(key: str) -> str:
    """A model as people know it."""
    helper = helpers.listed(key)
    try:
        return helper.name if helper is not None else catalogue.find(key).name
    except catalogue.UnknownModel:
        return key


def _left(row: ModelPull, now: datetime) -> str:
    """How long the rest takes, as quick as it was so far."""
    if row.began_at is None or row.done <= row.began_with or now <= row.began_at:
        return ""
    rate = (row.done - row.began_with) / (now - row.began_at).total_seconds()
    seconds = (row.size - row.done) / rate
    number, unit = (max(1, ceil(seconds)), "second") if seconds < 90 else (
        round(seconds / 60), "minute"
    )  # fmt: skip
    return f" About {number} {unit}{'' if number == 1 else 's'}."
