"""The `import` job: lists that people brought from another server are taken in, some lines a turn.

Each line and its effect are one transaction, so that a list goes on where it was, whatever
happens. Follows are sent at a pace: hosts that are asked a thousand times at once answer nobody.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import delete
from sqlmodel import col, select

from activitypub.client import FetchError
from activitypub.errors import Malformed
from fedi.database import Transaction
from fedi.database.tables import (
    Account,
    AccountDomainBlock,
    Block,
    Bookmark,
    Follow,
    Import,
    ImportLine,
    ListMember,
    Mute,
    Status,
    UserList,
)
from fedi.federation import newcomers, remote
from fedi.jobs import Claimed, enqueue, handles
from fedi.runtime import Easel
from fedi.social import blocks, bookmarks, credentials, follows, hiding, lists, mutes, statuses
from fedi.social.carrying import bringing
from fedi.social.carrying.sheets import Entry, subject
from fedi.social.carrying.taking import full_handle
from fedi.social.errors import NotFound, SocialError

BATCH = 20  # lines of one turn
PACE = timedelta(minutes=1)  # between two turns of follows
FOLLOWING = frozenset({"follows", "lists"})  # who is on a list is followed
CLEARED = 50  # ties that are undone in one transaction
ATTEMPTS = 100  # a turn that fails is one of the database; a line that fails is told

Effect = Callable[[Transaction, Account], Awaitable[None]]


@handles(bringing.JOB, attempts=ATTEMPTS, at_once=2)
async def bring(easel: Easel, job: Claimed) -> None:
    """Take in some lines of a list, and ask for the next turn."""
    async with easel.database.read() as session:
        brought = await session.get(Import, job.payload["import_id"])
        account = await session.get(Account, brought.account_id) if brought is not None else None
        lines = await bringing.waiting(session, brought, BATCH) if brought is not None else []
        able = account is not None and await credentials.hindrance(session, account) is None
    if brought is None or account is None:
        return
    if not able:
        lines = []
    elif brought.overwrite and not brought.done:
        await _clear(easel, account, brought)
    for line in lines:
        await _take_in(easel, account.id, brought.id, line)
    async with easel.database.write() as tx:
        await job.finish(tx)
        brought = await tx.get_one(Import, brought.id)
        if len(lines) == BATCH:
            delay = PACE if brought.kind in FOLLOWING else timedelta()
            await enqueue(tx, bringing.JOB, {"import_id": brought.id}, delay=delay)
        else:
            brought.finished_at = tx.now
            tx.add(brought)
            await tx.execute(
                delete(ImportLine).where(
                    col(ImportLine.import_id) == brought.id, col(ImportLine.error) == ""
                )
            )


async def _take_in(easel: Easel, account_id: int, import_id: int, line: ImportLine) -> None:
    """One line, or the reason why not."""
    try:
        async with easel.database.read() as session:
            kind = (await session.get_one(Import, import_id)).kind
        effect = await _EFFECTS[kind](easel, line.entry)
        async with easel.database.write() as tx:
            if await bringing.settle(tx, await tx.get_one(Import, import_id), line):
                await effect(tx, await tx.get_one(Account, account_id))
        return
    except SocialError as error:
        reason = str(error)
    except (FetchError, Malformed) as error:
        reason = error.reason
    async with easel.database.write() as tx:
        await bringing.settle(tx, await tx.get_one(Import, import_id), line, reason or "?")


async def _follow(easel: Easel, entry: Entry) -> Effect:
    target = await remote.resolve(easel, entry["acct"])

    async def effect(tx: Transaction, account: Account) -> None:
        follow = await follows.request(tx, account, await tx.get_one(Account, target.id))
        for name in ("reblogs", "notify", "languages"):
            if name in entry:
                setattr(follow, name, entry[name])
        tx.add(follow)

    return effect


async def _list(easel: Easel, entry: Entry) -> Effect:
    target = await remote.resolve(easel, entry["acct"])

    async def effect(tx: Transaction, account: Account) -> None:
        if target.id != account.id:
            await follows.request(tx, account, await tx.get_one(Account, target.id))
        mine = {row.title: row for row in await lists.of_account(tx, account)}
        row = mine.get(entry["title"]) or await lists.create(tx, account, entry["title"])
        await lists.add(tx, account, row, [target.id])

    return effect


async def _block(easel: Easel, entry: Entry) -> Effect:
    target = await remote.resolve(easel, entry["acct"])

    async def effect(tx: Transaction, account: Account) -> None:
        await blocks.add(tx, account, await tx.get_one(Account, target.id))

    return effect


async def _mute(easel: Easel, entry: Entry) -> Effect:
    target = await remote.resolve(easel, entry["acct"])

    async def effect(tx: Transaction, account: Account) -> None:
        silent = entry.get("notifications", True)
        await mutes.add(tx, account, target, notifications=silent)

    return effect


async def _domain(easel: Easel, entry: Entry) -> Effect:
    async def effect(tx: Transaction, account: Account) -> None:
        await hiding.add(tx, account, entry["domain"])

    return effect


async def _bookmark(easel: Easel, entry: Entry) -> Effect:
    uri = str(entry["uri"])
    newcomers.welcome(easel, uri)
    found = await remote.status(easel, uri)
    if found is None:
        raise NotFound("There is no such post.")

    async def effect(tx: Transaction, account: Account) -> None:
        status = await statuses.load(tx, account, found.id)
        if status is None:
            raise NotFound("There is no such post.")
        await bookmarks.add(tx, account, status)

    return effect


_EFFECTS: dict[str, Callable[[Easel, Entry], Awaitable[Effect]]] = {
    "follows": _follow,
    "lists": _list,
    "blocks": _block,
    "mutes": _mute,
    "domains": _domain,
    "bookmarks": _bookmark,
}


# ---- overwriting --------------------------------------------------------------------------------


async def _clear(easel: Easel, account: Account, brought: Import) -> None:
    """Undo what a list does not have, in short transactions; done again, nothing is left to do."""
    async with easel.database.read() as session:
        kept = {subject(entry) for entry in await bringing.entries(session, brought)}
    last = 0
    while True:
        async with easel.database.write() as tx:
            rows = await _there(tx, account, brought.kind, last)
            for _, name, undo in rows:
                if name not in kept:
                    await undo()
        if len(rows) < CLEARED:
            break
        last = rows[-1][0]
    if brought.kind == "lists":
        await _drop_lists(easel, account, {name.rpartition(": ")[0] for name in kept})


async def _drop_lists(easel: Easel, account: Account, titles: Collection[str]) -> None:
    """Drop the lists that have none of these titles."""
    async with easel.database.write() as tx:
        for row in await lists.of_account(tx, account):
            if row.title not in titles:
                await tx.delete(row)


async def _there(
    tx: Transaction, account: Account, kind: str, last: int
) -> list[tuple[int, str, Callable[[], Awaitable[None]]]]:
    """Rows behind an id: the id, what a list calls them, and what undoes them."""
    if kind == "domains":
        query = select(AccountDomainBlock).where(
            AccountDomainBlock.account_id == account.id, col(AccountDomainBlock.id) > last
        )
        found = await tx.exec(query.order_by(col(AccountDomainBlock.id)).limit(CLEARED))
        return [
            (row.id, row.domain, partial(hiding.remove, tx, account, row.domain))
            for row in found.all()
        ]
    if kind == "bookmarks":
        marked = (
            select(Bookmark, Status)
            .join(Status, col(Status.id) == col(Bookmark.status_id))
            .where(Bookmark.account_id == account.id, col(Bookmark.id) > last)
        )
        rows = await tx.exec(marked.order_by(col(Bookmark.id)).limit(CLEARED))
        return [
            (row.id, status.uri, partial(bookmarks.remove, tx, account, status))
            for row, status in rows.all()
        ]
    if kind == "lists":
        listed = (
            select(ListMember.id, UserList, Account)
            .join(UserList, col(UserList.id) == col(ListMember.list_id))
            .join(Account, col(Account.id) == col(ListMember.account_id))
            .where(UserList.account_id == account.id, col(ListMember.id) > last)
        )
        members = await tx.exec(listed.order_by(col(ListMember.id)).limit(CLEARED))
        return [
            (
                row_id,
                f"{owned.title}: {full_handle(tx, other).lower()}",
                partial(lists.remove, tx, owned, [other.id]),
            )
            for row_id, owned, other in members.all()
        ]
    table, undo = _TIES[kind]
    tied = (
        select(table.id, Account)
        .join(Account, col(Account.id) == col(table.target_account_id))
        .where(table.account_id == account.id, col(table.id) > last)
        .order_by(col(table.id))
        .limit(CLEARED)
    )
    return [
        (row_id, full_handle(tx, other).lower(), partial(undo, tx, account, other))
        for row_id, other in (await tx.execute(tied)).all()
    ]


_TIES: dict[str, tuple[Any, Callable[[Transaction, Account, Account], Awaitable[None]]]] = {
    "follows": (Follow, follows.remove),
    "blocks": (Block, blocks.remove),
    "mutes": (Mute, mutes.remove),
}
