"""What is looked for in a text: its words, the same way in what is kept and in what is asked.

Both databases get words that are ready: what their own parsers would make of addresses, numbers
and other scripts differs, and neither knows writing without spaces.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from typing import Protocol

MAX_LENGTH = 60  # characters of a word; longer ones are cut, on both sides
MAX_WORDS = 4000  # of one text; PostgreSQL counts places up to 16,383
STEMMED = 3  # letters: shorter words have no endings

# Scripts that put no spaces between words: each sign is a word, and words are found as phrases.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff]"
)
_ASCII_WORD = re.compile(r"[a-z0-9]+")
_ACCENTS = re.compile("[\u0300-\u036f]")


class _Stemmer(Protocol):
    def stemWord(self, word: str) -> str: ...


def words(text: str, *, stem: bool = True) -> list[str]:
    """The words of a text, folded: case, accents, and (of words in plain Latin letters) endings.

    Args:
        text: without markup.
        stem: names are kept as they are.

    Returns:
        At most MAX_WORDS, in their order.
    """
    folded = _ACCENTS.sub("", unicodedata.normalize("NFKD", text.casefold()))
    if folded.isascii():
        found = _ASCII_WORD.findall(folded)
    else:
        found = _split(unicodedata.normalize("NFC", folded))
    return [_stem(word) if stem else word[:MAX_LENGTH] for word in found[:MAX_WORDS]]


def _split(text: str) -> list[str]:
    spaced = _UNSPACED.sub(r" \g<0> ", text)
    # Letters, digits, and the marks that belong to letters.
    kept = "".join(sign if unicodedata.category(sign)[0] in "LNM" else " " for sign in spaced)
    return kept.split()


@lru_cache(maxsize=20_000)
def _stem(word: str) -> str:
    if len(word) > STEMMED and word.isascii() and word.isalpha():
        word = _stemmer().stemWord(word[:MAX_LENGTH])
    return word[:MAX_LENGTH]


@cache
def _stemmer() -> _Stemmer:
    """English endings, whatever the language: what matters is that both sides lose the same."""
    import snowballstemmer

    made: _Stemmer = snowballstemmer.stemmer("english")
    return made
