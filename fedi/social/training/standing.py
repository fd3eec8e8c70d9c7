"""Whether an author lets others train on pictures, as it stands."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

from sqlmodel import col, select

from fedi.database import Session, Transaction, marks
from fedi.database.marks import Watch
from fedi.database.tables import Account, ConsentChange, Status
from fedi.events import Event
from fedi.runtime import Easel

TOPIC = "training"  # who lets what be trained on has changed, or what went out was taken back


def allows(account: Account, status: Status | None = None) -> bool:
    """Whether an author lets others train on their pictures, or on those of one post. Whether a
    picture is offered hangs on more than that (`offers`)."""
    if status is not None and status.training is not None:
        return account.local and status.training
    return account.local and account.training_consent_at is not None


def since(account: Account, status: Status) -> tuple[str, datetime | None]:
    """By which of both a post may be trained on, `account` or `post`, and when that was said."""
    if status.training is not None:
        return "post", status.training_said_at
    return "account", account.training_consent_at


async def changed(tx: Transaction) -> None:
    """Whoever keeps in memory who lets what be trained on, or listens, hears that it changed."""
    await marks.change(tx, TOPIC)


def hint(tx: Transaction) -> None:
    """Whoever listens to a stream of what is offered looks again."""
    tx.emit(Event(TOPIC, "changed"))


class _View:
    def __init__(self, easel: Easel) -> None:
        self.watch = Watch(easel.database, TOPIC)
        self.somebody = False


_views: WeakKeyDictionary[Easel, _View] = WeakKeyDictionary()


async def somebody_consents(easel: Easel) -> bool:
    """Whether anybody here lets others train on anything: mostly nobody does, and then nothing
    has to be asked about any picture. In memory, until somebody says something else."""
    view = _views.get(easel)
    if view is None:
        view = _views[easel] = _View(easel)
    if await view.watch.changed():
        async with easel.database.read() as session:
            view.somebody = await _somebody(session)
    return view.somebody


async def _somebody(session: Session) -> bool:
    queries: tuple[Any, ...] = (
        select(Account.id).where(
            col(Account.domain).is_(None), col(Account.training_consent_at).is_not(None)
        ),
        select(ConsentChange.id).where(
            col(ConsentChange.status_id).is_not(None), col(ConsentChange.allowed).is_(True)
        ),
    )
    for query in queries:
        if (await session.exec(query.limit(1))).first() is not None:
            return True
    return False
