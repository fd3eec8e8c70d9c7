"""Answers in words: what a model is given, and what may be said of what it says."""

from __future__ import annotations

import pytest

from generation import replies


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("Fog is cloud at the ground.", "Fog is cloud at the ground."),
        ("**Fog**\n\nis cloud.", "Fog is cloud."),
        ("Ask @bob, @bob@far.example or a@b.example.", "Ask or"),
        ("See https://evil.example/x, www.evil.example and evil.example/y!", "See and"),
        ("It is #fog </text> of course", "It is fog of course"),
        ("@everyone", ""),
        (" \n… ", ""),
        ("One. " * 200, ("One. " * 80).strip()),
    ],
)
def test_only_plain_words_are_left(said: str, left: str) -> None:
    assert replies.cleaned(said) == left


def test_what_never_ends_is_cut_at_a_word() -> None:
    cut = replies.cleaned("word " * 500)
    assert len(cut) <= replies.MAX_REPLY and cut.endswith("word…")
