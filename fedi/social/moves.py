"""Accounts that move: to a new account, which must name the old one among its others."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from typing import Any

from sqlmodel import col, select

from fedi.database import Session, Transaction
from fedi.database.insertion import insert_new
from fedi.database.tables import Account, AccountNote, Block, Follow, Mute
from fedi.social import accounts, blocks, follows, mutes
from fedi.social.errors import Invalid, NotAllowed, SocialError
from fedi.social.outbound import tell

COOL_DOWN = timedelta(days=7)  # between two moves of one account, as Mastodon has it
MAX_ALIASES = 20


def check(account: Account, target: Account) -> None:
    """Refuse a move that cannot be: nowhere, in a circle, or to who does not know of it.

    Raises:
        Invalid: with the reason.
    """
    if target.id == account.id:
        raise Invalid("Nobody can move to themselves.")
    if target.deleted_at is not None or not accounts.is_person(target):
        raise Invalid("Nobody can move to that account.")
    if target.moved_to_uri is not None:
        raise Invalid("That account has moved itself.")
    if account.uri not in target.also_known_as:
        raise Invalid(f"{target.acct} does not name {account.acct} as another account of theirs.")


async def move(tx: Transaction, account: Account, target: Account) -> None:
    """An account moves: whoever follows it here follows the new one.

    Raises:
        Invalid: see `check`.
        NotAllowed: it has moved just recently.
    """
    check(account, target)
    if account.moved_at is not None and tx.now - account.moved_at < COOL_DOWN:
        raise NotAllowed(f"{account.acct} has moved in the last {COOL_DOWN.days} days.")
    account.moved_to_uri, account.moved_at = target.uri, tx.now
    tx.add(account)
    await tx.flush()
    for follower, follow in await _local_followers(tx, account):
        # Whom the new account blocks, or who is the new account, stays behind.
        with contextlib.suppress(SocialError):
            new = await follows.request(tx, follower, target)
            new.reblogs, new.notify, new.languages = follow.reblogs, follow.notify, follow.languages
            tx.add(new)
        await follows.remove(tx, follower, account)
    await _carry_over(tx, account, target)


async def _carry_over(tx: Transaction, account: Account, target: Account) -> None:
    """Who here blocks or mutes somebody does so wherever they move, unless they follow the new
    account already; what is noted of them is noted of it, as far as nothing was."""
    followers = select(Follow.account_id).where(Follow.target_account_id == target.id)

    async def those(table: type[Block] | type[Mute]) -> list[tuple[Account, Any]]:
        query: Any = (
            select(Account, table)
            .join(table, col(table.account_id) == col(Account.id))
            .where(
                table.target_account_id == account.id,
                col(Account.domain).is_(None),
                col(Account.id) != target.id,
                col(Account.id).not_in(followers),
            )
            .order_by(col(Account.id))
        )
        return [(who, tie) for who, tie in (await tx.exec(query)).all()]

    for who, _ in await those(Block):
        await blocks.add(tx, who, target)
    for who, mute in await those(Mute):
        silent, until = mute.notifications, mute.expires_at
        await mutes.add(tx, who, target, notifications=silent, expires_at=until)
    noted = await tx.exec(select(AccountNote).where(AccountNote.target_account_id == account.id))
    rows = [
        {"account_id": note.account_id, "target_account_id": target.id, "comment": note.comment}
        for note in noted.all()
        if note.account_id != target.id
    ]
    if rows:
        await insert_new(tx, AccountNote, rows)


async def move_local(
    tx: Transaction, account: Account, target: Account, *, activity_uri: str | None = None
) -> None:
    """An account of ours moves away; the world is told.

    Args:
        activity_uri: the id of the Move, if it was minted before.

    Raises:
        Invalid, NotAllowed: see `move`.
    """
    await move(tx, account, target)
    await tell(tx, "move", account_id=account.id, target=target.uri, uri=activity_uri)
    await accounts.update_profile(tx, account)


async def come_back(tx: Transaction, account: Account) -> None:
    """An account of ours that moved away is used again; who followed it stays where they are.

    Raises:
        Invalid: it has not moved.
    """
    if account.moved_to_uri is None:
        raise Invalid(f"{account.acct} has not moved.")
    account.moved_to_uri = None
    await accounts.update_profile(tx, account)


async def add_alias(tx: Transaction, account: Account, other: Account) -> None:
    """A local account is also that other one, which may then move here.

    Raises:
        Invalid: it is itself, or one too many.
    """
    if other.id == account.id:
        raise Invalid("That is the same account.")
    if other.uri in account.also_known_as:
        return
    if len(account.also_known_as) >= MAX_ALIASES:
        raise Invalid(f"An account has at most {MAX_ALIASES} aliases.")
    account.also_known_as = [*account.also_known_as, other.uri]
    await accounts.update_profile(tx, account)


async def remove_alias(tx: Transaction, account: Account, uri: str) -> None:
    """A local account is not that other one."""
    if uri not in account.also_known_as:
        raise Invalid("That is no alias of this account.")
    account.also_known_as = [alias for alias in account.also_known_as if alias != uri]
    await accounts.update_profile(tx, account)


async def _local_followers(session: Session, account: Account) -> list[tuple[Account, Follow]]:
    rows = await session.exec(
        select(Account, Follow)
        .join(Follow, col(Follow.account_id) == col(Account.id))
        .where(
            Follow.target_account_id == account.id,
            col(Account.domain).is_(None),
            col(Account.deleted_at).is_(None),
        )
        .order_by(col(Account.id))
    )
    return [(follower, follow) for follower, follow in rows.all()]
