"""Whose turn it is: start-time fair queueing, with room for the model that is loaded.

**Fair.** A request gets a tag, `max(V, last tag of its author) + cost / weight`, and the smallest
tag is painted next. Cost is an estimate of GPU-seconds, weight what the author's role is worth
(`painting.staff_weight`), V the virtual time: the tag whose turn it was when a picture was last
taken. So an author with one picture never waits behind another's fifty, and nobody saves up a
right to the front by staying away. Where pictures of a kind (for a model, and for what else a
painter must be able to do) are behind, because few painters can paint them, their newcomers stand
level with them: V is then the smallest tag of that kind that waits.

**Warm.** Loading a model can take longer than painting with it. So a painter may take a picture
for the model that it has loaded before the one whose turn it is, within two bounds:

- nobody is passed over by more than `MAX_PASSING` pictures,
- nor by any that is taken more than `MAX_PASSING_FOR` after the first of them.

Each picture that is taken out of turn keeps whose turn it was, so it is known for good which
stretch of the queue it jumped: from that picture to itself. A picture was passed over by those
whose stretches it lies in. Before a painter jumps a stretch, the earlier jumps that touch this
stretch are counted. That is never less than the passings of any one picture in it, so both bounds
hold for every picture, whatever comes in between, on one server. Two servers on one database that
choose at the same moment may each not see the other's choice, and go over by one.

Among many who want two models this gives batches: some for the one, some for the other, each
after the first begun in turn and most of it in turn.

What was taken out of turn is charged all the same: its author's next picture for that model comes
after it.

**Alike.** A painter that paints several at once is given what goes with the first of them, before
what stands between, within the same two bounds: it jumps the stretch of the queue between whose
turn it is and the one it takes.

**Quick.** All is read from indexes that hold only what waits, and what jumped: the number of
pictures that wait does not matter, only of how many kinds they are.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy
from sqlalchemy import bindparam, func, literal_column, text, tuple_
from sqlmodel import col, select

from fedi.database import Session, Transaction
from fedi.database.insertion import table_of
from fedi.database.tables import Account, Login, Painting
from fedi.settings import PaintingSettings
from fedi.studio import cards, shares
from fedi.studio.cards import Card

MAX_PASSING = 8  # pictures; by then a model's loading is paid for
MAX_PASSING_FOR = timedelta(seconds=120)
LOOKED_AT = 32  # waiting pictures of a model, for one that goes with another
STAFF = ("moderator", "admin")

# Written out, because SQLite uses a partial index only for what it can read in the statement.
WAITING = col(Painting.state) == literal_column("'queued'")
BEGUN = col(Painting.state) == literal_column("'painting'")

_PAINTINGS = table_of(Painting).c

# From each kind (a model, and what is needed beside it) to the next one in the index: as many steps
# as kinds, however many wait. (SQLite would read a whole model for `(model, needs) > …`.)
_FIRSTS = """
    WITH RECURSIVE first (id, tag, model, needs) AS (
        SELECT id, tag, model, needs FROM (
            SELECT id, tag, model, needs FROM painting
            WHERE state = 'queued'{but}
            ORDER BY model, needs, tag, id LIMIT 1
        ) AS begin
        UNION ALL
        SELECT painting.id, painting.tag, painting.model, painting.needs
        FROM first JOIN painting ON painting.id = coalesce((
            SELECT id FROM painting
            WHERE state = 'queued' AND model = first.model AND needs > first.needs{but}
            ORDER BY needs, tag, id LIMIT 1
        ), (
            SELECT id FROM painting
            WHERE state = 'queued' AND model > first.model{but}
            ORDER BY model, needs, tag, id LIMIT 1
        ))
    )
    SELECT id, tag, model, needs FROM first
"""
_ALL_FIRSTS = text(_FIRSTS.format(but=""))
_FIRSTS_BUT = text(_FIRSTS.format(but=" AND id NOT IN :but")).bindparams(
    bindparam("but", expanding=True)
)


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a waiting picture stands in the queue: places are in the order of their turns."""

    tag: float
    id: int
    model: str
    needs: str = ""  # as `Painting.needs`

    @property
    def wanted(self) -> tuple[str, ...]:
        """The needs, one by one."""
        return cards.read(self.needs)


@dataclass(frozen=True, slots=True)
class Turn:
    """A picture that was chosen to be painted.

    Attributes:
        painting_id: the picture.
        at: the virtual time: the tag of the picture whose turn it was.
        over_id: the picture whose turn it was, if that is another.
    """

    painting_id: int
    at: float
    over_id: int | None


async def weight(session: Session, settings: PaintingSettings, account: Account) -> float:
    """What an account's share of the painters' time is, where an ordinary one is 1."""
    login = await session.get(Login, account.id)
    return settings.staff_weight if login is not None and login.role in STAFF else 1.0


async def tag(
    session: Session,
    account: Account,
    model: str,
    cost: float,
    *,
    needs: str = "",
    weight: float = 1.0,
) -> float:
    """The tag of a new request.

    Args:
        account: who asks.
        model: the canonical name of the model that it is for; empty for any.
        cost: estimated GPU-seconds.
        needs: as `Painting.needs`.
        weight: the account's share, where an ordinary one is 1.
    """
    taken = await session.exec(
        select(func.max(col(Painting.turn))).where(col(Painting.turn).is_not(None))
    )
    now = taken.one() or 0.0
    level = await _behind(session, model, needs)
    if level is None and needs:  # who can do more stands in this line, too
        level = await _behind(session, model, "")
    start = now if level is None else min(now, level)
    own = await session.exec(
        select(func.max(col(Painting.tag))).where(
            shares.taken_by(account), col(Painting.state).in_(("queued", "painting"))
        )
    )
    jumped = await session.exec(
        select(func.max(col(Painting.tag))).where(
            col(Painting.over_id).is_not(None),
            col(Painting.tag) > start,
            shares.taken_by(account),
            col(Painting.model) == model,
        )
    )
    return max(start, own.one() or 0.0, jumped.one() or 0.0) + cost / weight


async def _behind(session: Session, model: str, needs: str) -> float | None:
    """The smallest tag of this kind that waits."""
    smallest = await session.exec(
        select(func.min(col(Painting.tag))).where(
            WAITING, col(Painting.model) == model, col(Painting.needs) == needs
        )
    )
    return smallest.one()


async def firsts(session: Session, but: Collection[int] = ()) -> list[Place]:
    """The first waiting picture of each kind, in the order of their turns.

    Args:
        but: none of these.
    """
    if but:
        rows = await session.execute(_FIRSTS_BUT, {"but": list(but)})
    else:
        rows = await session.execute(_ALL_FIRSTS)
    return sorted(Place(row.tag, row.id, row.model, row.needs) for row in rows)


@dataclass(frozen=True, slots=True)
class Alike:
    """What may be painted together with a picture that was taken before.

    Attributes:
        model: the model that it waits for; empty for any.
        needs: as `Painting.needs`.
        goes: whether a picture with this recipe goes with it.
    """

    model: str
    needs: str
    goes: Callable[[dict[str, Any]], bool]


async def choose(
    tx: Transaction,
    card: Card,
    warm: str = "",
    alike: Alike | None = None,
    but: Collection[int] = (),
) -> Turn | None:
    """The next picture for a painter, locked until the transaction ends.

    Args:
        card: the painter; what any model will do for, it paints with its default.
        warm: the canonical name of the model that it has loaded; empty: none.
        alike: only what goes with this.
        but: none of these.

    Returns:
        The picture; None if nothing waits that it can paint, or may paint now.
    """
    taken = [*but]  # and what another server takes at this very moment
    while places := [
        place for place in await firsts(tx, taken) if card.suits(place.model, place.wanted)
    ]:
        turn = chosen = places[0]
        if alike is not None:
            ready = await _like(tx, alike, taken)
            if ready is None or (ready != turn and not await _may_pass(tx, turn, ready)):
                return None
            chosen = ready
        elif warm:
            usual = next(iter(card.models), "")
            ready = next((place for place in places if (place.model or usual) == warm), turn)
            if ready is not turn and await _may_pass(tx, turn, ready):
                chosen = ready
        if await _lock(tx, chosen.id):
            return Turn(chosen.id, turn.tag, None if chosen == turn else turn.id)
        taken.append(chosen.id)
    return None


async def _lock(tx: Transaction, painting_id: int) -> bool:
    """Whether a waiting picture is this transaction's now; on SQLite nobody else is writing."""
    if tx.dialect_name == "sqlite":
        return True
    lock = select(col(Painting.id)).where(col(Painting.id) == painting_id, WAITING)
    return (await tx.exec(lock.with_for_update(skip_locked=True))).first() is not None


async def _like(tx: Transaction, alike: Alike, but: list[int]) -> Place | None:
    """The first waiting picture that goes with another, if it is among the next for its model."""
    rows = await tx.execute_core(_NEXT, {"model": alike.model, "needs": alike.needs})
    for row in rows:
        if row.id not in but and alike.goes(row.recipe):
            return Place(row.tag, row.id, alike.model, alike.needs)
    return None


_NEXT = (
    sqlalchemy.select(_PAINTINGS.tag, _PAINTINGS.id, _PAINTINGS.recipe)
    .where(
        _PAINTINGS.state == literal_column("'queued'"),
        _PAINTINGS.model == bindparam("model"),
        _PAINTINGS.needs == bindparam("needs"),
    )
    .order_by(_PAINTINGS.tag, _PAINTINGS.id)
    .limit(LOOKED_AT)
)
_JUMPS = sqlalchemy.select(func.count(), func.min(_PAINTINGS.started_at)).where(
    _PAINTINGS.over_id.is_not(None),
    tuple_(_PAINTINGS.tag, _PAINTINGS.id) > tuple_(bindparam("tag"), bindparam("id")),
    tuple_(_PAINTINGS.turn, _PAINTINGS.over_id)
    < tuple_(bindparam("ready_tag"), bindparam("ready_id")),
)


async def _may_pass(tx: Transaction, turn: Place, ready: Place) -> bool:
    """Whether `ready` may be painted before `turn`, and before all that stand between them."""
    stretch = {"tag": turn.tag, "id": turn.id, "ready_tag": ready.tag, "ready_id": ready.id}
    jumps: Any = (await tx.execute_core(_JUMPS, stretch)).one()
    count: int = jumps[0]
    since: datetime | None = jumps[1]
    return count < MAX_PASSING and (since is None or tx.now - since <= MAX_PASSING_FOR)
