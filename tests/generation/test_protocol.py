from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation import protocol
from generation.protocol import ProtocolError, decode_from_painter, decode_from_server, encode
from generation.recipe import MAX_NEGATIVE_PROMPT, MAX_PROMPT, Recipe

RECIPE = Recipe(prompt="a “cat”\non the moon 😀", seed=2**32 - 1, width=512, height=512, steps=4)
FINISHED = protocol.Finished(
    painting="7",
    media_type="image/png",
    width=512,
    height=512,
    recipe=RECIPE,
    model="FLUX.2 klein 4B",
    model_version="0123456789abcdef",
    sampler="Euler",
    seconds=1.5,
    judgement=protocol.Judgement(score=0.25, scores={"nsfw": 0.25}, model="Tiny"),
    description="A cat on the moon.",
    described_by="Small",
)
SEEN = protocol.Seen(description="A cat.", judgement=FINISHED.judgement)
FROM_PAINTER: list[tuple[protocol.FromPainter, bytes]] = [
    (
        protocol.Hello(name="attic", device="cuda", models=("starter", "sdxl"), software="Easel"),
        b"",
    ),
    (protocol.Ready(slots=1), b""),
    (protocol.Progress(painting="7", stage="loading", note="Loading it."), b""),
    (protocol.Progress(painting="7", stage="painting", step=1, of=4, elapsed_s=0.5), b"\xff\xd8J"),
    (FINISHED, bytes(range(256))),
    (protocol.Failed(painting="7", reason="The card is full.", retry=True), b""),
    (protocol.Cancelled(painting="7"), b""),
    (protocol.Suggested(request="a", prompt="a cat", hashtags=("cat",), model="Qwen"), b""),
    (protocol.Looked(request="a", seen={"1": SEEN, "2": protocol.Seen()}, described_by="Eye"), b""),
]
PAINT = protocol.Paint(painting="7", recipe=RECIPE)
FROM_SERVER: list[protocol.FromServer] = [
    PAINT,
    protocol.Paint(painting="7", recipe=RECIPE, describe="pt-BR"),
    protocol.Suggest(request="a", text="cat", language="de", style="tags"),
    protocol.Suggest(request="a", text="cat", draft="My cat", seen=("A cat.",)),
    protocol.Look(request="a", describe="de"),
    protocol.Drop(request="a"),
    protocol.Cancel(painting="7"),
    protocol.Leave(reason="Good night."),
]


@pytest.mark.parametrize(("message", "data"), FROM_PAINTER)
def test_a_painters_message_arrives(message: protocol.FromPainter, data: bytes) -> None:
    frame = encode(message, data)
    assert isinstance(frame, bytes if data else str)
    assert decode_from_painter(frame) == (message, data)


@pytest.mark.parametrize("message", FROM_SERVER)
def test_a_servers_message_arrives(message: protocol.FromServer) -> None:
    assert decode_from_server(encode(message)) == (message, {})


def test_a_text_frame_is_readable_json() -> None:
    assert json.loads(encode(protocol.Cancel(painting="7"))) == {"type": "cancel", "painting": "7"}


def test_the_longest_recipe_fits() -> None:
    longest = Recipe(prompt="\n" * MAX_PROMPT, negative_prompt="😀" * MAX_NEGATIVE_PROMPT)
    paint = protocol.Paint(painting="7", recipe=longest)
    assert decode_from_server(encode(paint)) == (paint, {})


def test_pictures_come_with_their_recipe() -> None:
    pictures = {"one": bytes(range(256)), "none": b"", "other": b"\xff" * 7}
    message, got = decode_from_server(protocol.with_pictures(PAINT, pictures))
    assert isinstance(message, protocol.Paint) and message.recipe == RECIPE
    assert got == pictures


@pytest.mark.parametrize(
    ("sizes", "data"),
    [((4,), b"123"), ((4,), b"12345"), ((-1, 4), b"123"), ((), b"1"), ((2**62, 2**62), b"1")],
)
def test_pictures_that_are_not_as_long_as_they_say_are_refused(
    sizes: tuple[int, ...], data: bytes
) -> None:
    told = tuple(protocol.Picture(name=str(number), size=size) for number, size in enumerate(sizes))
    frame = encode(protocol.Paint(painting="7", recipe=RECIPE, pictures=told), data)
    with pytest.raises(ProtocolError, match="carries other data than it says"):
        decode_from_server(frame)


def test_more_pictures_than_a_frame_holds_are_refused() -> None:
    size = protocol.MAX_INPUTS + 1
    with pytest.raises(ProtocolError, match="carries 67108865 bytes"):
        decode_from_server(protocol.with_pictures(PAINT, {"a": bytes(size)}))


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        ("", "could not be read"),
        ("{", "could not be read"),
        ("\ud800", "could not be read"),
        ('{"type": "dance"}', "could not be read"),
        ('{"type": "paint", "painting": "7", "recipe": {"prompt": "a"}}', "could not be read"),
        ('{"type": "cancelled", "painting": 7}', "could not be read"),
        ("x" * (protocol.MAX_MESSAGE + 1), "bytes"),
        (b"", "shorter"),
        (b"\0\0\0", "shorter"),
        (b"\0\0\0\x09{}", "shorter"),
        (b"\xff\xff\xff\xff{}", "shorter"),
        (encode(protocol.Cancelled(painting="7"), b"data"), "carries 4 bytes"),
        (encode(FINISHED), "without its picture"),
        (
            encode(
                protocol.Progress(painting="7", stage="painting"), bytes(protocol.MAX_PREVIEW + 1)
            ),
            "carries 262145 bytes",
        ),
    ],
)
def test_what_is_not_ours_is_refused(frame: str | bytes, says: str) -> None:
    with pytest.raises(ProtocolError, match=says):
        decode_from_painter(frame)


def test_a_server_sends_no_data_and_no_painters_words() -> None:
    with pytest.raises(ProtocolError, match="data"):
        decode_from_server(encode(protocol.Cancel(painting="7"), b"x"))
    with pytest.raises(ProtocolError, match="could not be read"):
        decode_from_server(encode(protocol.Ready(slots=1)))


@given(st.binary(max_size=60) | st.text(max_size=60))
def test_any_frame_is_read_or_refused(frame: str | bytes) -> None:
    for decode in (decode_from_painter, decode_from_server):
        try:
            decode(frame)
        except ProtocolError:
            pass
