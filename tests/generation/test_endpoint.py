"""Pictures from an images endpoint, which may be anybody's: against a real HTTP server."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from PIL import Image, PngImagePlugin

from generation import catalogue, provenance
from generation.endpoint import client, messages
from generation.endpoint.client import Endpoint, Made, TokenRefused, Unreachable
from generation.endpoint.messages import EndpointError
from generation.pipeline import Pipeline
from generation.recipe import Recipe
from tests.generation.images_server import (
    MODEL,
    Asked,
    ImagesServer,
    Reply,
    as_json,
    file_of,
    flat,
    forbids,
    open_images_server,
    takes_all,
    takes_only,
)

KNOWN = catalogue.Model(key="k", name="A model", source="owner/model")
CAT = Recipe(
    prompt="a cat", negative_prompt="dogs", seed=11, steps=6, guidance=3.5, width=96, height=64
)


@pytest.fixture
def server() -> Iterator[ImagesServer]:
    with open_images_server() as server:
        yield server


async def paint(
    server: ImagesServer | Endpoint, recipe: Recipe = CAT, notes: list[str] | None = None
) -> Made:
    endpoint = server if isinstance(server, Endpoint) else Endpoint(server.url)
    told = notes if notes is not None else []
    return await endpoint.paint(recipe, MODEL, KNOWN, told.append)


def colours(png: bytes) -> Any:
    with Image.open(io.BytesIO(png), formats=["PNG"]) as image:
        return image.size, image.getpixel((0, 0)), image.info


async def test_a_whole_recipe_is_asked_for_and_followed(server: ImagesServer) -> None:
    made = await paint(server)
    [asked] = server.bodies()
    assert asked == {
        "model": MODEL,
        "prompt": "a cat",
        "n": 1,
        "size": "96x64",
        "response_format": "b64_json",
        "seed": 11,
        "generator_device": "cpu",
        "num_inference_steps": 6,
        "guidance_scale": 3.5,
        "negative_prompt": "dogs",
    }
    assert (made.width, made.height, made.recipe) == (96, 64, CAT)
    assert made.seconds > 0 and colours(made.png)[0] == (96, 64)


async def test_what_is_open_the_endpoint_decides(server: ImagesServer) -> None:
    made = await paint(server, Recipe(prompt="a cat", seed=1))
    [asked] = server.bodies()
    assert set(asked) == {
        "model", "prompt", "n", "response_format", "seed", "generator_device",
    }  # fmt: skip
    assert (made.recipe.width, made.recipe.height, made.recipe.steps) == (64, 64, None)


async def test_qwen_image_is_guided_as_it_wants() -> None:
    model = catalogue.find("Qwen/Qwen-Image-2512")
    body = messages.request(CAT, "Qwen/Qwen-Image-2512", model)
    assert body["true_cfg_scale"] == 3.5 and "guidance_scale" not in body


async def test_a_pipeline_behind_it_paints_what_it_paints_alone(
    server: ImagesServer, pipeline_of: Callable[[str], Pipeline]
) -> None:
    pipeline = pipeline_of("stable-diffusion")
    recipe = Recipe(prompt="a cat", seed=5, steps=3, guidance=4.0, width=64, height=64)

    def answer(asked: Asked) -> Reply:
        width, height = map(int, asked.body["size"].split("x"))
        wanted = Recipe(
            prompt=asked.body["prompt"],
            seed=asked.body["seed"],
            steps=asked.body["num_inference_steps"],
            guidance=asked.body["guidance_scale"],
            width=width,
            height=height,
        )
        return as_json(pipeline.paint([wanted])[0].png)

    server.answer = answer
    made = await paint(server, recipe)
    alone = pipeline.paint([recipe])[0]
    with Image.open(io.BytesIO(made.png)) as one, Image.open(io.BytesIO(alone.png)) as other:
        assert one.tobytes() == other.tobytes()


# -- fields that an endpoint does not know -----------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "requests"),
    [
        (forbids("generator_device", "seed", "negative_prompt"), 2),
        (
            takes_only(
                "model", "prompt", "n", "size", "response_format", "num_inference_steps",
                "guidance_scale",
            ),
            4,
        ),
    ],
)  # fmt: skip
async def test_a_field_that_is_refused_is_left_out_once_and_for_all(
    server: ImagesServer, answer: Any, requests: int
) -> None:
    server.answer = answer
    endpoint = Endpoint(server.url)
    made = await paint(endpoint)
    # What was not followed is not said of the picture.
    assert made.recipe == Recipe(prompt="a cat", steps=6, guidance=3.5, width=96, height=64)
    assert len(server.bodies()) == requests
    await paint(endpoint)
    [asked] = server.bodies()
    assert not {"generator_device", "seed", "negative_prompt"} & set(asked)


async def test_a_value_that_is_refused_is_told_and_not_left_out(server: ImagesServer) -> None:
    detail = [
        {
            "type": "less_than_equal",
            "loc": ["body", "num_inference_steps"],
            "msg": "Input should be less than or equal to 4",
        }
    ]
    server.replies(Reply.of({"detail": detail}, 422), takes_all)
    endpoint = Endpoint(server.url)
    with pytest.raises(EndpointError, match="num_inference_steps: Input should be less") as error:
        await paint(endpoint)
    assert not error.value.retry
    await paint(endpoint)
    assert all("num_inference_steps" in body for body in server.bodies())


async def test_an_endpoint_that_wants_nothing_is_not_asked_for_ever(server: ImagesServer) -> None:
    server.answer = takes_only()
    with pytest.raises(EndpointError, match="Unknown parameter: 'model'"):
        await paint(server)
    assert len(server.bodies()) <= 10


# -- answers -----------------------------------------------------------------------------------


@pytest.mark.parametrize("format", ["JPEG", "WEBP"])
async def test_other_formats_become_png(server: ImagesServer, format: str) -> None:
    server.answer = lambda asked: as_json(file_of(flat(asked), format))
    assert colours((await paint(server)).png)[0] == (96, 64)


async def test_only_the_pixels_are_taken(server: ImagesServer) -> None:
    """A1111 text of a stranger in the file would be read as ours."""
    info = PngImagePlugin.PngInfo()
    info.add_text("parameters", "another prompt")
    out = io.BytesIO()
    Image.new("RGB", (64, 64), "red").save(out, "PNG", pnginfo=info)
    server.replies(as_json(out.getvalue() + b"PK\x03\x04 an archive"))
    made = await paint(server)
    assert b"another prompt" not in made.png and b"archive" not in made.png
    assert not provenance.read(made.png).generated


@pytest.mark.parametrize("path", ["/v1/images/1/content", "images/1/content", "{url}/v1/x.png"])
async def test_a_picture_may_be_fetched_from_the_endpoint_itself(
    server: ImagesServer, path: str
) -> None:
    server.token = "secret"
    content = file_of(Image.new("RGB", (64, 32), "red"))
    for known in ("/v1/images/1/content", "/v1/x.png"):
        server.files[known] = content
    server.replies(Reply.of({"data": [{"url": path.format(url=server.url)}]}))
    made = await paint(Endpoint(server.url, "secret"))
    assert (made.width, made.height) == (64, 32)


@pytest.mark.parametrize(
    "address",
    [
        "http://localhost:{port}/x.png",
        "https://127.0.0.1:{port}/x.png",
        "http://127.0.0.1:{other}/x.png",
        "//127.0.0.1:{other}/x.png",
        "http://127.0.0.1:{port}@127.0.0.1:{other}/x.png",
        "file:///etc/passwd",
        "data:image/png;base64,AAAA",
        "http://[",
        "http://127.0.0.1:99999999/",
    ],
)
async def test_a_picture_is_fetched_from_nowhere_else(server: ImagesServer, address: str) -> None:
    with open_images_server() as other:
        whole = address.format(port=server.port, other=other.port)
        server.replies(Reply.of({"data": [{"url": whole}]}))
        with pytest.raises(EndpointError, match="somewhere else"):
            await paint(server)
        assert other.paths == [] and server.paths == ["/v1/images/generations"]


async def test_it_is_not_sent_on(server: ImagesServer) -> None:
    with open_images_server() as other:
        server.replies(Reply(302, b"", {"Location": f"{other.url}/v1/images/generations"}))
        with pytest.raises(EndpointError, match="give that address instead"):
            await paint(Endpoint(server.url, "secret"))
        server.files["/v1/x.png"] = b""
        server.replies(Reply.of({"data": [{"url": "/v1/gone.png"}]}))
        with pytest.raises(EndpointError, match="does not hand out"):
            await paint(server)
        assert other.paths == []


BOMB = file_of(Image.new("1", (14_000, 14_000), 1))
LARGE = Image.new("1", (5000, 5000), 1)
NO_PICTURES = [
    Reply(200, b""),
    Reply(200, b"<html>Welcome to nginx!</html>"),
    Reply(200, b"[]"),
    Reply(200, b"[" * 100_000),
    Reply.of({"error": {"message": "out of memory"}}),
    Reply.of({"data": []}),
    Reply.of({"data": None}),
    Reply.of({"data": [{}]}),
    Reply.of({"data": [{"b64_json": 7}]}),
    Reply.of({"data": [{"b64_json": "§§"}]}),
    Reply.of({"data": [{"b64_json": "AAAA"}]}),
    Reply.of({"data": [{"url": ["http://127.0.0.1/"]}]}),
    as_json(b"%PDF-1.7"),
    as_json(b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
    as_json(file_of(Image.new("RGB", (64, 64)), "GIF")),
    as_json(file_of(Image.new("RGB", (64, 64), "red"))[:100]),
    as_json(file_of(Image.new("RGB", (64, 64)))),  # black
    as_json(BOMB),
    as_json(file_of(LARGE)),
    Reply(200, gzip.compress(b"0" * 10_000_000), {"Content-Encoding": "gzip"}),
    Reply(200, b"{}", {"Content-Length": "999"}),
]


@pytest.mark.parametrize("reply", NO_PICTURES, ids=range(len(NO_PICTURES)))
async def test_what_is_no_picture_is_one_sentence(server: ImagesServer, reply: Reply) -> None:
    def answer(asked: Asked) -> Reply | None:
        if "999" not in reply.headers.values():
            return reply
        reply.headers["Connection"] = "close"
        return reply

    server.answer = answer
    with pytest.raises(EndpointError, match=r"^[A-Z][^\n]{10,150}\.$"):
        await paint(server)


async def test_an_answer_without_an_end_is_not_read_to_it(
    server: ImagesServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "MAX_ANSWER", 1_000_000)
    endless = b'{"data":[{"b64_json":"' + b"A" * 3_000_000
    server.replies(Reply(200, endless, {"Content-Length": str(10**12)}))
    with pytest.raises(EndpointError, match="more than a picture can be"):
        await paint(server)


@pytest.mark.parametrize(
    ("reply", "says", "retry"),
    [
        (Reply.of({"error": {"message": "Your prompt\nwas flagged."}}, 400), "was flagged", False),
        (Reply.of({"error": "no such model"}, 404), "no such model", False),
        (Reply.of({"detail": "Model is not loaded"}, 500), "not loaded", True),
        (Reply(500, b"\xff\xfe" * 50_000), "answered 500", True),
        (Reply(400, json.dumps({"error": {"message": "x" * 50_000}}).encode()), "xxx", False),
        (Reply.of({"detail": [{"loc": 7, "msg": [1]}, "x"]}, 422), "7", False),
        (Reply.of({"error": {"message": {"a": 1}}}, 400), "answered 400", False),
        (Reply(418), "answered 418", False),
        (Reply(204), "answered 204", False),
    ],
    ids=range(9),
)
async def test_a_refusal_is_passed_on_in_one_sentence(
    server: ImagesServer, reply: Reply, says: str, retry: bool
) -> None:
    server.replies(reply)
    with pytest.raises(EndpointError) as error:
        await paint(server)
    told = str(error.value)
    assert says in told and "\n" not in told and len(told) < 400
    assert error.value.retry == retry


# -- when it is busy, gone, or asks who we are -------------------------------------------------


def soon() -> str:
    return format_datetime(datetime.now(UTC) - timedelta(seconds=5), usegmt=True)


@pytest.mark.parametrize("after", ["0", "", "-5", "nan", "soon", "tomorrow", "1e5"])
async def test_a_busy_endpoint_is_asked_again(
    server: ImagesServer, after: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "FIRST_PAUSE_S", 0.01)
    retry_after = soon() if after == "soon" else after
    server.replies(Reply.of({}, 429, Retry_After=retry_after), Reply.of({}, 503), takes_all)
    notes: list[str] = []
    await paint(server, notes=notes)
    assert len(server.bodies()) == 3
    assert all("busy" in note for note in notes) and len(notes) == 2


@pytest.mark.parametrize(("status", "error"), [(429, EndpointError), (503, Unreachable)])
async def test_it_is_not_waited_for_for_hours(
    server: ImagesServer, status: int, error: type[Exception]
) -> None:
    server.replies(Reply.of({}, status, Retry_After="3600"))
    with pytest.raises(error):
        await paint(server)
    assert len(server.bodies()) == 1


async def test_an_endpoint_that_is_not_there_is_told_from_one_that_breaks_off(
    server: ImagesServer,
) -> None:
    with open_images_server() as other:
        gone = other.url
    with pytest.raises(Unreachable, match="cannot be reached"):
        await paint(Endpoint(gone))
    with pytest.raises(Unreachable):
        await Endpoint(gone).models()
    server.answer = lambda asked: None
    with pytest.raises(EndpointError, match="broke off") as error:
        await paint(server)
    assert error.value.retry  # it may have been this picture that broke it


async def test_a_picture_that_takes_for_ever_is_given_up(
    server: ImagesServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "PAINT_S", 0.3)
    server.answer = lambda asked: takes_all(asked) if asked.gone() else None
    with pytest.raises(EndpointError, match="did not finish"):
        await paint(server)


async def test_a_picture_that_is_not_wanted_any_more_is_hung_up_on(server: ImagesServer) -> None:
    heard: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
    loop = asyncio.get_running_loop()

    def answer(asked: Asked) -> None:
        loop.call_soon_threadsafe(heard.set_result, asked.gone())

    server.answer = answer
    painting = asyncio.create_task(paint(server))
    await asyncio.to_thread(server.asked.get, timeout=20)
    painting.cancel()
    assert await asyncio.wait_for(heard, 20)


async def test_the_token_is_shown_and_a_wrong_one_is_told(server: ImagesServer) -> None:
    server.token = "secret"
    endpoint = Endpoint(server.url, "secret")
    assert await endpoint.models() == (MODEL,)
    await paint(endpoint)
    for wrong in (Endpoint(server.url), Endpoint(server.url, "wrong")):
        with pytest.raises(TokenRefused):
            await wrong.models()
        with pytest.raises(TokenRefused):
            await paint(wrong)


@pytest.mark.parametrize(
    ("reply", "names"),
    [
        (Reply(404), ()),
        (Reply.of({"data": [{"id": "a/b"}, {"id": ""}, {"id": "x" * 500}, {"id": "a\nb"}]}),
         ("a/b",)),
        (Reply.of({"data": [{"id": f"a/{n}"} for n in range(500)]}),
         tuple(f"a/{n}" for n in range(100))),
        (Reply.of({"models": []}), EndpointError),
        (Reply(200, b"\0" * 100), EndpointError),
        (Reply(200, b"[" * 70_000), EndpointError),
        (Reply(502), Unreachable),
    ],
    ids=range(7),
)  # fmt: skip
async def test_what_it_paints_with(server: ImagesServer, reply: Reply, names: Any) -> None:
    server.models = reply
    endpoint = Endpoint(server.url)
    if isinstance(names, tuple):
        assert await endpoint.models() == names
    else:
        with pytest.raises(names):
            await endpoint.models()


@pytest.mark.parametrize(
    ("address", "base"),
    [
        ("http://host:8000", "http://host:8000/v1"),
        ("host:8000/", "http://host:8000/v1"),
        ("https://host/fleet/v1/", "https://host/fleet/v1"),
    ],
)
def test_an_address(address: str, base: str) -> None:
    assert client.base_address(address) == base


@pytest.mark.parametrize("address", ["ftp://host", "http://", "http://u:secret@host/v1"])
def test_no_address(address: str) -> None:
    with pytest.raises(ValueError, match=r"address"):
        client.base_address(address)
