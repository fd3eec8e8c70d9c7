"""What readers may want to be warned of, by rules."""

from __future__ import annotations

import pytest

from generation import cautions


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        ("A knight covered in BLOOD", "Blood"),
        ("A na\u200bked statue", "Nudity"),  # a space of no width does not hide it
        ("Ein Schlachtfeld voller Blut", "Blood, Violence"),
        ("une araignée sur le mur", "Spiders or snakes"),
        ("self-harm, and how I stopped", "Self-harm"),
        ("nude, blood, murder, corpse, heroin", "Nudity, Blood, Violence"),  # not more than three
        ("The bird sang, a shooting star fell, bloodhounds slept", ""),
        ("", ""),
    ],
)
def test_words_call_for_a_warning(text: str, warning: str) -> None:
    assert cautions.said(cautions.of_words(text)) == warning


def test_a_warning_is_in_the_language_of_its_post() -> None:
    found = cautions.of_words("blood")
    assert cautions.said(found, "de-AT") == "Blut" and cautions.said(found, "fi") == "Blood"
    known = {frozenset(words) for words in cautions._SAID.values()}
    assert len(known) == 1  # nothing is said in one language only
