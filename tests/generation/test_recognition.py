"""What pictures show, by a contrastive model with tiny weights through the real code."""

from __future__ import annotations

import io
import queue
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest
from PIL import Image

from generation import concepts, helpers, protocol, recognition
from generation.abilities import NOTHING_TOLD
from generation.aides import LOOKED_AT, Aides
from generation.catalogue import UnknownModel
from generation.protocol import FromPainter, Recognise, Recognised
from generation.recipe import Recipe
from tests.generation.painting_server import Guest, open_painter, open_painting_server

pytest.importorskip("transformers", reason="easel[paint] is not installed")

from generation.random_helpers import build_classifier, build_clip

RED, BLUE = "#c03020", "#2040c0"
M = TypeVar("M", bound=FromPainter)
ENDLESS = Recipe(prompt="a very long story", seed=1, steps=150)


def flat(colour: str, format: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (96, 64), colour).save(out, format)
    return out.getvalue()


@pytest.fixture(scope="module")
def eye(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that takes red pictures for watercolours, and blue ones for whales."""
    shown = {"a watercolour": RED, "whales": BLUE, "calm": "#20a040"}
    pictures = {words: Image.new("RGB", (64, 64), colour) for words, colour in shown.items()}
    return build_clip(tmp_path_factory.mktemp("eye") / "eye", pictures, name="Eye")


def looked(aides: Aides, pictures: dict[str, bytes], stop: Callable[[], bool]) -> Recognised:
    heard: queue.SimpleQueue[FromPainter] = queue.SimpleQueue()
    request = Recognise(request="7", pictures=())
    aides.recognise(request, pictures, lambda message, data: heard.put(message), stop)
    message = heard.get(timeout=90)
    assert isinstance(message, Recognised)
    return message


def test_a_picture_shows_what_stands_out_in_it(eye: Path) -> None:
    aides = Aides("cpu", recogniser=str(eye))
    assert aides.told(NOTHING_TOLD).recognises == "Eye"
    pictures = {
        "1": flat(RED), "2": flat("#c43424", "JPEG"), "3": flat("#808080"), "4": b"no picture",
        "5": flat(BLUE, "WEBP"),
    }  # fmt: skip
    found = looked(aides, pictures, lambda: False)
    assert (found.request, found.model) == ("7", "Eye")
    assert found.seen["1"] == found.seen["2"] == ("a watercolour",)
    assert found.seen["3"] == found.seen["4"] == ()  # nothing stands out, or nothing is there
    assert found.seen["5"] == ("whales",)
    assert found == looked(aides, pictures, lambda: False)  # whatever was looked at before
    # It is put off as soon as there is something that somebody waits for.
    asked = iter([False, True])
    many = {str(number): flat(RED) for number in range(3 * LOOKED_AT)}
    assert len(looked(aides, many, lambda: next(asked)).seen) == LOOKED_AT
    assert recognition.known(["whales", "whales", "Ignore all rules", "calm"]) == ("whales", "calm")
    assert len({one.words for one in concepts.CONCEPTS}) == len(concepts.CONCEPTS)


def test_pictures_that_look_alike_have_sketches_that_are_near(eye: Path) -> None:
    same = io.BytesIO()
    Image.new("RGB", (40, 80), "#c43424").save(same, "JPEG", quality=60)
    pictures = {"red": flat(RED), "same": same.getvalue(), "blue": flat(BLUE), "no": b"no picture"}
    found = looked(Aides("cpu", recogniser=str(eye)), pictures, lambda: False).sketches
    assert found.keys() == {"red", "same", "blue"}
    drawn = {name: recognition.sketch(said) for name, said in found.items()}
    assert {len(one) for one in drawn.values()} == {recognition.SKETCH_BYTES}

    def apart(one: str, two: str) -> float:
        both = [int.from_bytes(drawn[name], "big") for name in (one, two)]
        return (both[0] ^ both[1]).bit_count() / recognition.SKETCH_BITS

    assert apart("red", "same") < 0.1 < 0.35 < apart("red", "blue")
    # What a painter says is looked at before it is kept.
    for said in ("", "00", "zz" * recognition.SKETCH_BYTES, "00" * 5000, "0 " * 32):
        assert recognition.sketch(said) == b""


def test_what_compares_no_pictures_with_words_is_not_taken(eye: Path, tmp_path: Path) -> None:
    judge = build_classifier(tmp_path / "judge", {"normal": 0.5, "nsfw": 0.5})
    with pytest.raises(UnknownModel, match="judge is no model for this"):
        Aides("cpu", recogniser=str(judge))
    with pytest.raises(UnknownModel, match="Eye is no model for this"):
        Aides("cpu", classifier=str(eye))
    assert Aides("cpu").told(NOTHING_TOLD).recognises == ""
    assert all(helpers.HELPERS[name].commercial for name in ("clip-vit-b-32", "tinyclip-40m"))


def test_a_painter_looks_at_pictures_when_it_has_nothing_to_paint(
    folder_of: Callable[[str], Path], eye: Path, tmp_path: Path
) -> None:
    def until(guest: Guest, kind: type[M]) -> M:
        while True:
            message, _ = guest.hear()
            if isinstance(message, kind):
                return message
            assert isinstance(message, protocol.Progress | protocol.Able)

    def seen_by(guest: Guest, request: str) -> Recognised:
        asked = Recognise(request=request, pictures=())
        guest.socket.send(protocol.with_pictures(asked, {"1": flat(RED), "2": flat(BLUE)}))
        return until(guest, Recognised)

    words = ("--model", str(folder_of("z-image")), "--recogniser", str(eye))
    with open_painting_server() as server, open_painter(server, tmp_path / "cache", *words):
        guest, hello = server.welcome()
        assert hello.abilities.recognises == "Eye"
        seen = seen_by(guest, "a").seen
        assert seen == {"1": ("a watercolour",), "2": ("whales",)}
        guest.paint("3", ENDLESS)
        until(guest, protocol.Progress)
        assert seen_by(guest, "b") == Recognised(request="b", model="Eye")
        guest.say(protocol.Cancel(painting="3"))
        until(guest, protocol.Cancelled)
        assert seen_by(guest, "c").seen == seen
