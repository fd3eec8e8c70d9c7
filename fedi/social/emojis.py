"""The emoji of this instance: small pictures that stand for shortcodes in what people here write.

A text keeps the addresses of those that it was written with, as those from elsewhere do. One that
is taken away or replaced keeps its row and its file, so that older posts stay as they were.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from sqlalchemy import CursorResult, update
from sqlmodel import col, select

from fedi.database import Session, Transaction
from fedi.database.tables import CustomEmoji
from fedi.social.errors import Invalid, NotFound
from fedi.social.text import name

MAX_SHORTCODE = 64  # characters; Mastodon's have 2 to about 40
MAX_CATEGORY = 60
MAX_USED = 100  # different ones in one text

_SHORTCODE = re.compile(rf"[A-Za-z0-9_]{{2,{MAX_SHORTCODE}}}")
_USED = re.compile(rf"(?<![\w:]):([A-Za-z0-9_]{{2,{MAX_SHORTCODE}}}):(?![\w:])")


def check(shortcode: str) -> str:
    """A shortcode without colons.

    Raises:
        Invalid: it is none.
    """
    bare = shortcode.strip(":")
    if not _SHORTCODE.fullmatch(bare):
        raise Invalid(f"A shortcode is 2 to {MAX_SHORTCODE} of the letters A–Z, digits and _.")
    return bare


async def put(
    tx: Transaction, shortcode: str, file: str, still_file: str, media_type: str, category: str = ""
) -> CustomEmoji:
    """Add an emoji, or give a known one another picture.

    Args:
        shortcode: with or without colons.
        file, still_file: storage keys of it, and of one that does not move.
        media_type: of `file`.
        category: under which apps show it.

    Raises:
        Invalid: the shortcode is none.
    """
    code = check(shortcode)
    await _retire(tx, code)
    emoji = CustomEmoji(
        id=tx.new_id(),
        shortcode=code,
        file=file,
        still_file=still_file,
        media_type=media_type,
        category=name(category, MAX_CATEGORY),
        updated_at=tx.now,
    )
    tx.add(emoji)
    await tx.flush()
    return emoji


async def remove(tx: Transaction, shortcode: str) -> None:
    """Take an emoji away: nothing new is written with it.

    Raises:
        NotFound: there is none.
    """
    if not await _retire(tx, shortcode.strip(":")):
        raise NotFound(f"There is no emoji {shortcode} here.")


async def _retire(tx: Transaction, code: str) -> bool:
    """Nothing new is written with it; False if there was none."""
    gone = await tx.execute(
        update(CustomEmoji)
        .where(col(CustomEmoji.shortcode) == code, col(CustomEmoji.removed_at).is_(None))
        .values(removed_at=tx.now)
    )
    assert isinstance(gone, CursorResult)
    return bool(gone.rowcount)


async def every(session: Session) -> Sequence[CustomEmoji]:
    """All emoji, by category and shortcode."""
    query = (
        select(CustomEmoji)
        .where(col(CustomEmoji.removed_at).is_(None))
        .order_by(col(CustomEmoji.category), col(CustomEmoji.shortcode))
    )
    return (await session.exec(query)).all()


def address(session: Session, key: str) -> str:
    """Where everybody can read the file under a storage key."""
    return f"{session.instance.url}/media/{key}"


async def used(session: Session, *texts: str) -> list[dict[str, str]]:
    """The emoji of this instance that some texts are written with, as statuses and accounts keep
    them: with the address, and that of the picture that does not move."""
    codes = list(dict.fromkeys(code for text in texts for code in _USED.findall(text)))[:MAX_USED]
    if not codes:
        return []
    rows = await session.exec(
        select(CustomEmoji).where(
            col(CustomEmoji.shortcode).in_(codes), col(CustomEmoji.removed_at).is_(None)
        )
    )
    return [
        {
            "shortcode": emoji.shortcode,
            "url": address(session, emoji.file),
            "static_url": address(session, emoji.still_file),
            "updated": emoji.updated_at.isoformat(),
        }
        for emoji in rows.all()
    ]
