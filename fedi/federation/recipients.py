"""Whom an activity goes to: inboxes, folded by shared inbox, each once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import case, exists, func, union
from sqlmodel import col, select

from fedi.database import Transaction
from fedi.database.tables import (
    Account,
    Favourite,
    Follow,
    Mention,
    PollVote,
    Reaction,
    Status,
)
from fedi.social.visibility import SHOWN_TO_ALL

# One shared inbox stands for everybody on its server; where there is none (GoToSocial), each has
# their own.
_INBOX: Any = func.coalesce(col(Account.shared_inbox_uri), col(Account.inbox_uri))


async def of_status(tx: Transaction, status: Status) -> list[str]:
    """Everybody who is to have a post: followers (unless it is direct), those whom it names,
    and the author of what it answers."""
    # Who is addressed by bto or bcc stands nowhere in the document: only which inbox it comes to
    # tells their server for whom it is (Mastodon 4.6 reads it so). A follower has it anyway.
    named_nowhere: Any = col(Mention.blind)
    if status.visibility != "direct":
        follows = exists().where(
            col(Follow.account_id) == col(Mention.account_id),
            col(Follow.target_account_id) == status.account_id,
            col(Follow.state) == "accepted",
        )
        named_nowhere = named_nowhere & ~follows
    inbox = case((named_nowhere, col(Account.inbox_uri)), else_=_INBOX)
    wanted = [
        _remote(select(inbox)).join(
            Mention,
            (col(Mention.account_id) == col(Account.id)) & (col(Mention.status_id) == status.id),
        )
    ]
    if status.visibility != "direct":
        wanted.append(_followers(status.account_id))
    if status.in_reply_to_account_id is not None and status.visibility in SHOWN_TO_ALL:
        wanted.append(
            _remote(select(_INBOX)).where(col(Account.id) == status.in_reply_to_account_id)
        )
    return await _distinct(tx, wanted)


async def of_edit(tx: Transaction, status: Status) -> list[str]:
    """Everybody who is to have an edit. Of what is not for all, who has it but may not see it any
    more hears nothing new."""
    if status.visibility in SHOWN_TO_ALL:
        return await who_may_have(tx, status)
    return await of_status(tx, status)


async def who_may_have(tx: Transaction, status: Status) -> list[str]:
    """Everybody who may have a post, for its end: also those who boosted, liked or answered it,
    put an emoji to it, or voted on it."""
    boost = select(col(Status.account_id)).where(Status.reblog_of_id == status.id)
    answer = select(col(Status.account_id)).where(Status.in_reply_to_id == status.id)
    liked = select(col(Favourite.account_id)).where(Favourite.status_id == status.id)
    reacted = select(col(Reaction.account_id)).where(Reaction.status_id == status.id)
    voted = select(col(PollVote.account_id)).where(PollVote.status_id == status.id)
    touched = _remote(select(_INBOX)).where(
        col(Account.id).in_(union(boost, answer, liked, reacted, voted).scalar_subquery())
    )
    return sorted({*await of_status(tx, status), *await _distinct(tx, [touched])})


async def who_decides(tx: Transaction, status: Status) -> list[str]:
    """The author whom an answer or a boost waits for (GoToSocial's interaction policies)."""
    author_id = status.in_reply_to_account_id
    if status.reblog_of_id is not None:
        original = await tx.get(Status, status.reblog_of_id)
        author_id = original.account_id if original is not None else None
    query = _remote(select(col(Account.inbox_uri))).where(col(Account.id) == author_id)
    return list((await tx.execute(query)).scalars())


async def of_boost(tx: Transaction, boost: Status, original: Status) -> list[str]:
    """The booster's followers, and the author of what is boosted."""
    author = _remote(select(_INBOX)).where(col(Account.id) == original.account_id)
    return await _distinct(tx, [_followers(boost.account_id), author])


async def of_accounts(tx: Transaction, ids: Sequence[int]) -> list[str]:
    """Some accounts, each at their own inbox: for whom something is that names nobody."""
    query = _remote(select(col(Account.inbox_uri))).where(col(Account.id).in_(ids))
    return await _distinct(tx, [query]) if ids else []


async def of_followers(tx: Transaction, account: Account) -> list[str]:
    """An account's followers elsewhere."""
    return await _distinct(tx, [_followers(account.id)])


def _followers(account_id: int) -> Any:
    return _remote(select(_INBOX)).join(
        Follow,
        (col(Follow.account_id) == col(Account.id))
        & (col(Follow.target_account_id) == account_id)
        & (col(Follow.state) == "accepted"),
    )


def _remote(query: Any) -> Any:
    return query.select_from(Account).where(
        col(Account.domain).is_not(None),
        col(Account.inbox_uri) != "",
        col(Account.deleted_at).is_(None),
        col(Account.suspended_at).is_(None),
    )


async def _distinct(tx: Transaction, queries: Iterable[Any]) -> list[str]:
    rows = await tx.execute(union(*queries))
    return sorted(set(rows.scalars().all()))  # a union of one does not fold
