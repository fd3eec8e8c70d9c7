"""Short posts that are nothing but phrases of some kind, as people write them: in any case, with
signs, accents and emoji or without."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

MAX_LENGTH = 80  # of what is folded; a longer post is about something else as well

_SHORTCODE = re.compile(r":\w+:")  # of a custom emoji
_WORDS = re.compile(r"[^\W_]+")


def consists_of(pattern: re.Pattern[str], words: str) -> bool:
    """Whether words are what a pattern says of them as they are folded, from the first to the
    last."""
    said = folded(words)
    return len(said) <= MAX_LENGTH and pattern.fullmatch(said) is not None


def folded(words: str) -> str:
    """Words alone, as they are compared: small, with neither accents, signs nor emoji."""
    return " ".join(_WORDS.findall(plain(_SHORTCODE.sub(" ", words))))


def plain(words: str) -> str:
    """Words in small letters without accents."""
    apart = unicodedata.normalize("NFKD", words.casefold())
    return "".join(sign for sign in apart if not unicodedata.combining(sign))


def any_of(listed: str) -> str:
    """A pattern of one of some phrases, which stand in lines, with `|` between them."""
    rows = (one.strip() for row in listed.splitlines() for one in row.split("|"))
    return _either(re.escape(folded(one)) for one in rows if one)


def _either(those: Iterable[str]) -> str:
    return rf"(?:{'|'.join(sorted(set(those), key=len, reverse=True))})(?:\s|$)"
