"""Files of ours that are shown to nobody: those of accounts that moderators have suspended.

They are few, and asked about with every picture that is shown, so each process keeps their keys in
memory, and reads them again when somebody was suspended or pardoned.
"""

from __future__ import annotations

from weakref import WeakKeyDictionary

from sqlmodel import col, select

from fedi.database import Session, Transaction
from fedi.database.marks import Watch, change
from fedi.database.tables import Account, MediaAttachment
from fedi.runtime import Easel

TOPIC = "withheld"


class _View:
    def __init__(self, easel: Easel) -> None:
        self.watch = Watch(easel.database, TOPIC)
        self.keys: frozenset[str] = frozenset()


_views: WeakKeyDictionary[Easel, _View] = WeakKeyDictionary()


async def is_withheld(easel: Easel, key: str) -> bool:
    """Whether the file under a storage key is shown to nobody now."""
    view = _views.get(easel)
    if view is None:
        view = _views[easel] = _View(easel)
    if await view.watch.changed():
        async with easel.database.read() as session:
            view.keys = await _keys(session)
    return key in view.keys


async def changed(tx: Transaction) -> None:
    """Somebody of ours was suspended or pardoned: every process hears of it."""
    await change(tx, TOPIC)


async def _keys(session: Session) -> frozenset[str]:
    suspended = (col(Account.domain).is_(None), col(Account.suspended_at).is_not(None))
    faces = await session.exec(select(Account.avatar, Account.header).where(*suspended))
    files = await session.exec(
        select(MediaAttachment.file, MediaAttachment.preview_file)
        .join(Account, col(Account.id) == col(MediaAttachment.account_id))
        .where(*suspended)
    )
    return frozenset(key for row in (*faces.all(), *files.all()) for key in row if key)
