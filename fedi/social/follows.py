"""Who follows whom. A follow is asked for, and holds once it is accepted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import sqlalchemy
from sqlalchemy import bindparam, delete, update
from sqlalchemy.orm.attributes import set_committed_value
from sqlmodel import col, select

from fedi.database import Session, Transaction
from fedi.database.insertion import add_once, table_of
from fedi.database.tables import Account, AccountDomainBlock, Block, Follow
from fedi.social import accounts, activities, homes, paging
from fedi.social.counts import count
from fedi.social.errors import Invalid, NotAllowed
from fedi.social.notifications import notify, withdraw
from fedi.social.outbound import tell
from fedi.social.paging import Page

PENDING, ACCEPTED = "pending", "accepted"


@dataclass(frozen=True, slots=True)
class Relationship:
    """What one account is to another, seen from the first."""

    following: bool
    requested: bool
    followed_by: bool
    blocking: bool
    blocked_by: bool


_FIND = select(Follow).where(
    col(Follow.account_id) == bindparam("account"),
    col(Follow.target_account_id) == bindparam("target"),
)
_FOLLOW, _BLOCK = table_of(Follow), table_of(Block)
_HOLD = (
    update(_FOLLOW)
    .where(_FOLLOW.c.id == bindparam("follow"), _FOLLOW.c.state == PENDING)
    .values(state=ACCEPTED)
)
_BOTH_WAYS, _BLOCKS = (
    sqlalchemy.select(*columns).where(
        ((table.c.account_id == bindparam("one")) & (table.c.target_account_id == bindparam("two")))
        | (
            (table.c.account_id == bindparam("two"))
            & (table.c.target_account_id == bindparam("one"))
        )
    )
    for table, columns in (
        (_FOLLOW, (_FOLLOW.c.account_id, _FOLLOW.c.state)),
        (_BLOCK, (_BLOCK.c.account_id,)),
    )
)


async def find(session: Session, account_id: int, target_id: int) -> Follow | None:
    pair = {"account": account_id, "target": target_id}
    return (await session.exec(_FIND, params=pair)).first()


async def by_uri(session: Session, uri: str) -> Follow | None:
    return (await session.exec(select(Follow).where(Follow.uri == uri))).first()


async def request(
    tx: Transaction, account: Account, target: Account, *, uri: str | None = None
) -> Follow:
    """A local account wants to follow somebody. Asking twice is asking once.

    A local target without a lock is followed at once, and so is told; others are asked.

    Args:
        uri: the id of the Follow, if it was minted before.

    Raises:
        Invalid: it is themselves, or nobody that can be followed.
        NotAllowed: the target blocks them, or the other way round; one of them has moved away, or
            they hide the target's domain.
    """
    accounts.check_stays(account)
    if account.id == target.id:
        raise Invalid("Nobody can follow themselves.")
    if target.suspended_at is not None:
        raise Invalid("That account is suspended here.")
    if target.deleted_at is not None or (target.local and target.actor_type == "Application"):
        raise Invalid("That account cannot be followed.")
    relation = await relationship(tx, account, target)
    if relation.blocking or relation.blocked_by or await _hides(tx, account, target):
        raise NotAllowed("You cannot follow this account.")
    existing = await find(tx, account.id, target.id)
    if existing is not None:
        if existing.state == PENDING and not target.local:
            # The first time may have been lost on their side; under its id it would be lost again.
            existing.uri = uri or activities.mint_uri(tx, account)
            tx.add(existing)
            await _ask(tx, existing)
        return existing
    if target.moved_to_uri is not None:
        raise NotAllowed("That account has moved away.")
    follow = await _add(tx, account, target, uri or activities.mint_uri(tx, account))
    if not target.local:
        await _ask(tx, follow)
    elif target.locked:
        await notify(tx, target, account, "follow_request")
    else:
        await _hold(tx, follow, account, target)
    return follow


async def _hides(session: Session, account: Account, target: Account) -> bool:
    """Whether an account wants to see nothing of a domain."""
    query = select(AccountDomainBlock.id).where(
        AccountDomainBlock.account_id == account.id, AccountDomainBlock.domain == target.domain
    )
    return target.domain is not None and (await session.exec(query)).first() is not None


async def _ask(tx: Transaction, follow: Follow) -> None:
    await tell(
        tx,
        "follow",
        account_id=follow.account_id,
        target_account_id=follow.target_account_id,
        uri=follow.uri,
    )


async def receive(tx: Transaction, account: Account, target: Account, uri: str) -> Follow:
    """Somebody elsewhere wants to follow one of ours; answered at once, or once they decide.

    Args:
        account: who asks.
        target: a local account.
        uri: the id of their Follow; a new one for a follow that holds is answered again.

    Raises:
        NotAllowed: the target blocks them, or has moved; they are told so.
        Invalid: the target is nobody that can be followed.
    """
    if not _can_be_asked(target):
        raise Invalid("That account cannot be followed.")
    moved = target.moved_to_uri is not None  # their server should follow the new account
    if moved or target.id in await _blocking(tx, account, target):
        await _answer(tx, "reject_follow", account.id, target.id, uri)
        raise NotAllowed("You cannot follow this account.")
    follow = await find(tx, account.id, target.id)
    waits = target.locked or account.silenced_at is not None
    if follow is None:
        follow = await _add(tx, account, target, uri, state=PENDING if waits else ACCEPTED)
    elif follow.uri != uri:
        follow.uri = uri
        tx.add(follow)
    if follow.state == ACCEPTED:
        await _answer(tx, "accept_follow", account.id, target.id, uri)
    elif waits:
        await notify(tx, target, account, "follow_request")
    else:
        await accept(tx, follow)
    return follow


def _can_be_asked(target: Account) -> bool:
    """Whether this is somebody of ours."""
    gone = target.deleted_at is not None or target.suspended_at is not None
    return target.local and not gone and target.actor_type != "Application"


def is_open(target: Account) -> bool:
    """Whether who is no enemy of this account follows it without being looked at."""
    return _can_be_asked(target) and target.moved_to_uri is None and not target.locked


async def accept(tx: Transaction, follow: Follow, *, activity_uri: str | None = None) -> None:
    """The target agrees (or, for a follow that we asked for, its server says so).

    Args:
        activity_uri: the id of the Accept, if it was minted before.
    """
    if follow.state == ACCEPTED:
        return
    account, target = await _both(tx, follow)
    await _hold(tx, follow, account, target)
    if target.local and not account.local:
        await _answer(tx, "accept_follow", account.id, target.id, follow.uri, activity_uri)


async def reject(tx: Transaction, follow: Follow, *, activity_uri: str | None = None) -> None:
    """The target does not agree, or no longer does: removes a follower, too.

    Args:
        activity_uri: the id of the Reject, if it was minted before.
    """
    account, target = await _both(tx, follow)
    dropped = await _drop(tx, follow, account, target)
    if dropped and target.local and not account.local:
        await _answer(tx, "reject_follow", account.id, target.id, follow.uri, activity_uri)


async def remove(tx: Transaction, account: Account, target: Account) -> None:
    """An account does not want to follow any more; nothing happens if it does not."""
    follow = await find(tx, account.id, target.id)
    if follow is None:
        return
    dropped = await _drop(tx, follow, account, target)
    if dropped and account.local and not target.local:
        await tell(
            tx,
            "undo_follow",
            account_id=account.id,
            target_account_id=target.id,
            uri=follow.uri,
        )


async def _both(tx: Transaction, follow: Follow) -> tuple[Account, Account]:
    account = await tx.get(Account, follow.account_id)
    target = await tx.get(Account, follow.target_account_id)
    assert account is not None and target is not None
    return account, target


async def _answer(
    tx: Transaction,
    what: Literal["accept_follow", "reject_follow"],
    account_id: int,
    target_id: int,
    uri: str,
    activity_uri: str | None = None,
) -> None:
    pair = {"account_id": account_id, "target_account_id": target_id}
    await tell(tx, what, **pair, uri=uri, activity_uri=activity_uri)


async def _add(
    tx: Transaction, account: Account, target: Account, uri: str, *, state: str = PENDING
) -> Follow:
    follow = Follow(
        id=tx.new_id(),
        account_id=account.id,
        target_account_id=target.id,
        state=state,
        uri=uri,
        created_at=tx.now,
    )
    if await add_once(tx, follow):
        if state == ACCEPTED:
            await _held(tx, follow, account, target)
        return follow
    existing = await find(tx, account.id, target.id)
    assert existing is not None
    return existing


async def _hold(tx: Transaction, follow: Follow, account: Account, target: Account) -> None:
    """Make a follow hold, and count it: once, whoever else is at it."""
    set_committed_value(follow, "state", ACCEPTED)
    if not (await tx.execute_core(_HOLD, {"follow": follow.id})).rowcount:
        return
    await withdraw(tx, target.id, account.id, "follow_request")
    if account.local:
        await homes.catch_up(tx, account.id, target.id, follow.created_at)
    await _held(tx, follow, account, target)


async def _held(tx: Transaction, follow: Follow, account: Account, target: Account) -> None:
    """What comes of a follow that holds from now on."""
    await _count(tx, account, target, 1)
    await notify(tx, target, account, "follow")


async def _drop(tx: Transaction, follow: Follow, account: Account, target: Account) -> bool:
    """End a follow, and uncount it; False if somebody else did so first."""
    dropped = await tx.execute(
        delete(Follow).where(col(Follow.id) == follow.id).returning(col(Follow.state))
    )
    state = dropped.scalar()
    if state is None:
        return False
    # Or who follows and unfollows all day long would fill the notifications.
    for kind in ("follow", "follow_request"):
        await withdraw(tx, target.id, account.id, kind)
    if state == ACCEPTED:
        await _count(tx, account, target, -1)
        await homes.forget(tx, account.id, target.id)
    return True


async def _count(tx: Transaction, account: Account, target: Account, step: int) -> None:
    steps = [(account.id, "following_count"), (target.id, "followers_count")]
    for account_id, name in sorted(steps):  # in one order everywhere: nobody waits in a circle
        await count(tx, Account, account_id, {name: step})


async def requests(session: Session, account: Account) -> list[Follow]:
    """Those who wait for an account's answer, the oldest first."""
    rows = await session.exec(
        select(Follow)
        .where(Follow.target_account_id == account.id, Follow.state == PENDING)
        .order_by(col(Follow.id))
    )
    return list(rows.all())


async def followers(
    session: Session, account: Account, *, max_id: int | None = None, limit: int = 40
) -> list[tuple[Follow, Account]]:
    """Who follows an account, the newest first, older than the follow `max_id`."""
    query = (
        select(Follow, Account)
        .join(Account, col(Account.id) == col(Follow.account_id))
        .where(Follow.target_account_id == account.id, Follow.state == ACCEPTED)
    )
    if max_id is not None:
        query = query.where(col(Follow.id) < max_id)
    rows = await session.exec(query.order_by(col(Follow.id).desc()).limit(limit))
    return [(follow, other) for follow, other in rows.all()]


async def following(
    session: Session, account: Account, *, max_id: int | None = None, limit: int = 40
) -> list[tuple[Follow, Account]]:
    """Whom an account follows, the newest first, older than the follow `max_id`."""
    query = (
        select(Follow, Account)
        .join(Account, col(Account.id) == col(Follow.target_account_id))
        .where(Follow.account_id == account.id, Follow.state == ACCEPTED)
    )
    if max_id is not None:
        query = query.where(col(Follow.id) < max_id)
    rows = await session.exec(query.order_by(col(Follow.id).desc()).limit(limit))
    return [(follow, other) for follow, other in rows.all()]


async def listed(
    session: Session, account: Account, page: Page, *, followers: bool
) -> list[tuple[Follow, Account]]:
    """Who follows an account, or whom it follows, the newest first."""
    mine, theirs = col(Follow.target_account_id), col(Follow.account_id)
    if not followers:
        mine, theirs = theirs, mine
    query = (
        select(Follow, Account)
        .join(Account, col(Account.id) == theirs)
        .where(
            mine == account.id,
            Follow.state == ACCEPTED,
            col(Account.deleted_at).is_(None),
            col(Account.suspended_at).is_(None),
        )
    )
    rows = await paging.rows(session, query, page, col(Follow.id))
    return [(follow, other) for follow, other in rows]


async def _blocking(session: Session, one: Account, two: Account) -> set[int]:
    """Who of two blocks the other."""
    pair = {"one": one.id, "two": two.id}
    return set((await session.execute(_BLOCKS, pair)).scalars())


async def relationship(session: Session, account: Account, other: Account) -> Relationship:
    """What `other` is to `account`."""
    pair = {"one": account.id, "two": other.id}
    states = {row.account_id: row.state for row in await session.execute(_BOTH_WAYS, pair)}
    blocking = await _blocking(session, account, other)
    return Relationship(
        following=states.get(account.id) == ACCEPTED,
        requested=states.get(account.id) == PENDING,
        followed_by=states.get(other.id) == ACCEPTED,
        blocking=account.id in blocking,
        blocked_by=other.id in blocking,
    )
