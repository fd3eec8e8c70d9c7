"""Who of those that listen is told of a status: the rules of timelines, asked of many at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import or_
from sqlalchemy.orm import aliased
from sqlmodel import col, exists, select

from fedi.database import Session
from fedi.database.tables import (
    AccessToken,
    Account,
    AccountDomainBlock,
    Block,
    Filter,
    HomeEntry,
    ListMember,
    Login,
    MediaAttachment,
    Mute,
    Quote,
    Status,
    StatusTag,
    Tag,
    UserList,
)
from fedi.social import filters, lists, posts
from fedi.social.paging import Page
from fedi.social.visibility import HELD, SHOWN_TO_ALL, viewers_of


@dataclass(frozen=True, slots=True)
class Facts:
    """What decides into which public timelines a status goes.

    Attributes:
        begins: it answers nobody, or its own author.
        silenced: its author is only for those who follow them.
        quoted_id: what it, or what it boosts, quotes with leave.
        original_private: it boosts what not everybody may see.
    """

    status: Status
    begins: bool
    silenced: bool
    has_media: bool
    tags: tuple[str, ...]
    quoted_id: int | None
    original_id: int | None
    original_private: bool


async def facts(session: Session, status_id: int) -> Facts | None:
    """What is known of a status, for nobody's eyes; None if it is gone."""
    original = aliased(Status)
    columns: Any = (
        Status,
        Account.silenced_at,
        exists().where(col(MediaAttachment.status_id) == col(Status.id)),
        original.visibility,
        original.approval,
        Quote.quoted_id,
    )
    query = (
        select(*columns)
        .join(Account, col(Account.id) == col(Status.account_id))
        .outerjoin(original, col(original.id) == col(Status.reblog_of_id))
        .outerjoin(
            Quote,
            or_(
                col(Quote.status_id) == col(Status.id),
                col(Quote.status_id) == col(Status.reblog_of_id),
            )
            & (col(Quote.state) == "accepted"),
        )
        .where(col(Status.id) == status_id, col(Status.deleted_at).is_(None))
    )
    row: Any = (await session.exec(query)).first()
    if row is None:
        return None
    status, silenced_at, has_media, visibility, approval, quoted_id = row
    tags = await session.exec(
        select(Tag.name)
        .join(StatusTag, col(StatusTag.tag_id) == col(Tag.id))
        .where(col(StatusTag.status_id) == status_id)
    )
    return Facts(
        status=status,
        begins=status.in_reply_to_uri is None or status.in_reply_to_account_id == status.account_id,
        silenced=silenced_at is not None,
        has_media=bool(has_media),
        tags=tuple(tags.all()),
        quoted_id=quoted_id,
        original_id=status.reblog_of_id,
        original_private=status.reblog_of_id is not None
        and (visibility not in SHOWN_TO_ALL or approval in HELD),
    )


async def homes(session: Session, known: Facts, readers: Collection[int]) -> set[int]:
    """In whose homes, of some accounts, a status stands: it was written there, and is not in an
    exclusive list instead."""
    if not readers:
        return set()
    query = select(HomeEntry.account_id).where(
        col(HomeEntry.status_id) == known.status.id,
        col(HomeEntry.account_id).in_(readers),
        ~exists().where(
            col(UserList.account_id) == col(HomeEntry.account_id),
            col(UserList.exclusive),
            col(ListMember.list_id) == col(UserList.id),
            col(ListMember.account_id) == known.status.account_id,
        ),
    )
    return set((await session.exec(query)).all())


async def on_lists(session: Session, known: Facts, list_ids: Collection[int]) -> set[int]:
    """On which of some lists a status stands: those whose timelines show it."""
    if not list_ids:
        return set()
    query = (
        select(UserList, Account)
        .join(ListMember, col(ListMember.list_id) == col(UserList.id))
        .join(Account, col(Account.id) == col(UserList.account_id))
        .where(col(UserList.id).in_(list_ids), ListMember.account_id == known.status.account_id)
    )
    number = known.status.id
    here = Page(limit=1, max_id=number + 1, since_id=number - 1)
    return {
        row.id
        for row, owner in (await session.exec(query)).all()
        if await lists.timeline(session, owner, row, here)
    }


async def filtering(session: Session, known: Facts, readers: Collection[int]) -> set[int]:
    """Who of some accounts has a filter that is for a status."""
    query = select(Filter).where(
        col(Filter.account_id).in_(readers),
        or_(col(Filter.expires_at).is_(None), col(Filter.expires_at) > session.now),
    )
    rows = (await session.exec(query)).all()
    if not rows:
        return set()
    [post] = await posts.assemble(session, [known.status], None)
    whole = await filters.whole(session, rows)
    return {match.filter.account_id for match in filters.matches(whole, post)}


async def willing(session: Session, known: Facts, readers: Collection[int]) -> set[int]:
    """Who of some accounts may see a status, and does not shut out who is behind it."""
    found = await viewers_of(session, known.status.id, readers)
    if not found:
        return found
    query = (
        select(Account.id, Account.domain)
        .join(Status, col(Status.account_id) == col(Account.id))
        .where(col(Status.id).in_([known.status.id, known.original_id or known.status.id]))
    )
    people = dict((await session.exec(query)).all())
    authors, domains = list(people), [domain for domain in people.values() if domain]
    hidden = select(AccountDomainBlock.account_id).where(
        col(AccountDomainBlock.account_id).in_(found),
        col(AccountDomainBlock.domain).in_(domains),
    )
    blocks = select(Block.account_id).where(
        col(Block.account_id).in_(found), col(Block.target_account_id).in_(authors)
    )
    mutes = select(Mute.account_id).where(
        col(Mute.account_id).in_(found),
        col(Mute.target_account_id).in_(authors),
        or_(col(Mute.expires_at).is_(None), col(Mute.expires_at) > session.now),
    )
    for query_ in (blocks, mutes, hidden):
        found -= set((await session.exec(query_)).all())
    return found


async def revoked(session: Session, tokens: Mapping[int, int]) -> set[int]:
    """Which of some tokens nobody may use any more.

    Args:
        tokens: the account of each.
    """
    if not tokens:
        return set()
    good = (
        select(AccessToken.id)
        .join(Account, col(Account.id) == col(AccessToken.account_id))
        .outerjoin(Login, col(Login.account_id) == col(Account.id))
        .where(
            col(AccessToken.id).in_(tokens),
            col(AccessToken.revoked_at).is_(None),
            col(Login.disabled_at).is_(None),
            col(Account.deleted_at).is_(None),
            col(Account.suspended_at).is_(None),
        )
    )
    return tokens.keys() - set((await session.exec(good)).all())
