"""A painter that has its pictures made by an endpoint: a real process between two real servers."""

from __future__ import annotations

import io
import queue
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from PIL import Image
from websockets.exceptions import ConnectionClosed

from generation import protocol
from generation.painter import EXIT_REFUSED, EXIT_USAGE
from generation.recipe import Lora, Recipe
from tests.generation.images_server import (
    MODEL,
    Asked,
    ImagesServer,
    Reply,
    flat,
    open_images_server,
    takes_all,
)
from tests.generation.painting_server import (
    PATIENCE_S,
    Guest,
    PaintingServer,
    open_painter,
    open_painting_server,
    painter_command,
    painter_environment,
)
from tests.generation.pictures import difference_of, opened

SLOTS = 3
CAT = Recipe(prompt="a cat", seed=11, steps=6, width=96, height=64)


@pytest.fixture
def server() -> Iterator[PaintingServer]:
    with open_painting_server() as server:
        yield server


@pytest.fixture
def images() -> Iterator[ImagesServer]:
    with open_images_server() as images:
        images.models = Reply.of({"data": [{"id": MODEL}, {"id": "house/special"}]})
        yield images


@pytest.fixture
def guest(server: PaintingServer, images: ImagesServer, tmp_path: Path) -> Iterator[Guest]:
    """A painter that drives the endpoint."""
    with open_painter(server, tmp_path, "--endpoint", images.url, "--at-once", str(SLOTS)):
        guest, hello = server.welcome(SLOTS)
        assert hello.models == (MODEL, "house/special")
        assert hello.device == f"endpoint 127.0.0.1:{images.port}"
        yield guest


def until_all_ended(guest: Guest, paintings: set[str]) -> dict[str, bytes]:
    """The pictures, once all are finished."""
    pictures: dict[str, bytes] = {}
    while set(pictures) != paintings:
        message, data = guest.hear()
        if isinstance(message, protocol.Progress):
            # Nobody says how far an endpoint is.
            assert (message.stage, message.step, message.of, data) == ("painting", 0, 0, b"")
            assert message.note
            continue
        assert isinstance(message, protocol.Finished), message
        pictures[message.painting] = data
    return pictures


def test_several_are_painted_at_once_each_its_own(guest: Guest, images: ImagesServer) -> None:
    together = threading.Barrier(SLOTS, timeout=PATIENCE_S)

    def answer(asked: Asked) -> Reply:
        together.wait()  # passes only when all are there
        return takes_all(asked)

    images.answer = answer
    for number in range(SLOTS):
        guest.paint(str(number), Recipe(prompt=f"number {number}", seed=number))
    pictures = until_all_ended(guest, {str(number) for number in range(SLOTS)})
    for number in range(SLOTS):
        body = {"prompt": f"number {number}", "seed": number}
        wanted = flat(Asked("", body, {}, lambda: False))
        with Image.open(io.BytesIO(pictures[str(number)]), formats=["PNG"]) as image:
            assert image.tobytes() == wanted.tobytes()


def test_what_was_painted_is_said_as_far_as_it_is_known(guest: Guest, images: ImagesServer) -> None:
    guest.paint("1", CAT)
    _, finished, _ = guest.until_ended("1")
    assert isinstance(finished, protocol.Finished)
    assert finished.recipe == Recipe(
        prompt="a cat", seed=11, steps=6, width=96, height=64, model=MODEL
    )
    assert (finished.model, finished.model_version, finished.sampler) == (MODEL, "", "")
    guest.paint("2", Recipe(prompt="a cat", model="house/special"))
    guest.until_ended("2")
    assert [body["model"] for body in images.bodies()] == [MODEL, "house/special"]
    guest.paint("3", Recipe(prompt="a cat", model="no/such"))
    _, failed, _ = guest.until_ended("3")
    assert isinstance(failed, protocol.Failed) and "no/such" in failed.reason


def test_a_cancelled_picture_is_hung_up_on_and_the_others_go_on(
    guest: Guest, images: ImagesServer
) -> None:
    heard: queue.Queue[str] = queue.Queue()
    go_on = threading.Event()

    def answer(asked: Asked) -> Reply | None:
        if asked.body["prompt"] == "stays":
            go_on.wait(PATIENCE_S)
            return takes_all(asked)
        if asked.gone():
            heard.put(asked.body["prompt"])
        return None

    images.answer = answer
    guest.paint("1", Recipe(prompt="stays"))
    guest.paint("2", Recipe(prompt="goes"))
    while {asked.body["prompt"] for asked in list(images.asked.queue)} != {"stays", "goes"}:
        guest.hear_a(protocol.Progress)
    guest.say(protocol.Cancel(painting="2"))
    assert heard.get(timeout=PATIENCE_S) == "goes"
    go_on.set()
    ends = {}
    while len(ends) < 2:
        message, _ = guest.hear()
        if not isinstance(message, protocol.Progress):
            assert isinstance(message, protocol.Finished | protocol.Cancelled)
            ends[message.painting] = type(message)
    assert ends == {"1": protocol.Finished, "2": protocol.Cancelled}


def test_what_the_endpoint_refuses_is_told_to_the_author(
    guest: Guest, images: ImagesServer
) -> None:
    images.replies(Reply.of({"error": {"message": "This prompt is not painted."}}, 400))
    guest.paint("1", CAT)
    _, failed, _ = guest.until_ended("1")
    assert failed == protocol.Failed(
        painting="1", reason="The endpoint refused: This prompt is not painted."
    )


def test_what_cannot_be_asked_for_is_refused_by_name(guest: Guest, images: ImagesServer) -> None:
    lora = Lora(name="owner/style")
    guest.paint("1", Recipe(prompt="a", loras=(lora,)))
    _, failed, _ = guest.until_ended("1")
    assert isinstance(failed, protocol.Failed) and not failed.retry
    assert failed.reason.startswith(f"{MODEL} ") and "loras" in failed.reason
    assert images.bodies() == []


def test_what_an_endpoint_painted_is_made_larger_here(guest: Guest, images: ImagesServer) -> None:
    recipe = Recipe(prompt="a", seed=1, width=64, height=64)
    guest.paint("1", recipe)
    _, plain, small = guest.until_ended("1")
    guest.paint("2", msgspec.structs.replace(recipe, upscale=2))
    _, finished, large = guest.until_ended("2")
    assert isinstance(plain, protocol.Finished) and isinstance(finished, protocol.Finished)
    assert opened(large).size == (finished.width, finished.height)
    assert (finished.width, finished.height) == (2 * plain.width, 2 * plain.height)
    assert (plain.upscaler, finished.upscaler) == ("", "Easel upscaler")
    asked = images.bodies()
    assert len(asked) == 2 and "upscale" not in asked[1]
    name = "zQm" + "s" * 44
    again = msgspec.structs.replace(recipe, upscale=2, enlarge=name)
    guest.paint("3", again, {name: small})
    _, enlarged, content = guest.until_ended("3")
    assert isinstance(enlarged, protocol.Finished) and difference_of(content, large) == 0
    assert enlarged.recipe == msgspec.structs.replace(again, enlarge="")
    assert images.bodies() == []  # nothing was painted


def test_a_broken_connection_drops_what_was_asked_for(
    server: PaintingServer, guest: Guest, images: ImagesServer
) -> None:
    gone: queue.Queue[bool] = queue.Queue()
    images.answer = lambda asked: gone.put(asked.gone())  # type: ignore[func-returns-value]
    guest.paint("1", CAT)
    guest.hear_a(protocol.Progress)
    images.asked.get(timeout=PATIENCE_S)
    guest.drop()
    assert gone.get(timeout=PATIENCE_S)
    images.answer = takes_all
    again, _ = server.welcome(SLOTS)
    again.paint("1", CAT)
    assert isinstance(again.until_ended("1")[1], protocol.Finished)


def test_an_endpoint_that_is_gone_costs_no_picture(server: PaintingServer, tmp_path: Path) -> None:
    with open_images_server() as images:
        pass
    with open_painter(server, tmp_path, "--endpoint", images.url, "--at-once", str(SLOTS)):
        with open_images_server(images.port, images):
            guest, _ = server.welcome(SLOTS)  # it waited for the endpoint before it connected
        guest.paint("1", CAT)
        with pytest.raises(ConnectionClosed) as ended:
            while True:
                assert isinstance(guest.hear()[0], protocol.Progress)
        # In order, so that nobody thinks that the picture killed its painter.
        assert ended.value.rcvd is not None and ended.value.rcvd.code == 1000
        with open_images_server(images.port, images):
            guest, _ = server.welcome(SLOTS)
            guest.paint("1", CAT)
            assert isinstance(guest.until_ended("1")[1], protocol.Finished)


def says(server: PaintingServer, tmp_path: Path, *options: str, **environment: str) -> str:
    result = subprocess.run(
        painter_command(server, *options),
        env=painter_environment(tmp_path) | environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert result.returncode == EXIT_USAGE and "Traceback" not in result.stderr
    return result.stderr


def test_what_is_wrong_with_an_endpoint_is_said(
    server: PaintingServer, images: ImagesServer, tmp_path: Path
) -> None:
    told = says(server, tmp_path, "--endpoint", images.url, "--model", "no/such")
    assert f"The endpoint does not paint with no/such; it has {MODEL}, house/special." in told
    assert "no address of an endpoint" in says(server, tmp_path, "--endpoint", "ftp://x")
    images.models = Reply(404)
    assert "name a model" in says(server, tmp_path, "--endpoint", images.url)
    images.token = "secret"
    told = says(server, tmp_path, "--endpoint", images.url, EASEL_ENDPOINT_TOKEN="wrong")
    assert "does not know our token" in told and "wrong" not in told


def test_a_model_is_named_as_the_host_knows_it(
    server: PaintingServer, images: ImagesServer, tmp_path: Path
) -> None:
    images.token = "secret"
    images.models = Reply.of({"data": [{"id": "a/b"}, {"id": "Tongyi-MAI/Z-Image-Turbo"}]})
    options = ("--endpoint", images.url, "--model", "z-image-turbo")
    with open_painter(server, tmp_path, *options, EASEL_ENDPOINT_TOKEN="secret"):
        guest, hello = server.welcome(4)
        assert hello.models == ("z-image-turbo",)
        guest.paint("1", Recipe(prompt="a cat", width=512, height=512))
        _, finished, _ = guest.until_ended("1")
        assert isinstance(finished, protocol.Finished) and finished.model == "Z-Image Turbo"
        [asked] = images.bodies()
        # What the catalogue knows of it is what it is asked for.
        assert asked["model"] == "Tongyi-MAI/Z-Image-Turbo" and asked["num_inference_steps"]
        guest.paint("2", Recipe(prompt="a cat", width=520, height=512))
        _, failed, _ = guest.until_ended("2")
        assert isinstance(failed, protocol.Failed) and "multiple of 16" in failed.reason


def test_who_is_refused_ends_and_says_why(
    server: PaintingServer, images: ImagesServer, tmp_path: Path
) -> None:
    with open_painter(server, tmp_path, "--endpoint", images.url) as process:
        guest, _ = server.welcome(4)
        guest.say(protocol.Leave(reason="This painter is older than the server.", refused=True))
        assert process.wait(PATIENCE_S) == EXIT_REFUSED
