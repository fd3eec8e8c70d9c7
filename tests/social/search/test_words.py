"""What is looked for in a text, and what a query means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedi.social.search.asking import Filter, Term, understand
from fedi.social.search.words import MAX_LENGTH, MAX_WORDS, words


@pytest.mark.parametrize(
    "one, other",
    [
        ("Lighthouses", "lighthouse"),
        ("PAINTING", "painted"),
        ("Élan", "elan"),
        ("Straße", "STRASSE"),
        ("ﬁne", "fine"),
        ("Ёлка", "елка"),
        ("Καφές", "καφεσ"),
    ],
)
def test_spellings_that_are_one_word(one: str, other: str) -> None:
    assert words(one) == words(other)
    assert len(words(one)) == 1


def test_scripts_without_spaces_are_found_by_their_signs() -> None:
    assert words("東京タワー at night") == [*"東京タワー", "at", "night"]
    assert words("हिन्दी में") == ["हिन्दी", "में"]  # marks belong to their letters


def test_signs_are_no_words() -> None:
    assert words("— 🎨 !?… '&|<->:*\"") == []
    assert words("it's e-mail: a_b@c.example #Sunset") == [
        "it", "s", "e", "mail", "a", "b", "c", "exampl", "sunset",
    ]  # fmt: skip


@given(st.text(max_size=3000))
def test_any_text_gives_words_that_databases_take(text: str) -> None:
    found = words(text)
    assert len(found) <= MAX_WORDS
    for word in found:
        assert 0 < len(word) <= MAX_LENGTH and not set(word) & set(" '\"\\\0:*&|!()<>-")


def test_a_query_is_understood() -> None:
    asked = understand('red "old lighthouse" -fog paint* from:alice -has:image before:2026-01-01')
    assert asked.terms == (
        Term(("red",)), Term(("old", "lighthous")), Term(("paint",), begins=True),
    )  # fmt: skip
    assert asked.without == (Term(("fog",)),)
    assert asked.filters == (
        Filter("from", "alice"), Filter("has", "image", wanted=False),
        Filter("before", "2026-01-01"),
    )  # fmt: skip


def test_what_is_no_filter_is_words() -> None:
    asked = understand("https://easel.example before:tomorrow colour:red from:")
    assert not asked.filters
    assert Term(("befor", "tomorrow")) in asked.terms and Term(("colour", "red")) in asked.terms


@pytest.mark.parametrize("text", ["", "   ", "-fog", "-from:alice", '""', "🎨"])
def test_what_asks_for_nothing(text: str) -> None:
    assert understand(text).nothing


@given(st.text(max_size=600))
def test_any_query_can_be_read(text: str) -> None:
    understand(text)
