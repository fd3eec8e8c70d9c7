"""Whether an author lets others train on their pictures: on all of them, or on those of one post.

Each change is a row with its moment (`ConsentChange`), and holds at once: what was given away
before is named by the list of what was withdrawn, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ColumnElement, and_, func
from sqlmodel import col, select

from fedi.database import Session, Transaction
from fedi.database.tables import Account, ConsentChange, Painting, ScheduledStatus, Status
from fedi.social import accounts, paging
from fedi.social.errors import Invalid, NotAllowed
from fedi.social.paging import Page
from fedi.social.training import ledger, standing

CREDITS = {
    "anonymous": "Without my name",
    "name": "With my name",
}
# SPDX identifiers; empty: what training needs, and nothing else.
LICENCES = {
    "": "For training alone",
    "CC0-1.0": "CC0: for anything",
    "CC-BY-4.0": "CC BY: for anything, if I am named",
    "CC-BY-SA-4.0": "CC BY-SA: if I am named, and what comes of it is as free",
    "CC-BY-NC-4.0": "CC BY-NC: if I am named, and not for money",
}
TRAINING_ALONE = "LicenseRef-training-alone"  # how an empty one is written


async def consent(
    tx: Transaction,
    account: Account,
    allowed: bool | None,
    *,
    credit: str | None = None,
    licence: str | None = None,
) -> bool:
    """An author says of all their pictures whether others may train on them, and how. Where they
    allow less than before, what went out on the old terms is withdrawn, and offered on the new.

    Who says no says it of everything: posts of which they said yes by themselves are from then on
    as all others, until they say yes of one again.

    Args:
        account: a local one; of `tx`.
        allowed: whether they may. What is so already stays as old as it is. None: as before, and
            nothing is said of any post.
        credit: whether by name; None: as before.
        licence: a key of `LICENCES`; None: as before.

    Returns:
        Whether anything changed.

    Raises:
        Invalid: there is no such credit or licence.
    """
    before = _said(account)
    if credit is not None:
        account.training_credit = _one_of(credit, CREDITS, "credit")
    if licence is not None:
        account.training_licence = _one_of(licence, LICENCES, "licence")
    if allowed is None:
        allowed, taken_back = before[0], False
    else:
        taken_back = not allowed and await _take_back(tx, account)
    turned = allowed is not before[0]
    if turned:
        account.training_consent_at = tx.now if allowed else None
    if _said(account) == before and not taken_back:
        return False
    tx.add(account)
    await _note(tx, account, None, allowed)
    terms = account.training_credit, account.training_licence
    if standing.is_stricter(*terms, before=before[1:]):
        await ledger.recall(tx, account)
    if turned:  # the actor says so, too
        await accounts.update_profile(tx, account)
    return True


async def _take_back(tx: Transaction, account: Account) -> bool:
    """Let no post of an author's have a yes of its own, nor one that is still to come. Returns
    whether any that is there had one."""
    await ledger.hold(tx)  # a yes that is said just now comes before this, or after it
    found = (await tx.exec(select(Status).where(_own_yes(account)).order_by(col(Status.id)))).all()
    for status in found:
        say(tx, status, None)
        _write(tx, account, status.id, None)
    await _unsay(tx, ScheduledStatus, account)
    await _unsay(tx, Painting, account)
    return bool(found)


async def _unsay(
    tx: Transaction, table: type[ScheduledStatus] | type[Painting], account: Account
) -> None:
    """Let no draft of an author's that waits say yes by itself."""
    own = col(table.account_id) == account.id, col(table.draft)["training"].as_boolean()
    rows = (await tx.exec(select(table).where(*own))).all()
    for row in rows:
        assert isinstance(row, ScheduledStatus | Painting)
        row.draft = {**(row.draft or {}), "training": None}
        tx.add(row)


async def count_own(session: Session, account: Account) -> int:
    """How many posts of an author's have a yes of their own."""
    query = select(func.count()).select_from(Status).where(_own_yes(account))
    return (await session.exec(query)).one()


def _own_yes(account: Account) -> ColumnElement[bool]:
    return and_(
        col(Status.account_id) == account.id,
        col(Status.training).is_(True),
        col(Status.deleted_at).is_(None),
    )


async def choose(tx: Transaction, account: Account, status: Status, allowed: bool | None) -> None:
    """An author says it of one post; None: as of all others.

    Raises:
        NotAllowed: it is another's.
    """
    if status.account_id != account.id or not status.local or status.reblog_of_id is not None:
        raise NotAllowed("Only its author can say who may train on a post.")
    if status.training is allowed:
        return
    say(tx, status, allowed)
    await _note(tx, account, status.id, allowed)


def say(tx: Transaction, status: Status, allowed: bool | None) -> None:
    """Let a post say it."""
    status.training = allowed
    status.training_said_at = None if allowed is None else tx.now
    tx.add(status)


async def include(tx: Transaction, account: Account, status: Status) -> None:
    """Others may train on one post, whatever holds for the others."""
    await choose(tx, account, status, True)


async def exclude(tx: Transaction, account: Account, status: Status) -> None:
    """Nobody may train on one post, whatever holds for the others."""
    await choose(tx, account, status, False)


async def as_usual(tx: Transaction, account: Account, status: Status) -> None:
    """For one post holds what holds for all others."""
    await choose(tx, account, status, None)


async def published(tx: Transaction, author: Account, status: Status) -> None:
    """Note what the author of a new post said of it."""
    if status.training is not None:
        await _note(tx, author, status.id, status.training)


async def history(session: Session, account: Account, page: Page) -> list[ConsentChange]:
    """What an author said and when, the newest first."""
    query = select(ConsentChange).where(col(ConsentChange.account_id) == account.id)
    return await paging.rows(session, query, page, col(ConsentChange.id))


async def _note(
    tx: Transaction, account: Account, status_id: int | None, allowed: bool | None
) -> None:
    await ledger.hold(tx)  # an export that ends just now sees this, or is seen by it
    _write(tx, account, status_id, allowed)
    await tx.flush()
    await ledger.withdraw(tx, account_id=account.id)
    await standing.changed(tx)


def _write(tx: Transaction, account: Account, status_id: int | None, allowed: bool | None) -> None:
    tx.add(
        ConsentChange(
            id=tx.new_id(),
            account_id=account.id,
            status_id=status_id,
            allowed=allowed,
            credit=account.training_credit,
            licence=account.training_licence,
            created_at=tx.now,
        )
    )


def _said(account: Account) -> tuple[bool, str, str]:
    consents = account.training_consent_at is not None
    return consents, account.training_credit, account.training_licence


def _one_of(value: str, known: Collection[str], what: str) -> str:
    if value not in known:
        raise Invalid(f"The {what} is one of {', '.join(filter(None, known))}.")
    return value
