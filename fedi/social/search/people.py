"""People by name and handle."""

from __future__ import annotations

from sqlalchemy import case, exists, or_
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from fedi.database import Session
from fedi.database.tables import Account, Block, Follow
from fedi.social import hiding
from fedi.social.search import index
from fedi.social.search.asking import MAX_QUERY, MAX_TERMS, Term
from fedi.social.search.words import words

MAX_FOUND = 5000  # accounts with the words that are put in order, those that came last


async def find(
    session: Session,
    viewer: Account | None,
    text: str,
    *,
    limit: int,
    offset: int = 0,
    following: bool = False,
) -> list[Account]:
    """Accounts whose handle or name has words that begin like those of a query.

    The one with just that handle comes first, then those whom the viewer follows, then those whom
    most follow. Who does not want to be discovered, or was silenced, is only found by the whole
    handle and by those who follow them; whose domain the viewer hides, not at all.

    Args:
        viewer: who looks, or nobody.
        text: what for: words, or a handle.
        limit, offset: how many, and how many of the first are left out.
        following: only those whom the viewer follows.
    """
    asked = words(text[:MAX_QUERY], stem=False)[:MAX_TERMS]
    if not asked:
        return []
    dialect = session.get_bind().dialect.name
    terms = [Term((word,), begins=True) for word in asked]
    found = index.matching(dialect, index.ACCOUNTS, terms, ()).subquery()
    latest = select(found.c.id).order_by(found.c.id.desc()).limit(MAX_FOUND)
    follow = aliased(Follow)
    followed = (
        exists().where(
            col(follow.target_account_id) == col(Account.id),
            col(follow.account_id) == viewer.id,
            col(follow.state) == "accepted",
        )
        if viewer is not None
        else None
    )
    handle = text.strip().lower().removeprefix("@")
    exact = or_(col(Account.handle) == handle, col(Account.username) == handle)
    open_to_all = col(Account.discoverable) & col(Account.silenced_at).is_(None)
    query = select(Account).where(
        col(Account.id).in_(latest),
        col(Account.deleted_at).is_(None),
        col(Account.suspended_at).is_(None),
        or_(open_to_all, col(Account.handle) == handle, *([] if followed is None else [followed])),
    )
    order = [case((col(Account.handle) == handle, 0), (exact, 1), else_=2)]
    if viewer is not None and followed is not None:
        blocked = exists().where(
            or_(
                (col(Block.account_id) == viewer.id)
                & (col(Block.target_account_id) == col(Account.id)),
                (col(Block.account_id) == col(Account.id))
                & (col(Block.target_account_id) == viewer.id),
            )
        )
        query = query.where(~blocked, ~hiding.hides(viewer))
        order.append(case((followed, 0), else_=1))
        if following:
            query = query.where(followed)
    elif following:
        return []
    query = query.order_by(*order, col(Account.followers_count).desc(), col(Account.id))
    return list((await session.exec(query.limit(limit).offset(offset))).all())
