"""Whether an author lets others train on pictures, and on what terms, as it stands."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from sqlmodel import col, select

from fedi.database import Session, Transaction, marks
from fedi.database.marks import Watch
from fedi.database.tables import Account, ConsentChange, Status
from fedi.events import Event
from fedi.runtime import Easel

# How little each licence leaves to others. Of two that leave as much, each forbids what the other
# allows.
_STRICTNESS = {"CC0-1.0": 0, "CC-BY-4.0": 1, "CC-BY-SA-4.0": 2, "CC-BY-NC-4.0": 2, "": 3}
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


class Terms(NamedTuple):
    """On what terms a post may be trained on: by which of both and since when (`since`), whether
    its author is named, and by which licence."""

    by: str
    at: datetime | None
    credit: str
    licence: str


def terms(account: Account, status: Status) -> Terms:
    """The terms of a post that may be trained on, as they stand."""
    return Terms(*since(account, status), account.training_credit, account.training_licence)


def is_stricter(credit: str, licence: str, *, before: tuple[str, str]) -> bool:
    """Whether terms leave out anything that others allowed.

    Args:
        before: the credit and the licence of those.
    """
    old_credit, old_licence = before
    unnamed = (credit, old_credit) == ("anonymous", "name")
    stricter = _STRICTNESS[licence] >= _STRICTNESS[old_licence] and licence != old_licence
    return unnamed or stricter


def is_narrower(now: Terms, then: Terms) -> bool:
    """Whether what was given on some terms is not given on them any more: they are stricter now, or
    the yes was taken back since and said anew."""
    if is_stricter(now.credit, now.licence, before=(then.credit, then.licence)):
        return True
    if now.by == then.by:
        return now.at != then.at
    # A post's own yes that went with the author's no, and their yes to all after that.
    return now.by == "account" and now.at is not None and (then.at is None or now.at > then.at)


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
