"""Whom and what somebody does not want to see or hear of. Nobody is told, and no tie is cut."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    String,
    bindparam,
    delete,
    literal,
    or_,
    union_all,
)
from sqlmodel import col, select

from fedi.database import Session, Transaction
from fedi.database.insertion import insert_into, insert_new, table_of
from fedi.database.tables import Account, AccountDomainBlock, Mute, Status, ThreadMute
from fedi.database.tables.columns import UTCDateTime
from fedi.social import paging
from fedi.social.errors import Invalid
from fedi.social.paging import Page

_MUTES, _HIDDEN = table_of(Mute).c, table_of(AccountDomainBlock).c
_UNWANTED = union_all(
    sqlalchemy.select(_MUTES.target_account_id, literal(None, String)).where(
        _MUTES.account_id == bindparam("viewer"),
        or_(_MUTES.expires_at.is_(None), _MUTES.expires_at > bindparam("now", type_=UTCDateTime)),
    ),
    sqlalchemy.select(literal(0, BigInteger), _HIDDEN.domain).where(
        _HIDDEN.account_id == bindparam("viewer")
    ),
)


def lasting(now: datetime) -> ColumnElement[bool]:
    """A mute that has not ended."""
    return or_(col(Mute.expires_at).is_(None), col(Mute.expires_at) > now)


async def add(
    tx: Transaction,
    account: Account,
    target: Account,
    *,
    notifications: bool = True,
    expires_at: datetime | None = None,
) -> None:
    """See no posts of somebody any more; muted again, it is as it is said now.

    Args:
        account: who mutes.
        target: whom.
        notifications: whether to hear nothing of them, either.
        expires_at: until when; None: for good.

    Raises:
        Invalid: it is themselves.
    """
    if account.id == target.id:
        raise Invalid("Nobody can mute themselves.")
    said = {"notifications": notifications, "expires_at": expires_at}
    insert = insert_into(tx, Mute).values(
        id=tx.new_id(),
        account_id=account.id,
        target_account_id=target.id,
        created_at=tx.now,
        **said,
    )
    await tx.execute(
        insert.on_conflict_do_update(index_elements=["account_id", "target_account_id"], set_=said)
    )


async def remove(tx: Transaction, account: Account, target: Account) -> None:
    """See them again; nothing happens if they were not muted."""
    await tx.execute(
        delete(Mute).where(
            col(Mute.account_id) == account.id, col(Mute.target_account_id) == target.id
        )
    )


async def listed(session: Session, account: Account, page: Page) -> list[tuple[Mute, Account]]:
    """Whom somebody mutes, the last one first."""
    query = (
        select(Mute, Account)
        .join(Account, col(Account.id) == col(Mute.target_account_id))
        .where(
            Mute.account_id == account.id,
            lasting(session.now),
            col(Account.deleted_at).is_(None),
        )
    )
    rows = await paging.rows(session, query, page, col(Mute.id))
    return [(mute, other) for mute, other in rows]


async def unwanted(session: Session, viewer: Account) -> tuple[list[int], list[str]]:
    """Whom somebody mutes, by id, and which domains they hide: asked for with every page."""
    rows = await session.execute(_UNWANTED, {"viewer": viewer.id, "now": session.now})
    muted: list[int] = []
    hidden: list[str] = []
    for account_id, domain in rows:
        if domain is None:
            muted.append(account_id)
        else:
            hidden.append(domain)
    return muted, hidden


async def mute_thread(tx: Transaction, account: Account, status: Status) -> None:
    """Hear no more of the thread of a post."""
    if status.context_uri is None:
        raise Invalid("That post is in no thread.")
    row = {"account_id": account.id, "context_uri": status.context_uri, "created_at": tx.now}
    await insert_new(tx, ThreadMute, row)


async def unmute_thread(tx: Transaction, account: Account, status: Status) -> None:
    """Hear of it again."""
    await tx.execute(
        delete(ThreadMute).where(
            col(ThreadMute.account_id) == account.id,
            col(ThreadMute.context_uri) == status.context_uri,
        )
    )
