"""Keys beside the RSA key that stands in an account's own row."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Text, UniqueConstraint
from sqlmodel import Field

from fedi.database.tables.columns import Table, moment, primary_id, reference


class AccountKey(Table, table=True):
    """A further key of an account: of ours the one that makes integrity proofs, of others every
    one that their document lists."""

    __tablename__ = "account_key"
    __table_args__ = (UniqueConstraint("account_id", "key_id"),)

    id: int = primary_id()
    account_id: int = reference("account.id")
    key_id: str = Field(index=True)  # not unique: nobody can take another's key by naming it
    public_pem: str = Field(sa_type=Text)
    private_pem: str | None = Field(default=None, sa_type=Text, nullable=True)  # of ours
    created_at: datetime = moment()


__all__ = ["AccountKey"]
