"""What came in for an account, told from the rows that it became here.

What others send is done and not kept: a Create is a post in the account's home, or one that names
it; a Like, a boost or a reaction is a notification; a Follow is a follow. What means nothing here
is kept as it came (`social.extensions`). So an inbox shows what is still so: what was taken back or
deleted, or is by somebody who was blocked since, is in it no more.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, union
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from fedi.database import Session
from fedi.database.tables import (
    Account,
    Favourite,
    Follow,
    HomeEntry,
    InboxActivity,
    Notification,
    Reaction,
    Status,
)
from fedi.social import extensions, posts
from fedi.social.posts import Post
from fedi.social.visibility import visible_to

# Of whose notifications the post itself came in.
POSTS = ("mention", "status", "quote", "remix")


@dataclass(frozen=True, slots=True)
class Done:
    """What somebody did to a post of the account, or to the account.

    Attributes:
        row: the like, the reaction or the follow.
        actor: who did it.
        status_uri: the post; nothing, for a follow.
    """

    row: Favourite | Reaction | Follow
    actor: Account
    status_uri: str = ""


Came = Post | Done | InboxActivity


def arrived(account: Account) -> list[Any]:
    """SELECTs of the posts and boosts that came in: those at home by others, those of which it was
    told, and boosts of its own. One may be in several."""
    told = (col(Notification.account_id) == account.id) & ~col(Notification.filtered)
    theirs = col(Status.account_id) == col(Notification.from_account_id)
    return [
        visible_to(account)
        .join(HomeEntry, col(HomeEntry.status_id) == col(Status.id))
        .where(col(HomeEntry.account_id) == account.id, col(Status.account_id) != account.id),
        visible_to(account)
        .join(Notification, col(Notification.status_id) == col(Status.id))
        .where(told, theirs, col(Notification.type).in_(POSTS)),
        visible_to(account)
        .join(Notification, col(Notification.status_id) == col(Status.reblog_of_id))
        .where(told, theirs, col(Notification.type) == "reblog"),
    ]


def keys(account: Account, *, after: int = 0, also: Collection[int] = ()) -> Any:
    """A SELECT of the ids of all that came in, each once: of posts and boosts, of notifications of
    likes and reactions, of follows, and of what means nothing here.

    Args:
        after: only what is newer than this id,
        also: and the posts with these.
    """
    newer = col(Status.id) > after
    if also:
        newer |= col(Status.id).in_(also)
    parts = [
        query.where(newer).with_only_columns(col(Status.id).label("key"))
        for query in arrived(account)
    ]
    likes = select(col(Notification.id)).where(
        col(Notification.account_id) == account.id,
        ~col(Notification.filtered),
        col(Notification.type).in_(("favourite", "reaction")),
        col(Notification.id) > after,
    )
    follows = select(col(Follow.id)).where(
        col(Follow.target_account_id) == account.id, col(Follow.id) > after
    )
    others = extensions.arrived(account).where(col(InboxActivity.id) > after)
    return union(*parts, likes, follows, others.with_only_columns(col(InboxActivity.id)))


async def load(session: Session, account: Account, wanted: Collection[int]) -> Mapping[int, Came]:
    """What came in, by its ids; what is there no more is left out."""
    found: dict[int, Came] = {}
    if not wanted:
        return found
    seen = await session.exec(visible_to(account).where(col(Status.id).in_(wanted)))
    for post in await posts.assemble(session, seen.all(), account):
        found[post.status.id] = post
    for table, kind in ((Favourite, "favourite"), (Reaction, "reaction")):
        found |= await _likes(session, table, _told(account, wanted, kind))
    rows: Any = await session.exec(
        select(Follow, Account)
        .join(Account, col(Account.id) == col(Follow.account_id))
        .where(col(Follow.target_account_id) == account.id, col(Follow.id).in_(wanted))
    )
    found |= {follow.id: Done(follow, actor) for follow, actor in rows}
    others = extensions.arrived(account).where(col(InboxActivity.id).in_(wanted))
    return found | {row.id: row for row in (await session.exec(others)).all()}


def _told(account: Account, wanted: Collection[int], kind: str) -> ColumnElement[bool]:
    return (
        (col(Notification.account_id) == account.id)
        & (col(Notification.type) == kind)
        & col(Notification.id).in_(wanted)
    )


async def _likes(session: Session, table: Any, told: ColumnElement[bool]) -> dict[int, Came]:
    """The newest like or reaction by each who is told of."""
    liked = aliased(Status)
    columns: Any = (Notification.id, table, Account, liked.uri)
    rows: Any = await session.exec(
        select(*columns)
        .join(
            table,
            (table.status_id == col(Notification.status_id))
            & (table.account_id == col(Notification.from_account_id)),
        )
        .join(Account, col(Account.id) == table.account_id)
        .join(liked, col(liked.id) == table.status_id)
        .where(told)
        .order_by(table.id)
    )
    return {number: Done(row, actor, uri) for number, row, actor, uri in rows}
