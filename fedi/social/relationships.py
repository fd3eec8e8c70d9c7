"""What accounts are to one account, of many at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete
from sqlmodel import col, or_, select

from fedi.database import Session, Transaction
from fedi.database.insertion import insert_into
from fedi.database.tables import (
    Account,
    AccountDomainBlock,
    AccountNote,
    Block,
    Endorsement,
    Follow,
    Mute,
)
from fedi.social.errors import Invalid
from fedi.social.mutes import lasting

MAX_NOTE = 2000  # characters, as Mastodon


@dataclass(slots=True)
class Relation:
    """What another account is to this one; the attributes are Mastodon's words."""

    following: bool = False
    showing_reblogs: bool = False
    notifying: bool = False
    languages: list[str] | None = None
    requested: bool = False
    followed_by: bool = False
    requested_by: bool = False
    blocking: bool = False
    blocked_by: bool = False
    muting: bool = False
    muting_notifications: bool = False
    muting_expires_at: datetime | None = None
    note: str = ""
    endorsed: bool = False
    domain_blocking: bool = False


async def of(session: Session, account: Account, ids: Sequence[int]) -> dict[int, Relation]:
    """What those with these ids are to an account, by id, in a fixed number of queries."""
    found = {other: Relation() for other in ids}
    if not found:
        return found
    mine, theirs = col(Follow.account_id), col(Follow.target_account_id)
    follows = select(Follow).where(
        or_((mine == account.id) & theirs.in_(ids), (theirs == account.id) & mine.in_(ids))
    )
    for follow in (await session.exec(follows)).all():
        holds = follow.state == "accepted"
        if follow.account_id == account.id and follow.target_account_id in found:
            one = found[follow.target_account_id]
            one.following, one.requested = holds, not holds
            one.showing_reblogs, one.notifying = follow.reblogs, follow.notify
            one.languages = follow.languages
        elif follow.account_id in found:
            one = found[follow.account_id]
            one.followed_by, one.requested_by = holds, not holds
    blocks = select(Block.account_id, Block.target_account_id).where(
        or_(
            (col(Block.account_id) == account.id) & col(Block.target_account_id).in_(ids),
            (col(Block.target_account_id) == account.id) & col(Block.account_id).in_(ids),
        )
    )
    for by, target in (await session.exec(blocks)).all():
        if by == account.id:
            found[target].blocking = True
        else:
            found[by].blocked_by = True
    mutes = select(Mute).where(
        Mute.account_id == account.id,
        col(Mute.target_account_id).in_(ids),
        lasting(session.now),
    )
    for mute in (await session.exec(mutes)).all():
        one = found[mute.target_account_id]
        one.muting, one.muting_notifications = True, mute.notifications
        one.muting_expires_at = mute.expires_at
    notes = select(AccountNote).where(
        AccountNote.account_id == account.id, col(AccountNote.target_account_id).in_(ids)
    )
    for note in (await session.exec(notes)).all():
        found[note.target_account_id].note = note.comment
    shown = select(Endorsement.target_account_id).where(
        Endorsement.account_id == account.id, col(Endorsement.target_account_id).in_(ids)
    )
    for target in (await session.exec(shown)).all():
        found[target].endorsed = True
    hidden = (
        select(Account.id)
        .join(AccountDomainBlock, col(AccountDomainBlock.domain) == col(Account.domain))
        .where(AccountDomainBlock.account_id == account.id, col(Account.id).in_(ids))
    )
    for target in (await session.exec(hidden)).all():
        found[target].domain_blocking = True
    return found


async def note(tx: Transaction, account: Account, target: Account, comment: str) -> None:
    """Note something of an account, for oneself alone; nothing, to forget it.

    Raises:
        Invalid: it is too long.
    """
    if len(comment) > MAX_NOTE:
        raise Invalid(f"A note has at most {MAX_NOTE} characters.")
    ids = {"account_id": account.id, "target_account_id": target.id}
    if not comment:
        await tx.execute(
            delete(AccountNote).where(
                *(col(getattr(AccountNote, name)) == value for name, value in ids.items())
            )
        )
        return
    insert = insert_into(tx, AccountNote).values(**ids, comment=comment)
    await tx.execute(
        insert.on_conflict_do_update(index_elements=list(ids), set_={"comment": comment})
    )
