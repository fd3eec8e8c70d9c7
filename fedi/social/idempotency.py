"""An app that asks twice, because it did not hear the answer, posts once.

What it asked for stands in the transaction of the post itself, so that it holds whatever dies, and
of two requests at once the second waits for the first.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta

from sqlalchemy import delete, update
from sqlmodel import col, select

from fedi.database import Transaction
from fedi.database.insertion import insert_new
from fedi.database.tables import Account, IdempotencyKey

KEPT_FOR = timedelta(hours=24)  # Mastodon: one hour; phones come back into the net later


async def claim(tx: Transaction, account: Account, key: str) -> str | None:
    """Take a key.

    Returns:
        The id of the post that was made under it; None if it is free, and now the caller's, who
        says `settle` in the same transaction.
    """
    digest = _digest(key)
    await tx.execute(
        delete(IdempotencyKey).where(
            col(IdempotencyKey.account_id) == account.id,
            col(IdempotencyKey.created_at) < tx.now - KEPT_FOR,
        )
    )
    row = {"account_id": account.id, "key": digest, "status_uri": "", "created_at": tx.now}
    if await insert_new(tx, IdempotencyKey, row):
        return None
    query = select(IdempotencyKey.status_uri).where(
        IdempotencyKey.account_id == account.id, IdempotencyKey.key == digest
    )
    return (await tx.exec(query)).one()


async def settle(tx: Transaction, account: Account, key: str, status_uri: str) -> None:
    """Note what was made under a key."""
    await tx.execute(
        update(IdempotencyKey)
        .where(
            col(IdempotencyKey.account_id) == account.id, col(IdempotencyKey.key) == _digest(key)
        )
        .values(status_uri=status_uri)
        .execution_options(synchronize_session=False)
    )


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()
