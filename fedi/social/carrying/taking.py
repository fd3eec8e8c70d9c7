"""Lists of what somebody follows, blocks, mutes, hides and keeps, page by page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from sqlmodel import col, select

from fedi.database import Database, Session
from fedi.database.tables import (
    Account,
    AccountDomainBlock,
    Block,
    Bookmark,
    Follow,
    ListMember,
    Mute,
    Status,
    UserList,
)
from fedi.social.carrying.sheets import HEADERS, Kind, written
from fedi.social.follows import ACCEPTED
from fedi.social.visibility import visible_to

PAGE = 500  # rows that are in memory at once


def full_handle(session: Session, account: Account) -> str:
    """`user@host`, for accounts of this instance too."""
    return f"{account.username}@{account.domain or session.instance.domain}"


async def export(database: Database, account: Account, kind: Kind) -> AsyncIterator[str]:
    """A list as Mastodon writes it, in pieces.

    Args:
        database: read a page at a time, so that nothing is held for long.
        account: whose list.
        kind: which.
    """
    if kind in HEADERS:
        yield written([HEADERS[kind]])
    last, query, cells = 0, _query(account, kind), _CELLS[kind]
    while True:
        async with database.read() as session:
            rows = (await session.execute(query(last).limit(PAGE))).all()
            yield written([cells(session, row) for row in rows])
        if len(rows) < PAGE:
            return
        last = rows[-1][0]


def _query(account: Account, kind: Kind) -> Callable[[int], Any]:
    """The rows of a list behind an id: the id, and what the line says."""

    def tied(table: Any, *columns: Any) -> Any:
        return (
            select(col(table.id), Account, *columns)
            .join(Account, col(Account.id) == col(table.target_account_id))
            .where(table.account_id == account.id, col(Account.deleted_at).is_(None))
            .order_by(col(table.id))
        )

    match kind:
        case "follows":
            query = tied(Follow, Follow.reblogs, Follow.notify, Follow.languages)
            query, key = query.where(Follow.state == ACCEPTED), col(Follow.id)
        case "lists":
            key = col(ListMember.id)
            query = (
                select(key, Account, UserList.title)
                .join(Account, col(Account.id) == col(ListMember.account_id))
                .join(UserList, col(UserList.id) == col(ListMember.list_id))
                .where(UserList.account_id == account.id, col(Account.deleted_at).is_(None))
                .order_by(key)
            )
        case "blocks":
            query, key = tied(Block), col(Block.id)
        case "mutes":
            query, key = tied(Mute, Mute.notifications), col(Mute.id)
        case "domains":
            key = col(AccountDomainBlock.id)
            query = (
                select(key, AccountDomainBlock.domain)
                .where(AccountDomainBlock.account_id == account.id)
                .order_by(key)
            )
        case "bookmarks":
            key = col(Bookmark.id)
            query = (
                visible_to(account)
                .join(Bookmark, col(Bookmark.status_id) == col(Status.id))
                .where(Bookmark.account_id == account.id)
                .with_only_columns(key, col(Status.uri))
                .order_by(key)
            )
    return lambda last: query.where(key > last)


def _about(session: Session, row: Any) -> list[object]:
    return [full_handle(session, row[1]), *row[2:]]


def _of_follow(session: Session, row: Any) -> list[object]:
    *rest, languages = _about(session, row)
    return [*rest, ", ".join(languages) if isinstance(languages, list) else None]


_CELLS: dict[Kind, Callable[[Session, Any], Sequence[object]]] = {
    "follows": _of_follow,
    "lists": lambda session, row: [row[2], full_handle(session, row[1])],
    "blocks": _about,
    "mutes": _about,
    "domains": lambda _, row: [row[1]],
    "bookmarks": lambda _, row: [row[1]],
}
