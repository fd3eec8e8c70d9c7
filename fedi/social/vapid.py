"""The key pair by which push services know this instance (VAPID, RFC 8292).

Made once: a browser that has subscribed with one public key takes nothing signed by another.
"""

from __future__ import annotations

import base64

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from fedi.database import Session, Transaction
from fedi.database.insertion import add_once
from fedi.database.tables import InstanceSecret

NAME = "vapid"  # of the secret


async def ensure(tx: Transaction) -> ec.EllipticCurvePrivateKey:
    """The private key; made if it is not there yet. Of two processes at once, the first's."""
    found = await private_key(tx)
    if found is not None:
        return found
    made = ec.generate_private_key(ec.SECP256R1())
    pem = made.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    await add_once(tx, InstanceSecret(name=NAME, value=pem.decode(), created_at=tx.now))
    found = await private_key(tx)
    assert found is not None
    return found


async def private_key(session: Session) -> ec.EllipticCurvePrivateKey | None:
    """The private key; None before the first start."""
    row = await session.get(InstanceSecret, NAME, populate_existing=True)
    if row is None:
        return None
    key = serialization.load_pem_private_key(row.value.encode(), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key


async def public_key(session: Session) -> str:
    """The public key as browsers take it: the uncompressed point, 65 bytes in base64url; empty
    before the first start."""
    key = await private_key(session)
    if key is None:
        return ""
    point = key.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
    return base64.urlsafe_b64encode(point).decode().rstrip("=")
