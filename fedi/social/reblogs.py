"""Boosts: somebody shows their followers what somebody else posted."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import col, select

from fedi.database import Session, Transaction
from fedi.database.insertion import add_once
from fedi.database.tables import Account, Status
from fedi.social import homes, paging, policies
from fedi.social.accounts import check_stays
from fedi.social.counts import count
from fedi.social.errors import NotAllowed, NotFound
from fedi.social.notifications import notify
from fedi.social.outbound import tell
from fedi.social.paging import Page
from fedi.social.statuses import SHOWN_TO_ALL, announce_event, delete, visible_to
from fedi.social.visibility import load_original


async def find(session: Session, account_id: int, status_id: int) -> Status | None:
    """An account's boost of a status."""
    return (
        await session.exec(
            select(Status).where(
                Status.reblog_of_id == status_id,
                Status.account_id == account_id,
                col(Status.deleted_at).is_(None),
            )
        )
    ).first()


async def add(
    tx: Transaction,
    account: Account,
    status: Status,
    *,
    uri: str | None = None,
    published: datetime | None = None,
    for_followers: bool = False,
) -> Status:
    """Boost a post; boosting twice is boosting once.

    Args:
        account: who boosts.
        status: what; a boost stands for what it boosts.
        uri: the id of a remote account's Announce; minted for local ones.
        published: when a remote account did; now for local ones.
        for_followers: only its followers are to see that it did.

    Returns:
        The boost, a status of its own.

    Raises:
        NotFound: the account may not see it, or took this boost back before it came.
        NotAllowed: it is not for everybody, and not their own; or its author does not let a
            local account boost it.
    """
    check_stays(account)
    original = await load_original(tx, account, status)
    own_private = original.visibility == "private" and original.account_id == account.id
    if original.visibility not in SHOWN_TO_ALL and not own_private:
        raise NotAllowed("That post may not be boosted.")
    existing = await find(tx, account.id, original.id)
    if existing is not None:
        return existing
    if uri is not None and await _is_dead(tx, uri):
        raise NotFound("That boost was taken back.")
    leave = await policies.ask(tx, account, original, "canAnnounce") if account.local else None
    boost_id = tx.new_id()
    boost = Status(
        id=boost_id,
        uri=uri or f"{account.uri}/statuses/{boost_id}/activity",
        url=original.url,
        object_type="Announce",
        account_id=account.id,
        local=account.local,
        reblog_of_id=original.id,
        visibility="private" if for_followers else original.visibility,
        approval="pending" if leave is policies.Leave.MANUAL else "",
        created_at=min(published or tx.now, tx.now),
    )
    if not await add_once(tx, boost):
        existing = await find(tx, account.id, original.id)
        if existing is None:
            raise NotFound("That boost is of something else.")
        return existing
    await count(tx, Status, original.id, {"reblogs_count": 1})
    author = await tx.get(Account, original.account_id)
    assert author is not None
    await homes.distribute(tx, boost, original)
    await notify(tx, author, account, "reblog", original.id)
    if account.local:
        await tell(tx, "announce", status_id=boost.id)
    announce_event(tx, boost, "status")
    return boost


async def by(
    session: Session, viewer: Account | None, status: Status, page: Page
) -> list[tuple[Account, int]]:
    """Who boosted a post, as far as the viewer may see that; the latest first, with the ids of the
    boosts."""
    query = (
        visible_to(viewer)
        .join(Account, col(Account.id) == col(Status.account_id))
        .where(col(Status.reblog_of_id) == (status.reblog_of_id or status.id))
        .with_only_columns(Account, col(Status.id))
    )
    return [(row[0], row[1]) for row in await paging.rows(session, query, page, col(Status.id))]


async def _is_dead(tx: Transaction, uri: str) -> bool:
    query = select(Status.id).where(Status.uri == uri, col(Status.deleted_at).is_not(None))
    return (await tx.exec(query)).first() is not None


async def remove(tx: Transaction, account: Account, status: Status) -> None:
    """Take a boost back; nothing happens if there is none."""
    boost = await find(tx, account.id, status.reblog_of_id or status.id)
    if boost is not None:
        await delete(tx, boost)
