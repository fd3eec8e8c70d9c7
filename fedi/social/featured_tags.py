"""The hashtags that an account shows on its profile. Who follows it is told that the profile
changed, and reads them anew (Mastodon 4.6 does so with every Update of an actor)."""

from __future__ import annotations

from sqlmodel import col, select

from fedi.database import Session, Transaction
from fedi.database.insertion import add_once, insert_into
from fedi.database.tables import Account, FeaturedTag, Tag
from fedi.social import accounts, text
from fedi.social.errors import Invalid, NotFound

MAX_FEATURED = 10  # as Mastodon


async def add(tx: Transaction, account: Account, name: str) -> Tag:
    """Show a hashtag. Showing it twice is showing it once.

    Raises:
        Invalid: that is no hashtag, or there are too many already.
    """
    words = text.clean(name).strip().lstrip("#")
    if text.hashtags(f"#{words}") != [words]:
        raise Invalid("That is no hashtag.")
    shown = await of_account(tx, account)
    known = next((tag for tag in shown if tag.name == text.normal_tag(words)), None)
    if known is not None:
        return known
    if len(shown) >= MAX_FEATURED:
        raise Invalid(f"More than {MAX_FEATURED} hashtags cannot be shown.")
    row = {"id": tx.new_id(), "name": text.normal_tag(words), "display_name": words}
    new = insert_into(tx, Tag).values(row).on_conflict_do_nothing(index_elements=["name"])
    await tx.execute(new)
    tag = (await tx.exec(select(Tag).where(Tag.name == row["name"]))).one()
    featured = FeaturedTag(id=tx.new_id(), account_id=account.id, tag_id=tag.id, created_at=tx.now)
    if await add_once(tx, featured):
        await accounts.update_profile(tx, account)
    return tag


async def remove(tx: Transaction, account: Account, name: str) -> None:
    """Show a hashtag no longer.

    Raises:
        NotFound: it was not shown.
    """
    query = (
        select(FeaturedTag)
        .join(Tag, col(Tag.id) == col(FeaturedTag.tag_id))
        .where(FeaturedTag.account_id == account.id, Tag.name == text.normal_tag(name))
    )
    found = (await tx.exec(query)).first()
    if found is None:
        raise NotFound("That hashtag is not shown.")
    await tx.delete(found)
    await accounts.update_profile(tx, account)


async def of_account(session: Session, account: Account) -> list[Tag]:
    """What an account shows, in the order in which it chose it."""
    rows = await session.exec(
        select(Tag)
        .join(FeaturedTag, col(FeaturedTag.tag_id) == col(Tag.id))
        .where(FeaturedTag.account_id == account.id)
        .order_by(col(FeaturedTag.id))
    )
    return list(rows.all())
