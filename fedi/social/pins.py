"""Posts that somebody shows at the top of their profile."""

from __future__ import annotations

from sqlalchemy import delete, func
from sqlmodel import col, select

from fedi.database import Session, Transaction
from fedi.database.insertion import add_once
from fedi.database.tables import Account, Pin, Status
from fedi.social import accounts
from fedi.social.errors import Invalid, NotFound
from fedi.social.outbound import tell
from fedi.social.visibility import SHOWN_TO_ALL

MAX_OWN = 5  # of somebody here, as Mastodon
MAX_PINS = 20  # kept of somebody elsewhere; Mastodon lets people pin 5, others more


async def find(session: Session, account: Account, status: Status) -> Pin | None:
    """An account's pin of a post."""
    mine = select(Pin).where(Pin.account_id == account.id, Pin.status_id == status.id)
    return (await session.exec(mine)).first()


async def add(tx: Transaction, account: Account, status: Status) -> Pin:
    """Pin a post; pinning twice is pinning once. Who follows somebody here is told.

    Args:
        account: who pins, from here or elsewhere.
        status: what.

    Returns:
        The pin; the one that was there, if it was pinned before.

    Raises:
        Invalid: it is not theirs, a boost, not for everybody, or one too many.
        NotFound: it is deleted.
    """
    if status.account_id != account.id or status.reblog_of_id is not None:
        raise Invalid("Only own posts can be pinned.")
    if status.visibility not in SHOWN_TO_ALL or status.held:
        raise Invalid("Only posts for everybody can be pinned.")
    if status.deleted_at is not None:
        raise NotFound("There is no such post.")
    if account.local:
        await accounts.take_turns(tx, account.id)
    known = await find(tx, account, status)
    if known is not None:
        return known
    pinned = (
        select(func.count())
        .select_from(Pin)
        .join(Status, col(Status.id) == col(Pin.status_id))
        .where(col(Pin.account_id) == account.id, col(Status.deleted_at).is_(None))
    )
    most = MAX_OWN if account.local else MAX_PINS
    if ((await tx.execute(pinned)).scalar() or 0) >= most:
        raise Invalid(f"At most {most} posts can be pinned.")
    pin = Pin(id=tx.new_id(), account_id=account.id, status_id=status.id, created_at=tx.now)
    await add_once(tx, pin)
    if account.local:
        await tell(tx, "pin", pin_id=pin.id)
    return pin


async def remove(tx: Transaction, account: Account, status: Status) -> Pin | None:
    """Pin a post no more. Who follows somebody here is told.

    Args:
        account: who pinned it.
        status: what.

    Returns:
        The pin that there was; None if there was none, and nothing happens.
    """
    pin = await find(tx, account, status)
    if pin is None:
        return None
    await tx.execute(delete(Pin).where(col(Pin.id) == pin.id))
    if account.local:
        await tell(
            tx,
            "unpin",
            account_id=account.id,
            status_id=status.id,
            uri=remove_uri(account, pin),
        )
    return pin


def add_uri(account: Account, pin: Pin) -> str:
    """The id of the Add that tells of a pin."""
    return f"{account.uri}/activities/pins/{pin.id}"


def remove_uri(account: Account, pin: Pin) -> str:
    """The id of the Remove that tells of its end."""
    return f"{add_uri(account, pin)}/remove"
