"""What can be listened to, under Mastodon's names."""

from __future__ import annotations

from dataclasses import dataclass, field

from starlette.exceptions import HTTPException

from fedi import ids
from fedi.social.audiences import Facts
from fedi.social.text import MAX_TAG_LENGTH, normal_tag

USER, NOTIFICATIONS, DIRECT, LIST = "user", "user:notification", "direct", "list"
PUBLIC = {
    f"public{origin}{media}" for origin in ("", ":local", ":remote") for media in ("", ":media")
}
HASHTAGS = {"hashtag", "hashtag:local"}


@dataclass(frozen=True, slots=True)
class Channel:
    """One stream.

    Attributes:
        kind: its name.
        about: whose it is, or the hashtag in its normal form, or the list; empty for public ones.
        label: how its events name it.
    """

    kind: str
    about: str = ""
    label: tuple[str, ...] = field(default=(), compare=False)


def scope(kind: str) -> str:
    """What an app must be allowed to, to listen to streams of this name."""
    return {NOTIFICATIONS: "read:notifications", LIST: "read:lists"}.get(kind, "read:statuses")


def named(kind: str, account_id: int, *, tag: str = "", list_id: str = "") -> Channel:
    """The stream of this name.

    Args:
        kind: one of Mastodon's names.
        account_id: who listens.
        tag: which hashtag.
        list_id: which list; whose it is, is not looked at here.

    Raises:
        HTTPException: there is none, or it is not said which.
    """
    if kind in {USER, NOTIFICATIONS, DIRECT}:
        return Channel(kind, str(account_id), (kind,))
    if kind in PUBLIC:
        return Channel(kind, "", (kind,))
    if kind in HASHTAGS:
        name = normal_tag(tag[: MAX_TAG_LENGTH + 1]) or ""
        if not name:
            raise HTTPException(400, "Missing tag name parameter")
        return Channel(kind, name, (kind, tag[: MAX_TAG_LENGTH + 1]))
    if kind == LIST:
        number = ids.parse(list_id)
        if number is None:
            raise HTTPException(400, "Missing list name parameter")
        return Channel(kind, str(number), (kind, str(number)))
    raise HTTPException(400, "Unknown stream type")


def open_to_all(known: Facts) -> list[Channel]:
    """The public streams into which a status goes: those whose timelines show it."""
    status = known.status
    if status.visibility != "public" or status.reblog_of_id or known.silenced or status.held:
        return []
    found = []
    for tag in known.tags:
        found.append(Channel("hashtag", tag))
        if status.local:
            found.append(Channel("hashtag:local", tag))
    if known.begins:
        for origin in ("", ":local" if status.local else ":remote"):
            found.append(Channel(f"public{origin}"))
            if known.has_media:
                found.append(Channel(f"public{origin}:media"))
    return found
