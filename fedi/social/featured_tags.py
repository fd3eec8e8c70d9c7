"""The hashtags that an account shows on its profile.

Who follows it is told of each that comes and goes, and that the profile changed: on that Mastodon
4.6 reads them all anew.
"""

from __future__ import annotations

from sqlmodel import col, select

from fedi.database import Session, Transaction
from fedi.database.insertion import add_once, insert_into
from fedi.database.tables import Account, FeaturedTag, Tag
from fedi.social import accounts, text
from fedi.social.errors import Invalid, NotFound
from fedi.social.outbound import tell

MAX_FEATURED = 10  # as Mastodon


async def add(tx: Transaction, account: Account, name: str) -> tuple[FeaturedTag, Tag]:
    """Show a hashtag. Showing it twice is showing it once.

    Args:
        account: whose profile, of somebody here.
        name: of the hashtag, with or without `#`.

    Returns:
        What is shown and the hashtag; what was there, if it was shown before.

    Raises:
        Invalid: that is no hashtag, or there are too many already.
    """
    words = text.clean(name).strip().lstrip("#")
    if text.hashtags(f"#{words}") != [words]:
        raise Invalid("That is no hashtag.")
    await accounts.take_turns(tx, account.id)
    shown = await _of_account(tx, account)
    normal = text.normal_tag(words)
    known = next(((row, tag) for row, tag in shown if tag.name == normal), None)
    if known is not None:
        return known
    if len(shown) >= MAX_FEATURED:
        raise Invalid(f"More than {MAX_FEATURED} hashtags cannot be shown.")
    new = {"id": tx.new_id(), "name": normal, "display_name": words}
    insert = insert_into(tx, Tag).values(new).on_conflict_do_nothing(index_elements=["name"])
    await tx.execute(insert)
    tag = (await tx.exec(select(Tag).where(Tag.name == normal))).one()
    featured = FeaturedTag(id=tx.new_id(), account_id=account.id, tag_id=tag.id, created_at=tx.now)
    await add_once(tx, featured)
    await tell(tx, "feature_tag", featured_id=featured.id)
    await accounts.update_profile(tx, account)
    return featured, tag


async def remove(tx: Transaction, account: Account, name: str) -> tuple[FeaturedTag, Tag]:
    """Show a hashtag no longer.

    Args:
        account: whose profile.
        name: of the hashtag, with or without `#`.

    Returns:
        What was shown and the hashtag.

    Raises:
        NotFound: it was not shown.
    """
    normal = text.normal_tag(text.clean(name).strip().lstrip("#"))
    shown = await _of_account(tx, account)
    found = next(((row, tag) for row, tag in shown if tag.name == normal), None)
    if found is None:
        raise NotFound("That hashtag is not shown.")
    featured, tag = found
    await tx.delete(featured)
    uri = remove_uri(account, featured)
    await tell(tx, "unfeature_tag", account_id=account.id, tag_id=tag.id, uri=uri)
    await accounts.update_profile(tx, account)
    return featured, tag


async def of_account(session: Session, account: Account) -> list[Tag]:
    """What an account shows, in the order in which it chose it."""
    return [tag for _, tag in await _of_account(session, account)]


async def _of_account(session: Session, account: Account) -> list[tuple[FeaturedTag, Tag]]:
    rows = await session.exec(
        select(FeaturedTag, Tag)
        .join(Tag, col(Tag.id) == col(FeaturedTag.tag_id))
        .where(FeaturedTag.account_id == account.id)
        .order_by(col(FeaturedTag.id))
    )
    return list(rows.all())


def add_uri(account: Account, featured: FeaturedTag) -> str:
    """The id of the Add that tells of it."""
    return f"{account.uri}/activities/featured_tags/{featured.id}"


def remove_uri(account: Account, featured: FeaturedTag) -> str:
    """The id of the Remove that tells of its end."""
    return f"{add_uri(account, featured)}/remove"
