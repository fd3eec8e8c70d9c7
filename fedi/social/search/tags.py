"""Hashtags by how they begin."""

from __future__ import annotations

from sqlalchemy import case, func
from sqlmodel import col, select

from fedi.database import Session
from fedi.database.tables import StatusTag, Tag
from fedi.social.text import normal_tag

CANDIDATES = 200  # tags that are put in order by how often they were used, the shortest
_LAST = "\U0010ffff"  # sorts behind whatever a tag goes on with


async def find(session: Session, text: str, *, limit: int, offset: int = 0) -> list[Tag]:
    """Hashtags that begin like a query: that very one first, then those that are used most.

    Args:
        text: with or without '#'; of several words the first.
        limit, offset: how many, and how many of the first are left out.
    """
    name = normal_tag(next(iter(text.split()), ""))
    if not name:
        return []
    candidates = (
        select(Tag.id)
        .where(col(Tag.name) >= name, col(Tag.name) < name + _LAST)
        .order_by(func.length(Tag.name))
        .limit(CANDIDATES)
    )
    uses = (
        select(func.count())
        .select_from(StatusTag)
        .where(col(StatusTag.tag_id) == col(Tag.id))
        .scalar_subquery()
    )
    query = (
        select(Tag)
        .where(col(Tag.id).in_(candidates))
        .order_by(case((col(Tag.name) == name, 0), else_=1), uses.desc(), col(Tag.name))
    )
    return list((await session.exec(query.limit(limit).offset(offset))).all())
