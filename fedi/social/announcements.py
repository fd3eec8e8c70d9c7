"""What the host tells everybody here, and what they make of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import delete, exists, func
from sqlmodel import col, or_, select
from sqlmodel.sql.expression import SelectOfScalar

from fedi.database import Session, Transaction
from fedi.database.insertion import insert_new
from fedi.database.tables import (
    Account,
    Announcement,
    AnnouncementReaction,
    AnnouncementRead,
)
from fedi.events import Event
from fedi.social import text
from fedi.social.errors import Invalid, NotFound
from fedi.social.reactions import is_emoji

TOPIC = "announcements"  # of events
MAX_TEXT = 5000  # characters
MAX_SHOWN = 20  # announcements at once, the newest
MAX_EMOJIS = 8  # different ones to one announcement, as Mastodon


@dataclass(slots=True)
class Shown:
    """An announcement as one account has it.

    Attributes:
        reactions: by emoji, how many, and whether the account is among them.
    """

    announcement: Announcement
    read: bool = False
    reactions: dict[str, tuple[int, bool]] = field(default_factory=dict)


async def publish(
    tx: Transaction,
    words: str,
    *,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
) -> Announcement:
    """Tell everybody something.

    Args:
        words: in Markdown.
        starts_at, ends_at: when that is of which it tells; it is not shown after its end.

    Raises:
        Invalid: it is empty or too long, or ends before it starts.
    """
    if not text.clean(words).strip() or len(words) > MAX_TEXT:
        raise Invalid(f"An announcement has between 1 and {MAX_TEXT} characters.")
    if ends_at is not None and ends_at <= (starts_at or tx.now):
        raise Invalid("An announcement ends after it starts.")
    row = Announcement(
        id=tx.new_id(),
        source=words,
        content=text.render(words, {}, tx.instance.url, markdown=True).html,
        starts_at=starts_at,
        ends_at=ends_at,
        published_at=tx.now,
        updated_at=tx.now,
    )
    tx.add(row)
    await tx.flush()
    tx.emit(Event(TOPIC, "announcement", {"id": str(row.id)}))
    return row


async def remove(tx: Transaction, announcement_id: int) -> None:
    """Take an announcement back.

    Raises:
        NotFound: there is none.
    """
    row = await find(tx, announcement_id)
    await tx.delete(row)
    await tx.flush()
    tx.emit(Event(TOPIC, "announcement.delete", {"id": str(announcement_id)}))


async def find(session: Session, announcement_id: int) -> Announcement:
    """An announcement.

    Raises:
        NotFound: there is none.
    """
    row = await session.get(Announcement, announcement_id)
    if row is None:
        raise NotFound("Record not found")
    return row


async def listed(session: Session) -> Sequence[Announcement]:
    """What is told now, the newest first."""
    return (await session.exec(_current(session))).all()


async def unread(session: Session, account: Account) -> Sequence[Announcement]:
    """What is told now and somebody has not put away, the newest first."""
    read = select(AnnouncementRead).where(
        col(AnnouncementRead.announcement_id) == col(Announcement.id),
        AnnouncementRead.account_id == account.id,
    )
    return (await session.exec(_current(session).where(~exists(read)))).all()


def _current(session: Session) -> SelectOfScalar[Announcement]:
    lasts = or_(col(Announcement.ends_at).is_(None), col(Announcement.ends_at) > session.now)
    newest = col(Announcement.id).desc()
    return select(Announcement).where(lasts).order_by(newest).limit(MAX_SHOWN)


async def show(
    session: Session, rows: Sequence[Announcement], account: Account | None
) -> list[Shown]:
    """Announcements with what people made of them, in the same order."""
    found = {row.id: Shown(row) for row in rows}
    query = (
        select(
            AnnouncementReaction.announcement_id,
            AnnouncementReaction.name,
            func.count(),
            func.min(AnnouncementReaction.created_at),
        )
        .where(col(AnnouncementReaction.announcement_id).in_(found))
        .group_by(col(AnnouncementReaction.announcement_id), col(AnnouncementReaction.name))
        .order_by(func.min(AnnouncementReaction.created_at), col(AnnouncementReaction.name))
    )
    for number, name, count, _ in await session.execute(query):
        found[number].reactions[name] = (count, False)
    if account is not None:
        mine = select(AnnouncementReaction).where(
            col(AnnouncementReaction.announcement_id).in_(found),
            AnnouncementReaction.account_id == account.id,
        )
        for row in (await session.exec(mine)).all():
            count, _ = found[row.announcement_id].reactions[row.name]
            found[row.announcement_id].reactions[row.name] = (count, True)
        read = select(AnnouncementRead.announcement_id).where(
            col(AnnouncementRead.announcement_id).in_(found),
            AnnouncementRead.account_id == account.id,
        )
        for number in (await session.exec(read)).all():
            found[number].read = True
    return list(found.values())


async def dismiss(tx: Transaction, account: Account, row: Announcement) -> None:
    """Somebody has read it."""
    await insert_new(tx, AnnouncementRead, {"account_id": account.id, "announcement_id": row.id})


async def react(tx: Transaction, account: Account, row: Announcement, name: str) -> None:
    """Put an emoji to it; twice is once.

    Raises:
        Invalid: that is no emoji, or there are too many different ones.
    """
    if not is_emoji(name):
        raise Invalid("That is no emoji.")
    [shown] = await show(tx, [row], account)
    if name not in shown.reactions and len(shown.reactions) >= MAX_EMOJIS:
        raise Invalid(f"An announcement takes {MAX_EMOJIS} different emoji.")
    values = {
        "announcement_id": row.id,
        "account_id": account.id,
        "name": name,
        "created_at": tx.now,
    }
    if await insert_new(tx, AnnouncementReaction, values):
        _tell(tx, row, name)


async def take_back(tx: Transaction, account: Account, row: Announcement, name: str) -> None:
    """Take an emoji back; nothing happens if it was not there."""
    await tx.execute(
        delete(AnnouncementReaction).where(
            col(AnnouncementReaction.announcement_id) == row.id,
            col(AnnouncementReaction.account_id) == account.id,
            col(AnnouncementReaction.name) == name,
        )
    )
    _tell(tx, row, name)


def _tell(tx: Transaction, row: Announcement, name: str) -> None:
    tx.emit(Event(TOPIC, "announcement.reaction", {"id": str(row.id), "name": name}))
