"""What an app may be allowed to do: the scopes of Mastodon 4.7, and what of them holds what."""

from __future__ import annotations

from collections.abc import Iterable

from fedi.social.errors import Invalid

_READ = (
    "accounts", "blocks", "bookmarks", "collections", "favourites", "filters", "follows", "lists",
    "mutes", "notifications", "search", "statuses",
)  # fmt: skip
_WRITE = (
    "accounts", "blocks", "bookmarks", "collections", "conversations", "favourites", "filters",
    "follows", "lists", "media", "mutes", "notifications", "reports", "statuses",
)  # fmt: skip
_ADMIN = (
    "accounts", "canonical_email_blocks", "domain_allows", "domain_blocks", "email_domain_blocks",
    "ip_blocks", "reports",
)  # fmt: skip

# An older name for reading and changing three things (Mastodon before 2.4.3).
FOLLOW = "follow"
TIES = frozenset(
    f"{way}:{what}" for way in ("read", "write") for what in ("follows", "blocks", "mutes")
)

# Asks for a token that renews the other one, as OpenID Connect calls it.
OFFLINE = "offline_access"

DEFAULT = "read"  # what is asked for by whoever asks for nothing

ALL: tuple[str, ...] = (
    "read", *(f"read:{what}" for what in _READ),
    "write", *(f"write:{what}" for what in _WRITE),
    FOLLOW, "push", "profile", OFFLINE,
    "admin:read", *(f"admin:read:{what}" for what in _ADMIN),
    "admin:write", *(f"admin:write:{what}" for what in _ADMIN),
)  # fmt: skip
_KNOWN = frozenset(ALL)
MAX_SCOPES = 2000  # characters; all of them together are shorter


def parse(text: str) -> list[str]:
    """The scopes of a text that separates them by spaces, each once; `read` if there is none.

    Raises:
        Invalid: there is no such scope.
    """
    if len(text) > MAX_SCOPES:
        raise Invalid("These are too many scopes.")
    found = list(dict.fromkeys(text.split())) or [DEFAULT]
    for scope in found:
        if scope not in _KNOWN:
            raise Invalid(f"There is no scope {scope[:50]}.")
    return found


def granted(held: Iterable[str], wanted: str) -> bool:
    """Whether who holds these scopes may do what needs `wanted`, such as `write:statuses`."""
    held = frozenset(held)
    parts = wanted.split(":")
    wholes = {":".join(parts[:length]) for length in range(1, len(parts) + 1)}
    return not held.isdisjoint(wholes) or (wanted in TIES and FOLLOW in held)


def within(asked: Iterable[str], held: Iterable[str]) -> bool:
    """Whether all that is asked for is part of what is held."""
    held = frozenset(held)
    return all(
        granted(held, scope) or (scope == FOLLOW and all(granted(held, tie) for tie in TIES))
        for scope in asked
    )


# What the page where people agree says of each; the parts are said by their names.
WORDS: dict[str, str] = {
    "read": "Read everything you can read here",
    "write": "Post, and change everything on your behalf",
    FOLLOW: "Change whom you follow, block and mute",
    "push": "Tell you what happens while the app is closed",
    "profile": "See who you are",
    OFFLINE: "Stay signed in until you end it",
    "admin:read": "Read what moderators can read",
    "admin:write": "Act as a moderator of this instance",
}


def in_words(scopes: Iterable[str]) -> list[str]:
    """What some scopes allow, one line each; a part is left out where the whole is there."""
    held = frozenset(scopes)
    lines: dict[str, list[str]] = {}
    for scope in ALL:
        if scope not in held:
            continue
        whole, _, part = scope.rpartition(":")
        if scope in WORDS:
            lines[WORDS[scope]] = []
        elif not granted(held - {scope}, scope):
            way = {"read": "Read your", "write": "Change your"}.get(whole, WORDS.get(whole, ""))
            lines.setdefault(way, []).append(part.replace("_", " "))
    said = []
    for way, parts in lines.items():
        join = " " if way.endswith("your") else ": "
        said.append(f"{way}{join}{', '.join(parts)}" if parts else way)
    return said
