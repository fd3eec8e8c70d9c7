"""What somebody types into a search box, understood as Mastodon 4.6 does it."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

from msgspec import Struct

from fedi.social.search.words import words

MAX_QUERY = 500  # characters; what is beyond is not looked at
MAX_TERMS = 20  # of them; each costs a look into the index

_PARTS = re.compile(r'(?P<not>[-+]?)(?:(?P<key>[a-z]+):)?(?:"(?P<quoted>[^"]*)"?|(?P<bare>\S+))')
KEYS = frozenset({"from", "has", "is", "in", "language", "before", "after", "during"})


class Term(Struct, frozen=True):
    """Words that stand one after the other. begins: the last one is the beginning of a word."""

    words: tuple[str, ...]
    begins: bool = False


class Filter(Struct, frozen=True):
    """`key:value`, or with `wanted` false the opposite of it."""

    key: str
    value: str
    wanted: bool = True


class Asked(Struct, frozen=True):
    """What is looked for: all of `terms`, none of `without`, and each filter."""

    terms: tuple[Term, ...]
    without: tuple[Term, ...]
    filters: tuple[Filter, ...]

    @property
    def nothing(self) -> bool:
        """Whether there is nothing to look for."""
        return not self.terms and not any(entry.wanted for entry in self.filters)


def understand(text: str) -> Asked:
    """Read a query.

    Words are looked for in any order, "words in quotes" as they stand, -words must not be there;
    `word*` finds what begins so. `from:`, `has:`, `is:`, `in:`, `language:`, `before:`, `after:`
    and `during:` narrow it down. What cannot be understood is a word like any other.
    """
    terms: list[Term] = []
    without: list[Term] = []
    filters: list[Filter] = []
    for part in _PARTS.finditer(text[:MAX_QUERY]):
        wanted, value = part["not"] != "-", part["quoted"] or part["bare"] or ""
        if part["key"] in KEYS and _is_meant(part["key"], value):
            filters.append(Filter(part["key"], value, wanted))
            continue
        found = words(f"{part['key'] or ''} {value}")
        if found:
            begins = part["bare"] is not None and value.endswith("*")
            (terms if wanted else without).append(Term(tuple(found), begins))
    return Asked(tuple(terms[:MAX_TERMS]), tuple(without[:MAX_TERMS]), tuple(filters[:MAX_TERMS]))


def day(value: str) -> datetime | None:
    """The beginning of a day that is written YYYY-MM-DD, in UTC."""
    try:
        found = date.fromisoformat(value)
    except ValueError:
        return None
    return datetime(found.year, found.month, found.day, tzinfo=UTC)


def day_after(value: str) -> datetime | None:
    """The end of that day, as far as there is one."""
    begun = day(value)
    return begun + timedelta(days=1) if begun is not None and begun.year < 9999 else begun


def _is_meant(key: str, value: str) -> bool:
    return bool(value) and (key not in {"before", "after", "during"} or day(value) is not None)
