"""Posts by their words, their pictures' descriptions, and the prompts that are shared."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, exists, false, func, not_, or_, true
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from fedi.database import Session
from fedi.database.tables import (
    Account,
    Block,
    Favourite,
    MediaAttachment,
    Mention,
    Poll,
    Status,
)
from fedi.social import accounts, hiding
from fedi.social.search import index
from fedi.social.search.asking import Asked, Filter, day, day_after
from fedi.social.visibility import HELD, visible_to

MAX_FOUND = 10_000  # posts with the words that are looked through, the newest
MAX_LOOKED_AT = 10_000  # posts that are looked at where no words and no author are given, likewise
IMAGES, MEDIA = ("image", "gifv"), ("image", "gifv", "video", "audio")
_HAS = {"image": IMAGES, "video": ("video",), "audio": ("audio",), "media": MEDIA}


async def find(
    session: Session,
    viewer: Account | None,
    asked: Asked,
    *,
    limit: int,
    offset: int = 0,
    author: Account | None = None,
    below: int | None = None,
    above: int | None = None,
) -> list[Status]:
    """Posts that somebody may find, the newest first.

    Those are the public ones of authors who want to be found, and what the viewer has to do with:
    what they wrote, what names them, what they like or boosted.

    Without any words there is no index to ask. Nobody finds anything so; accounts do among all
    that an author wrote, or among the newest posts.

    Args:
        viewer: who looks, or nobody.
        asked: what for.
        limit: how many at most.
        offset: how many of the newest are left out.
        author: only what they wrote.
        below, above: only posts with smaller, or larger, ids.
    """
    if asked.nothing or (viewer is None and not asked.terms):
        return []
    dialect = session.get_bind().dialect.name
    query = visible_to(viewer).where(col(Status.reblog_of_id).is_(None), _may_find(viewer))
    if asked.terms:
        found = index.matching(dialect, index.STATUSES, asked.terms, asked.without).subquery()
        newest = select(found.c.id).order_by(found.c.id.desc()).limit(MAX_FOUND)
        query = query.where(col(Status.id).in_(newest))
    else:
        for term in asked.without:
            found = index.matching(dialect, index.STATUSES, [term], ()).subquery()
            query = query.where(~exists().where(found.c.id == col(Status.id)))
        if author is None and not any(one.key == "from" and one.wanted for one in asked.filters):
            query = query.where(col(Status.id) >= _floor(below))
    for entry in asked.filters:
        condition = await _condition(session, viewer, entry)
        query = query.where(condition if entry.wanted else not_(condition))
    if author is not None:
        query = query.where(col(Status.account_id) == author.id)
    if below is not None:
        query = query.where(col(Status.id) < below)
    if above is not None:
        query = query.where(col(Status.id) > above)
    query = query.order_by(col(Status.id).desc()).limit(limit).offset(offset)
    return list((await session.exec(query)).all())


def _floor(below: int | None) -> Any:
    """The id of the oldest post that is looked at where only filters are given."""
    other = aliased(Status)
    query = select(col(other.id)).order_by(col(other.id).desc())
    if below is not None:
        query = query.where(col(other.id) < below)
    return func.coalesce(query.offset(MAX_LOOKED_AT - 1).limit(1).scalar_subquery(), 0)


def _may_find(viewer: Account | None) -> ColumnElement[bool]:
    author = aliased(Account)
    public = (
        (col(Status.visibility) == "public")
        & col(Status.approval).not_in(HELD)
        & exists().where(
            col(author.id) == col(Status.account_id),
            col(author.indexable),
            col(author.silenced_at).is_(None),
        )
    )
    if viewer is None:
        return public
    blocked = exists().where(
        col(Block.account_id) == viewer.id,
        col(Block.target_account_id) == col(Status.account_id),
    )
    return or_(public, _in_library(viewer)) & ~blocked & ~hiding.hides_author(viewer)


def _in_library(viewer: Account) -> ColumnElement[bool]:
    """What somebody has to do with."""
    boost = aliased(Status)
    ties: list[tuple[Any, Any]] = [
        (Mention.status_id, Mention.account_id),
        (Favourite.status_id, Favourite.account_id),
        (boost.reblog_of_id, boost.account_id),
    ]
    return or_(
        col(Status.account_id) == viewer.id,
        *(exists().where(col(tied) == col(Status.id), col(by) == viewer.id) for tied, by in ties),
    )


async def _condition(
    session: Session, viewer: Account | None, entry: Filter
) -> ColumnElement[bool]:
    """What a filter says of a post; one that means nothing finds nothing."""
    value = entry.value.lower()
    match entry.key:
        case "from":
            return await _by(session, viewer, value)
        case "has" if value in _HAS:
            return exists().where(
                col(MediaAttachment.status_id) == col(Status.id),
                col(MediaAttachment.type).in_(_HAS[value]),
            )
        case "has" if value == "poll":
            return exists().where(col(Poll.status_id) == col(Status.id))
        case "is" if value == "reply":
            return col(Status.in_reply_to_uri).is_not(None)
        case "is" if value == "sensitive":
            return col(Status.sensitive).is_(True)
        case "in" if value == "library":
            return _in_library(viewer) if viewer is not None else false()
        case "in" if value == "public":
            return col(Status.visibility) == "public"
        case "in" if value == "all":
            return true()
        case "language":
            return col(Status.language) == value
        case "before":
            return col(Status.created_at) < day(value)
        case "after":
            return col(Status.created_at) >= day_after(value)
        case "during":
            return (col(Status.created_at) >= day(value)) & (
                col(Status.created_at) < day_after(value)
            )
        case _:
            return false()


async def _by(session: Session, viewer: Account | None, name: str) -> ColumnElement[bool]:
    if name == "me":
        return col(Status.account_id) == viewer.id if viewer is not None else false()
    account = await accounts.by_handle(session, name.removeprefix("@"))
    return col(Status.account_id) == account.id if account is not None else false()
