"""Where pictures stand: how many are painted before one, and when it may be finished.

The seconds are those of the queue as it stands: its pictures in their turns, each to the painter
that can take it first, at the rate at which that has painted of late. Who comes later and is
served before, by what `fedi.studio.turns` calls fair, comes on top, and so does the loading of
models that were not loaded while the rates were measured. In a steady queue the seconds are right
to within the longest picture that is painted before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import func, or_
from sqlmodel import col, select

from fedi.database import Session
from fedi.database.tables import Account, Painter, Painting
from fedi.studio import cards, rates, turns
from fedi.studio.cards import Card
from fedi.studio.paintings import PAINTING, QUEUED
from fedi.studio.rates import Rates

MAX_LUMPS = 200  # a longer line of pictures for one model is looked at in so many pieces


@dataclass(frozen=True, slots=True)
class Position:
    """Where a waiting picture stands.

    Attributes:
        ahead: how many are painted before it.
        seconds: when it may be finished, as far as the last pictures tell; None: unknown.
    """

    ahead: int
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Standing:
    """A picture that waits or is being painted.

    Attributes:
        painting: the picture.
        username: who asked for it.
        painter: the name of who paints it; empty while it waits.
        position: where it stands.
    """

    painting: Painting
    username: str
    painter: str
    position: Position


class Schedule:
    """Who is free when.

    Args:
        able: who can paint.
        rates: how fast.
    """

    def __init__(self, able: Sequence[Card], rates: Rates) -> None:
        self._rates = rates
        self._cards = {card.painter_id: card for card in able}
        self._free = dict.fromkeys(self._cards, 0.0)  # in so many seconds

    def begun(self, pictures: Sequence[tuple[Painting, float]]) -> dict[int, float | None]:
        """Note what is being painted, each for so many seconds.

        Returns:
            The seconds until each may be finished, by their ids. What a painter paints at once is
            finished at once: a rate is what it gets done of all of them together.
        """
        found: dict[int, float | None] = {}
        of_painter: defaultdict[int | None, list[tuple[Painting, float]]] = defaultdict(list)
        for painting, elapsed in pictures:
            of_painter[painting.painter_id].append((painting, elapsed))
        for painter_id, all_of_it in of_painter.items():
            until = 0.0
            # First the batch that is under way, then what was given while it is finished.
            for under_way in (True, False):
                batch = [one for one in all_of_it if bool(one[0].step) is under_way]
                left = self._left(batch)
                found |= {
                    painting.id: None if left is None else until + left for painting, _ in batch
                }
                until += left or 0.0
            if painter_id in self._free:
                self._free[painter_id] += until
        return found

    def _left(self, batch: Sequence[tuple[Painting, float]]) -> float | None:
        """The seconds until what is painted at once is finished; None: nothing is known."""
        left = 0.0
        for painting, _ in batch:
            rate = self._rates.of(painting.painter_id, painting.model)
            if rate is None:
                return None
            done = painting.step / painting.steps if painting.step and painting.steps else 0.0
            left += painting.cost / rate * (1 - min(1.0, done))
        told = any(painting.step and painting.steps for painting, _ in batch)
        elapsed = 0.0 if told else max((elapsed for _, elapsed in batch), default=0.0)
        return max(0.0, left - elapsed)

    def add(self, model: str, needs: str, cost: float) -> float | None:
        """Note the next picture of the line.

        Returns:
            The seconds until it may be finished; None: nobody can paint it, or nothing is known.
        """
        able = [
            (self._free[card.painter_id], card.painter_id)
            for card in self._cards.values()
            if card.suits(model, cards.read(needs))
        ]
        if not able:
            return None
        free, painter_id = min(able)
        rate = self._rates.of(painter_id, model)
        if rate is None:
            return None
        self._free[painter_id] = free + cost / rate
        return self._free[painter_id]


async def position(session: Session, painting: Painting) -> Position | None:
    """Where a picture stands in the queue; None once it is painted, or will not be."""
    if painting.state not in (QUEUED, PAINTING):
        return None
    schedule = Schedule(await cards.at_work(session), await rates.measured(session))
    begun = (await session.exec(select(Painting).where(turns.BEGUN))).all()
    left = schedule.begun([(one, _elapsed(session, one)) for one in begun])
    if painting.state == PAINTING:
        return Position(0, left.get(painting.id))
    before = (
        await session.exec(
            select(Painting.model, Painting.needs, func.count(), func.sum(col(Painting.cost)))
            .where(
                turns.WAITING,
                or_(
                    col(Painting.tag) < painting.tag,
                    (col(Painting.tag) == painting.tag) & (col(Painting.id) < painting.id),
                ),
            )
            .group_by(col(Painting.model), col(Painting.needs))
        )
    ).all()
    for model, needs, cost in _lumps(before):
        schedule.add(model, needs, cost)
    count = len(begun) + sum(number for _, _, number, _ in before)
    return Position(count, schedule.add(painting.model, painting.needs, painting.cost))


def _lumps(groups: Iterable[tuple[str, str, int, float | None]]) -> list[tuple[str, str, float]]:
    """The pictures before one, as if those for one model with the same needs were all alike and
    evenly spread."""
    placed: defaultdict[float, list[tuple[str, str, float]]] = defaultdict(list)
    for model, needs, count, cost in groups:
        number = min(count, MAX_LUMPS)
        for at in range(number):
            placed[(at + 0.5) / number].append((model, needs, (cost or 0.0) / number))
    return [lump for at in sorted(placed) for lump in placed[at]]


async def line(session: Session, *, limit: int) -> tuple[list[Standing], int]:
    """The whole queue: what is being painted, then what waits, in the order of turns.

    Args:
        limit: how many waiting pictures are listed at most.

    Returns:
        The pictures, and how many wait in all.
    """
    schedule = Schedule(await cards.at_work(session), await rates.measured(session))
    query = (
        select(Painting, col(Account.username), col(Painter.name))
        .join(Account, col(Account.id) == col(Painting.account_id))
        .outerjoin(Painter, col(Painter.id) == col(Painting.painter_id))
    )
    begun: Sequence[tuple[Painting, str, str | None]] = (
        await session.exec(
            query.where(turns.BEGUN).order_by(col(Painting.started_at), col(Painting.id))
        )
    ).all()
    found = []
    left = schedule.begun([(one, _elapsed(session, one)) for one, _, _ in begun])
    for painting, username, name in begun:
        where = Position(0, left[painting.id])
        found.append(Standing(painting, username, name or "", where))
    waiting: Sequence[tuple[Painting, str, str | None]] = (
        await session.exec(
            query.where(turns.WAITING).order_by(col(Painting.tag), col(Painting.id)).limit(limit)
        )
    ).all()
    for ahead, (painting, username, _) in enumerate(waiting, len(begun)):
        seconds = schedule.add(painting.model, painting.needs, painting.cost)
        found.append(Standing(painting, username, "", Position(ahead, seconds)))
    total = (await session.exec(select(func.count(col(Painting.id))).where(turns.WAITING))).one()
    return found, total


def _elapsed(session: Session, painting: Painting) -> float:
    """For how many seconds a picture has been painted."""
    if painting.started_at is None:
        return 0.0
    return max(0.0, (session.now - painting.started_at).total_seconds())
