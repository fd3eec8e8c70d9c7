"""Hashtags by how they begin."""

from __future__ import annotations

from sqlalchemy import ColumnElement, case, exists, func, or_
from sqlmodel import col, select

from fedi.database import Session
from fedi.database.tables import FeaturedTag, Status, StatusTag, Tag
from fedi.social.text import normal_tag
from fedi.social.trends.subjects import by_somebody_open, for_everybody

MAX_LOOKED_AT = 1000  # tags with that beginning, the shortest
CANDIDATES = 200  # of them, those that are put in order by how often they were used
MAX_USES = 500  # of each, the newest: a use takes a look at its post and author
_LAST = "\U0010ffff"  # sorts behind whatever a tag goes on with


async def find(session: Session, text: str, *, limit: int, offset: int = 0) -> list[Tag]:
    """Hashtags that begin like a query: that very one first, then those that are used most.

    Only those that somebody used in public, or shows on their profile: others would tell what is
    in posts that are not for everybody.

    Args:
        text: with or without '#'; of several words the first.
        limit, offset: how many, and how many of the first are left out.
    """
    name = normal_tag(next(iter(text.split()), ""))
    if not name:
        return []
    begun = (
        select(Tag.id)
        .where(col(Tag.name) >= name, col(Tag.name) < name + _LAST)
        .order_by(func.length(Tag.name))
        .limit(MAX_LOOKED_AT)
    )
    candidates = (
        select(Tag.id)
        .where(col(Tag.id).in_(begun), _known())
        .order_by(func.length(Tag.name))
        .limit(CANDIDATES)
    )
    newest = (
        select(StatusTag.status_id)
        .where(col(StatusTag.tag_id) == col(Tag.id))
        .order_by(col(StatusTag.status_id).desc())
        .limit(MAX_USES)
        .correlate(Tag)
        .subquery()
    )
    uses = (
        select(func.count())
        .select_from(newest)
        .join(Status, col(Status.id) == newest.c.status_id)
        .where(*for_everybody())
        .scalar_subquery()
    )
    query = (
        select(Tag)
        .where(col(Tag.id).in_(candidates))
        .order_by(case((col(Tag.name) == name, 0), else_=1), uses.desc(), col(Tag.name))
    )
    return list((await session.exec(query.limit(limit).offset(offset))).all())


def _known() -> ColumnElement[bool]:
    """Whether everybody may know of a hashtag."""
    return or_(
        exists()
        .where(
            col(StatusTag.tag_id) == col(Tag.id),
            col(Status.id) == col(StatusTag.status_id),
            *for_everybody(),
        )
        .correlate(Tag),
        exists()
        .where(
            col(FeaturedTag.tag_id) == col(Tag.id),
            by_somebody_open(col(FeaturedTag.account_id)),
        )
        .correlate(Tag),
    )
