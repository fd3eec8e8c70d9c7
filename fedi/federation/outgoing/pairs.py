"""The two accounts that something is between."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam
from sqlmodel import col, select

from fedi.database import Transaction
from fedi.database.tables import Account

_BY_IDS = select(Account).where(col(Account.id).in_(bindparam("ids", expanding=True)))


async def both(tx: Transaction, payload: dict[str, Any]) -> tuple[Account, Account] | None:
    """The account that does it and the one that it is done to; None if one of them is not there."""
    ids = payload["account_id"], payload["target_account_id"]
    found = {row.id: row for row in (await tx.exec(_BY_IDS, params={"ids": ids})).all()}
    account, target = (found.get(account_id) for account_id in ids)
    return (account, target) if account is not None and target is not None else None
