"""Hashtags that people follow: what is public under them comes into their homes."""

from __future__ import annotations

from sqlalchemy import delete, exists, func
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from fedi.database import Session, Transaction
from fedi.database.insertion import add_once, insert_into
from fedi.database.tables import Account, Follow, FollowedTag, HomeEntry, Status, StatusTag, Tag
from fedi.social import paging, text
from fedi.social.errors import Invalid, NotFound

MAX_FOLLOWED = 500  # by one account


def named(name: str) -> str:
    """A hashtag as it is written, without `#`.

    Raises:
        NotFound: that is none.
    """
    words = text.clean(name).strip().lstrip("#")
    if text.hashtags(f"#{words}") != [words]:
        raise NotFound("Record not found")
    return words


async def find(session: Session, name: str) -> Tag | None:
    """A hashtag, as far as it was ever used."""
    query = select(Tag).where(Tag.name == text.normal_tag(named(name)))
    return (await session.exec(query)).first()


async def ensure(tx: Transaction, name: str) -> Tag:
    """A hashtag, used or not.

    Raises:
        NotFound: that is none.
    """
    words = named(name)
    normal = text.normal_tag(words)
    new = {"id": tx.new_id(), "name": normal, "display_name": words}
    insert = insert_into(tx, Tag).values(new).on_conflict_do_nothing(index_elements=["name"])
    await tx.execute(insert)
    return (await tx.exec(select(Tag).where(Tag.name == normal))).one()


async def follow(tx: Transaction, account: Account, name: str) -> Tag:
    """Follow a hashtag; following it twice is following it once.

    Raises:
        NotFound: that is none.
        Invalid: there are too many already.
    """
    tag = await ensure(tx, name)
    mine = select(func.count()).where(col(FollowedTag.account_id) == account.id)
    if ((await tx.execute(mine)).scalar() or 0) >= MAX_FOLLOWED:
        raise Invalid(f"At most {MAX_FOLLOWED} hashtags can be followed.")
    row = FollowedTag(id=tx.new_id(), account_id=account.id, tag_id=tag.id, created_at=tx.now)
    await add_once(tx, row)
    return tag


async def unfollow(tx: Transaction, account: Account, name: str) -> Tag:
    """Follow a hashtag no more. What came into the home by it alone leaves it.

    Raises:
        NotFound: that is none.
    """
    tag = await ensure(tx, name)
    await tx.execute(
        delete(FollowedTag)
        .where(col(FollowedTag.account_id) == account.id, col(FollowedTag.tag_id) == tag.id)
        .execution_options(synchronize_session=False)
    )
    follow = exists().where(
        col(Follow.account_id) == account.id,
        col(Follow.target_account_id) == col(Status.account_id),
        col(Follow.state) == "accepted",
    )
    also = aliased(StatusTag)
    other = exists().where(
        col(FollowedTag.account_id) == account.id,
        col(FollowedTag.tag_id) == col(also.tag_id),
        col(also.status_id) == col(Status.id),
    )
    tagged = (
        select(Status.id)
        .join(StatusTag, col(StatusTag.status_id) == col(Status.id))
        .where(StatusTag.tag_id == tag.id, col(Status.account_id) != account.id, ~follow, ~other)
    )
    await tx.execute(
        delete(HomeEntry)
        .where(col(HomeEntry.account_id) == account.id, col(HomeEntry.status_id).in_(tagged))
        .execution_options(synchronize_session=False)
    )
    return tag


async def is_followed(session: Session, account: Account, name: str) -> bool:
    """Whether somebody follows a hashtag."""
    query = (
        select(FollowedTag.id)
        .join(Tag, col(Tag.id) == col(FollowedTag.tag_id))
        .where(FollowedTag.account_id == account.id, Tag.name == text.normal_tag(name))
    )
    return (await session.exec(query)).first() is not None


async def of_account(
    session: Session, account: Account, page: paging.Page
) -> list[tuple[int, Tag]]:
    """The hashtags that somebody follows, each with the id by which it is listed."""
    query = (
        select(FollowedTag.id, Tag)
        .join(Tag, col(Tag.id) == col(FollowedTag.tag_id))
        .where(FollowedTag.account_id == account.id)
    )
    return [(key, tag) for key, tag in await paging.rows(session, query, page, col(FollowedTag.id))]
