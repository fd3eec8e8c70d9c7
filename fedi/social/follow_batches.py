"""Many follows from elsewhere that come at once, taken in by few statements.

Nearly every Follow that comes is the first of somebody for one of ours who has no lock. What
`follows.receive` does for one of them is done here for all, by the same rules; what is not as plain
is left to it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import bindparam, select, union_all

from fedi.database import Transaction
from fedi.database.insertion import insert_many, new_row, table_of
from fedi.database.tables import (
    Account,
    AccountDomainBlock,
    Block,
    Follow,
    Mute,
    Notification,
)
from fedi.social import follows, notification_policies, notifications
from fedi.social.counts import count, count_many

Asked = tuple[Account, Account, str]
"""Who wants to follow, whom of ours, and the id of their Follow."""

_FOLLOWS, _BLOCKS, _MUTES = (table_of(table).c for table in (Follow, Block, Mute))
_HIDDEN, _PEOPLE = table_of(AccountDomainBlock).c, table_of(Account).c
_TOLD = table_of(Notification).c
_ASKING: Any = bindparam("asking", expanding=True)
_ASKED: Any = bindparam("asked", expanding=True)

# Those who ask that have anything to do with any of those who are asked.
_KNOWN = union_all(
    select(_FOLLOWS.account_id).where(
        _FOLLOWS.account_id.in_(_ASKING), _FOLLOWS.target_account_id.in_(_ASKED)
    ),
    select(_BLOCKS.account_id).where(
        _BLOCKS.account_id.in_(_ASKING), _BLOCKS.target_account_id.in_(_ASKED)
    ),
    select(_BLOCKS.target_account_id).where(
        _BLOCKS.account_id.in_(_ASKED), _BLOCKS.target_account_id.in_(_ASKING)
    ),
    select(_MUTES.target_account_id).where(
        _MUTES.account_id.in_(_ASKED), _MUTES.target_account_id.in_(_ASKING)
    ),
    select(_TOLD.from_account_id).where(
        _TOLD.account_id.in_(_ASKED), _TOLD.from_account_id.in_(_ASKING), _TOLD.type == "follow"
    ),
    select(_PEOPLE.id).where(
        _PEOPLE.id.in_(_ASKING),
        _HIDDEN.account_id.in_(_ASKED),
        _HIDDEN.domain == _PEOPLE.domain,
    ),
)


async def receive_all(tx: Transaction, asked: Sequence[Asked]) -> list[bool]:
    """Follows that were sent here.

    Args:
        tx: a transaction.
        asked: who asks, whom, and how; of one who asks there is only one.

    Returns:
        Whether each holds now, and is to be answered so. What is False was not looked at: it is for
        `follows.receive`.
    """
    plain = await _plain(tx, asked)
    rows = [
        new_row(
            Follow,
            id=tx.new_id(),
            account_id=account.id,
            target_account_id=target.id,
            state=follows.ACCEPTED,
            uri=uri,
            created_at=tx.now,
        )
        for account, target, uri in plain
    ]
    inserted = await insert_many(tx, Follow, rows, "id")
    pairs = [(row["account_id"], row["target_account_id"]) for row in rows if row["id"] in inserted]
    await _count(tx, pairs)
    await notifications.add_follows(
        tx, [(target_id, account_id) for account_id, target_id in pairs]
    )
    held = set(pairs)
    return [(account.id, target.id) in held for account, target, _ in asked]


async def _plain(tx: Transaction, asked: Sequence[Asked]) -> list[Asked]:
    """Those of strangers for somebody who lets everybody follow and hears of everybody."""
    asking = [account.id for account, _, _ in asked]
    targets = list({target.id for _, target, _ in asked})
    if not asked:
        return []
    known = set((await tx.execute_core(_KNOWN, {"asking": asking, "asked": targets})).scalars())
    choosy = await notification_policies.with_one(tx, targets)
    return [
        (account, target, uri)
        for account, target, uri in asked
        if account.id not in known
        and target.id not in choosy
        and account.silenced_at is None
        and follows.is_open(target)
    ]


async def _count(tx: Transaction, pairs: Sequence[tuple[int, int]]) -> None:
    """Count them, the accounts in the order in which all do it: nobody waits in a circle."""
    asking = [(account_id, "following_count", 1) for account_id, _ in pairs]
    asked = Counter(target_id for _, target_id in pairs)
    steps = sorted([*asking, *((each, "followers_count", step) for each, step in asked.items())])
    for name, group in groupby(steps, key=lambda step: step[1]):
        if name == "following_count":
            await count_many(tx, Account, name, {row: step for row, _, step in group})
        else:  # these were read in this transaction
            for row, _, step in group:
                await count(tx, Account, row, {name: step})
