from __future__ import annotations

import pytest

from generation.recipe import Recipe, RecipeError
from generation.safety import check


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("a gun on a table", ["gun"]),
        ("A GUN!", ["gun"]),
        ("ｇｕｎ", ["gun"]),
        ("a g\u200bun", ["gun"]),
        ("famous\n  person, oil", ["Famous Person"]),
        ("猫と銃の絵", ["銃"]),
        ("STRASSE", ["Straße"]),
        ("c++", ["c++"]),
    ],
)
def test_a_blocked_word_is_refused_and_named(prompt: str, words: list[str]) -> None:
    with pytest.raises(RecipeError, match="because of the word") as refusal:
        check(Recipe(prompt=prompt), ["other", *words])
    assert words[0] in str(refusal.value)


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("a begun journey", ["gun"]),
        ("a gunner", ["gun"]),
        ("anything", []),
        ("anything", ["", "  "]),
        ("person, famous", ["famous person"]),
    ],
)
def test_other_words_are_painted(prompt: str, words: list[str]) -> None:
    check(Recipe(prompt=prompt, negative_prompt="gun"), words)
