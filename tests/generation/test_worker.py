"""The painting thread: batches of what goes together, memory that runs out, threads that hang."""

from __future__ import annotations

import io
import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from PIL import Image

from generation import catalogue, enlarging, protocol, watchdog
from generation.pipeline import Pipeline
from generation.recipe import Recipe
from generation.worker import Settings, Task, Worker
from tests.generation.exhaustion import exhausted
from tests.generation.pictures import difference_of

# diffusers 0.42 hands tensors to numpy 2.4 in a way that numpy will stop to accept.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

PATIENCE_S = 90.0
Said = tuple[str, protocol.FromPainter, bytes]
RECIPES = [Recipe(prompt=f"picture {number}", seed=number, steps=4) for number in range(4)]


class Easel:
    """A worker in the hand of a test."""

    def __init__(self, folders: list[Path], settings: Settings) -> None:
        self.said: queue.Queue[Said] = queue.Queue()
        self.opened: queue.Queue[int] = queue.Queue()
        self.lost: queue.Queue[str] = queue.Queue()
        self.worker = Worker(
            [catalogue.find(str(folder)) for folder in folders],
            "cpu",
            settings,
            opened=self.opened.put,
            lost=self.lost.put,
        )

    def paint(self, name: str, recipe: Recipe, pictures: Mapping[str, bytes] | None = None) -> Task:
        task = Task(
            name,
            recipe,
            lambda message, data: self.said.put((name, message, data)),
            pictures or {},
        )
        self.worker.submit(task)
        return task

    @contextmanager
    def busy(self, recipe: Recipe = RECIPES[0]) -> Iterator[None]:
        """It stands at the first step of a painting, so that what is asked for here waits for the
        same moment; the painting is given up then."""
        reached, go_on = threading.Event(), threading.Event()

        def send(message: protocol.FromPainter, data: bytes) -> None:
            if isinstance(message, protocol.Progress) and message.stage == "painting":
                reached.set()
                go_on.wait(PATIENCE_S)

        task = Task("busy", recipe, send)
        self.worker.submit(task)
        assert reached.wait(PATIENCE_S)
        try:
            yield
        finally:
            task.stop.set()
            go_on.set()

    def until_ended(self, *names: str) -> list[Said]:
        """All that is said until these have ended."""
        left, heard = set(names), []
        while left:
            name, message, data = self.said.get(timeout=PATIENCE_S)
            heard.append((name, message, data))
            if not isinstance(message, protocol.Progress):
                left.discard(name)
        return heard

    def end(self, name: str, recipe: Recipe) -> tuple[protocol.FromPainter, bytes]:
        """How a painting ends."""
        self.paint(name, recipe)
        return ended(self.until_ended(name))[name]


def ended(heard: list[Said]) -> dict[str, tuple[protocol.FromPainter, bytes]]:
    return {
        name: (message, data)
        for name, message, data in heard
        if not isinstance(message, protocol.Progress)
    }


def steps(heard: list[Said]) -> list[tuple[str, int]]:
    """Whose how-manieth step was done, in order."""
    return [
        (name, message.step)
        for name, message, _ in heard
        if isinstance(message, protocol.Progress) and message.stage == "painting"
    ]


@pytest.fixture
def easel_with(
    folder_of: Callable[[str], Path],
) -> Iterator[Callable[..., Easel]]:
    made: list[Easel] = []

    def make(*families: str, **settings: Any) -> Easel:
        folders = [folder_of(family) for family in families or ("z-image",)]
        made.append(Easel(folders, Settings(**settings)))
        return made[-1]

    yield make
    for easel in made:
        assert easel.worker.close(PATIENCE_S)


def test_what_waits_is_painted_as_one_batch_each_as_it_is_alone(
    easel_with: Callable[..., Easel], pipeline_of: Callable[[str], Pipeline]
) -> None:
    easel = easel_with(batch=4)
    names = [recipe.prompt for recipe in RECIPES]
    with easel.busy():
        for recipe in RECIPES:
            easel.paint(recipe.prompt, recipe)
    heard = easel.until_ended(*names)
    assert steps(heard) == [(name, step) for step in range(1, 5) for name in names]
    previews = [data for _, message, data in heard if isinstance(message, protocol.Progress)]
    for recipe in RECIPES:
        finished, png = ended(heard)[recipe.prompt]
        assert isinstance(finished, protocol.Finished) and finished.recipe.seed == recipe.seed
        alone = pipeline_of("z-image").paint([recipe])[0].png
        assert difference_of(png, alone) <= 1
    shown = [preview for preview in previews if preview]
    assert len(set(shown)) == len(shown) >= 4  # one of each, and no two alike


def test_one_of_a_batch_can_be_cancelled_without_harm(
    easel_with: Callable[..., Easel], pipeline_of: Callable[[str], Pipeline]
) -> None:
    easel = easel_with(batch=4)
    with easel.busy():
        tasks = {recipe.prompt: easel.paint(recipe.prompt, recipe) for recipe in RECIPES}

        def send(message: protocol.FromPainter, data: bytes) -> None:
            if isinstance(message, protocol.Progress) and message.step == 2:
                tasks["picture 1"].stop.set()
            easel.said.put(("picture 0", message, data))

        tasks["picture 0"].send = send
    heard = easel.until_ended(*tasks)
    assert max(step for name, step in steps(heard) if name == "picture 1") == 2
    assert ended(heard)["picture 1"][0] == protocol.Cancelled(painting="picture 1")
    for number in (0, 2, 3):
        png = ended(heard)[f"picture {number}"][1]
        assert difference_of(png, pipeline_of("z-image").paint([RECIPES[number]])[0].png) <= 1


def test_what_does_not_go_together_is_painted_in_order(easel_with: Callable[..., Easel]) -> None:
    easel = easel_with(batch=4)
    wide = Recipe(prompt="wide", seed=1, width=96, height=64, steps=1)
    with easel.busy():
        for name, recipe in (
            ("a", RECIPES[0]),
            ("wide", wide),
            ("b", RECIPES[1]),
            ("odd", Recipe(prompt="odd", width=72, height=64)),
        ):
            easel.paint(name, recipe)
    heard = easel.until_ended("a", "b", "wide", "odd")
    assert [name for name, step in steps(heard) if step == 1] == ["a", "b", "wide"]
    failed, _ = ended(heard)["odd"]
    assert isinstance(failed, protocol.Failed) and "multiple of 16" in failed.reason


def test_it_takes_one_until_it_knows_and_none_while_it_paints(
    easel_with: Callable[..., Easel],
) -> None:
    easel = easel_with(batch=4)
    assert easel.worker.slots == 1
    easel.end("a", RECIPES[0])
    easel.end("b", RECIPES[0])
    assert [easel.opened.get(timeout=PATIENCE_S) for _ in range(4)] == [0, 4, 0, 4]


def test_a_batch_that_is_too_large_is_halved(easel_with: Callable[..., Easel]) -> None:
    easel = easel_with(batch=4)
    names = [recipe.prompt for recipe in RECIPES]
    # Guidance doubles what goes through the network: two pictures fit.
    with exhausted("ZImageTransformer2DModel", when=lambda inputs: len(inputs[0]) > 4):
        with easel.busy():
            for recipe in RECIPES:
                easel.paint(recipe.prompt, recipe)
        heard = easel.until_ended(*names)
    kinds = {type(message) for message, _ in ended(heard).values()}
    assert kinds == {protocol.Finished}
    assert [name for name, step in steps(heard) if step == 1] == names
    assert steps(heard)[:2] == [(names[0], 1), (names[1], 1)]
    assert easel.opened.queue[-1] == 2  # and it has learnt


def test_memory_that_is_full_is_said_in_a_sentence_and_it_paints_on(
    easel_with: Callable[..., Easel],
) -> None:
    easel = easel_with()
    with exhausted("ZImageTransformer2DModel"):
        failed, _ = easel.end("a", RECIPES[0])
    assert isinstance(failed, protocol.Failed) and failed.retry
    assert failed.reason == "There is too little memory for Random z-image at this size."
    assert isinstance(easel.end("b", RECIPES[0])[0], protocol.Finished)


def test_other_models_make_room(
    easel_with: Callable[..., Easel], folder_of: Callable[[str], Path]
) -> None:
    def loads(name: str, recipe: Recipe) -> bool:
        easel.paint(name, recipe)
        heard = easel.until_ended(name)
        assert isinstance(ended(heard)[name][0], protocol.Finished)
        return any(isinstance(said, protocol.Progress) and said.note for _, said, _ in heard)

    easel = easel_with("z-image", "flux")
    flux = Recipe(prompt="a", seed=1, model=str(folder_of("flux")))
    assert loads("a", RECIPES[0]) and loads("b", flux)
    assert not loads("c", RECIPES[0]) and not loads("d", flux)  # both stay
    with exhausted("ZImageTransformer2DModel", times=1):
        assert not loads("e", RECIPES[0])
    assert loads("f", flux)  # it had to go


def test_models_leave_memory_when_nobody_paints(easel_with: Callable[..., Easel]) -> None:
    easel = easel_with(batch=3, unload=0.05)
    easel.end("a", RECIPES[0])
    assert [easel.opened.get(timeout=PATIENCE_S) for _ in range(3)] == [0, 3, 1]
    easel.paint("b", RECIPES[0])
    heard = easel.until_ended("b")
    assert any(isinstance(said, protocol.Progress) and said.note for _, said, _ in heard)


def test_a_thread_that_hangs_is_noticed(easel_with: Callable[..., Easel]) -> None:
    easel = easel_with(patience=0.1)
    easel.end("a", RECIPES[0])
    assert easel.lost.empty()
    with easel.busy():  # it waits inside a step, as for a driver that never answers
        assert "painting gave no sign" in easel.lost.get(timeout=PATIENCE_S)


def test_a_thread_that_packs_and_hangs_is_noticed(
    easel_with: Callable[..., Easel], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for a classifier whose driver never answers."""
    monkeypatch.setattr(watchdog, "PACK_S", 0.0)
    easel = easel_with(patience=1.0)
    reached, go_on = threading.Event(), threading.Event()

    def send(message: protocol.FromPainter, data: bytes) -> None:
        if isinstance(message, protocol.Progress) and message.note == enlarging.NOTE:
            reached.set()
            go_on.wait(PATIENCE_S)

    easel.worker.submit(Task("large", msgspec.structs.replace(RECIPES[0], upscale=2), send))
    try:
        assert reached.wait(PATIENCE_S)
        assert "packing gave no sign" in easel.lost.get(timeout=PATIENCE_S)
    finally:
        go_on.set()


# -- making larger ----------------------------------------------------------------------------

SMALL = "zQm" + "s" * 44


def notes(heard: list[Said]) -> list[tuple[str, int, int]]:
    return [
        (message.stage, message.step, message.of)
        for _, message, _ in heard
        if isinstance(message, protocol.Progress) and message.note == enlarging.NOTE
    ]


def test_a_picture_is_made_larger_when_it_is_painted_or_long_after(
    easel_with: Callable[..., Easel],
) -> None:
    easel = easel_with()
    plain, small = easel.end("plain", RECIPES[1])
    assert isinstance(plain, protocol.Finished) and plain.upscaler == ""
    wanted = msgspec.structs.replace(plain.recipe, upscale=2)
    easel.paint("at once", wanted)
    heard = easel.until_ended("at once")
    told = notes(heard)
    assert told[0] == ("finishing", 0, 100) and told[-1] == ("finishing", 100, 100)
    finished, large = ended(heard)["at once"]
    assert isinstance(finished, protocol.Finished)
    assert (finished.width, finished.height) == (2 * plain.width, 2 * plain.height)
    assert finished.recipe == wanted and finished.upscaler == "Easel upscaler"

    # Long after there is no painting, and no model: another painter does as well.
    other = easel_with("flux")
    later = msgspec.structs.replace(wanted, enlarge=SMALL, model="someone/else")
    other.paint("later", later, {SMALL: small})
    heard = other.until_ended("later")
    assert {stage for stage, _, _ in notes(heard)} == {"painting"}
    enlarged, content = ended(heard)["later"]
    assert isinstance(enlarged, protocol.Finished)
    assert enlarged.recipe == msgspec.structs.replace(later, enlarge="")
    assert (enlarged.model, enlarged.upscaler) == ("", "Easel upscaler")
    assert difference_of(content, large) == 0
    # And once more: by then it is four times as large as it was painted.
    again = msgspec.structs.replace(wanted, upscale=4, enlarge=SMALL)
    other.paint("again", again, {SMALL: content})
    four, _ = ended(other.until_ended("again"))["again"]
    assert isinstance(four, protocol.Finished) and four.width == 4 * plain.width


def test_making_larger_is_stopped_and_the_next_is_painted(easel_with: Callable[..., Easel]) -> None:
    easel = easel_with()
    picture = io.BytesIO()
    Image.effect_noise((900, 900), 80).convert("RGB").save(picture, "PNG")
    wish = Recipe(prompt="a", seed=1, width=900, height=900, upscale=4, enlarge=SMALL)
    task = easel.paint("large", wish, {SMALL: picture.getvalue()})
    while not isinstance(easel.said.get(timeout=PATIENCE_S)[1], protocol.Progress):
        pass
    task.stop.set()
    ends = ended(easel.until_ended("large"))
    assert isinstance(ends["large"][0], protocol.Cancelled)
    assert isinstance(easel.end("next", RECIPES[0])[0], protocol.Finished)


def test_what_cannot_be_made_larger_fails_in_a_sentence(easel_with: Callable[..., Easel]) -> None:
    easel = easel_with()
    wish = Recipe(prompt="a", seed=1, width=64, height=64, upscale=2, enlarge=SMALL)
    small, large = io.BytesIO(), io.BytesIO()
    Image.new("RGB", (128, 128)).save(large, "PNG")
    Image.new("RGB", (64, 64)).save(small, "PNG")
    for number, (pictures, says) in enumerate(
        [
            ({}, "did not come"),
            ({SMALL: b"no picture"}, "is no picture"),
            ({SMALL: large.getvalue()}, "has that size already"),
        ]
    ):
        name = str(number)
        easel.paint(name, wish, pictures)
        failed, _ = ended(easel.until_ended(name))[name]
        assert isinstance(failed, protocol.Failed) and says in failed.reason and not failed.retry
