"""Who wants nothing to do with whom. A block ends every tie, and hides both ways."""

from __future__ import annotations

from sqlalchemy import CursorResult, delete
from sqlmodel import col, select

from fedi.database import Session, Transaction
from fedi.database.insertion import add_once
from fedi.database.tables import Account, Block
from fedi.jobs import enqueue
from fedi.social import activities, follows, homes, notifications, paging
from fedi.social.errors import Invalid
from fedi.social.outbound import tell
from fedi.social.paging import Page


async def find(session: Session, account_id: int, target_id: int) -> Block | None:
    return (
        await session.exec(
            select(Block).where(
                Block.account_id == account_id, Block.target_account_id == target_id
            )
        )
    ).first()


async def by_uri(session: Session, uri: str) -> Block | None:
    return (await session.exec(select(Block).where(Block.uri == uri))).first()


async def listed(session: Session, account: Account, page: Page) -> list[tuple[Block, Account]]:
    """Whom somebody blocks, the last one first."""
    query = (
        select(Block, Account)
        .join(Account, col(Account.id) == col(Block.target_account_id))
        .where(Block.account_id == account.id, col(Account.deleted_at).is_(None))
    )
    rows = await paging.rows(session, query, page, col(Block.id))
    return [(block, other) for block, other in rows]


async def add(tx: Transaction, account: Account, target: Account, uri: str | None = None) -> Block:
    """Block somebody: neither follows the other any more, and no post or notice gets through.

    Args:
        account: who blocks.
        target: whom.
        uri: the id of the Block, if there is one already: as of a remote account.

    Raises:
        Invalid: it is themselves.
    """
    if account.id == target.id:
        raise Invalid("Nobody can block themselves.")
    existing = await find(tx, account.id, target.id)
    if existing is not None:
        return existing
    follow = await follows.find(tx, target.id, account.id)
    if follow is not None:
        await follows.reject(tx, follow)
    await follows.remove(tx, account, target)
    block = Block(
        id=tx.new_id(),
        account_id=account.id,
        target_account_id=target.id,
        uri=uri or activities.mint_uri(tx, account),
        created_at=tx.now,
    )
    if not await add_once(tx, block):
        existing = await find(tx, account.id, target.id)
        assert existing is not None
        return existing
    if target.local and target.actor_type == notifications.BOT:
        await enqueue(tx, notifications.UNASKED, {"account_id": account.id})
    if account.local:
        await homes.forget_boosts_of(tx, account.id, target.id)
        await notifications.forget(tx, account.id, target.id)
    # ActivityPub 6.9 would rather not have a Block delivered. Mastodon does, and all who speak with
    # it: their server is the only one that can keep from them what the account posts.
    if account.local and not target.local:
        await tell(tx, "block", account_id=account.id, target_account_id=target.id, uri=block.uri)
    return block


async def remove(tx: Transaction, account: Account, target: Account) -> None:
    """Unblock somebody; the ties that the block cut stay cut."""
    block = await find(tx, account.id, target.id)
    if block is None:
        return
    gone = await tx.execute(delete(Block).where(col(Block.id) == block.id))
    assert isinstance(gone, CursorResult)
    if gone.rowcount and account.local and not target.local:
        await tell(
            tx, "undo_block", account_id=account.id, target_account_id=target.id, uri=block.uri
        )
