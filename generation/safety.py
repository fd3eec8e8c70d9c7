"""What a host does not want painted, or wants marked: rules about the words of a prompt.

What is in the finished picture, `generation.classifier` judges; this is for the words alone.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from generation import folding, minors
from generation.recipe import RecipeError


def check(prompt: str, *, blocked: Iterable[str] = (), sensitive: Iterable[str] = ()) -> bool:
    """Judges a prompt by the words in it.

    blocked: words and phrases that nothing is painted with. sensitive: those whose pictures are
    marked. One counts whole, in any case, width, accent and spacing, whatever punctuation is in
    between; in scripts without spaces wherever it stands. What is to be left out of a picture
    (the negative prompt) is not held against anyone: it is not asked for here.
    Returns whether the picture is to be marked as sensitive. Raises RecipeError for what is not
    painted: a blocked word, which it names, and what is never painted (`generation.minors`).
    """
    if minors.shows(prompt):
        raise RecipeError(minors.SENTENCE)
    forms = _forms(prompt)
    for word in blocked:
        if _found(word, forms):
            raise RecipeError(f"This prompt is not painted here because of the word “{word}”.")
    return any(_found(word, forms) for word in sensitive)


def _forms(text: str) -> tuple[str, str]:
    """A text with its punctuation, for words that have some (`c++`); and without."""
    plain = folding.plain(text)
    return plain, f"{folding.spaced(plain)}\n{folding.joined(plain)}"


def _found(word: str, forms: tuple[str, str]) -> bool:
    pattern, with_signs = _pattern(word)
    return pattern.search(forms[0] if with_signs else forms[1]) is not None


@lru_cache(maxsize=4096)
def _pattern(word: str) -> tuple[re.Pattern[str], bool]:
    """What finds a word, and whether its own punctuation matters."""
    plain = folding.plain(word)
    spaced = folding.spaced(plain)
    # Punctuation inside a word is as good as a space; at its ends it is what makes the word.
    with_signs = bool(plain) and not (plain[0].isalnum() and plain[-1].isalnum())
    wanted = plain if with_signs else spaced
    if not wanted:
        return re.compile(r"(?!)"), with_signs  # an empty word blocks nothing
    # Chinese and Japanese put no space between words.
    before = "" if unicodedata.east_asian_width(wanted[0]) in "WF" else r"(?<!\w)"
    after = "" if unicodedata.east_asian_width(wanted[-1]) in "WF" else r"(?!\w)"
    return re.compile(before + re.escape(wanted) + after), with_signs
