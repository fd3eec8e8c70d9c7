"""What can be talked about, and by which number it is known."""

from __future__ import annotations

import hashlib
from typing import Any, Literal
from urllib.parse import urldefrag, urlsplit

from sqlalchemy import ColumnElement, exists
from sqlmodel import col

from fedi.database.tables import Account, Status
from fedi.social import text
from fedi.social.visibility import HELD

# A post, a hashtag, an address, the words of a shared recipe, or the first post of a chain of
# remixes.
Kind = Literal["status", "tag", "link", "prompt", "chain"]
KINDS: tuple[Kind, ...] = ("status", "tag", "link", "prompt", "chain")

MAX_LINKS = 5  # of one post that are counted: more is a list, and nobody looks at all of it
MAX_LINK = 2000  # characters
MAX_PROMPT = 2000  # characters that tell one prompt from another


def number_of(words: str) -> int:
    """The number of a link or a prompt: 63 bits of its digest, the same whenever it comes."""
    return int.from_bytes(hashlib.sha256(words.encode()).digest()[:8]) >> 1


def link(address: str) -> str:
    """An address without what leads to a place in a page; nothing for what is no link."""
    whole = urldefrag(address).url
    if len(whole) > MAX_LINK:
        return ""
    try:
        parts = urlsplit(whole)
        host = parts.hostname or ""
    except ValueError:
        return ""
    return whole if parts.scheme in {"http", "https"} and "." in host else ""


def links(content: str, own_host: str, known: frozenset[str | None] = frozenset()) -> list[str]:
    """What a post links to outside of this instance.

    Args:
        content: sanitised HTML.
        own_host: links to it lead to posts here, which are counted as such.
        known: addresses that are no links to something new, as the parent of a remix; None is none.
    """
    found = dict.fromkeys(
        whole
        for address in text.links(content)
        if address not in known and (whole := link(address)) and urlsplit(whole).netloc != own_host
    )
    return list(found)[:MAX_LINKS]


def prompt(words: str) -> str:
    """The words of a prompt as they are compared: in lower case, on one line."""
    return " ".join(words.casefold().split())[:MAX_PROMPT]


def for_everybody() -> list[ColumnElement[bool]]:
    """A post that all may see, of somebody whom all may find."""
    return [
        col(Status.visibility) == "public",
        col(Status.deleted_at).is_(None),
        col(Status.approval).not_in(HELD),
        by_somebody_open(col(Status.account_id)),
    ]


def by_somebody_open(account_id: Any) -> ColumnElement[bool]:
    """Whether an account, by a column with its id, is one whom all may find."""
    return exists().where(col(Account.id) == account_id, *heard())


def heard() -> list[ColumnElement[bool]]:
    """Of an account: whether it has a voice, and may be shown to those who do not follow it."""
    return [
        col(Account.silenced_at).is_(None),
        col(Account.suspended_at).is_(None),
        col(Account.deleted_at).is_(None),
    ]
