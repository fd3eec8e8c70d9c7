"""Where pictures stand: how many are painted before one, and when it may be finished."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, literal_column, or_
from sqlmodel import col, select

from fedi.database import Session
from fedi.database.tables import Account, Painter, Painting
from fedi.studio import turns
from fedi.studio.paintings import PAINTED, PAINTING

RATE_SAMPLE = 20  # how many of the last finished pictures tell how fast this host paints


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


async def position(session: Session, painting: Painting) -> Position | None:
    """Where a picture stands in the queue; None once it is painted, or will not be."""
    if painting.state in PAINTED:
        return None
    rate = await _rate(session)
    if painting.state == PAINTING:
        return Position(0, _seconds(_left(painting), rate))
    before = (
        await session.exec(
            select(func.count(), func.sum(col(Painting.cost))).where(
                turns.WAITING,
                or_(
                    col(Painting.tag) < painting.tag,
                    (col(Painting.tag) == painting.tag) & (col(Painting.id) < painting.id),
                ),
            )
        )
    ).one()
    count, cost = await _in_hand(session)
    cost += (before[1] or 0.0) + painting.cost
    return Position(before[0] + count, _seconds(cost, rate))


async def line(session: Session, *, limit: int) -> tuple[list[Standing], int]:
    """The whole queue: what is being painted, then what waits, in the order of turns.

    Args:
        limit: how many waiting pictures are listed at most.

    Returns:
        The pictures, and how many wait in all.
    """
    rate = await _rate(session)
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
    found = [
        Standing(painting, username, name or "", Position(0, _seconds(_left(painting), rate)))
        for painting, username, name in begun
    ]
    count, cost = await _in_hand(session)
    waiting: Sequence[tuple[Painting, str, str | None]] = (
        await session.exec(
            query.where(turns.WAITING).order_by(col(Painting.tag), col(Painting.id)).limit(limit)
        )
    ).all()
    for ahead, (painting, username, _) in enumerate(waiting, count):
        cost += painting.cost
        found.append(Standing(painting, username, "", Position(ahead, _seconds(cost, rate))))
    total = (await session.exec(select(func.count(col(Painting.id))).where(turns.WAITING))).one()
    return found, total


def _left(painting: Painting) -> float:
    """The cost of what is still to be done of a picture that is being painted."""
    done = painting.step / painting.steps if painting.steps else 0.0
    return painting.cost * (1 - done)


def _seconds(cost: float, rate: float | None) -> float | None:
    return None if rate is None else cost / rate


async def _in_hand(session: Session) -> tuple[int, float]:
    """How many pictures are being painted, and what is still to be done of them."""
    count, cost = (
        await session.exec(select(func.count(), func.sum(col(Painting.cost))).where(turns.BEGUN))
    ).one()
    return count, (cost or 0.0) / 2  # they are half done, on average


async def _rate(session: Session) -> float | None:
    """Cost per second of the last pictures, by however many painters there were."""
    last = (
        await session.exec(
            select(col(Painting.cost), col(Painting.started_at), col(Painting.finished_at))
            .where(col(Painting.state) == literal_column("'done'"))  # as its index has it
            .order_by(col(Painting.id).desc())
            .limit(RATE_SAMPLE)
        )
    ).all()
    seconds = sum(
        (finished - started).total_seconds()
        for _, started, finished in last
        if started and finished
    )
    return sum(cost for cost, _, _ in last) / seconds if seconds > 0 else None
