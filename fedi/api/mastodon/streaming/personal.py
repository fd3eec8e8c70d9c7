"""What is told to one account, or to all of them, besides statuses.

Whoever makes such an event emits it by its Mastodon name on `topic(account_id)` or on
`ANNOUNCEMENTS`, with the ids that are needed to show it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlmodel import col, select

from fedi.api.mastodon import correspondence
from fedi.api.mastodon.streaming.channels import DIRECT, NOTIFICATIONS, USER
from fedi.api.mastodon.views import announcements as announcement_views
from fedi.api.mastodon.views import notifications as views
from fedi.database import Session
from fedi.database.tables import Account, Announcement, Conversation, Notification
from fedi.runtime import Easel
from fedi.social import announcements

ANNOUNCEMENTS = announcements.TOPIC
_ACCOUNT = "account:"

Show = Callable[[Easel, Session, Account, dict[str, Any]], Awaitable[str | None]]


@dataclass(frozen=True, slots=True)
class Personal:
    """A kind of event.

    Attributes:
        channels: by which streams it comes.
        show: its payload; None if there is nothing to tell any more.
        scope: what an app must be allowed to besides listening.
    """

    channels: frozenset[str]
    show: Show
    scope: str = ""


def topic(account_id: int) -> str:
    """Where that is told which is for one account."""
    return f"{_ACCOUNT}{account_id}"


def account_of(topic_: str) -> int | None:
    """Whose topic this is; None for that of everybody."""
    return int(topic_.removeprefix(_ACCOUNT)) if topic_.startswith(_ACCOUNT) else None


async def _notification(
    easel: Easel, session: Session, viewer: Account, data: dict[str, Any]
) -> str | None:
    query = select(Notification).where(
        Notification.id == int(data["id"]), col(Notification.account_id) == viewer.id
    )
    row = (await session.exec(query)).first()
    if row is None:
        return None
    shown = await views.show(easel, session, viewer, [row])
    return encoded(shown[0]) if shown else None


async def _nothing(
    easel: Easel, session: Session, viewer: Account, data: dict[str, Any]
) -> str | None:
    # Mastodon leaves the payload out; apps that decode it strictly (Ice Cubes) want text, and those
    # that parse it (Masto.js) want JSON.
    return "{}"


async def _conversation(
    easel: Easel, session: Session, viewer: Account, data: dict[str, Any]
) -> str | None:
    query = select(Conversation).where(
        Conversation.account_id == viewer.id,
        Conversation.last_status_id == int(data["status_id"]),
    )
    row = (await session.exec(query)).first()
    if row is None:
        return None
    [shown] = await correspondence.show(easel, session, viewer, [row])
    return encoded(shown) if shown.last_status is not None else None


async def _announcement(
    easel: Easel, session: Session, viewer: Account, data: dict[str, Any]
) -> str | None:
    row = await session.get(Announcement, int(data["id"]))
    if row is None:
        return None
    [shown] = await announcements.show(session, [row], None)
    return encoded(announcement_views.announcement(shown, personal=False))


async def _end(easel: Easel, session: Session, viewer: Account, data: dict[str, Any]) -> str | None:
    return str(data["id"])


async def _reaction(
    easel: Easel, session: Session, viewer: Account, data: dict[str, Any]
) -> str | None:
    row = await session.get(Announcement, int(data["id"]))
    if row is None:
        return None
    [shown] = await announcements.show(session, [row], None)
    count, _ = shown.reactions.get(data["name"], (0, False))
    told = {"name": data["name"], "count": count, "announcement_id": data["id"]}
    return encoded(told)


def encoded(found: Any) -> str:
    """An entity as a payload."""
    return msgspec.json.encode(found).decode()


_HOME = frozenset({USER})
EVENTS: dict[str, Personal] = {
    "notification": Personal(frozenset({USER, NOTIFICATIONS}), _notification, "read:notifications"),
    "conversation": Personal(frozenset({DIRECT}), _conversation),
    "filters_changed": Personal(_HOME, _nothing),
    "announcement": Personal(_HOME, _announcement),
    "announcement.delete": Personal(_HOME, _end),
    "announcement.reaction": Personal(_HOME, _reaction),
}
