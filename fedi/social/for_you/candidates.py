"""Pictures that may be shown to a reader: found by what they like, by whom they follow, and new."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, String, bindparam, exists, func, or_, select, text, union_all

from fedi import ids
from fedi.database import Session
from fedi.database.among import among
from fedi.database.insertion import table_of
from fedi.database.tables import (
    Account,
    Block,
    Bookmark,
    Favourite,
    Follow,
    ForYouMark,
    HomeEntry,
    PictureFeature,
    Status,
)
from fedi.social import labels, mutes
from fedi.social.for_you import formula, likeness
from fedi.social.for_you.choices import Tuning
from fedi.social.for_you.features import EVERY, Feature, Kind
from fedi.social.for_you.taste import Taste
from fedi.social.visibility import HELD

WANTED = 30  # features that pictures are looked for by, the strongest
UNWANTED = 30  # that speak against them
OF_FEATURE = 30  # pictures with one of them, the newest
AT_HOME = 80  # entries of the home timeline, for what those post and boost whom they follow
NEWEST = 80  # pictures at all, for what the reader does not know yet
MOST = 150  # pictures that fit, the best, which are looked at

_FEATURE, _STATUS, _ACCOUNT = table_of(PictureFeature), table_of(Status), table_of(Account)
_HOME, _FOLLOW, _BLOCK = table_of(HomeEntry), table_of(Follow), table_of(Block)
_FAVOURITE, _BOOKMARK, _MARK = table_of(Favourite), table_of(Bookmark), table_of(ForYouMark)
_VIEWER: Any = bindparam("viewer", type_=BigInteger)
_FLOOR: Any = bindparam("floor", type_=BigInteger)


@dataclass(slots=True)
class Candidate:
    """A picture that may be shown.

    Attributes:
        status_id, account_id: of the post and of who made it.
        followed: whether the reader follows them.
        found: the likings that speak for it and against it, by their features.
        friends: how many whom the reader follows liked or boosted it.
    """

    status_id: int
    account_id: int
    followed: bool
    found: list[tuple[Feature, float]] = field(default_factory=list)
    friends: int = 0


async def find(session: Session, reader: Account, tuning: Tuning, taste: Taste) -> list[Candidate]:
    """What may be shown to somebody and is not older than `formula.WINDOW`: public, by somebody who
    wants to be found, not by somebody whom they hide, and nothing that they know already."""
    floor = ids.floor(session.now - formula.WINDOW)
    wanted = taste.wanted[:WANTED]
    having: defaultdict[Feature, list[int]] = defaultdict(list)
    for kind, value, status_id in await _with(session, wanted, floor):
        having[kind, value].append(status_id)
    found: dict[int, list[tuple[Feature, float]]] = {}
    fitting: dict[int, float] = {}
    for key, status_ids in having.items():
        days = (session.now - ids.moment(min(status_ids))) / formula.DAY
        weight = taste.likings[key].strength * formula.rarity(len(status_ids), days)
        said = key, weight
        for status_id in status_ids:
            if status_id in found:
                found[status_id].append(said)
                fitting[status_id] += weight
            else:
                found[status_id], fitting[status_id] = [said], weight
    asked = {"viewer": reader.id, "floor": floor}
    others = (await session.execute(_OTHERS, asked)).scalars().all()
    best = sorted(zip(fitting.values(), fitting, strict=True), reverse=True)[:MOST]
    # What one does not know yet has its place beside what fits, however much that is.
    weighed = {number for _, number in best}.union(number for number in others if number >= floor)
    pool = await _shown(session, reader, tuning, weighed, found)
    by_id = {one.status_id: one for one in pool}
    for kind, value, status_id in await _among(session, taste.unwanted[:UNWANTED], by_id):
        by_id[status_id].found.append(((kind, value), taste.likings[kind, value].strength))
    for status_id, (liked, weight) in (await likeness.near(session, taste, by_id)).items():
        by_id[status_id].found.append(((int(Kind.ALIKE), liked), weight))
    friends = {"viewer": reader.id, "ids": list(by_id)}
    for status_id, count in (await session.execute(_friends(), friends)).all():
        by_id[status_id].friends += count
    return pool


async def _with(session: Session, wanted: Sequence[Feature], floor: int) -> Iterable[Any]:
    """Which pictures have these features: of each the newest."""
    if not wanted:
        return ()
    statement = _WITH_SQLITE if session.dialect_name == "sqlite" else _WITH_POSTGRESQL
    asked = {"wanted": _written(wanted), "floor": floor, "most": OF_FEATURE}
    return (await session.execute(statement, asked)).all()


async def _among(
    session: Session, unwanted: Sequence[Feature], pool: Collection[int]
) -> Iterable[Any]:
    """Which of these pictures have one of these features."""
    if not unwanted or not pool:
        return ()
    statement = _AMONG_SQLITE if session.dialect_name == "sqlite" else _AMONG_POSTGRESQL
    asked = {"wanted": _written(unwanted), "pool": json.dumps(list(pool))}
    return (await session.execute(statement, asked)).all()


def _written(features: Iterable[Feature]) -> str:
    return json.dumps([{"k": int(kind), "v": str(value)} for kind, value in features])


async def _shown(
    session: Session,
    reader: Account,
    tuning: Tuning,
    status_ids: Iterable[int],
    found: Mapping[int, list[tuple[Feature, float]]],
) -> list[Candidate]:
    asked = {"viewer": reader.id, "ids": sorted(status_ids, reverse=True)}
    muted, hidden = await mutes.unwanted(session, reader)
    unheard, domains = set(muted), set(hidden)
    refused = {"hide": True, "only": False}.get(tuning.ai)
    return [
        Candidate(status_id, account_id, bool(followed), found.get(status_id, []))
        for status_id, account_id, ai, domain, warned, followed in (
            await session.execute(_details(), asked)
        ).all()
        if account_id not in unheard
        and domain not in domains
        and (tuning.warned or not warned)
        and (ai in labels.MADE) is not refused
    ]


@cache
def _details() -> Any:
    """Those of `ids` that `viewer` may be shown, and what is asked of them."""
    follow = exists().where(
        _FOLLOW.c.account_id == _VIEWER,
        _FOLLOW.c.target_account_id == _STATUS.c.account_id,
        _FOLLOW.c.state == "accepted",
    )
    blocked = exists().where(
        or_(
            (_BLOCK.c.account_id == _VIEWER) & (_BLOCK.c.target_account_id == _STATUS.c.account_id),
            (_BLOCK.c.account_id == _STATUS.c.account_id) & (_BLOCK.c.target_account_id == _VIEWER),
        )
    )
    boost = _STATUS.alias("boost")
    done = [
        exists().where(table.c.account_id == _VIEWER, table.c.status_id == _STATUS.c.id)
        for table in (_FAVOURITE, _BOOKMARK, _MARK)
    ]
    done.append(
        exists().where(
            boost.c.reblog_of_id == _STATUS.c.id,
            boost.c.account_id == _VIEWER,
            boost.c.deleted_at.is_(None),
        )
    )
    warned = or_(
        _STATUS.c.sensitive.is_(True),
        _STATUS.c.spoiler_text != "",
        _ACCOUNT.c.sensitized_at.is_not(None),
    )
    return (
        select(
            _STATUS.c.id,
            _STATUS.c.account_id,
            _STATUS.c.ai,
            _ACCOUNT.c.domain,
            warned.label("warned"),
            follow.label("followed"),
        )
        .join(_ACCOUNT, _ACCOUNT.c.id == _STATUS.c.account_id)
        .where(
            among(_STATUS.c.id, "ids"),
            _STATUS.c.account_id != _VIEWER,
            # With nothing behind it: SQLite would go by an index of it instead of by the ids.
            (_STATUS.c.visibility + "") == "public",
            _STATUS.c.deleted_at.is_(None),
            _STATUS.c.approval.not_in(HELD),
            _ACCOUNT.c.discoverable.is_(True),
            _ACCOUNT.c.silenced_at.is_(None),
            _ACCOUNT.c.suspended_at.is_(None),
            _ACCOUNT.c.deleted_at.is_(None),
            ~blocked,
            *(~one for one in done),
        )
    )


@cache
def _friends() -> Any:
    """How many whom `viewer` follows liked or boosted each of `ids`. Each picture was liked by few,
    and a reader may follow thousands: the sum keeps SQLite from looking for each of those."""
    followed = select(_FOLLOW.c.target_account_id).where(
        _FOLLOW.c.account_id == _VIEWER, _FOLLOW.c.state == "accepted"
    )
    likes = select(_FAVOURITE.c.status_id, _FAVOURITE.c.account_id).where(
        among(_FAVOURITE.c.status_id, "ids"), (_FAVOURITE.c.account_id + 0).in_(followed)
    )
    boosts = select(_STATUS.c.reblog_of_id, _STATUS.c.account_id).where(
        among(_STATUS.c.reblog_of_id, "ids"),
        (_STATUS.c.account_id + 0).in_(followed),
        _STATUS.c.deleted_at.is_(None),
    )
    both = likes.union(boosts).subquery()  # who did both counts once
    return select(both.c.status_id, func.count()).group_by(both.c.status_id)


def _others() -> Any:
    home = (
        select(_HOME.c.status_id)
        .where(_HOME.c.account_id == _VIEWER)
        .order_by(_HOME.c.status_id.desc())
        .limit(AT_HOME)
        .subquery()
    )
    met = (
        select(_FEATURE.c.status_id)
        .select_from(home)
        .join(_STATUS, _STATUS.c.id == home.c.status_id)
        .join(_FEATURE, _FEATURE.c.status_id == func.coalesce(_STATUS.c.reblog_of_id, _STATUS.c.id))
        .where(_FEATURE.c.kind == EVERY[0], _FEATURE.c.value == EVERY[1])
    )
    newest = (
        select(_FEATURE.c.status_id)
        .where(
            _FEATURE.c.kind == EVERY[0],
            _FEATURE.c.value == EVERY[1],
            _FEATURE.c.status_id >= _FLOOR,
        )
        .order_by(_FEATURE.c.status_id.desc())
        .limit(NEWEST)
        .subquery()
    )
    return union_all(met, select(newest.c.status_id))


_OTHERS: Any = _others()

# As text: SQLAlchemy has no words for what is made of JSON on both databases. For each feature the
# newest pictures with it are one range of the index.
_NEWEST = """
, bounded AS MATERIALIZED (
    SELECT wanted.kind, wanted.value, COALESCE((
        SELECT g.status_id FROM picture_feature g
        WHERE g.kind = wanted.kind AND g.value = wanted.value AND g.status_id >= :floor
        ORDER BY g.status_id DESC LIMIT 1 OFFSET :most - 1
    ), :floor) AS low
    FROM wanted
)
SELECT f.kind, f.value, f.status_id FROM bounded JOIN picture_feature f
    ON f.kind = bounded.kind AND f.value = bounded.value AND f.status_id >= bounded.low
"""
_HAVING = """
SELECT f.kind, f.value, f.status_id FROM wanted JOIN picture_feature f
    ON f.kind = wanted.kind AND f.value = wanted.value
    AND f.status_id IN ({pool})
"""
_SQLITE = """
WITH wanted AS MATERIALIZED (
    SELECT json_extract(one.value, '$.k') AS kind,
        CAST(json_extract(one.value, '$.v') AS INTEGER) AS value
    FROM json_each(:wanted) AS one
)
"""
_POSTGRESQL = """
WITH wanted AS MATERIALIZED (
    SELECT CAST(one ->> 'k' AS integer) AS kind, CAST(one ->> 'v' AS bigint) AS value
    FROM json_array_elements(CAST(:wanted AS json)) AS one
)
"""
_POOL_SQLITE = "SELECT value FROM json_each(:pool)"
_POOL_POSTGRESQL = (
    "SELECT CAST(CAST(one AS text) AS bigint) FROM json_array_elements(CAST(:pool AS json)) AS one"
)
_GIVEN = (
    bindparam("wanted", type_=String),
    bindparam("floor", type_=BigInteger),
    bindparam("most", type_=BigInteger),
)
_WITH_SQLITE = text(_SQLITE + _NEWEST).bindparams(*_GIVEN)
_WITH_POSTGRESQL = text(_POSTGRESQL + _NEWEST).bindparams(*_GIVEN)
_ASKED = (bindparam("wanted", type_=String), bindparam("pool", type_=String))
_AMONG_SQLITE = text(_SQLITE + _HAVING.format(pool=_POOL_SQLITE)).bindparams(*_ASKED)
_AMONG_POSTGRESQL = text(_POSTGRESQL + _HAVING.format(pool=_POOL_POSTGRESQL)).bindparams(*_ASKED)
