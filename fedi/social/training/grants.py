"""Who may listen to what may be trained on, and what they were told: a grant is an export that goes
on, for whoever has its token.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence

from sqlalchemy import ColumnElement, exists
from sqlmodel import col, select

from fedi.database import Session, Transaction
from fedi.database.tables import DatasetExport, DatasetItem, MediaAttachment, Status
from fedi.social.errors import Invalid, NotFound
from fedi.social.training import ledger, offers, pseudonyms, standing

TOKEN_BYTES = 32


async def grant(
    tx: Transaction, recipient: str, *, purpose: str, by: str = "", sensitive: bool = False
) -> tuple[DatasetExport, str]:
    """Let somebody listen to what is offered from now on.

    Returns:
        The grant, and its token, which is stored nowhere.

    Raises:
        Invalid: there is no name, no purpose, or a grant of that name already.
    """
    if not recipient.strip():
        raise Invalid("Say who gets it: authors are shown it.")
    if await _granted(tx, recipient) is not None:
        raise Invalid(f"{recipient.strip()} has a grant already: revoke that first.")
    export = ledger.begin(
        tx, ledger.STREAM, recipient=recipient, purpose=purpose, by=by, sensitive=sensitive
    )
    token = secrets.token_urlsafe(TOKEN_BYTES)
    export.token_hash = _hashed(token)
    await tx.flush()
    return export, token


async def revoke(tx: Transaction, recipient: str) -> DatasetExport:
    """Let somebody listen no more. What they got stays written down.

    Raises:
        NotFound: nobody of that name may listen.
    """
    export = await _granted(tx, recipient)
    if export is None:
        raise NotFound("Nobody of that name may listen.")
    export.revoked_at = tx.now
    tx.add(export)
    standing.hint(tx)
    return export


async def authenticate(session: Session, token: str) -> DatasetExport | None:
    """The grant whose token this is."""
    query = select(DatasetExport).where(
        col(DatasetExport.token_hash) == _hashed(token), col(DatasetExport.revoked_at).is_(None)
    )
    return (await session.exec(query)).first()


async def _granted(session: Session, recipient: str) -> DatasetExport | None:
    query = select(DatasetExport).where(
        col(DatasetExport.kind) == ledger.STREAM,
        col(DatasetExport.recipient) == recipient.strip(),
        col(DatasetExport.revoked_at).is_(None),
    )
    return (await session.exec(query)).first()


async def untold(
    session: Session, grant: DatasetExport, limit: int
) -> Sequence[tuple[MediaAttachment, Status]]:
    """What is offered and was not told to a grant yet, or was taken back and is offered again."""
    query = (
        offers.offered(sensitive=grant.sensitive)
        .where(~_told(grant))
        .order_by(col(MediaAttachment.id))
        .limit(limit)
    )
    return [(media, status) for media, status, _ in (await session.exec(query)).all()]


def _told(grant: DatasetExport) -> ColumnElement[bool]:
    return exists().where(
        col(DatasetItem.export_id) == grant.id,
        col(DatasetItem.media_id) == col(MediaAttachment.id),
        col(DatasetItem.withdrawn_at).is_(None),
    )


async def take(tx: Transaction, grant_id: int, limit: int, key: bytes) -> int:
    """Write down what a grant is told next.

    Args:
        key: of `pseudonyms.secret`.

    Returns:
        How many there were.
    """
    places = await ledger.positions(tx, limit)  # first: two connections of a grant take turns
    grant = await tx.get_one(DatasetExport, grant_id)
    if grant.revoked_at is not None:
        return 0
    found = await untold(tx, grant, limit)
    known = await _rows(tx, grant, [media.id for media, _ in found])
    for (media, status), position in zip(found, places, strict=False):
        item = known.get(media.id)
        if item is None:
            item = ledger.item_of(tx, grant, media, status, pseudonyms.picture(key, media.id))
            grant.items += 1
        else:  # it was taken back, and is there again; called as before
            item.sent_at, item.reason = tx.now, ""
            item.withdrawn_at = item.withdrawn_position = None
        item.position = position
        tx.add(item)
    grant.last_used_at = tx.now
    tx.add(grant)
    return len(found)


async def _rows(
    session: Session, grant: DatasetExport, media_ids: Sequence[int]
) -> dict[int, DatasetItem]:
    rows = await session.exec(
        select(DatasetItem).where(
            col(DatasetItem.export_id) == grant.id, col(DatasetItem.media_id).in_(media_ids)
        )
    )
    return {row.media_id: row for row in rows.all()}


async def told(
    session: Session, grant_id: int, after: int, limit: int
) -> list[tuple[int, str, DatasetItem]]:
    """What a grant was told behind a position, in its order: (position, `item` or `withdrawn`,
    which picture). A picture that was taken back meanwhile is told as that alone."""
    mine = col(DatasetItem.export_id) == grant_id
    sent = await session.exec(
        select(DatasetItem)
        .where(mine, col(DatasetItem.position) > after, col(DatasetItem.withdrawn_at).is_(None))
        .order_by(col(DatasetItem.position))
        .limit(limit)
    )
    back = await session.exec(
        select(DatasetItem)
        .where(mine, col(DatasetItem.withdrawn_position) > after)
        .order_by(col(DatasetItem.withdrawn_position))
        .limit(limit)
    )
    events = [(row.position, "item", row) for row in sent.all()]
    events += [(row.withdrawn_position or 0, "withdrawn", row) for row in back.all()]
    return sorted(events, key=lambda event: event[0])[:limit]


def _hashed(token: str) -> str:
    # The token has 256 random bits: a plain hash cannot be turned back.
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
