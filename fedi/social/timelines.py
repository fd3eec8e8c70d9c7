"""Timelines. Home is written when a post arrives, so that reading it is one index range."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Protocol

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    bindparam,
    delete,
    exists,
    literal,
    or_,
    union,
)
from sqlalchemy.orm import aliased
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from fedi import ids
from fedi.database import Session, Transaction
from fedi.database.insertion import insert_on, table_of
from fedi.database.tables import (
    Account,
    Block,
    Follow,
    FollowedTag,
    HomeEntry,
    ListMember,
    MediaAttachment,
    Mention,
    Pin,
    Status,
    StatusTag,
    Tag,
    UserList,
)
from fedi.social import mutes, paging
from fedi.social.paging import MAX_PAGE
from fedi.social.text import normal_tag
from fedi.social.visibility import for_viewer, seen_by

HOME_LENGTH = 800  # posts that a home timeline keeps, as Mastodon's
TRIM_EVERY = 64  # one post in so many trims the homes that it went to


Page = paging.Page


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
    answered = status.in_reply_to_account_id
    return {"status": status.id, "author": status.account_id, "answered": answered}


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
    statuses = table_of(Status).c
    came = (
        select(literal(reader_id, BigInteger), statuses.id)
        .where(
            statuses.account_id == author_id,
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


async def home(session: Session, account: Account, page: Page) -> Sequence[Status]:
    """What those whom an account follows posted and boosted."""
    muted, hidden = await mutes.unwanted(session, account)
    if not (muted or hidden):  # most mute nobody, and hide nothing
        return await paging.read(session, _home(page.shape), page, {"viewer": account.id})
    query = _without(_at_home().params(viewer=account.id), muted, hidden)
    return await _read(session, query, page, key=col(HomeEntry.status_id))


@cache
def _home(shape: Page) -> Any:
    """Reads such a page of the home of `viewer`."""
    return paging.between(_with_media(_at_home(), shape), shape, col(HomeEntry.status_id))


@cache
def _at_home() -> SelectOfScalar[Status]:
    """What is in the home of `viewer`, but for what is read in exclusive lists alone."""
    viewer: Any = bindparam("viewer", type_=BigInteger)
    exclusive = select(UserList.id).where(
        col(UserList.account_id) == viewer, col(UserList.exclusive)
    )
    elsewhere = exists().where(
        col(ListMember.list_id).in_(exclusive),
        col(ListMember.account_id) == col(Status.account_id),
    )
    return (
        for_viewer()
        .join(
            HomeEntry,
            (col(HomeEntry.status_id) == col(Status.id)) & (col(HomeEntry.account_id) == viewer),
        )
        .where(~elsewhere)
    )


async def unmuted(
    session: Session, account: Account, query: SelectOfScalar[Status], page: Page
) -> Sequence[Status]:
    """A page of statuses without what somebody mutes."""
    return await _read(session, await _unmuted(session, account, query), page)


async def public(
    session: Session,
    viewer: Account | None,
    page: Page,
    *,
    local: bool = False,
    remote: bool = False,
) -> Sequence[Status]:
    """What everybody may see: of this instance alone (`local`), of others alone (`remote`), or all
    that it knows.

    Answers to others are left out, as Mastodon does, and what the viewer blocks or mutes.
    """
    query = _unblocked(viewer, seen_by(viewer)).where(
        Status.visibility == "public",
        col(Status.reblog_of_id).is_(None),
        _begins_something(),
        _not_silenced(),
    )
    query = await _unmuted(session, viewer, query)
    return await _read(session, _whose(query, local=local, remote=remote), page)


async def of_account(
    session: Session,
    viewer: Account | None,
    account: Account,
    page: Page,
    *,
    replies: bool = True,
    boosts: bool = True,
    tag: str = "",
    pinned: bool = False,
) -> Sequence[Status]:
    """What an account posted, as far as the viewer may see it.

    Args:
        replies: answers to others, too.
        boosts: boosts, too.
        tag: only what has this hashtag.
        pinned: only what is pinned.
    """
    query = seen_by(viewer).where(Status.account_id == account.id)
    if not replies:
        query = query.where(_begins_something())
    if not boosts:
        query = query.where(col(Status.reblog_of_id).is_(None))
    if tag:
        query = query.where(_has_tag([tag]))
    if pinned:
        query = query.where(
            exists().where(col(Pin.status_id) == col(Status.id), col(Pin.account_id) == account.id)
        )
    return await _read(session, query, page)


async def tagged(
    session: Session,
    viewer: Account | None,
    tag: str,
    page: Page,
    *,
    other: Sequence[str] = (),
    every: Sequence[str] = (),
    without: Sequence[str] = (),
    local: bool = False,
    remote: bool = False,
) -> Sequence[Status]:
    """What is public under a hashtag.

    Args:
        other: hashtags of which one will do as well.
        every: hashtags that it must have, too.
        without: hashtags that it must not have.
        local, remote: as for `public`.
    """
    query = _unblocked(viewer, seen_by(viewer)).where(
        Status.visibility == "public", _not_silenced()
    )
    if other:
        query = query.where(_has_tag([tag, *other]))
    else:
        query = (
            query.join(StatusTag, col(StatusTag.status_id) == col(Status.id))
            .join(Tag, col(Tag.id) == col(StatusTag.tag_id))
            .where(Tag.name == normal_tag(tag))
        )
    for name in every:
        query = query.where(_has_tag([name]))
    if without:
        query = query.where(~_has_tag(without))
    query = await _unmuted(session, viewer, query)
    return await _read(session, _whose(query, local=local, remote=remote), page)


def _has_tag(names: Sequence[str]) -> ColumnElement[bool]:
    """A post with one of these hashtags."""
    link, named = aliased(StatusTag), aliased(Tag)
    return exists().where(
        col(link.status_id) == col(Status.id),
        col(link.tag_id) == col(named.id),
        col(named.name).in_([normal_tag(name) for name in names]),
    )


def _whose(query: SelectOfScalar[Status], *, local: bool, remote: bool) -> SelectOfScalar[Status]:
    if local:
        query = query.where(col(Status.local).is_(True))
    if remote:
        query = query.where(col(Status.local).is_(False))
    return query


async def _unmuted(
    session: Session, viewer: Account | None, query: SelectOfScalar[Status]
) -> SelectOfScalar[Status]:
    """Without what those posted whom the viewer mutes, or whose domain they hide, and boosts of
    it. Most mute nobody, and hide nothing."""
    if viewer is None:
        return query
    return _without(query, *await mutes.unwanted(session, viewer))


def _without(
    query: SelectOfScalar[Status], muted: Sequence[int], hidden: Sequence[str]
) -> SelectOfScalar[Status]:
    original = aliased(Status)
    if muted:
        boosted = exists().where(
            col(original.id) == col(Status.reblog_of_id), col(original.account_id).in_(muted)
        )
        query = query.where(col(Status.account_id).not_in(muted), ~boosted)
    if hidden:
        author = aliased(Account)
        boosted = exists().where(
            col(original.id) == col(Status.reblog_of_id),
            col(original.account_id) == col(author.id),
            col(author.domain).in_(hidden),
        )
        posted = exists().where(
            col(author.id) == col(Status.account_id), col(author.domain).in_(hidden)
        )
        query = query.where(~posted, ~boosted)
    return query


def _begins_something() -> ColumnElement[bool]:
    """A post that answers nobody, or its own author."""
    return or_(
        col(Status.in_reply_to_uri).is_(None),
        col(Status.in_reply_to_account_id) == col(Status.account_id),
    )


def _not_silenced() -> ColumnElement[bool]:
    """A post of somebody whom those may find who do not follow them."""
    return ~exists().where(
        col(Account.id) == col(Status.account_id), col(Account.silenced_at).is_not(None)
    )


def _unblocked(viewer: Account | None, query: SelectOfScalar[Status]) -> SelectOfScalar[Status]:
    if viewer is None:
        return query
    return query.where(
        ~exists().where(
            col(Block.account_id) == viewer.id,
            col(Block.target_account_id) == col(Status.account_id),
        )
    )


async def _read(
    session: Session, query: SelectOfScalar[Status], page: Page, key: Any = None
) -> Sequence[Status]:
    """One page of a timeline, the newest first; `key` is the indexed column that has the id."""
    found = await paging.rows(
        session, _with_media(query, page), page, col(Status.id) if key is None else key
    )
    return found


def _with_media(query: SelectOfScalar[Status], page: Page) -> SelectOfScalar[Status]:
    if not page.only_media:
        return query
    return query.where(exists().where(col(MediaAttachment.status_id) == col(Status.id)))
