"""Timelines, read. What stands in a home was written when it arrived (`homes`)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    bindparam,
    exists,
    or_,
)
from sqlalchemy.orm import aliased
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from fedi.database import Session
from fedi.database.tables import (
    Account,
    Block,
    HomeEntry,
    ListMember,
    MediaAttachment,
    Pin,
    Status,
    StatusTag,
    Tag,
    UserList,
)
from fedi.social import labels, mutes, paging
from fedi.social.text import normal_tag
from fedi.social.visibility import for_viewer, seen_by

Page = paging.Page


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
    return paging.between(_narrowed(_at_home(), shape), shape, col(HomeEntry.status_id))


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
    remixes: bool = False,
) -> Sequence[Status]:
    """What an account posted, as far as the viewer may see it.

    Args:
        replies: answers to others, too.
        boosts: boosts, too.
        tag: only what has this hashtag.
        pinned: only what is pinned.
        remixes: only what was made of a picture of another post.
    """
    query = seen_by(viewer).where(Status.account_id == account.id)
    if not replies:
        query = query.where(_begins_something())
    if remixes:
        query = query.where(col(Status.based_on_uri).is_not(None))
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
        session, _narrowed(query, page), page, col(Status.id) if key is None else key
    )
    return found


def _narrowed(query: SelectOfScalar[Status], page: Page) -> SelectOfScalar[Status]:
    """Only what a page wants of a timeline."""
    original = aliased(Status)
    if page.only_media:
        pictured = exists().where(col(MediaAttachment.status_id) == col(Status.id))
        boosted = exists().where(col(MediaAttachment.status_id) == col(Status.reblog_of_id))
        query = query.where(or_(pictured, boosted) if page.boosted_media else pictured)
    if page.ai:
        made = col(Status.ai).in_(labels.MADE)
        boosted = exists().where(
            col(original.id) == col(Status.reblog_of_id), col(original.ai).in_(labels.MADE)
        )
        query = query.where(or_(made, boosted) if page.ai == "only" else ~or_(made, boosted))
    return query
