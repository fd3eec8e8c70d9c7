"""A painter process with helpers, against a real WebSocket server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from generation import protocol
from generation.recipe import Recipe
from tests.generation.painting_server import Guest, open_painter, open_painting_server

pytest.importorskip("transformers", reason="easel[paint] is not installed")

from generation.random_helpers import build_classifier, build_language, build_seeing

ENDLESS = Recipe(prompt="a very long story", seed=1, steps=150)


def until_suggested(guest: Guest) -> protocol.Suggested:
    while True:
        message, _ = guest.hear()
        if isinstance(message, protocol.Suggested):
            return message
        assert isinstance(message, protocol.Progress)


def test_a_painter_judges_describes_and_proposes(
    folder_of: Callable[[str], Path], tmp_path: Path
) -> None:
    options = {
        "--model": folder_of("z-image"),
        "--classifier": build_classifier(tmp_path / "judge", {"normal": 0.3, "nsfw": 0.7}),
        "--describer": build_seeing(tmp_path / "eye", ["A soft grey pattern."]),
        "--language-model": build_language(
            tmp_path / "pen", ["Title: Cat\n", "Prompt: a grey cat"]
        ),
    }
    words = [str(word) for pair in options.items() for word in pair]
    with (
        open_painting_server() as server,
        open_painter(server, tmp_path / "cache", *words),
    ):
        guest, hello = server.welcome()
        assert hello.suggests
        recipe = Recipe(prompt="a cat", seed=11, steps=2)
        guest.say(protocol.Paint(painting="1", recipe=recipe, describe="en"))
        _, finished, _ = guest.until_ended("1")
        assert isinstance(finished, protocol.Finished) and finished.judgement is not None
        assert finished.judgement.score == pytest.approx(0.7, abs=1e-3)
        assert finished.judgement.model == "judge"
        assert (finished.description, finished.described_by) == ("A soft grey pattern.", "eye")

        guest.paint("2", recipe)  # its author described it
        _, finished, picture = guest.until_ended("2")
        assert isinstance(finished, protocol.Finished)
        assert finished.judgement is not None and finished.description == ""

        guest.paint("3", ENDLESS)
        guest.until_painting("3")
        guest.say(protocol.Suggest(request="a", text="cat"))
        assert until_suggested(guest) == protocol.Suggested(
            request="a", prompt="a grey cat", title="Cat", model="pen"
        )
        # A picture that is here already is looked at beside the painting, too.
        look = protocol.Look(request="b", describe="en")
        guest.socket.send(protocol.with_pictures(look, {"9": picture}))
        while not isinstance(looked := guest.hear()[0], protocol.Looked):
            assert isinstance(looked, protocol.Progress)
        assert hello.abilities.looks and looked.described_by == "eye"
        assert looked.seen["9"].description == "A soft grey pattern."
        assert looked.seen["9"].judgement == finished.judgement
        guest.say(protocol.Drop(request="nobody"))
        guest.say(protocol.Cancel(painting="3"))
        assert guest.until_ended("3")[1] == protocol.Cancelled(painting="3")


def test_a_painter_without_helpers_says_so(tmp_path: Path) -> None:
    none = ("--classifier", "none", "--describer", "none", "--language-model", "none")
    with open_painting_server() as server, open_painter(server, tmp_path, *none):
        _, hello = server.welcome()
        assert not hello.suggests
