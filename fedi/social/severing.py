"""Ties that people of ours lose without having cut them one by one: they are told how many.

A domain is shut out by this instance, hidden by themselves, or an account is suspended.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import func
from sqlmodel import col, select

from fedi.database import Transaction
from fedi.database.tables import Account, Follow, Severance
from fedi.social import notifications

Kind = Literal["domain_block", "user_domain_block", "account_suspension"]


@dataclass(slots=True)
class Lost:
    """How many followers of somebody, and how many whom they follow."""

    followers: int = 0
    following: int = 0


async def of_domains(tx: Transaction, names: Sequence[str]) -> None:
    """Tell who is tied to people of domains that are about to be shut out."""
    lost: defaultdict[tuple[int, str], Lost] = defaultdict(Lost)
    for mine, other, of_followers in _ENDS:
        query = (
            select(mine, col(Account.domain), func.count())
            .join(Account, col(Account.id) == other)
            .where(col(Account.domain).in_(names), col(Follow.state) == "accepted")
            .group_by(mine, col(Account.domain))
        )
        for account_id, domain, number in (await tx.exec(query)).all():
            _add(lost[account_id, str(domain)], of_followers, number)
    ours = await _ours(tx, {account_id for account_id, _ in lost})
    for (account_id, domain), ties in sorted(lost.items()):
        if account_id in ours:
            await note(tx, account_id, "domain_block", domain, ties)


async def of_account(tx: Transaction, target: Account, *, followers: bool = True) -> None:
    """Tell who is tied to an account that is about to be suspended, or to go.

    Args:
        followers: whether those who follow it lose it, too; else those alone whom it follows.
    """
    lost: defaultdict[int, Lost] = defaultdict(Lost)
    for mine, other, of_followers in _ENDS:
        if of_followers or followers:
            query = select(mine).where(other == target.id, col(Follow.state) == "accepted")
            for account_id in (await tx.exec(query)).all():
                _add(lost[account_id], of_followers, 1)
    name = target.acct if target.domain is not None else f"{target.acct}@{tx.instance.domain}"
    for account_id in sorted(await _ours(tx, set(lost))):
        await note(tx, account_id, "account_suspension", name, lost[account_id])


async def note(tx: Transaction, account_id: int, kind: Kind, target: str, lost: Lost) -> None:
    """Write down what somebody lost, and tell them."""
    row = await _open(tx, account_id, kind, target)
    row.followers_count, row.following_count = lost.followers, lost.following
    await tx.flush()
    await notifications.severed(tx, account_id, row.id)


async def gather(
    tx: Transaction, account_id: int, kind: Kind, target: str, lost: Lost, since: datetime
) -> Severance | None:
    """Write down what somebody lost, of what is cut in several transactions.

    Args:
        since: when that was asked for.

    Returns:
        All that they lost by it until now; None if that is nothing.
    """
    query = (
        select(Severance)
        .where(
            Severance.account_id == account_id,
            Severance.kind == kind,
            Severance.target_name == target,
            col(Severance.created_at) >= since,
        )
        .limit(1)
    )
    row = (await tx.exec(query)).first()
    if row is None and not lost.followers and not lost.following:
        return None
    row = row or await _open(tx, account_id, kind, target)
    row.followers_count += lost.followers
    row.following_count += lost.following
    tx.add(row)
    await tx.flush()
    return row


async def _open(tx: Transaction, account_id: int, kind: Kind, target: str) -> Severance:
    row = Severance(
        id=tx.new_id(),
        account_id=account_id,
        kind=kind,
        target_name=target,
        created_at=tx.now,
    )
    tx.add(row)
    await tx.flush()
    return row


# Whose tie it is, to whom, and whether that is a follower.
_ENDS = (
    (col(Follow.target_account_id), col(Follow.account_id), True),
    (col(Follow.account_id), col(Follow.target_account_id), False),
)


def _add(lost: Lost, of_followers: bool, number: int) -> None:
    if of_followers:
        lost.followers += number
    else:
        lost.following += number


async def _ours(tx: Transaction, account_ids: set[int]) -> set[int]:
    query = select(Account.id).where(
        col(Account.id).in_(account_ids),
        col(Account.domain).is_(None),
        col(Account.deleted_at).is_(None),
    )
    return set((await tx.exec(query)).all()) if account_ids else set()
