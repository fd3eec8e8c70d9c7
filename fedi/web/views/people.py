"""Accounts, as they are named beside what they made, and on their profiles."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

from markupsafe import Markup

from fedi.database.tables import Account
from fedi.social import profiles
from fedi.studio.remote_files.claims import Claim
from fedi.studio.remote_files.gallery import Gallery
from fedi.web import emojis
from fedi.web.views.links import media_path, safe_link

PIGMENTS = 8  # colours of initials in static/css/pages.css


@dataclass(frozen=True, slots=True)
class Maker:
    """An account, as it is named beside what it made. `drawn` is its name with its emoji."""

    name: str
    drawn: Markup
    handle: str
    href: str
    remote: bool
    avatar: str | None
    initials: str
    pigment: int


@dataclass(frozen=True, slots=True)
class Profile:
    """What an account says of itself."""

    header: str | None
    header_description: str
    note: Markup
    fields: list[Mapping[str, Any]]
    counts: list[tuple[str, int]]


def maker(account: Account, gallery: Gallery, viewer: Account | None = None) -> Maker:
    """An account as it is named here. One of another server has a page here for who is signed in
    (`viewer`), and for everybody else on its own server."""
    name = " ".join(account.display_name.split()) or account.username
    return Maker(
        name=name,
        drawn=emojis.drawn_text(name, account.emojis, gallery),
        handle=f"@{account.username}@{account.domain or gallery.instance.domain}",
        href=path_of(account) if account.local or viewer else safe_link(account.url or account.uri),
        remote=not (account.local or viewer),
        avatar=_face(account, "avatar", gallery),
        initials=initials(name),
        pigment=account.id % PIGMENTS if account.id else 0,
    )


def path_of(account: Account) -> str:
    """The page of an account here."""
    if account.local:
        return f"/@{account.username}"
    return f"/@{quote(account.username)}@{quote(account.domain or '', safe=':')}"


def _face(account: Account, kind: Literal["avatar", "header"], gallery: Gallery) -> str | None:
    """The path of somebody's avatar or header, if they have one that can be shown."""
    value = account.avatar if kind == "avatar" else account.header
    if not value:
        return None
    if account.local:
        return media_path(value)
    framed = gallery.find(Claim(kind, value))
    return framed.small if framed and not framed.error else None


def profile(account: Account, gallery: Gallery) -> Profile:
    return Profile(
        header=_face(account, "header", gallery),
        header_description=account.header_description,
        note=emojis.drawn(account.note, account.emojis, gallery),
        fields=[
            {
                "name": emojis.drawn_text(entry.get("name", ""), account.emojis, gallery),
                "value": emojis.drawn(profiles.value(account, entry), account.emojis, gallery),
            }
            for entry in account.fields
        ],
        counts=[
            ("post" if account.statuses_count == 1 else "posts", account.statuses_count),
            ("follower" if account.followers_count == 1 else "followers", account.followers_count),
            ("following", account.following_count),
        ],
    )


def initials(name: str) -> str:
    """Up to two letters for a face without a picture: of the first and the last word."""
    words = [
        letters[0]
        for word in name.split()
        if (letters := [sign for sign in word if unicodedata.category(sign)[0] in "LN"])
    ]
    return "".join(words[:1] + words[1:][-1:]).upper() or "?"
