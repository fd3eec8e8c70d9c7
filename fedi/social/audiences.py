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
    Block,
    HomeEntry,
    MediaAttachment,
    Mute,
    Quote,
    Status,
    StatusTag,
    Tag,
)
from fedi.social.visibility import viewers_of


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
        and (visibility not in {"public", "unlisted"} or approval in {"pending", "rejected"}),
    )


async def homes(session: Session, status_id: int, readers: Collection[int]) -> set[int]:
    """Into whose homes, of some accounts, a status was written."""
    if not readers:
        return set()
    query = select(HomeEntry.account_id).where(
        col(HomeEntry.status_id) == status_id, col(HomeEntry.account_id).in_(readers)
    )
    return set((await session.exec(query)).all())


async def willing(session: Session, known: Facts, readers: Collection[int]) -> set[int]:
    """Who of some accounts may see a status, and neither blocks nor mutes who is behind it."""
    found = await viewers_of(session, known.status.id, readers)
    if not found:
        return found
    authors = [known.status.account_id]
    if known.original_id is not None:
        query = select(Status.account_id).where(col(Status.id) == known.original_id)
        authors += (await session.exec(query)).all()
    blocks = select(Block.account_id).where(
        col(Block.account_id).in_(found), col(Block.target_account_id).in_(authors)
    )
    mutes = select(Mute.account_id).where(
        col(Mute.account_id).in_(found),
        col(Mute.target_account_id).in_(authors),
        or_(col(Mute.expires_at).is_(None), col(Mute.expires_at) > session.now),
    )
    return found - set((await session.exec(blocks)).all()) - set((await session.exec(mutes)).all())


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
        .where(
            col(AccessToken.id).in_(tokens),
            col(AccessToken.revoked_at).is_(None),
            col(Account.deleted_at).is_(None),
            col(Account.suspended_at).is_(None),
        )
    )
    return tokens.keys() - set((await session.exec(good)).all())
