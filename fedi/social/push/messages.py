"""What a push message says: as Mastodon's, short enough for every service."""

from __future__ import annotations

import msgspec

from fedi.database import Session
from fedi.database.tables import Account, Login, Notification, Painting
from fedi.settings import InstanceSettings
from fedi.social import text
from fedi.social.push.encryption import MAX_MESSAGE, OVERHEAD
from fedi.social.push.subscriptions import ALERT_OF
from fedi.social.visibility import load

MAX_BODY = 140  # characters of a post, as Mastodon
ROOM = MAX_MESSAGE - OVERHEAD

_TITLES = {
    "mention": "You were mentioned by {name}",
    "quote": "{name} quoted your post",
    "quoted_update": "{name} edited a post that you quoted",
    "status": "{name} just posted",
    "reblog": "{name} boosted your post",
    "follow": "{name} is now following you",
    "follow_request": "{name} asks to follow you",
    "favourite": "{name} favourited your post",
    "reaction": "{name} reacted to your post",
    "remix": "{name} remixed your picture",
    "poll": "A poll has ended",
    "update": "A post was edited",
    "admin.report": "{name} reported somebody",
    "admin.sign_up": "{name} signed up",
    "moderation_warning": "A moderator has something to tell you",
    "severed_relationships": "You lost ties to others",
    "scheduled_failed": "A post that you scheduled could not be published",
    "painting_failed": "Your picture could not be painted",
    "painting_held": "Your picture waits for a moderator",
    "painting_approved": "Your picture may be shown",
    "painting_refused": "Your picture is not shown",
}


class Message(msgspec.Struct, kw_only=True):
    """Mastodon's payload. The token is empty: what is kept of tokens is a hash, and no service
    should have one. Apps that have several accounts know them by where they subscribed."""

    access_token: str = ""
    preferred_locale: str
    notification_id: int
    notification_type: str
    icon: str
    title: str
    body: str


async def message(
    session: Session, instance: InstanceSettings, account: Account, row: Notification
) -> bytes | None:
    """What an account's app is told; None if there is nothing to tell any more."""
    author = await session.get(Account, row.from_account_id)
    if author is None or author.deleted_at is not None or author.suspended_at is not None:
        return None
    body = text.plain(author.note)
    if row.status_id is not None:
        status = await load(session, account, row.status_id)
        if status is None:
            return None
        body = status.spoiler_text or text.plain(status.content)
    elif row.painting_id is not None:
        painting = await session.get(Painting, row.painting_id)
        body = painting.error if painting is not None else ""
    name = author.display_name or author.username
    login = await session.get(Login, account.id)
    locale = login.preferences.get("posting:default:language") if login is not None else None
    said = Message(
        preferred_locale=locale if isinstance(locale, str) and locale else "en",
        notification_id=row.id,
        notification_type=ALERT_OF.get(row.type, row.type),
        icon=_icon(instance, author),
        title=_TITLES.get(row.type, "{name}").format(name=name[:MAX_BODY]),
        body=_short(body),
    )
    encoded = msgspec.json.encode(said)
    return (
        encoded
        if len(encoded) <= ROOM
        else msgspec.json.encode(msgspec.structs.replace(said, icon="", body=""))
    )


def _icon(instance: InstanceSettings, author: Account) -> str:
    """A picture that the app may show: remote ones it gets with the notification itself."""
    if author.local and author.avatar:
        return f"{instance.url}/media/{author.avatar}"
    return f"{instance.url}/static/avatars/missing.png"


def _short(body: str) -> str:
    body = " ".join(body.split())
    return body if len(body) <= MAX_BODY else body[: MAX_BODY - 1] + "…"
