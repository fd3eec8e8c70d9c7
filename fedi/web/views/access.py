"""What acts for somebody, as they recognise it: browsers by their names, and apps."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from fedi.database.tables import AccessToken, Application, BrowserSession
from fedi.social import scopes
from fedi.web.views.links import safe_link

# The first that a browser names itself by: most of them name others, too.
_BROWSERS = (
    ("Edg", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser", "Samsung Internet"),
    ("Vivaldi", "Vivaldi"), ("Firefox", "Firefox"), ("FxiOS", "Firefox"), ("CriOS", "Chrome"),
    ("Chrome", "Chrome"), ("Safari", "Safari"),
)  # fmt: skip
_SYSTEMS = (
    ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"),
    ("Mac OS X", "Mac"), ("CrOS", "ChromeOS"), ("Linux", "Linux"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Browser:
    """A browser that is signed in. `here` is the one that looks."""

    id: int
    name: str
    since: datetime
    last_used: datetime
    here: bool


@dataclass(frozen=True, slots=True)
class App:
    """An app that acts for somebody. `token_id` is one of its tokens; `website` may be empty."""

    token_id: int
    name: str
    website: str
    allowed: list[str]
    since: datetime
    last_used: datetime | None


def browser(row: BrowserSession, here: int) -> Browser:
    return Browser(
        row.id, browser_name(row.user_agent), row.created_at, row.last_used_at, row.id == here
    )


def browser_name(user_agent: str) -> str:
    """What people call it."""
    name = next((name for sign, name in _BROWSERS if sign in user_agent), "A browser")
    system = next((name for sign, name in _SYSTEMS if sign in user_agent), "")
    return f"{name} on {system}" if system else name


def apps(allowed: Sequence[tuple[AccessToken, Application | None]]) -> list[App]:
    """The apps of some tokens, each once; a token without an app stands for itself."""
    found: dict[int, list[AccessToken]] = {}
    names: dict[int, Application | None] = {}
    for token, application in allowed:
        key = token.id if application is None else application.id
        found.setdefault(key, []).append(token)
        names[key] = application
    shown = []
    for key, tokens in found.items():
        application = names[key]
        held = {scope for token in tokens for scope in token.scopes.split()}
        used = [token.last_used_at for token in tokens if token.last_used_at is not None]
        shown.append(
            App(
                token_id=tokens[0].id,
                name=(application.name if application else tokens[0].name) or "A program",
                website=safe_link(application.website or "") if application else "",
                allowed=scopes.in_words(held),
                since=min(token.created_at for token in tokens),
                last_used=max(used, default=None),
            )
        )
    return shown


def data_address(content: bytes, media_type: str) -> str:
    """A file as an address of its own."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"
