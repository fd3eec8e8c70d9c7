"""How fast pictures are painted here: measured of the last ones, per painter and model.

A picture's cost is an estimate of GPU-seconds, the same for every card; a rate is how much cost a
painter gets done in a second. What it does at once is counted together: the seconds are those in
which it was at work, however many pictures it had in hand.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

import sqlalchemy
from sqlalchemy import literal_column
from sqlmodel import col

from fedi.database import Session
from fedi.database.tables import Painting

SAMPLE = 200  # of the last finished pictures of all painters
SAMPLE_OF_ONE = 20  # of one painter with one model: what it did long ago says less

Done = tuple[float, datetime, datetime]
"""What a picture cost, when it was begun, when it was finished."""


class Rates:
    """Cost per second.

    Args:
        done: the last finished pictures, the newest first: painter, model, and the rest.
    """

    def __init__(self, done: Iterable[tuple[int | None, str, Done]]) -> None:
        groups: defaultdict[tuple[int | None, str | None], list[Done]] = defaultdict(list)
        for painter_id, model, one in done:
            for key in ((painter_id, model), (painter_id, None)):
                if len(groups[key]) < SAMPLE_OF_ONE:
                    groups[key].append(one)
        self._rates = {key: rate for key, group in groups.items() if (rate := _rate(group))}
        self._others: defaultdict[str | None, list[float]] = defaultdict(list)
        for (_, model_or_any), rate in self._rates.items():
            self._others[model_or_any].append(rate)

    def of(self, painter_id: int | None, model: str) -> float | None:
        """How fast a painter is with a model; where that was never seen, how fast others are with
        it, or it with others, or anybody with anything; None: nothing was ever painted."""
        return (
            self._rates.get((painter_id, model))
            or _mean(self._others[model])
            or self._rates.get((painter_id, None))
            or _mean(self._others[None])
        )


def _mean(rates: list[float]) -> float | None:
    return sum(rates) / len(rates) if rates else None


def _rate(group: list[Done]) -> float | None:
    seconds, until = 0.0, None
    for _, begun, ended in sorted(group, key=lambda one: one[1]):
        start = begun if until is None else max(begun, until)
        until = ended if until is None else max(ended, until)
        seconds += max(0.0, (ended - start).total_seconds())
    return sum(cost for cost, _, _ in group) / seconds if seconds > 0 else None


async def measured(session: Session) -> Rates:
    """How fast the last pictures were painted."""
    rows = await session.execute(
        sqlalchemy.select(
            col(Painting.painter_id),
            col(Painting.model),
            col(Painting.cost),
            col(Painting.started_at),
            col(Painting.finished_at),
        )
        .where(col(Painting.state) == literal_column("'done'"))  # as its index has it
        .order_by(col(Painting.id).desc())
        .limit(SAMPLE)
    )
    return Rates(
        (painter_id, model, (cost, begun, ended))
        for painter_id, model, cost, begun, ended in rows.all()
        if begun is not None and ended is not None
    )
