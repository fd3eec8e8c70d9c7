"""The painters as the host sees them: who is there, what each is doing, who is shut out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import func
from sqlmodel import col, select

from fedi.database import Session, Transaction
from fedi.database.tables import Painter, Painting
from fedi.settings import PaintingSettings
from fedi.social.errors import Invalid, NotFound
from fedi.studio import claims, painters, turns
from fedi.studio.paintings import DONE

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Member:
    """A painter.

    Attributes:
        painter: its row.
        connected_since: since when it is connected; None: it is not.
        doing: the pictures that it has in hand.
        last_hour: how many it finished within the last hour.
    """

    painter: Painter
    connected_since: datetime | None
    doing: list[Painting] = field(default_factory=list)
    last_hour: int = 0


async def members(session: Session, settings: PaintingSettings) -> list[Member]:
    """All painters, the longest known first."""
    begun: dict[int | None, list[Painting]] = {}
    rows = await session.exec(select(Painting).where(turns.BEGUN).order_by(col(Painting.id)))
    for painting in rows.all():
        begun.setdefault(painting.painter_id, []).append(painting)
    counted = await session.exec(
        select(Painting.painter_id, func.count())
        .where(
            col(Painting.state) == DONE,
            col(Painting.finished_at) > session.now - HOUR,
            col(Painting.painter_id).is_not(None),
        )
        .group_by(col(Painting.painter_id))
    )
    done = dict(counted.all())
    # A server that was killed could not say that its painters are gone; it stopped seeing them.
    stale = session.now - timedelta(seconds=settings.lease_s)
    return [
        Member(
            painter,
            painter.connected_at if painter.seen_at and painter.seen_at >= stale else None,
            begun.get(painter.id, []),
            done.get(painter.id, 0),
        )
        for painter in await painters.list_painters(session)
    ]


async def remove(tx: Transaction, name: str) -> int:
    """Shut a painter out: its token is worth nothing, its connection ends at once, and what it
    has in hand goes back to the queue.

    Returns:
        How many pictures went back.

    Raises:
        NotFound: there is no painter of that name.
        Invalid: it is one that a server starts itself.
    """
    painter = await painters.named(tx, name)
    if painter is None:
        raise NotFound(f"There is no painter {name}.")
    if painter.local:
        raise Invalid(f"{name} is started by a server: set painting.local to false there.")
    given_back = await claims.reap(tx, painter_id=painter.id)
    await painters.remove(tx, painter)
    return given_back
