"""The instance's own certificates: by whom pictures that are painted here are signed.

An authority is made at the first start and stays; it lets a leaf sign, and another one every year.
Both keys are where all keys of the instance are, in its database.
"""

from __future__ import annotations

from weakref import WeakKeyDictionary

from sqlalchemy import update
from sqlmodel import col

from fedi import logs
from fedi.database import Session, Transaction
from fedi.database.insertion import add_once
from fedi.database.tables import InstanceSecret
from fedi.runtime import Easel
from generation import certificates
from generation.certificates import Certified

PATH = "/.well-known/easel/content-credentials.pem"  # where every Easel shows its authority
MEDIA_TYPE = "application/x-pem-file"

AUTHORITY, LEAF = "credentials authority", "credentials leaf"  # names of secrets
_KEY = "-----BEGIN PRIVATE KEY-----"

log = logs.get(__name__)

_seals: WeakKeyDictionary[Easel, Certified] = WeakKeyDictionary()


async def of(easel: Easel) -> Certified:
    """Who signs today: the leaf's key, and its certificate followed by the authority's."""
    known = _seals.get(easel)
    if known is None or certificates.due(known.certificate, easel.clock.now()):
        async with easel.database.write() as tx:
            known = await ensure(tx)
        _seals[easel] = known
    return known


async def ensure(tx: Transaction) -> Certified:
    """Like `of`; what is missing is made now, and what has signed for long enough is renewed."""
    name = tx.instance.domain
    above = await _found(tx, AUTHORITY)
    if above is None:
        await _keep(tx, AUTHORITY, certificates.authority(name, tx.now))
        above = await _found(tx, AUTHORITY)
        assert above is not None
    leaf = await _found(tx, LEAF)
    if leaf is None or certificates.due(leaf.certificate, tx.now):
        await _keep(tx, LEAF, certificates.leaf(above, name, tx.now))
        leaf = await _found(tx, LEAF)
        assert leaf is not None
        log.info("certificate_made", name=name)
    return Certified(leaf.certificate + above.certificate, leaf.key)


async def authority(session: Session) -> str | None:
    """The certificate (PEM) of the authority, which everybody may know; None before the start."""
    found = await _found(session, AUTHORITY)
    return found.certificate if found is not None else None


async def _found(session: Session, name: str) -> Certified | None:
    row = await session.get(InstanceSecret, name, populate_existing=True)
    if row is None:
        return None
    certificate, _, key = row.value.partition(_KEY)
    return Certified(certificate, _KEY + key)


async def _keep(tx: Transaction, name: str, made: Certified) -> None:
    """In place of an older one; of two processes that make one at once, the first."""
    value = made.certificate + made.key
    if await add_once(tx, InstanceSecret(name=name, value=value, created_at=tx.now)):
        return
    if name == LEAF:
        await tx.execute(
            update(InstanceSecret)
            .where(col(InstanceSecret.name) == name)
            .values(value=value, created_at=tx.now)
        )
