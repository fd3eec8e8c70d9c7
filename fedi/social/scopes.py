"""What an app may be allowed to do: the scopes of Mastodon 4.7, what of them holds what, and what
the names of the ActivityPub API mean in them.

The SWICG's basic profile for social API servers has had two vocabularies in one year: each name
of either is kept in a token as the app asked for it, and holds what `PROFILE` says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

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

# What the names of the basic profile hold: of August 2026, which are addresses, and before.
PROFILE_URL = "https://swicg.github.io/activitypub-api/scopes#"
PROFILE_NAME = "activitypub:"
_UNDONE = ("write:statuses", "write:favourites", "write:follows", "write:blocks")
_BY_URL: Mapping[str, tuple[str, ...]] = {
    "readall": ("read",),
    "readany": ("read",),
    "readlocal": ("read",),
    "readinbox": ("read:statuses", "read:notifications"),
    "readoutbox": ("read:statuses",),
    "readfollowers": ("read:accounts", "read:follows"),
    "readfollowing": ("read:accounts", "read:follows"),
    "readliked": ("read:favourites",),
    "createcontent": ("write:statuses",),
    "updatecontent": ("write:statuses",),
    "deletecontent": ("write:statuses",),
    "follow": ("write:follows",),
    "managefollowers": ("write:follows",),
    "managecollections": ("write:collections",),
    "like": ("write:favourites",),
    "share": ("write:statuses",),
    "block": ("write:blocks",),
    "flag": ("write:reports",),
    "reactany": ("write:statuses", "write:favourites"),
    "uploadfiles": ("write:media",),
    "updateprofile": ("write:accounts",),
}
_BY_NAME: Mapping[str, tuple[str, ...]] = {
    "read:all": ("read",),
    "read:local:all": ("read",),
    "read:me:all": ("read",),
    "read:me:actor": ("read:accounts",),
    "read:me:inbox": _BY_URL["readinbox"],
    "read:me:outbox": _BY_URL["readoutbox"],
    "read:me:followers": _BY_URL["readfollowers"],
    "read:me:following": _BY_URL["readfollowing"],
    "read:me:liked": _BY_URL["readliked"],
    "write:all": ("write",),
    "write:create": ("write:statuses",),
    "write:update": ("write:statuses",),
    "write:delete": ("write:statuses",),
    "write:question": ("write:statuses",),
    "write:announce": ("write:statuses",),
    "write:follow": ("write:follows",),
    "write:accept": ("write:follows",),
    "write:reject": ("write:follows",),
    "write:add": ("write:collections",),
    "write:remove": ("write:collections",),
    "write:like": ("write:favourites",),
    "write:block": ("write:blocks",),
    "write:flag": ("write:reports",),
    "write:undo:all": _UNDONE,
    "write:undo:like": ("write:favourites",),
    "write:undo:follow": ("write:follows",),
    "write:undo:block": ("write:blocks",),
    "write:undo:announce": ("write:statuses",),
}
PROFILE: Mapping[str, tuple[str, ...]] = {
    **{f"{PROFILE_URL}{name}": holds for name, holds in _BY_URL.items()},
    **{f"{PROFILE_NAME}{name}": holds for name, holds in _BY_NAME.items()},
}

SUPPORTED = (*ALL, *PROFILE)
# What an app may ask for that says nothing of it when it registers as an ActivityPub client.
CLIENTS = ("read", "write", FOLLOW, "push", "profile", OFFLINE)

_KNOWN = frozenset(SUPPORTED)
MAX_SCOPES = 4000  # characters; all of them together are shorter


def parse(text: str) -> list[str]:
    """The scopes of a text that separates them by spaces, each once; `read` if there is none.

    What the profile names and nothing here is as narrow as (`…#reactlocal`, `write:sameorigin`)
    is left out: an app gets less than it asked for rather than more.

    Raises:
        Invalid: there is no such scope, or nothing is left.
    """
    if len(text) > MAX_SCOPES:
        raise Invalid("These are too many scopes.")
    asked = list(dict.fromkeys(text.split())) or [DEFAULT]
    found = [scope for scope in asked if not _too_narrow(scope)]
    for scope in found or asked:
        if scope not in _KNOWN:
            raise Invalid(f"There is no scope {scope[:50]}.")
    return found


def known(text: str) -> list[str]:
    """Those scopes of a text that there are: for what an app says of itself, and not asks for."""
    return [scope for scope in dict.fromkeys(text[:MAX_SCOPES].split()) if scope in _KNOWN]


def _too_narrow(scope: str) -> bool:
    named = scope.startswith((PROFILE_URL, PROFILE_NAME)) or scope == "write:sameorigin"
    return named and scope not in _KNOWN


def _meant(scopes: Iterable[str]) -> frozenset[str]:
    """Some scopes in Mastodon's names."""
    return frozenset(held for scope in scopes for held in PROFILE.get(scope, (scope,)))


def granted(held: Iterable[str], wanted: str) -> bool:
    """Whether who holds these scopes may do what needs `wanted`, such as `write:statuses`."""
    held = _meant(held)
    parts = wanted.split(":")
    wholes = {":".join(parts[:length]) for length in range(1, len(parts) + 1)}
    return not held.isdisjoint(wholes) or (wanted in TIES and FOLLOW in held)


def within(asked: Iterable[str], held: Iterable[str]) -> bool:
    """Whether all that is asked for is part of what is held."""
    held = _meant(held)
    return all(
        granted(held, scope) or (scope == FOLLOW and all(granted(held, tie) for tie in TIES))
        for scope in _meant(asked)
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
    held = _meant(scopes)
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
