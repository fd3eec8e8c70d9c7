"""A feed as it stands when somebody opens it: which pictures, in which order, each with its reason.

It is written down, so that its pages go together however much is posted meanwhile: the last few of
one reader, for a day.
"""

from __future__ import annotations

import random
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from sqlalchemy import BigInteger, bindparam, delete, insert, or_, select

from fedi import ids
from fedi.database import Session, Transaction
from fedi.database.insertion import table_of
from fedi.database.tables import Account, ForYou, ForYouRanking
from fedi.social.for_you import candidates, choices, formula, index
from fedi.social.for_you import taste as tastes
from fedi.social.for_you.candidates import Candidate
from fedi.social.for_you.choices import Tuning
from fedi.social.for_you.features import Feature, Kind
from fedi.social.for_you.taste import Taste

LENGTH = 120  # pictures: few read on for more than six pages of anything
KEPT = 8  # feeds of one reader that can be read on in: several windows

Why = Literal["author", "tag", "term", "look", "alike", "follow", "friends", "new"]
_WHY: dict[int, Why] = {
    Kind.AUTHOR: "author",
    Kind.TAG: "tag",
    Kind.TERM: "term",
    Kind.PHRASE: "term",
    Kind.LOOK: "look",
    Kind.ALIKE: "alike",
}

_RANKING = table_of(ForYouRanking)
_READER: Any = bindparam("reader", type_=BigInteger)
_OTHER = _RANKING.alias("other")
_NEWER = (
    select(_OTHER.c.id)
    .where(_OTHER.c.account_id == _READER)
    .order_by(_OTHER.c.id.desc())
    .limit(1)
    .offset(bindparam("most", type_=BigInteger))
    .scalar_subquery()
)
_FORGET = delete(_RANKING).where(
    _RANKING.c.account_id == _READER,
    or_(_RANKING.c.id < bindparam("floor", type_=BigInteger), _RANKING.c.id <= _NEWER),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A picture in its place.

    Attributes:
        why: what speaks for it most.
        feature: if it is one: what the post must still have for the reason to be true.
        count: pictures with it that the reader did something with, or people.
        acts: what they did.
    """

    status_id: int
    why: Why = "new"
    feature: Feature | None = None
    count: int = 0
    acts: tuple[str, ...] = ()

    @property
    def value(self) -> int:
        """Of the feature; 0 where it is none."""
        return self.feature[1] if self.feature is not None else 0

    def written(self) -> list[Any]:
        feature = list(self.feature) if self.feature is not None else None
        return [self.status_id, self.why, feature, self.count, list(self.acts)]

    @classmethod
    def read(cls, written: list[Any]) -> Entry:
        status_id, why, feature, count, acts = written
        named = (feature[0], feature[1]) if feature is not None else None
        return cls(status_id, why, named, count, tuple(acts))


@dataclass(slots=True)
class _Placed:
    """What is to be placed.

    Attributes:
        why, feature: what speaks for it most, and of what.
        theme: what many of these must not be for, one after another.
    """

    candidate: Candidate
    score: float
    why: Why = "new"
    feature: Feature | None = None
    theme: Feature | None = None

    def entry(self, taste: Taste) -> Entry:
        one = self.candidate
        if self.feature is not None and self.why == "alike":
            acts = tuple(sorted(taste.done[self.feature[1]][0]))
            return Entry(one.status_id, self.why, self.feature, 1, acts)
        if self.feature is not None:
            liking = taste.likings[self.feature]
            acts = tuple(sorted(liking.acts))
            return Entry(one.status_id, self.why, self.feature, liking.posts, acts)
        return Entry(one.status_id, self.why, count=one.friends if self.why == "friends" else 0)


async def make(session: Session, reader: Account, chosen: ForYou) -> list[Entry]:
    """What somebody may like, as it stands now."""
    tuning = choices.tuning(chosen)
    taste = await tastes.read(session, reader, chosen)
    pool = await candidates.find(session, reader, tuning, taste)
    return list(order(pool, taste, tuning, session.now, random.Random(ids.new(session.now))))


async def keep(tx: Transaction, reader: Account, number: int, entries: Iterable[Entry]) -> None:
    """Write a feed down."""
    written = [entry.written() for entry in entries]
    row = {"id": number, "account_id": reader.id, "entries": written}
    await tx.execute_core(insert(_RANKING), row)
    kept = {"reader": reader.id, "floor": ids.floor(tx.now - index.RANKING_KEPT), "most": KEPT}
    await tx.execute_core(_FORGET, kept)


async def find(session: Session, reader: Account, number: int) -> list[Entry] | None:
    """A feed that was written down for somebody; None if there is none any more."""
    query = select(_RANKING.c.entries).where(
        _RANKING.c.id == number,
        _RANKING.c.account_id == reader.id,
        _RANKING.c.id >= ids.floor(session.now - index.RANKING_KEPT),
    )
    found = (await session.execute(query)).scalar()
    return None if found is None else [Entry.read(one) for one in found]


def order(
    pool: Iterable[Candidate], taste: Taste, tuning: Tuning, now: Any, chance: random.Random
) -> Iterator[Entry]:
    """Put pictures in order, and give each its reason.

    Args:
        chance: by which those are mixed that are there for no reason.
    """
    fitting: list[_Placed] = []
    unknown: list[_Placed] = []
    newest = ids.floor(now)
    hour = newest - ids.floor(now - timedelta(hours=1))
    for one in pool:
        fit = formula.fit(one.found)
        if fit < 0:
            continue
        age = (newest - one.status_id) / hour
        strongest = max([weight for _, weight in one.found], default=0.0)
        if not (one.followed or one.friends or strongest > 0):
            mixed = chance.random() * (age + 1)
            unknown.append(_Placed(one, -mixed))
            continue
        score = formula.score(
            fit,
            friends=one.friends,
            followed=one.followed,
            age=age,
            follows=tuning.follows,
            fresh=tuning.fresh,
        )
        fitting.append(_reasoned(one, score, strongest, tuning))
    for placed in (fitting, unknown):
        placed.sort(key=lambda one: (one.score, one.candidate.status_id), reverse=True)
    if fitting and tuning.surprise == 0:
        unknown = []
    return (one.entry(taste) for one in _spread(fitting, unknown, tuning.surprise / 100))


def _reasoned(one: Candidate, score: float, strongest: float, tuning: Tuning) -> _Placed:
    """A picture with what speaks for it most.

    Args:
        strongest: of its likings.
    """
    tie = formula.TIE * tuning.follows / 100 if one.followed else -1.0
    friends = formula.FRIENDS * one.friends / (one.friends + 2) if one.friends else -1.0
    if strongest > 0 and strongest / (strongest + formula.ENOUGH) >= max(tie, friends):
        feature = next(key for key, weight in one.found if weight == strongest)
        why = _WHY[feature[0]]
        return _Placed(one, score, why, feature, None if why == "author" else feature)
    return _Placed(one, score, "follow" if tie >= friends else "friends")


def _spread(fitting: list[_Placed], unknown: list[_Placed], share: float) -> Iterator[_Placed]:
    """The best first, so that no maker and no theme has too much of any `SPREAD` in a row, and so
    many are there for no reason as are wanted."""
    before: deque[_Placed] = deque()
    makers: defaultdict[int, int] = defaultdict(int)
    themes: defaultdict[Feature | None, int] = defaultdict(int)

    def pick(waiting: list[_Placed]) -> _Placed | None:
        for place, one in enumerate(waiting):
            if makers[one.candidate.account_id] < formula.AUTHORS and (
                one.theme is None or themes[one.theme] < formula.THEMES
            ):
                return waiting.pop(place)
        return None

    for place in range(LENGTH):
        for_no_reason = int((place + 1) * share) > int(place * share)
        first, second = (unknown, fitting) if for_no_reason else (fitting, unknown)
        lists = [one for one in (first, second) if one]
        if not lists:
            return
        chosen = next((found for one in lists if (found := pick(one))), None)
        if chosen is None:  # only those are left who had enough: better than nothing
            chosen = lists[0].pop(0)
        before.append(chosen)
        makers[chosen.candidate.account_id] += 1
        themes[chosen.theme] += 1
        if len(before) == formula.SPREAD:
            gone = before.popleft()
            makers[gone.candidate.account_id] -= 1
            themes[gone.theme] -= 1
        yield chosen
