"""Keys beside the RSA key of each account: ours to make integrity proofs, others' as they list
them (FEP-521a)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import bindparam, delete
from sqlmodel import col, select

from activitypub.signatures.keys import generate_ed25519
from fedi.database import Session, Transaction
from fedi.database.insertion import add_once, table_of
from fedi.database.tables import Account, AccountKey

FRAGMENT = "ed25519-key"  # of our own key's id, under the actor's

_OF = (
    select(AccountKey)
    .where(col(AccountKey.account_id) == bindparam("account"))
    .order_by(col(AccountKey.id))
)


_KEYS = table_of(AccountKey).c
_LISTED = (
    select(_KEYS.key_id, _KEYS.public_pem)
    .where(_KEYS.account_id == bindparam("account"))
    .order_by(_KEYS.id)
)


class Listed(NamedTuple):
    """What everybody may know of a key."""

    key_id: str
    public_pem: str


async def listed(session: Session, account: Account) -> list[Listed]:
    """What an actor's document says of the further keys of an account, in their order."""
    rows = await session.execute(_LISTED, {"account": account.id})
    return [Listed(*row) for row in rows]


async def of(session: Session, account: Account) -> list[AccountKey]:
    """The further keys of an account, in the order in which they were stored."""
    return list((await session.exec(_OF, params={"account": account.id})).all())


async def ensure(tx: Transaction, account: Account) -> AccountKey:
    """The Ed25519 key of a local account; made now, if the account is older than such keys."""
    known = await of(tx, account)
    if known:
        return known[0]
    private_pem, public_pem = generate_ed25519()
    key = AccountKey(
        id=tx.new_id(),
        account_id=account.id,
        key_id=f"{account.uri}#{FRAGMENT}",
        public_pem=public_pem,
        private_pem=private_pem,
        created_at=tx.now,
    )
    if await add_once(tx, key):
        return key
    return (await of(tx, account))[0]


async def replace(tx: Transaction, account: Account, keys: Sequence[tuple[str, str]]) -> None:
    """Store what somebody elsewhere lists now, as (id, PEM) each."""
    known = {(key.key_id, key.public_pem) for key in await of(tx, account)}
    if known == set(keys):
        return
    await tx.execute(delete(AccountKey).where(col(AccountKey.account_id) == account.id))
    for key_id, pem in dict(keys).items():
        tx.add(
            AccountKey(
                id=tx.new_id(),
                account_id=account.id,
                key_id=key_id,
                public_pem=pem,
                created_at=tx.now,
            )
        )
    await tx.flush()
