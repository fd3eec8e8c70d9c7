"""What the painters of this instance can do: those that are connected, and those that were.

A picture is given only to who can paint it (`Card.suits`), and is refused before it is queued
where it is known that nobody here can.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import msgspec
from sqlmodel import col, select

from fedi.database import Session
from fedi.database.tables import Painter
from fedi.settings import PaintingSettings
from fedi.studio import painters
from generation import abilities
from generation.abilities import NOTHING_TOLD, Abilities

# A painter that is connected is seen with every renewal of leases; the longest comes after this.
ALIVE_FOR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Card:
    """A painter that can be given pictures.

    Attributes:
        painter_id: which one.
        models: canonical names of what it paints with, its default first.
        can: what else it can do, by the same names.
        here: whether it is connected, or started when it is needed.
    """

    painter_id: int
    models: tuple[str, ...]
    can: Abilities = NOTHING_TOLD
    here: bool = True

    def offers(self, model: str) -> bool:
        """Whether it paints with this model; with any, if it is empty."""
        return not model or model in self.models

    def lacks(self, model: str, needs: Iterable[str]) -> tuple[str, ...]:
        """Which needs of a picture for this model it cannot meet, as far as is known."""
        return self.can.lacks(model or next(iter(self.models), ""), needs)

    def suits(self, model: str, needs: Iterable[str] = ()) -> bool:
        """Whether it can paint a picture for this model that has these needs."""
        return self.offers(model) and not self.lacks(model, needs)


def written(needs: Sequence[str]) -> str:
    """The needs of a picture as `Painting.needs` has them."""
    return " ".join(needs)


def read(needs: str) -> tuple[str, ...]:
    """What `written` wrote."""
    return tuple(needs.split())


def card_of(painter: Painter, *, here: bool) -> Card:
    """A painter as its row remembers it."""
    models = tuple(map(painters.canonical, painter.models))
    return Card(painter.id, models, remembered(painter.abilities), here)


def remembered(document: dict[str, Any] | None) -> Abilities:
    """What a painter said that it can do, by the canonical names of its models."""
    return canonical(msgspec.convert(document or {}, Abilities))


def canonical(can: Abilities) -> Abilities:
    """The same, by the canonical names of the models."""
    return msgspec.structs.replace(
        can,
        can={painters.canonical(model): ways for model, ways in can.can.items()},
        misfits={painters.canonical(model): loras for model, loras in can.misfits.items()},
    )


async def known(session: Session, settings: PaintingSettings) -> list[Card]:
    """All painters of late. One that a server starts when it is needed counts as here; what it
    finds on its machine by then, nobody knows before."""
    rows = await session.exec(
        select(Painter)
        .where(
            (col(Painter.seen_at) > session.now - painters.FORGOTTEN_AFTER)
            | (col(Painter.seen_at).is_(None) & col(Painter.local))
        )
        .order_by(col(Painter.id))
    )
    found = []
    for painter in rows.all():
        seen = painter.seen_at
        connected = painter.connected_at is not None and seen is not None
        connected = connected and seen > session.now - ALIVE_FOR  # type: ignore[operator]
        card = card_of(painter, here=connected or (painter.local and settings.local))
        if painter.local and not connected:
            resting = msgspec.structs.replace(card.can, loras=None, misfits={}, upscales=None)
            models = card.models or (painters.canonical(settings.model),)
            card = Card(card.painter_id, models, resting, card.here)
        found.append(card)
    return found


def at_hand(cards: Iterable[Card], model: str) -> list[Card]:
    """Those of them that are asked for a picture of a model: who is here, or else who was."""
    able = [card for card in cards if card.offers(model)]
    return [card for card in able if card.here] or able


def refusal(cards: Iterable[Card], model: str, needs: Sequence[str], name: str) -> str:
    """Why no painter can paint a picture, in one sentence; empty if one can, or nothing is known.

    Args:
        cards: who is asked.
        model: its canonical name; empty: any will do.
        needs: of the picture.
        name: of the model, for people; empty if it does not matter.
    """
    lacking = [card.lacks(model, needs) for card in cards if card.offers(model)]
    if not lacking or not all(lacking):
        return ""
    # What none of them can; or else, where each could do a part, all of it together.
    nobody = [need for need in needs if all(need in lacks for lacks in lacking)]
    what = abilities.in_words(nobody or needs)
    with_model = f" with {name}" if name and (nobody or needs) != [abilities.UPSCALE] else ""
    return f"No painter here can {what}{with_model}."


async def at_work(session: Session) -> list[Card]:
    """The painters that are connected; if none is, those that this host starts when it must."""
    rows = await session.exec(
        select(Painter)
        .where(col(Painter.seen_at) > session.now - ALIVE_FOR)
        .order_by(col(Painter.id))
    )
    of_late = rows.all()
    here = [painter for painter in of_late if painter.connected_at is not None]
    return [card_of(one, here=True) for one in here or [p for p in of_late if p.local]]
