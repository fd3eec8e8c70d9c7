"""What a reader likes, by what they did: read from the rows as they stand, and stored nowhere.

A few hundred acts are looked at, on the newest posts of each kind; bookmarks are among them, which
nobody but the reader ever learns of.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, String, bindparam, literal, select, union_all

from fedi.database import Session
from fedi.database.among import among
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

LOOKED_AT = 600  # posts that somebody liked, kept or marked, the newest of each kind
OF_KIND = 120  # of them with pictures that count
OWN = 400  # posts of the reader's own, for what they boosted and remixed
ACTS = 200  # pictures that count at all, by what was done last
MAX_TAGS = 100  # that they follow

_FEATURE, _STATUS = table_of(PictureFeature), table_of(Status)
_MARK, _FOLLOWED = table_of(ForYouMark), table_of(FollowedTag)
_VIEWER: Any = bindparam("viewer", type_=BigInteger)
_PARENT = _STATUS.alias("parent")


@dataclass(slots=True)
class Taste:
    """What somebody likes and does not.

    Attributes:
        likings: by feature.
        acted: the posts that it is read from.
    """

    likings: Mapping[Feature, Liking] = field(default_factory=dict)
    acted: frozenset[int] = frozenset()

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


@dataclass(slots=True)
class _Sum:
    weight: float = 0.0
    posts: int = 0
    acts: set[str] = field(default_factory=set)
    followed: bool = False


async def read(session: Session, reader: Account, chosen: ForYou) -> Taste:
    """What somebody likes, as it stands."""
    acts = await _acts(session, reader, chosen.since)
    sums: defaultdict[Feature, _Sum] = defaultdict(_Sum)
    for kind, value, status_id in await session.execute(_FEATURES, {"ids": list(acts)}):
        said, weight = acts[status_id]
        one = sums[kind, value]
        one.weight += weight
        if said != {"less"}:
            one.posts += 1
            one.acts |= said
    for tag_id in (await session.execute(_TAGS, {"viewer": reader.id})).scalars():
        one = sums[int(Kind.TAG), tag_id]
        one.weight += formula.FOLLOWED_TAG
        one.followed = True
    likings = {
        key: Liking(
            formula.strength(key[0], one.weight), one.posts, frozenset(one.acts), one.followed
        )
        for key, one in sums.items()
        if key != (Kind.AUTHOR, reader.id)
    }
    return Taste(likings, frozenset(acts))


async def _acts(
    session: Session, reader: Account, since: datetime | None
) -> dict[int, tuple[set[str], float]]:
    """What somebody did with which pictures, and what that says by now: the strongest of it, or
    «less like this», which is the last word."""
    found: defaultdict[int, dict[str, float]] = defaultdict(dict)
    last: dict[int, datetime] = {}
    asked = {"viewer": reader.id}
    for act, status_id, when in await session.execute(_acted(), asked):
        moment = when if when.tzinfo else when.replace(tzinfo=UTC)
        if since is not None and moment <= since:
            continue
        found[status_id][act] = formula.faded(act, session.now - moment)
        last[status_id] = max(moment, last.get(status_id, moment))
    kept = sorted(found, key=lambda one: (last[one], one), reverse=True)[:ACTS]
    acts: dict[int, tuple[set[str], float]] = {}
    for status_id in kept:
        said = found[status_id]
        if "less" in said:
            acts[status_id] = ({"less"}, said["less"])
        else:
            acts[status_id] = (set(said), max(said.values()))
    return acts


@cache
def _acted() -> Any:
    """Acts of `viewer` on posts with pictures: what, which, when."""
    return union_all(
        _done("like", Favourite),
        _done("like", Reaction),
        _done("keep", Bookmark),
        _marked("more", of=True),
        _marked("less", of=False),
        _boosted(),
        _remixed(),
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


def _latest(act: str, rows: Any) -> Any:
    query = (
        select(literal(act, String), rows.c.status_id, rows.c.created_at)
        .where(_pictured(rows.c.status_id))
        .order_by(rows.c.status_id.desc())
        .limit(OF_KIND)
        .subquery()
    )
    return select(query)


def _done(act: str, table: type[Favourite | Reaction | Bookmark]) -> Any:
    done = table_of(table)
    rows = select(done.c.status_id, done.c.created_at).where(done.c.account_id == _VIEWER)
    return _latest(act, rows.order_by(done.c.status_id.desc()).limit(LOOKED_AT).subquery())


def _marked(act: str, *, of: bool) -> Any:
    rows = select(_MARK.c.status_id, _MARK.c.created_at).where(
        _MARK.c.account_id == _VIEWER, _MARK.c.more.is_(of)
    )
    return _latest(act, rows.order_by(_MARK.c.status_id.desc()).limit(LOOKED_AT).subquery())


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


_FEATURES: Any = select(_FEATURE.c.kind, _FEATURE.c.value, _FEATURE.c.status_id).where(
    among(_FEATURE.c.status_id, "ids"), _FEATURE.c.kind != EVERY[0]
)
_TAGS: Any = (
    select(_FOLLOWED.c.tag_id)
    .where(_FOLLOWED.c.account_id == _VIEWER)
    .order_by(_FOLLOWED.c.id.desc())
    .limit(MAX_TAGS)
)
