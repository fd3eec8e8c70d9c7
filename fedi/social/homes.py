"""Homes, written when a post arrives, so that reading one is one index range (`timelines.home`)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import Any, Protocol

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    String,
    bindparam,
    cast,
    delete,
    exists,
    literal,
    or_,
    union,
)
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from fedi import ids
from fedi.database import Transaction
from fedi.database.insertion import insert_on, table_of
from fedi.database.tables import (
    Account,
    Block,
    Follow,
    FollowedTag,
    HomeEntry,
    Mention,
    Status,
    StatusTag,
)
from fedi.social.paging import MAX_PAGE

HOME_LENGTH = 800  # posts that a home timeline keeps, as Mastodon's
TRIM_EVERY = 64  # one post in so many trims the homes that it went to


class Placed(Protocol):
    """What decides into whose home a status goes."""

    @property
    def id(self) -> int: ...
    @property
    def account_id(self) -> int: ...
    @property
    def visibility(self) -> str: ...
    @property
    def in_reply_to_uri(self) -> str | None: ...
    @property
    def in_reply_to_account_id(self) -> int | None: ...
    @property
    def language(self) -> str | None: ...


async def distribute(tx: Transaction, status: Status, original: Status | None = None) -> None:
    """Write a new post into the homes of those who should see it there.

    Args:
        status: the post, or the boost.
        original: for a boost, what it boosts.
    """
    boosted = {"original": original.account_id if original is not None else None}
    statement = _statement(tx, status, boost=original is not None)
    await tx.execute_core(statement, _values(status) | boosted)
    if status.id % TRIM_EVERY == 0:
        await _trim(tx, status.id)


async def distribute_all(tx: Transaction, statuses: Iterable[Placed]) -> None:
    """`distribute` for many posts, in few statements."""
    alike: dict[Any, list[dict[str, Any]]] = {}
    for status in statuses:
        statement = _statement(tx, status, boost=False)
        alike.setdefault(statement, []).append(_values(status) | {"original": None})
    for statement, rows in alike.items():
        await tx.execute_core(statement, rows)
        for row in rows:
            if row["status"] % TRIM_EVERY == 0:
                await _trim(tx, row["status"])


def _values(status: Placed) -> dict[str, Any]:
    return {
        "status": status.id,
        "author": status.account_id,
        "answered": status.in_reply_to_account_id,
        "language": status.language,
    }


def _statement(tx: Transaction, status: Placed, *, boost: bool) -> Any:
    answered = status.in_reply_to_account_id
    return _entries(
        tx.dialect_name,
        direct=status.visibility == "direct",
        # An answer to what is not there yet goes into homes when that comes (`receiving`).
        waiting=status.in_reply_to_uri is not None and answered is None,
        answer=answered is not None and answered != status.account_id,
        boost=boost,
        public=status.visibility == "public" and not boost,
    )


@cache
def _entries(
    dialect: str, *, direct: bool, waiting: bool, answer: bool, boost: bool, public: bool
) -> Any:
    """Write entries for those whose home a post goes to: the author's own, their local followers',
    and those of who follows one of its hashtags. Made once for each kind of post."""
    status = bindparam("status", type_=BigInteger)
    people, follows, mentions = (table_of(table) for table in (Account, Follow, Mention))
    author = select(people.c.id, status).where(
        people.c.id == bindparam("author"), people.c.domain.is_(None)
    )
    following = (
        select(follows.c.account_id, status)
        .join(people, people.c.id == follows.c.account_id)
        .where(
            follows.c.target_account_id == bindparam("author"),
            follows.c.state == "accepted",
            people.c.domain.is_(None),
            understood(follows.c.languages, bindparam("language", type_=String)),
        )
    )
    if direct:
        named = exists().where(
            mentions.c.status_id == status, mentions.c.account_id == follows.c.account_id
        )
        following = following.where(named)
    if waiting:
        following = following.where(literal(False))
    elif answer:
        # A conversation with somebody the reader does not follow is not for the reader's home.
        other = follows.alias()
        following = following.where(
            or_(
                follows.c.account_id == bindparam("answered"),
                exists().where(
                    other.c.account_id == follows.c.account_id,
                    other.c.target_account_id == bindparam("answered"),
                    other.c.state == "accepted",
                ),
            )
        )
    if boost:
        original = bindparam("original", type_=BigInteger)
        following = following.where(
            ~_blocked(follows.c.account_id, original),
            follows.c.account_id != original,
            follows.c.reblogs,
        )
    entries = insert_on(dialect, HomeEntry).from_select(
        ["account_id", "status_id"],
        union(author, following, *([_by_tag(status)] if public else [])),
    )
    return entries.on_conflict_do_nothing()


def understood(languages: Any, language: Any) -> ColumnElement[bool]:
    """Whether somebody who follows an author in some languages (all, if there are none) wants a
    post in this one. What does not say its language, as boosts do not, they want."""
    wanted = cast(languages, String)
    return or_(
        wanted.is_(None),
        wanted == "null",  # not as a list of both: that is no statement for many posts at once
        wanted == "[]",
        language.is_(None),
        wanted.like(literal('%"', String) + language + literal('"%', String)),
    )


def _by_tag(status: Any) -> Any:
    """Those who follow a hashtag of a public post."""
    people, followed, tags = (table_of(table) for table in (Account, FollowedTag, StatusTag))
    author: Any = bindparam("author")
    silenced = exists().where(people.c.id == author, people.c.silenced_at.is_not(None))
    return (
        select(followed.c.account_id, status)
        .join(tags, tags.c.tag_id == followed.c.tag_id)
        .where(
            tags.c.status_id == status,
            followed.c.account_id != author,
            ~_blocked(followed.c.account_id, author),
            ~silenced,
        )
    )


def _blocked(reader: Any, other: Any) -> ColumnElement[bool]:
    blocks = table_of(Block).c
    return exists().where(
        or_(
            (blocks.account_id == reader) & (blocks.target_account_id == other),
            (blocks.account_id == other) & (blocks.target_account_id == reader),
        )
    )


async def catch_up(tx: Transaction, reader_id: int, author_id: int, since: datetime) -> None:
    """Write into a home what somebody posted while their answer to the follow was on its way."""
    statuses, follows = table_of(Status).c, table_of(Follow).c
    came = (
        select(literal(reader_id, BigInteger), statuses.id)
        .join(Follow, follows.target_account_id == statuses.account_id)
        .where(
            statuses.account_id == author_id,
            follows.account_id == reader_id,
            understood(follows.languages, statuses.language),
            statuses.id >= ids.floor(since),
            statuses.deleted_at.is_(None),
            statuses.visibility != "direct",
            or_(
                statuses.in_reply_to_uri.is_(None),
                statuses.in_reply_to_account_id == statuses.account_id,
            ),
        )
        .order_by(statuses.id.desc())
        .limit(MAX_PAGE)
    )
    entries = insert_on(tx.dialect_name, HomeEntry).from_select(["account_id", "status_id"], came)
    await tx.execute_core(entries.on_conflict_do_nothing())


async def _trim(tx: Transaction, status_id: int) -> None:
    readers = select(col(HomeEntry.account_id)).where(HomeEntry.status_id == status_id)
    kept = aliased(HomeEntry)
    oldest_kept = (
        select(col(kept.status_id))
        .where(col(kept.account_id) == col(HomeEntry.account_id))
        .order_by(col(kept.status_id).desc())
        .limit(1)
        .offset(HOME_LENGTH - 1)
        .correlate(HomeEntry)
        .scalar_subquery()
    )
    await tx.execute(
        delete(HomeEntry)
        .where(col(HomeEntry.account_id).in_(readers), col(HomeEntry.status_id) < oldest_kept)
        .execution_options(synchronize_session=False)
    )


async def withdraw(tx: Transaction, status_id: int) -> None:
    """Take a post, and every boost of it, out of all homes."""
    boosts = select(col(Status.id)).where(Status.reblog_of_id == status_id)
    await tx.execute(
        delete(HomeEntry)
        .where(or_(col(HomeEntry.status_id) == status_id, col(HomeEntry.status_id).in_(boosts)))
        .execution_options(synchronize_session=False)
    )


async def forget(tx: Transaction, reader_id: int, author_id: int) -> None:
    """Take out of a home what an account posted and boosted."""
    theirs = select(col(Status.id)).where(Status.account_id == author_id)
    await _remove(tx, reader_id, theirs)


async def forget_boosts_of(tx: Transaction, reader_id: int, author_id: int) -> None:
    """Take out of a home what others boosted of an account's."""
    original = aliased(Status)
    boosts = (
        select(col(Status.id))
        .join(original, col(original.id) == col(Status.reblog_of_id))
        .where(original.account_id == author_id)
    )
    await _remove(tx, reader_id, boosts)


async def _remove(tx: Transaction, reader_id: int, statuses: Any) -> None:
    await tx.execute(
        delete(HomeEntry)
        .where(col(HomeEntry.account_id) == reader_id, col(HomeEntry.status_id).in_(statuses))
        .execution_options(synchronize_session=False)
    )
