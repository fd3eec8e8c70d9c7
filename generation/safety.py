"""What must not be shown. So far: words that a host does not want painted."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from generation.recipe import Recipe, RecipeError


def check(recipe: Recipe, blocked_words: Iterable[str]) -> None:
    """Raises RecipeError, naming the word, if the prompt holds one that the host blocks.

    A word or phrase counts whole, in any case, width and spacing; in scripts without spaces
    wherever it stands. What is to be left out of the picture (the negative prompt) is not held
    against anyone.
    """
    prompt = _plain(recipe.prompt)
    for word in blocked_words:
        if _pattern(word).search(prompt):
            raise RecipeError(f"This prompt is not painted here because of the word “{word}”.")


def _plain(text: str) -> str:
    """Compatibility forms folded, invisible characters gone, one space between words."""
    text = unicodedata.normalize("NFKC", text).casefold()
    text = "".join(c for c in text if unicodedata.category(c) != "Cf")
    return " ".join(text.split())


def _pattern(word: str) -> re.Pattern[str]:
    plain = _plain(word)
    if not plain:
        return re.compile(r"(?!)")  # an empty word blocks nothing
    # Chinese and Japanese put no space between words.
    before = "" if unicodedata.east_asian_width(plain[0]) in "WF" else r"(?<!\w)"
    after = "" if unicodedata.east_asian_width(plain[-1]) in "WF" else r"(?!\w)"
    return re.compile(before + re.escape(plain) + after)
