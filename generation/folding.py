"""Words made comparable: however they are written, the same words come out the same.

Who wants to get past a rule writes a word in wide letters, with dots between the letters, with a
zero in it. Each function here takes away one kind of disguise.
"""

from __future__ import annotations

import re
import unicodedata

_ACCENTS = re.compile("[\u0300-\u036f]")  # of Latin, Greek and Cyrillic; kana keep theirs
_REPEATED = re.compile(r"(\w)\1{2,}")
_ROW = "\n"
_SIGNS = re.compile(r"[\W_]+")

# Letters of other scripts that look like Latin ones, and digits and signs that stand for letters.
_LOOKALIKES = str.maketrans("аеорсхуіѕԁһкмтвαοειρτυκν", "aeopcxyisdhkmtbaoeiptukv")
_DIGITS = str.maketrans("013457@$", "oleastas"), str.maketrans("013457@$!", "oieastasi")


def plain(text: str) -> str:
    """Compatibility forms (wide letters) folded, lower case, no accents, no invisible characters,
    one space between words."""
    text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    text = unicodedata.normalize("NFC", _ACCENTS.sub("", text))
    text = "".join(sign for sign in text if unicodedata.category(sign) != "Cf")
    return " ".join(text.split())


def spaced(text: str) -> str:
    """A plain text without punctuation: one space stands for any."""
    return _SIGNS.sub(" ", text).strip()


def joined(text: str) -> str:
    """A plain text with what was pulled apart put together: `n.u-d_e` and `n u d e` are `nude`.

    Of letters that stand alone in a row the first may be a word of its own (`a n u d e`), so they
    are given with it and without it.
    """
    words: list[str] = []
    for word in _pieces(text):
        words += [word, _ROW + word[2:]] if word.startswith(_ROW) else [word]
    return " ".join(words).replace(_ROW, "").strip()


def rows(text: str) -> list[str]:
    """The rows of letters that stand alone in a plain text, without the spaces between them, in
    which words are found anywhere."""
    return [word.removeprefix(_ROW) for word in _pieces(text) if word.startswith(_ROW)]


def spellings(text: str) -> list[str]:
    """A text as it is written, and as it may be meant by somebody who writes letters of other
    scripts, digits and signs for Latin letters, or letters many times. All are plain."""
    text = plain(text)
    latin = text.translate(_LOOKALIKES)
    found = [text, latin, *(latin.translate(digits) for digits in _DIGITS)]
    found += [_REPEATED.sub(r"\1", spelling) for spelling in found]
    return list(dict.fromkeys(found))


def _pieces(text: str) -> list[str]:
    """The words of a plain text without their punctuation; letters that stand alone in a row are
    one piece, which begins with `_ROW`."""
    found: list[str] = []
    row = ""
    for chunk in [*text.split(), ""]:
        word = _SIGNS.sub("", chunk)
        if len(word) == 1:
            row += word
            continue
        if row:
            found.append(_ROW + row if len(row) > 1 else row)
        row = ""
        found.append(word)
    return found
