"""What a reader likes, by what they did: read from the rows as they stand, and stored nowhere.

A few hundred acts are looked at, on the newest posts of each kind; bookmarks are among them, which
nobody but the reader ever learns of.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, String, bindparam, func, literal, select, text, union_all

from fedi.database import Session
from fedi.database.insertion import table_of
from fedi.database.tables import (
    Account,
    Bookmark,
    Favourite,
    FollowedTag,
    ForYou,
    ForYouMark,
    PictureFeature,
    Reaction,
    Status,
)
from fedi.social.for_you import formula
from fedi.social.for_you.features import EVERY, Feature, Kind
from fedi.social.for_you.formula import Liking

LOOKED_AT = 400  # posts that somebody liked, kept or marked, the newest of each kind
OF_KIND = 80  # of them with pictures that count
OWN = 200  # posts of the reader's own, for what they boosted and remixed
ACTS = 100  # pictures that count at all, by what was done last
STRONGEST = 40  # features that speak for pictures, and as many that speak against them
MAX_TAGS = 40  # that they follow

_TAG = "tag"  # among the acts: that somebody follows a hashtag
# One number counts all acts: eight bits for each, which is enough for `ACTS` pictures.
_BITS = {act: 1 << 8 * place for place, act in enumerate(formula.ACTS)}

_FEATURE, _STATUS = table_of(PictureFeature), table_of(Status)
_MARK, _FOLLOWED = table_of(ForYouMark), table_of(FollowedTag)
_VIEWER: Any = bindparam("viewer", type_=BigInteger)
_PARENT = _STATUS.alias("parent")


@dataclass(slots=True)
class Taste:
    """What somebody likes and does not.

    Attributes:
        likings: by feature, the strongest.
        done: what they did with which pictures, the latest first, and what that says by now.
    """

    likings: Mapping[Feature, Liking] = field(default_factory=dict)
    done: Mapping[int, tuple[set[str], float]] = field(default_factory=dict)

    @property
    def wanted(self) -> list[Feature]:
        """What speaks for a picture, the strongest first."""
        found = [(one.strength, key) for key, one in self.likings.items() if one.strength > 0]
        return [key for _, key in sorted(found, reverse=True)]

    @property
    def unwanted(self) -> list[Feature]:
        """What speaks against it, the strongest first."""
        found = [(one.strength, key) for key, one in self.likings.items() if one.strength < 0]
        return [key for _, key in sorted(found)]


async def read(session: Session, reader: Account, chosen: ForYou) -> Taste:
    """What somebody likes, as it stands."""
    acts, tags = await _acts(session, reader, chosen.since)
    likings: dict[Feature, Liking] = {}
    rows = [] if not acts else (await _summed(session, acts))
    for kind, value, weight, posts, counts in rows:
        said = {act: many for act, bit in _BITS.items() if (many := counts // bit & 255)}
        liked = posts - said.pop("less", 0)
        likings[kind, value] = Liking(
            formula.strength(kind, weight), weight, liked, frozenset(said)
        )
    for tag_id in tags:
        key = (int(Kind.TAG), tag_id)
        known = likings.get(key, Liking(0.0))
        weight = known.weight + formula.FOLLOWED_TAG
        likings[key] = Liking(
            formula.strength(Kind.TAG, weight), weight, known.posts, known.acts, followed=True
        )
    likings.pop((int(Kind.AUTHOR), reader.id), None)
    return Taste(likings, acts)


async def _summed(session: Session, acts: Mapping[int, tuple[set[str], float]]) -> list[Any]:
    """What all acts together say of each feature: the strongest for it, and against it. The
    database adds it up, because most features come once, and say nothing beside the others."""
    written = [
        {"s": str(status_id), "w": weight, "a": sum(_BITS[act] for act in said)}
        for status_id, (said, weight) in acts.items()
    ]
    statement = _SUMS_SQLITE if session.dialect_name == "sqlite" else _SUMS_POSTGRESQL
    asked = {"acts": json.dumps(written), "most": STRONGEST}
    return list((await session.execute(statement, asked)).all())


async def _acts(
    session: Session, reader: Account, since: datetime | None
) -> tuple[dict[int, tuple[set[str], float]], list[int]]:
    """What somebody did with which pictures, and what that says by now: the strongest of it, or
    «less like this», which is the last word. And the hashtags that they follow."""
    tags: list[int] = []
    found: defaultdict[int, dict[str, float]] = defaultdict(dict)
    last: dict[int, datetime] = {}
    now, asked = session.now, {"viewer": reader.id}
    for act, status_id, when in (await session.execute(_acted(), asked)).all():
        if act == _TAG:
            tags.append(status_id)
            continue
        if since is not None and when <= since:
            continue
        found[status_id][act] = formula.faded(act, now - when)
        last[status_id] = max(when, last.get(status_id, when))
    kept = sorted(found, key=lambda one: (last[one], one), reverse=True)[:ACTS]
    acts: dict[int, tuple[set[str], float]] = {}
    for status_id in kept:
        said = found[status_id]
        if "less" in said:
            acts[status_id] = ({"less"}, said["less"])
        else:
            acts[status_id] = (set(said), max(said.values()))
    return acts, tags


@cache
def _acted() -> Any:
    """Acts of `viewer` on posts with pictures: what, which, when; and what hashtags they follow."""
    return union_all(
        _done("like", Favourite),
        _done("like", Reaction),
        _done("keep", Bookmark),
        _marked("more", of=True),
        _marked("less", of=False),
        _boosted(),
        _remixed(),
        _followed(),
    )


def _pictured(status_id: Any) -> Any:
    return (
        select(_FEATURE.c.status_id)
        .where(
            _FEATURE.c.kind == EVERY[0],
            _FEATURE.c.value == EVERY[1],
            _FEATURE.c.status_id == status_id,
        )
        .exists()
    )


def _latest(act: str, rows: Any, *conditions: Any) -> Any:
    query = (
        select(literal(act, String), rows.c.status_id, rows.c.created_at)
        .where(_pictured(rows.c.status_id), *conditions)
        .order_by(rows.c.status_id.desc())
        .limit(OF_KIND)
        .subquery()
    )
    return select(query)


def _done(act: str, table: type[Favourite | Reaction | Bookmark]) -> Any:
    done = table_of(table)
    return _newest(act, done, lambda rows: rows.c.account_id == _VIEWER)


def _marked(act: str, *, of: bool) -> Any:
    return _newest(act, _MARK, lambda rows: (rows.c.account_id == _VIEWER) & rows.c.more.is_(of))


def _newest(act: str, done: Any, which: Callable[[Any], Any]) -> Any:
    """The newest of a table, by its index: as soon as there are enough with pictures, the rest of
    those that may be looked at is not."""
    passed = done.alias("passed")
    floor = select(passed.c.status_id).where(which(passed)).order_by(passed.c.status_id.desc())
    last = floor.limit(1).offset(LOOKED_AT - 1).scalar_subquery()
    return _latest(act, done, which(done), done.c.status_id >= func.coalesce(last, 0))


def _own() -> Any:
    own = select(
        _STATUS.c.id, _STATUS.c.reblog_of_id, _STATUS.c.based_on_uri, _STATUS.c.created_at
    ).where(_STATUS.c.account_id == _VIEWER, _STATUS.c.deleted_at.is_(None))
    return own.order_by(_STATUS.c.id.desc()).limit(OWN).subquery()


def _boosted() -> Any:
    own = _own()
    rows = select(own.c.reblog_of_id.label("status_id"), own.c.created_at)
    return _latest("boost", rows.where(own.c.reblog_of_id.is_not(None)).subquery())


def _remixed() -> Any:
    own = _own()
    rows = select(_PARENT.c.id.label("status_id"), own.c.created_at).join(
        _PARENT, _PARENT.c.uri == own.c.based_on_uri
    )
    return _latest("remix", rows.where(_PARENT.c.account_id != _VIEWER).subquery())


def _followed() -> Any:
    query = select(literal(_TAG, String), _FOLLOWED.c.tag_id, _FOLLOWED.c.created_at)
    mine = query.where(_FOLLOWED.c.account_id == _VIEWER).order_by(_FOLLOWED.c.id.desc())
    return select(mine.limit(MAX_TAGS).subquery())


# As text: SQLAlchemy has no words for what is made of JSON on both databases.
_SUMS = """
, total AS (
    SELECT f.kind, f.value, SUM(acts.weight) AS weight, COUNT(*) AS posts,
        CAST(SUM(acts.counts) AS bigint) AS counts
    FROM acts JOIN picture_feature f ON f.status_id = acts.status_id AND f.kind > 0
    GROUP BY f.kind, f.value
), ranked AS (SELECT total.*, total.weight * {weights} AS rank FROM total)
SELECT kind, value, weight, posts, counts FROM (
    SELECT * FROM ranked WHERE rank > 0 ORDER BY rank DESC, kind, value LIMIT :most
) AS wanted
UNION ALL SELECT kind, value, weight, posts, counts FROM (
    SELECT * FROM ranked WHERE rank < 0 ORDER BY rank, kind, value LIMIT :most
) AS unwanted
""".format(
    weights="CASE total.kind {} ELSE 1.0 END".format(
        " ".join(f"WHEN {int(kind)} THEN {weight}" for kind, weight in formula.WEIGHTS.items())
    ),
)
_ACTS_SQLITE = """
WITH acts AS MATERIALIZED (
    SELECT CAST(json_extract(one.value, '$.s') AS INTEGER) AS status_id,
        json_extract(one.value, '$.w') AS weight, json_extract(one.value, '$.a') AS counts
    FROM json_each(:acts) AS one
)
"""
_ACTS_POSTGRESQL = """
WITH acts AS MATERIALIZED (
    SELECT CAST(one ->> 's' AS bigint) AS status_id,
        CAST(one ->> 'w' AS double precision) AS weight, CAST(one ->> 'a' AS bigint) AS counts
    FROM json_array_elements(CAST(:acts AS json)) AS one
)
"""
_GIVEN = (bindparam("acts", type_=String), bindparam("most", type_=BigInteger))
_SUMS_SQLITE = text(_ACTS_SQLITE + _SUMS).bindparams(*_GIVEN)
_SUMS_POSTGRESQL = text(_ACTS_POSTGRESQL + _SUMS).bindparams(*_GIVEN)
