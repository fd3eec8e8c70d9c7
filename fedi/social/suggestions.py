"""Whom somebody may want to follow: whom those follow whom they follow, and who posts here."""

from __future__ import annotations

from typing import Any, Literal

from sqlalchemy import ColumnElement, exists, func, or_
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from fedi.database import Session, Transaction
from fedi.database.insertion import insert_new
from fedi.database.tables import Account, Block, DismissedSuggestion, Follow, Mute
from fedi.social import hiding
from fedi.social.accounts import is_person

Why = Literal["friends_of_friends", "most_followed"]

MAX_FOLLOWED = 200  # of those whom somebody follows, the latest, whose follows are looked at


async def of_account(session: Session, account: Account, limit: int) -> list[tuple[Account, Why]]:
    """People whom an account does not follow yet, the likeliest first, and why they are named."""
    found: dict[int, tuple[Account, Why]] = {}
    for row in await _friends_of_friends(session, account, limit):
        found[row.id] = row, "friends_of_friends"
    if len(found) < limit:
        for row in await _active_here(session, account, limit):
            found.setdefault(row.id, (row, "most_followed"))
    people = [pair for pair in found.values() if is_person(pair[0])]
    return people[:limit]


async def dismiss(tx: Transaction, account: Account, target_id: int) -> None:
    """Name somebody no more."""
    if await tx.get(Account, target_id) is not None:
        row = {"account_id": account.id, "target_account_id": target_id}
        await insert_new(tx, DismissedSuggestion, row)


async def _friends_of_friends(session: Session, account: Account, limit: int) -> list[Account]:
    followed = (
        select(Follow.target_account_id)
        .join(Account, col(Account.id) == col(Follow.target_account_id))
        .where(
            Follow.account_id == account.id,
            Follow.state == "accepted",
            col(Account.hide_collections).is_(False),  # whom they follow is theirs to know
        )
        .order_by(col(Follow.id).desc())
        .limit(MAX_FOLLOWED)
    )
    counted = (
        select(col(Follow.target_account_id).label("id"), func.count().label("times"))
        .where(col(Follow.account_id).in_(followed), Follow.state == "accepted")
        .group_by(col(Follow.target_account_id))
        .subquery()
    )
    query = (
        select(Account)
        .join(counted, counted.c.id == col(Account.id))
        .where(*_worth_naming(account))
        .order_by(counted.c.times.desc(), col(Account.followers_count).desc(), col(Account.id))
        .limit(limit)
    )
    return list((await session.exec(query)).all())


async def _active_here(session: Session, account: Account, limit: int) -> list[Account]:
    query = (
        select(Account)
        .where(
            col(Account.domain).is_(None),
            col(Account.last_status_at).is_not(None),
            *_worth_naming(account),
        )
        .order_by(col(Account.followers_count).desc(), col(Account.last_status_at).desc())
        .limit(limit)
    )
    return list((await session.exec(query)).all())


def _worth_naming(account: Account) -> list[ColumnElement[bool]]:
    """Somebody who wants to be found, and to whom the account has no tie."""
    tied: list[Any] = [Follow, Mute, DismissedSuggestion, Block]
    ours = [
        ~exists().where(
            col(table.account_id) == account.id,
            col(table.target_account_id) == col(Account.id),
        )
        for table in tied
    ]
    block = aliased(Block)
    blocked = exists().where(
        col(block.account_id) == col(Account.id), col(block.target_account_id) == account.id
    )
    return [
        col(Account.id) != account.id,
        *findable(),
        or_(col(Account.moved_to_uri).is_(None), col(Account.moved_to_uri) == ""),
        *ours,
        ~blocked,
        ~hiding.hides(account),
    ]


def findable() -> list[ColumnElement[bool]]:
    """People who are there, and let themselves be shown to those who did not ask for them."""
    return [
        col(Account.discoverable).is_(True),
        col(Account.actor_type) != "Application",
        col(Account.deleted_at).is_(None),
        col(Account.suspended_at).is_(None),
        col(Account.silenced_at).is_(None),
    ]


async def directory(
    session: Session,
    viewer: Account | None,
    *,
    limit: int,
    offset: int,
    local: bool,
    newest: bool,
) -> list[Account]:
    """People who want to be found: those who posted last, or those who came last.

    Args:
        local: of this instance alone.
        newest: by when they came.
    """
    query = select(Account).where(*findable())
    if local:
        query = query.where(col(Account.domain).is_(None))
    if viewer is not None:
        blocked = exists().where(
            or_(
                (col(Block.account_id) == viewer.id)
                & (col(Block.target_account_id) == col(Account.id)),
                (col(Block.account_id) == col(Account.id))
                & (col(Block.target_account_id) == viewer.id),
            )
        )
        query = query.where(~blocked, ~hiding.hides(viewer))
    if newest:
        query = query.order_by(col(Account.id).desc())
    else:
        query = query.order_by(
            col(Account.last_status_at).is_(None),
            col(Account.last_status_at).desc(),
            col(Account.id).desc(),
        )
    return list((await session.exec(query.limit(limit).offset(offset))).all())
