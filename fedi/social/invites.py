"""Invitations: codes by which people may make accounts."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from sqlalchemy import or_, update
from sqlmodel import col, select

from fedi.database import Session, Transaction
from fedi.database.tables import Account, Invite
from fedi.social.errors import Invalid, NotFound

# Without what is mistaken for something else when it is read aloud or copied by hand.
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
LENGTH = 10  # signs: about 49 bits, and an address may try few
MAX_CODE = 40  # characters of what is looked up
MAX_USES = 100_000
MAX_DAYS = 3650
MAX_COMMENT = 200


async def create(
    tx: Transaction,
    *,
    account: Account | None = None,
    uses: int | None = None,
    lasts: timedelta | None = None,
    comment: str = "",
) -> Invite:
    """Make an invitation.

    Args:
        account: who invites.
        uses: how many may come by it; as many as like, if None.
        lasts: for how long; for good, if None.

    Raises:
        Invalid: a number is out of bounds.
    """
    if uses is not None and not 1 <= uses <= MAX_USES:
        raise Invalid(f"An invitation has 1 to {MAX_USES} uses.")
    if lasts is not None and not timedelta() < lasts <= timedelta(days=MAX_DAYS):
        raise Invalid(f"An invitation lasts 1 to {MAX_DAYS} days.")
    row = Invite(
        id=tx.new_id(),
        code="".join(secrets.choice(ALPHABET) for _ in range(LENGTH)),
        account_id=None if account is None else account.id,
        comment=comment[:MAX_COMMENT],
        max_uses=uses,
        created_at=tx.now,
        expires_at=None if lasts is None else tx.now + lasts,
    )
    tx.add(row)
    await tx.flush()
    return row


async def find(session: Session, code: str) -> Invite | None:
    """The invitation with this code, if it still holds."""
    code = code.strip().lower()
    if not code or len(code) > MAX_CODE or "\0" in code:
        return None
    row = (await session.exec(select(Invite).where(Invite.code == code))).first()
    return row if row is not None and holds(row, session.now) else None


def holds(invite: Invite, now: datetime) -> bool:
    """Whether somebody may still come by an invitation."""
    spent = invite.max_uses is not None and invite.uses >= invite.max_uses
    over = invite.expires_at is not None and invite.expires_at <= now
    return invite.revoked_at is None and not spent and not over


async def use(tx: Transaction, invite: Invite) -> bool:
    """Somebody comes by an invitation; False if others were quicker."""
    result = await tx.execute(
        update(Invite)
        .where(
            col(Invite.id) == invite.id,
            col(Invite.revoked_at).is_(None),
            or_(col(Invite.max_uses).is_(None), col(Invite.uses) < col(Invite.max_uses)),
        )
        .values(uses=col(Invite.uses) + 1)
        .returning(col(Invite.id))
        .execution_options(synchronize_session=False)
    )
    return result.scalar() is not None


async def revoke(tx: Transaction, code: str) -> Invite:
    """Let nobody come by an invitation any more.

    Raises:
        NotFound: there is none.
    """
    query = select(Invite).where(Invite.code == code.strip().lower()[:MAX_CODE])
    row = (await tx.exec(query)).first()
    if row is None:
        raise NotFound(f"There is no invitation {code[:MAX_CODE]}.")
    row.revoked_at = row.revoked_at or tx.now
    tx.add(row)
    return row


async def every(session: Session) -> list[Invite]:
    """All invitations, the newest first."""
    return list((await session.exec(select(Invite).order_by(col(Invite.id).desc()))).all())


def address(invite: Invite, instance_url: str) -> str:
    """Where somebody makes an account by it."""
    return f"{instance_url}/sign-up?invite={invite.code}"
