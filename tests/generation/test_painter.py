"""The painter process, against a real WebSocket server."""

from __future__ import annotations

import io
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from generation import protocol
from generation.painter import EXIT_LOST, EXIT_ORPHANED, EXIT_REFUSED, EXIT_USAGE, socket_url
from generation.recipe import Recipe
from tests.generation.painting_server import (
    PATIENCE_S,
    TOKEN,
    Guest,
    PaintingServer,
    open_painter,
    open_painting_server,
    painter_command,
    painter_environment,
)

CAT = Recipe(prompt="a cat", seed=11, steps=6)
ENDLESS = Recipe(prompt="a very long story", seed=1, steps=150)


@pytest.fixture
def server() -> Iterator[PaintingServer]:
    with open_painting_server() as server:
        yield server


@pytest.fixture(scope="module")
def busy_server() -> Iterator[PaintingServer]:
    with open_painting_server() as server:
        yield server


@pytest.fixture(scope="module")
def painter(
    busy_server: PaintingServer,
    folder_of: Callable[[str], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[list[Guest]]:
    """One painter for several tests, since each must first import torch: its connection."""
    folder = folder_of("z-image")
    with open_painter(
        busy_server, tmp_path_factory.mktemp("cache"), "--model", str(folder), "--name", "attic"
    ):
        guest, hello = busy_server.welcome()
        assert (hello.name, hello.device, hello.models) == ("attic", "auto", (str(folder),))
        assert hello.version == protocol.VERSION
        yield [guest]


def test_it_paints_and_tells_how_far_it_is(painter: list[Guest]) -> None:
    guest = painter[0]
    guest.paint("1", CAT)
    progress, finished, picture = guest.until_ended("1")
    assert isinstance(finished, protocol.Finished)
    with Image.open(io.BytesIO(picture), formats=["PNG"]) as image:
        assert image.size == (finished.width, finished.height) == (64, 64)
    assert (finished.recipe.prompt, finished.recipe.seed, finished.recipe.steps) == ("a cat", 11, 6)
    assert finished.recipe.width == 64 and finished.recipe.guidance is not None
    assert (finished.model, finished.sampler) == ("Random z-image", "Euler")
    assert len(finished.model_version) == 40 and finished.seconds > 0

    steps = [(said.step, said.of) for said, _ in progress if said.stage == "painting"]
    assert steps == [(n, 6) for n in range(1, 7)]
    previews = [preview for said, preview in progress if preview and said.stage == "painting"]
    with Image.open(io.BytesIO(previews[0]), formats=["JPEG"]) as image:
        assert max(image.size) == 256
    assert progress[-1][0].stage == "finishing"

    guest.paint("2", CAT)
    progress, finished, again = guest.until_ended("2")
    assert isinstance(finished, protocol.Finished)
    assert again == picture
    assert {said.stage for said, _ in progress} == {"painting", "finishing"}  # it stayed loaded


def test_it_stops_when_asked_and_paints_on(painter: list[Guest]) -> None:
    guest = painter[0]
    guest.paint("before", CAT)
    _, _, before = guest.until_ended("before")
    guest.paint("3", ENDLESS)
    guest.until_painting("3")
    guest.say(protocol.Cancel(painting="3"))
    guest.say(protocol.Cancel(painting="no such painting"))
    progress, ended, _ = guest.until_ended("3")
    assert ended == protocol.Cancelled(painting="3")
    assert all(said.step < 150 for said, _ in progress)
    guest.paint("after", CAT)
    _, finished, after = guest.until_ended("after")
    assert isinstance(finished, protocol.Finished) and after == before


@pytest.mark.parametrize(
    ("recipe", "told"),
    [
        (Recipe(prompt="a cat", steps=100_000), "“steps” must be a whole number from 1 to 150."),
        (Recipe(prompt="a cat", width=4096, height=4096), "4096 × 4096 is too large"),
        (Recipe(prompt="a cat", width=8, height=8), "“width” must be a whole number from 64"),
        (Recipe(prompt="a" * 5000), "“prompt” is too long"),
        (Recipe(prompt="a cat", guidance=float("1e9")), "“guidance” must be a number"),
        (
            Recipe(prompt="a cat", enlarge="zQm" + "a" * 44, width=4096, height=4096, upscale=4),
            "too large",
        ),
    ],
)
def test_it_refuses_what_no_server_sends(painter: list[Guest], recipe: Recipe, told: str) -> None:
    guest = painter[0]
    guest.paint("odd", recipe)
    progress, failed, _ = guest.until_ended("odd")
    assert isinstance(failed, protocol.Failed) and told in failed.reason
    assert progress == [] and not failed.retry


def test_it_starts_from_the_pictures_that_came_with_the_recipe(painter: list[Guest]) -> None:
    guest = painter[0]
    source, mask, out = "zQm" + "a" * 44, "zQm" + "b" * 44, io.BytesIO()
    Image.effect_noise((64, 64), 90).convert("RGB").save(out, "PNG")
    white = io.BytesIO()
    Image.new("L", (64, 64), "black").save(white, "PNG")
    recipe = Recipe(prompt="a cat", seed=1, source=source, mask=mask)
    guest.paint("5", recipe, {source: out.getvalue(), mask: white.getvalue()})
    progress, finished, picture = guest.until_ended("5")
    assert isinstance(finished, protocol.Finished), finished
    assert finished.recipe.source == source and finished.recipe.strength == 0.85
    steps = [(said.step, said.of) for said, _ in progress if said.stage == "painting"]
    assert [step for step, _ in steps] == list(range(1, steps[-1][1] + 1))
    with Image.open(io.BytesIO(picture)) as kept, Image.open(out) as before:
        assert kept.tobytes() == before.tobytes()  # nowhere was it to be painted
    guest.paint("6", recipe, {source: out.getvalue()})
    _, ended, _ = guest.until_ended("6")
    assert ended == protocol.Failed(
        painting="6", reason="The mask did not come with its recipe.", retry=False
    )


def test_it_answers_pings_while_it_paints(painter: list[Guest]) -> None:
    guest = painter[0]
    guest.paint("4", ENDLESS)
    guest.until_painting("4")
    answered = guest.socket.ping()
    assert answered.wait(PATIENCE_S)
    guest.say(protocol.Cancel(painting="4"))
    assert guest.until_ended("4")[1] == protocol.Cancelled(painting="4")


def test_it_refuses_what_it_cannot_paint_and_paints_on(painter: list[Guest]) -> None:
    guest = painter[0]
    for recipe, says in (
        (Recipe(prompt="a", model="sdxl"), "does not have the model sdxl"),
        (Recipe(prompt="a", model="///"), "does not have the model"),
        (Recipe(prompt="a", width=72, height=64), "multiple of 16"),
    ):
        guest.paint("5", recipe)
        _, failed, _ = guest.until_ended("5")
        assert isinstance(failed, protocol.Failed)
        assert says in failed.reason and not failed.retry
    guest.paint("6", CAT)
    assert isinstance(guest.until_ended("6")[1], protocol.Finished)


def test_it_comes_back_when_the_connection_breaks(
    painter: list[Guest], busy_server: PaintingServer
) -> None:
    guest = painter[0]
    guest.paint("7", CAT)
    _, _, picture = guest.until_ended("7")
    guest.paint("8", ENDLESS)
    guest.until_painting("8")
    guest.drop()
    painter[0], _ = busy_server.welcome()
    # The painting in hand was dropped: it is given out again, and nothing is said of the old one.
    painter[0].paint("8", CAT)
    progress, finished, again = painter[0].until_ended("8")
    assert isinstance(finished, protocol.Finished) and again == picture
    assert {said.of for said, _ in progress} == {CAT.steps}


def test_words_that_are_not_ours_end_the_connection(
    painter: list[Guest], busy_server: PaintingServer
) -> None:
    painter[0].socket.send("dance!")
    painter[0], _ = busy_server.welcome()
    painter[0].paint("9", CAT)
    assert isinstance(painter[0].until_ended("9")[1], protocol.Finished)


# -- how it ends -------------------------------------------------------------------------------


def test_a_wrong_token_is_final(server: PaintingServer, tmp_path: Path) -> None:
    with open_painter(server, tmp_path, token="wrong") as process:
        assert process.wait(PATIENCE_S) == EXIT_REFUSED


def test_it_leaves_when_there_is_nothing_to_paint(server: PaintingServer, tmp_path: Path) -> None:
    with open_painter(server, tmp_path, "--idle-exit", "0.2") as process:
        _, hello = server.welcome()
        assert hello.models == ("starter",)
        assert process.wait(PATIENCE_S) == 0


def test_it_leaves_when_told(server: PaintingServer, tmp_path: Path) -> None:
    with open_painter(server, tmp_path) as process:
        guest, _ = server.welcome()
        guest.say(protocol.Leave(reason="Good night."))
        assert process.wait(PATIENCE_S) == 0


def test_it_ends_politely_in_the_middle_of_a_painting(
    server: PaintingServer, tmp_path: Path
) -> None:
    with open_painter(server, tmp_path) as process:
        guest, _ = server.welcome()
        guest.paint("1", ENDLESS)
        assert guest.hear_a(protocol.Progress).stage == "loading"
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0


def test_a_painting_that_hangs_ends_the_process(
    server: PaintingServer, tmp_path: Path, folder_of: Callable[[str], Path]
) -> None:
    """So that the next one gets the card. Here every step takes too long."""
    options = ("--model", str(folder_of("z-image")), "--patience", "0.0001")
    with open_painter(server, tmp_path, *options) as process:
        guest, _ = server.welcome()
        guest.paint("1", ENDLESS)
        assert process.wait(PATIENCE_S) == EXIT_LOST


def test_it_does_not_outlive_its_parent(server: PaintingServer, tmp_path: Path) -> None:
    """A server that is killed cannot say goodbye, and nothing may keep the card after it."""
    script = (
        "import subprocess, sys\n"
        "process = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE)\n"
        "print(process.pid, flush=True)\n"
        "process.wait()\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script, *painter_command(server, "--with-parent")],
        env=painter_environment(tmp_path),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    with parent.stdout:
        pid = int(parent.stdout.readline())
        guest, _ = server.welcome()
        guest.paint("1", ENDLESS)
        assert guest.hear_a(protocol.Progress).stage == "loading"
        parent.kill()
        parent.wait()
        # The painter holds the other end of this pipe as long as it lives.
        readable, _, _ = select.select([parent.stdout], [], [], PATIENCE_S)
        if not readable:
            os.kill(pid, signal.SIGKILL)
        assert readable and parent.stdout.read() == ""


def test_a_closed_standard_input_ends_it(server: PaintingServer, tmp_path: Path) -> None:
    with open_painter(server, tmp_path, "--with-parent") as process:
        server.welcome()
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(PATIENCE_S) == EXIT_ORPHANED


def test_it_says_what_is_wrong_with_its_options(server: PaintingServer, tmp_path: Path) -> None:
    def says(*options: str, token: str = "t") -> str:
        result = subprocess.run(
            painter_command(server, *options),
            env=painter_environment(tmp_path, token),
            capture_output=True,
            text=True,
        )
        assert result.returncode == EXIT_USAGE
        assert "Traceback" not in result.stderr
        return result.stderr

    assert "there is no token" in says(token="")
    assert "There is no model “no such model”" in says("--model", "no such model")
    assert "no address of a server" in says("--server", "ftp://x")
    assert "the token cannot be read" in says("--token-file", str(tmp_path / "nowhere"))


def test_a_token_can_come_from_a_file(server: PaintingServer, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN + "\n")
    with open_painter(server, tmp_path, "--token-file", str(tmp_path / "token"), token=""):
        server.welcome()


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("https://easel.example", "wss://easel.example"),
        ("https://easel.example/", "wss://easel.example"),
        ("easel.example", "wss://easel.example"),
        ("http://easel-a.localhost:8001", "ws://easel-a.localhost:8001"),
        ("ws://[::1]:8000", "ws://[::1]:8000"),
    ],
)
def test_an_address_is_a_servers(address: str, url: str) -> None:
    assert socket_url(address) == url + protocol.PATH
