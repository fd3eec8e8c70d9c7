"""The two accounts that something is between."""

from __future__ import annotations

from typing import Any

from fedi.database import Transaction
from fedi.database.tables import Account


async def both(tx: Transaction, payload: dict[str, Any]) -> tuple[Account, Account] | None:
    """The account that does it and the one that it is done to; None if one of them is not there."""
    account = await tx.get(Account, payload["account_id"])
    target = await tx.get(Account, payload["target_account_id"])
    return (account, target) if account is not None and target is not None else None
