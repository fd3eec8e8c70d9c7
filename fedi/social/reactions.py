"""Emoji that people elsewhere put to posts: one of each kind per account and post."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence

from sqlalchemy import delete, func
from sqlmodel import col, select

from fedi.database import Session, Transaction
from fedi.database.insertion import add_once
from fedi.database.tables import Account, Reaction, Status
from fedi.social.errors import Invalid
from fedi.social.notifications import notify, withdraw
from fedi.social.visibility import load_original

MAX_EMOJI = 32  # code points; a family with skin tones has 11, a flag of tags 7
MAX_SHORTCODE = 100
MAX_REACTIONS = 20  # of one account to one post; Pleroma sets no limit, Misskey allows 1
HEARTS = frozenset({"❤", "❤️", "♥", "♥️"})  # what Misskey sends for a plain Like

_KEYCAP = "\u20e3"
_PICTURES = frozenset({"So", "Sk", "Sm", "Mn", "Me", "Cf", "Cn"})  # Cn: newer than our Unicode


def is_emoji(words: str) -> bool:
    """Whether this is one emoji rather than words, as far as Unicode's categories tell."""
    if not 0 < len(words) <= MAX_EMOJI:
        return False
    if words.endswith(_KEYCAP):
        return len(words) <= 3 and words[0] in "0123456789#*"
    categories = [unicodedata.category(sign) for sign in words]
    return all(name in _PICTURES for name in categories) and any(
        name in {"So", "Sm", "Cn"} for name in categories
    )


async def add(
    tx: Transaction, account: Account, status: Status, name: str, *, uri: str, url: str | None
) -> None:
    """React to a post; reacting twice with the same emoji is reacting once.

    Args:
        account: who reacts, from elsewhere.
        status: to what; a boost stands for what it boosts.
        name: an emoji, or the shortcode of a custom one.
        uri: the id of the activity.
        url: the image of a custom emoji.

    Raises:
        NotFound: the account may not see the post.
        Invalid: that is no emoji, or one too many.
    """
    if (url is None and not is_emoji(name)) or len(name) > MAX_SHORTCODE:
        raise Invalid("That is no emoji.")
    target = await load_original(tx, account, status)
    mine = (Reaction.account_id == account.id) & (Reaction.status_id == target.id)
    count = (await tx.execute(select(func.count()).select_from(Reaction).where(mine))).scalar()
    if (count or 0) >= MAX_REACTIONS:
        raise Invalid("That is one reaction too many.")
    reaction = Reaction(
        id=tx.new_id(),
        account_id=account.id,
        status_id=target.id,
        name=name,
        url=url,
        uri=uri,
        created_at=tx.now,
    )
    if not await add_once(tx, reaction):
        return
    author = await tx.get(Account, target.account_id)
    assert author is not None
    await notify(tx, author, account, "reaction", target.id)


async def remove(
    tx: Transaction, account: Account, *, uri: str | None, status_id: int | None, name: str | None
) -> None:
    """Take reactions back: the one with this id, or else the account's one of this name."""
    query = select(Reaction).where(Reaction.account_id == account.id)
    found = (await tx.exec(query.where(Reaction.uri == uri))).first() if uri else None
    if found is None and status_id is not None and name is not None:
        query = query.where(Reaction.status_id == status_id, Reaction.name == name)
        found = (await tx.exec(query)).first()
    if found is None:
        return
    status = await tx.get(Status, found.status_id)
    assert status is not None
    await tx.execute(delete(Reaction).where(col(Reaction.id) == found.id))
    left = select(Reaction.id).where(
        Reaction.account_id == account.id, Reaction.status_id == status.id
    )
    if (await tx.exec(left)).first() is None:
        await withdraw(tx, status.account_id, account.id, "reaction", status.id)


async def forget(tx: Transaction, status: Status) -> None:
    """Nothing is put to a post that is gone, once all who did that were told."""
    await tx.execute(delete(Reaction).where(col(Reaction.status_id) == status.id))


async def of_statuses(
    session: Session, status_ids: Sequence[int]
) -> dict[int, Counter[tuple[str, str | None]]]:
    """How often which emoji (and its image, if it is a custom one) was put to some posts."""
    found: dict[int, Counter[tuple[str, str | None]]] = {}
    rows = await session.execute(
        select(col(Reaction.status_id), col(Reaction.name), col(Reaction.url), func.count())
        .where(col(Reaction.status_id).in_(status_ids))
        .group_by(col(Reaction.status_id), col(Reaction.name), col(Reaction.url))
        .order_by(col(Reaction.name))
    )
    for status_id, name, url, count in rows.all():
        found.setdefault(status_id, Counter())[name, url] += count
    return found
