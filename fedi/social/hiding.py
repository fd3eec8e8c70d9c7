"""Domains of which somebody does not want to see anything, for themselves alone.

Their posts and notices vanish, and nobody there follows or is followed any more, or can be. Domains
below one that is hidden are others, as on Mastodon.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, delete, exists, or_
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from fedi.database import Session, Transaction
from fedi.database.insertion import add_once
from fedi.database.tables import Account, AccountDomainBlock, Follow, Notification, Status
from fedi.jobs import Claimed, enqueue, handles
from fedi.runtime import Easel
from fedi.social import domains, follows, notifications, paging, severing
from fedi.social.errors import Invalid
from fedi.social.paging import Page
from fedi.social.severing import Lost

BATCH = 50  # ties that are cut in one transaction
MAX_HIDDEN = 1000  # domains of one account; they are part of each query of a timeline


async def add(tx: Transaction, account: Account, domain: str) -> None:
    """Hide a domain; what ties there are to it end a moment later.

    Raises:
        Invalid: it is none, our own, or one too many.
    """
    name = domains.checked(domain)
    if name == tx.instance.domain:
        raise Invalid("That is this instance.")
    if len(await of_account(tx, account)) >= MAX_HIDDEN:
        raise Invalid(f"More than {MAX_HIDDEN} domains cannot be hidden.")
    block = AccountDomainBlock(
        id=tx.new_id(), account_id=account.id, domain=name, created_at=tx.now
    )
    if await add_once(tx, block):
        await enqueue(tx, "hide_domain", {"account_id": account.id, "domain": name})


async def remove(tx: Transaction, account: Account, domain: str) -> None:
    """Hide it no more; the ties stay cut. Nothing happens if it was not hidden."""
    await tx.execute(
        delete(AccountDomainBlock).where(
            col(AccountDomainBlock.account_id) == account.id,
            col(AccountDomainBlock.domain) == domains.checked(domain),
        )
    )


def hides(viewer: Account, account: Any = Account) -> ColumnElement[bool]:
    """As SQL: whether somebody hides the domain of an account.

    Args:
        account: a table of accounts.
    """
    return exists().where(
        col(AccountDomainBlock.account_id) == viewer.id,
        col(AccountDomainBlock.domain) == col(account.domain),
    )


def hides_author(viewer: Account) -> ColumnElement[bool]:
    """As SQL: whether somebody hides the domain of the author of a status."""
    author = aliased(Account)
    return exists().where(col(author.id) == col(Status.account_id), hides(viewer, author))


async def listed(session: Session, account: Account, page: Page) -> list[AccountDomainBlock]:
    """What somebody hides, the latest first."""
    query = select(AccountDomainBlock).where(AccountDomainBlock.account_id == account.id)
    return await paging.rows(session, query, page, col(AccountDomainBlock.id))


async def of_account(session: Session, account: Account) -> list[str]:
    """All domains that somebody hides."""
    query = (
        select(AccountDomainBlock.domain)
        .where(AccountDomainBlock.account_id == account.id)
        .order_by(col(AccountDomainBlock.domain))
    )
    return list((await session.exec(query)).all())


@handles("hide_domain", at_once=1)
async def cut(easel: Easel, job: Claimed) -> None:
    """End the ties of an account to a domain, in short transactions."""
    while True:
        async with easel.database.write() as tx:
            account = await tx.get(Account, job.payload["account_id"])
            domain = job.payload["domain"]
            hidden = None if account is None else await _hidden(tx, account, domain)
            if account is None or hidden is None:
                await job.finish(tx)
                return
            ties, lost = await _ties(tx, account, domain), Lost()
            for follow, other in ties:
                held = follow.state == "accepted"
                if follow.account_id == account.id:
                    lost.following += held
                    await follows.remove(tx, account, other)
                else:
                    lost.followers += held
                    await follows.reject(tx, follow)
            kept = await severing.gather(
                tx, account.id, "user_domain_block", domain, lost, hidden.created_at
            )
            if len(ties) < BATCH:
                await _forget(tx, account, domain)
                if kept is not None:
                    await notifications.severed(tx, account.id, kept.id)
                await job.finish(tx)
                return


async def _hidden(session: Session, account: Account, domain: str) -> AccountDomainBlock | None:
    query = select(AccountDomainBlock).where(
        AccountDomainBlock.account_id == account.id, AccountDomainBlock.domain == domain
    )
    return (await session.exec(query)).first()


async def _ties(session: Session, account: Account, domain: str) -> list[tuple[Follow, Account]]:
    mine, theirs = col(Follow.account_id), col(Follow.target_account_id)
    other = col(Account.id)
    query = (
        select(Follow, Account)
        .join(
            Account,
            or_((mine == account.id) & (theirs == other), (theirs == account.id) & (mine == other)),
        )
        .where(Account.domain == domain)
        .order_by(col(Follow.id))
        .limit(BATCH)
    )
    return [(follow, found) for follow, found in (await session.exec(query)).all()]


async def _forget(tx: Transaction, account: Account, domain: str) -> None:
    """What was heard from there is heard of no more."""
    there = select(Account.id).where(Account.domain == domain)
    await tx.execute(
        delete(Notification).where(
            col(Notification.account_id) == account.id,
            col(Notification.from_account_id).in_(there),
        )
    )
