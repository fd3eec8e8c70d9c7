"""Names that lead nowhere, for authors who are not named and for every picture that goes out.

The number of a picture is public: whoever has it finds the post with one request. So what goes out
is called by a keyed digest of it, the same each time.
"""

from __future__ import annotations

import hmac
import secrets

from fedi.database.insertion import add_once
from fedi.database.tables import InstanceSecret
from fedi.runtime import Easel

SECRET = "training_pseudonyms"  # the name of it
AUTHOR_DIGITS = 16
PICTURE_DIGITS = 32  # 128 bits: no two pictures of an instance have the same


async def secret(easel: Easel) -> bytes:
    """What pseudonyms are made with; it is made by whoever asks first."""
    async with easel.database.read() as session:
        row = await session.get(InstanceSecret, SECRET)
    if row is None:
        async with easel.database.write() as tx:
            fresh = InstanceSecret(name=SECRET, value=secrets.token_hex(32), created_at=tx.now)
            await add_once(tx, fresh)
            row = await tx.get_one(InstanceSecret, SECRET, populate_existing=True)
    return bytes.fromhex(row.value)


def author(key: bytes, account_id: int) -> str:
    """Who is not named.

    Args:
        key: of `secret`.
    """
    return f"author-{_digest(key, str(account_id))[:AUTHOR_DIGITS]}"


def picture(key: bytes, media_id: int) -> str:
    """What a picture is called where it goes out.

    Args:
        key: of `secret`.
    """
    return _digest(key, f"picture {media_id}")[:PICTURE_DIGITS]


def _digest(key: bytes, what: str) -> str:
    return hmac.digest(key, what.encode(), "sha256").hex()
