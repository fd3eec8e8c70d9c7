"""Who likes what."""

from __future__ import annotations

from sqlalchemy import CursorResult, delete
from sqlmodel import col, select

from fedi.database import Session, Transaction
from fedi.database.insertion import add_once
from fedi.database.tables import Account, Favourite, Status
from fedi.social import activities, paging, policies
from fedi.social.accounts import check_stays
from fedi.social.counts import count
from fedi.social.notifications import notify, withdraw
from fedi.social.outbound import tell
from fedi.social.paging import Page
from fedi.social.visibility import load_original, seen_by


async def find(session: Session, account_id: int, status_id: int) -> Favourite | None:
    return (
        await session.exec(
            select(Favourite).where(
                Favourite.account_id == account_id, Favourite.status_id == status_id
            )
        )
    ).first()


async def by_uri(session: Session, uri: str) -> Favourite | None:
    return (await session.exec(select(Favourite).where(Favourite.uri == uri))).first()


async def add(
    tx: Transaction, account: Account, status: Status, uri: str | None = None
) -> Favourite:
    """Like a post; liking twice is liking once.

    Args:
        account: who likes.
        status: what; a boost stands for what it boosts.
        uri: the id of the Like, if there is one already: as of a remote account.

    Raises:
        NotFound: the account may not see it.
        NotAllowed: its author does not let a local account like it, or they have moved away.
    """
    check_stays(account)
    liked = await load_original(tx, account, status)
    existing = await find(tx, account.id, liked.id)
    if existing is not None:
        return existing
    if account.local:
        # Where the author must agree first it is sent all the same: a like goes to nobody else.
        await policies.ask(tx, account, liked, "canLike")
    favourite = Favourite(
        id=tx.new_id(),
        account_id=account.id,
        status_id=liked.id,
        uri=uri or activities.mint_uri(tx, account),
        created_at=tx.now,
    )
    if not await add_once(tx, favourite):
        existing = await find(tx, account.id, liked.id)
        assert existing is not None
        return existing
    await count(tx, Status, liked.id, {"favourites_count": 1})
    author = await tx.get(Account, liked.account_id)
    assert author is not None
    await notify(tx, author, account, "favourite", liked.id)
    if account.local and not author.local:
        await tell(tx, "like", account_id=account.id, status_id=liked.id, uri=favourite.uri)
    return favourite


async def listed(session: Session, account: Account, page: Page) -> list[tuple[Status, int]]:
    """What somebody likes and may still see, the latest first, with the ids to page by."""
    query = (
        seen_by(account)
        .join(Favourite, col(Favourite.status_id) == col(Status.id))
        .where(col(Favourite.account_id) == account.id)
        .add_columns(col(Favourite.id))
    )
    return [(row[0], row[1]) for row in await paging.rows(session, query, page, col(Favourite.id))]


async def by(session: Session, status: Status, page: Page) -> list[tuple[Account, int]]:
    """Who likes a post, the latest first, with the ids to page by."""
    query = (
        select(Account, col(Favourite.id))
        .join(Favourite, col(Favourite.account_id) == col(Account.id))
        .where(
            col(Favourite.status_id) == (status.reblog_of_id or status.id),
            col(Account.deleted_at).is_(None),
            col(Account.suspended_at).is_(None),
        )
    )
    return [(row[0], row[1]) for row in await paging.rows(session, query, page, col(Favourite.id))]


async def forget(tx: Transaction, status: Status) -> None:
    """Nobody likes a post that is gone, once all who did were told."""
    await tx.execute(delete(Favourite).where(col(Favourite.status_id) == status.id))


async def remove(tx: Transaction, account: Account, status: Status) -> None:
    """Like it no more; nothing happens if it was not liked."""
    favourite = await find(tx, account.id, status.reblog_of_id or status.id)
    if favourite is None:
        return
    gone = await tx.execute(delete(Favourite).where(col(Favourite.id) == favourite.id))
    assert isinstance(gone, CursorResult)
    if not gone.rowcount:
        return
    await count(tx, Status, favourite.status_id, {"favourites_count": -1})
    liked = await tx.get(Status, favourite.status_id)
    assert liked is not None
    author = await tx.get(Account, liked.account_id)
    assert author is not None
    await withdraw(tx, author.id, account.id, "favourite", liked.id)
    if account.local and not author.local:
        await tell(tx, "undo_like", account_id=account.id, status_id=liked.id, uri=favourite.uri)
