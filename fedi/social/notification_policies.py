"""Whom people want to hear of: what becomes of a notification before it is told.

An account accepts, sets aside (`filter`) or drops what comes from people of some kinds. What is set
aside is a row like all others, but told to nobody, and waits under the name of who did it
(`social.notification_requests`). Without a policy all is accepted, save what the silenced do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy
from sqlalchemy import bindparam
from sqlmodel import col, select

from fedi.database import Session, Transaction
from fedi.database.insertion import insert_into, table_of
from fedi.database.tables import (
    Account,
    Follow,
    NotificationPermission,
    NotificationPolicy,
    NotificationRequest,
    Status,
)
from fedi.social.errors import Invalid

ACCEPT, FILTER, DROP = HANDLINGS = ("accept", "filter", "drop")
RULES = (
    "for_not_following",
    "for_not_followers",
    "for_new_accounts",
    "for_private_mentions",
    "for_limited_accounts",
)
NEW_FOR = timedelta(days=30)  # as Mastodon
FOLLOWS_FOR = timedelta(days=3)  # who follows only since then is no follower yet, as Mastodon

# What nobody else decides about.
EXEMPT = frozenset(
    {"poll", "update", "quoted_update", "admin.report", "admin.sign_up", "moderation_warning"}
)
# What makes a request: somebody says something.
REQUESTED = frozenset({"mention", "quote", "remix"})

_POLICIES = table_of(NotificationPolicy).c
_WITH_ONE = sqlalchemy.select(_POLICIES.account_id).where(
    _POLICIES.account_id.in_(bindparam("accounts", expanding=True))
)


@dataclass(frozen=True, slots=True)
class Judgement:
    """Who is not told, and for whom it is set aside."""

    dropped: frozenset[int] = frozenset()
    filtered: frozenset[int] = frozenset()


async def of(session: Session, account: Account) -> NotificationPolicy:
    """An account's policy; a new row that is in no session, if it has none."""
    found = await session.get(NotificationPolicy, account.id)
    return found or NotificationPolicy(account_id=account.id)


async def change(tx: Transaction, account: Account, rules: dict[str, str]) -> NotificationPolicy:
    """Change some rules of an account's policy.

    Raises:
        Invalid: there is no such handling.
    """
    if any(handling not in HANDLINGS for handling in rules.values()):
        raise Invalid("A notification is accepted, filtered or dropped.")
    policy = await of(tx, account)
    values = {name: rules.get(name, getattr(policy, name)) for name in RULES}
    insert = insert_into(tx, NotificationPolicy).values(account_id=account.id, **values)
    await tx.execute(insert.on_conflict_do_update(index_elements=["account_id"], set_=values))
    found = await tx.get_one(NotificationPolicy, account.id, populate_existing=True)
    return found


async def with_one(tx: Transaction, account_ids: Sequence[int]) -> set[int]:
    """Those of some accounts that have a policy."""
    return set((await tx.execute_core(_WITH_ONE, {"accounts": account_ids})).scalars())


async def judge(
    tx: Transaction, wanted: Sequence[int], author: Account, kind: str, status_id: int | None
) -> Judgement:
    """What becomes of a notification to each of some accounts."""
    if not wanted or kind in EXEMPT:
        return Judgement()
    limited = author.silenced_at is not None and kind != "follow_request"
    if not await with_one(tx, wanted) and not limited:
        return Judgement()  # nearly always
    rows = await tx.exec(
        select(NotificationPolicy).where(col(NotificationPolicy.account_id).in_(wanted))
    )
    policies = {row.account_id: row for row in rows.all()}
    ties = await _ties(tx, wanted, author)
    private = await _private_to(tx, wanted, kind, status_id)
    dropped, filtered = set(), set()
    for account_id in wanted:
        if account_id in ties.permitted:
            continue
        policy = policies.get(account_id) or NotificationPolicy(account_id=account_id)
        stranger = account_id not in ties.following
        applying = [
            (policy.for_not_following, stranger),
            (policy.for_not_followers, account_id not in ties.followed),
            (policy.for_new_accounts, stranger and author.created_at > tx.now - NEW_FOR),
            (policy.for_private_mentions, stranger and account_id in private),
            (policy.for_limited_accounts, stranger and limited),
        ]
        handlings = {handling for handling, applies in applying if applies}
        if DROP in handlings:
            dropped.add(account_id)
        elif FILTER in handlings:
            filtered.add(account_id)
    return Judgement(frozenset(dropped), frozenset(filtered))


@dataclass(frozen=True, slots=True)
class _Ties:
    """Who of some accounts follows somebody, is followed by them, or has let them through."""

    following: set[int]
    followed: set[int]
    permitted: set[int]


async def _ties(tx: Transaction, wanted: Sequence[int], author: Account) -> _Ties:
    following = select(Follow.account_id).where(
        col(Follow.account_id).in_(wanted),
        Follow.target_account_id == author.id,
        Follow.state == "accepted",
    )
    followed = select(Follow.target_account_id).where(
        col(Follow.target_account_id).in_(wanted),
        Follow.account_id == author.id,
        Follow.state == "accepted",
        col(Follow.created_at) <= tx.now - FOLLOWS_FOR,
    )
    permitted = select(NotificationPermission.account_id).where(
        col(NotificationPermission.account_id).in_(wanted),
        NotificationPermission.from_account_id == author.id,
    )
    found: list[set[int]] = [
        set((await tx.exec(query)).all()) for query in (following, followed, permitted)
    ]
    return _Ties(*found)


async def _private_to(
    tx: Transaction, wanted: Sequence[int], kind: str, status_id: int | None
) -> set[int]:
    """Those whom a direct post comes to unasked: it answers nothing of theirs."""
    if kind != "mention" or status_id is None:
        return set()
    query = select(Status.visibility, Status.in_reply_to_account_id).where(Status.id == status_id)
    row = (await tx.exec(query)).first()
    if row is None or row[0] != "direct":
        return set()
    return set(wanted) - {row[1]}


async def request(
    tx: Transaction, account_ids: Sequence[int], author_id: int, status_id: int | None
) -> None:
    """Note that something of somebody was set aside."""
    for account_id in account_ids:
        values: dict[str, Any] = {
            "id": tx.new_id(),
            "account_id": account_id,
            "from_account_id": author_id,
            "last_status_id": status_id,
            "created_at": tx.now,
            "updated_at": tx.now,
        }
        insert = insert_into(tx, NotificationRequest).values(**values)
        changed = {"last_status_id": status_id, "updated_at": tx.now}
        await tx.execute(
            insert.on_conflict_do_update(
                index_elements=["account_id", "from_account_id"], set_=changed
            )
        )
