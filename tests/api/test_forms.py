"""Forms with files: taken apart within limits, beside the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import io
from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message

from fedi.uploads import forms, multipart
from fedi.uploads.forms import UploadedFile
from fedi.uploads.multipart import MAX_BOUNDARY, MAX_HEADERS, FormError, Limits
from tests import rig
from tests.api.apps import App
from tests.api.beginning import PATH, form
from tests.studio.easel_painter import picture

LIMITS = Limits(body=64 * 2**20, files=4, parts=20, value=1000)
KIND = "multipart/form-data; boundary=B"


def part(headers: str, content: bytes = b"x") -> bytes:
    return b"--B\r\n" + headers.encode() + b"\r\n\r\n" + content + b"\r\n"


def named(name: str, content: bytes = b"x", file: str = "") -> bytes:
    told = f'Content-Disposition: form-data; name="{name}"'
    return part(told + (f'; filename="{file}"' if file else ""), content)


END = b"--B--\r\n"


def request_of(kind: str, *pieces: bytes) -> Request:
    """A request as a server hands it over, its body in these pieces."""
    waiting = list(pieces)

    async def receive() -> Message:
        piece = waiting.pop(0) if waiting else b""
        return {"type": "http.request", "body": piece, "more_body": bool(waiting)}

    scope = {"type": "http", "headers": [(b"content-type", kind.encode())]}
    return Request(scope, receive)


@contextlib.asynccontextmanager
async def read(*pieces: bytes, kind: str = KIND) -> AsyncIterator[list[Any]]:
    async with forms.read_multipart(request_of(kind, *pieces), LIMITS) as parts:
        yield parts


async def test_parts_come_in_their_order_under_the_names_that_they_have() -> None:
    content = bytes(range(256)) * 4000
    body = (
        named("status", "Grüße ✓\r\nand more".encode())
        + named("media[]", content, "häh?.png")
        + named("media[]", b"", "empty.bin")
        + named("empty", b"")
        + part("content-disposition:form-data;name=plain\r\nX-Other: 1\r\ncontent-type: Text/Plain")
        + named("near", b"\r\n--\r\n--A\r\n-B\r\n", "near.txt")
        + END
        + b"What comes after it is nothing."
    )
    for pieces in ([body], [body[at : at + 997] for at in range(0, len(body), 997)]):
        async with read(*pieces) as parts:
            names = [name for name, _ in parts]
            assert names == ["status", "media[]", "media[]", "empty", "plain", "near"]
            values = [value for _, value in parts]
            assert (values[0], values[3], values[4]) == ("Grüße ✓\r\nand more", "", "x")
            first, empty, near = (values[n] for n in (1, 2, 5))
            assert isinstance(first, UploadedFile) and first.filename == "häh?.png"
            assert (first.size, empty.size) == (len(content), 0)
            assert await empty.read() == b"" and await first.read() == content
            assert await near.read() == b"\r\n--\r\n--A\r\n-B\r\n"


async def test_a_boundary_that_lies_across_pieces_of_the_search_is_found() -> None:
    for shift in range(-8, 3):
        content = b"a" * (multipart.PIECE + shift)
        async with read(named("a", content, "a") + named("b") + END) as parts:
            assert [name for name, _ in parts] == ["a", "b"]
            assert parts[0][1].size == len(content)


HOSTILE: dict[str, tuple[str, bytes, int, str]] = {
    "no boundary": ("multipart/form-data", b"", 400, "no boundary"),
    "an empty one": ("multipart/form-data; boundary=", named("a") + END, 400, "no boundary"),
    "a long one": (
        f"multipart/form-data; boundary={'B' * (MAX_BOUNDARY + 1)}", b"", 400, "no boundary",
    ),
    "one of line ends": ('multipart/form-data; boundary="\t"', b"", 400, "no boundary"),
    "one that ends in a space": ('multipart/form-data; boundary="B "', b"", 400, "no boundary"),
    "nothing": (KIND, b"", 400, "does not begin"),
    "another boundary": (KIND, b"--A\r\n", 400, "does not begin"),
    "a preamble": (KIND, b"hello\r\n" + named("a") + END, 400, "does not begin"),
    "only the beginning": (KIND, b"--B", 400, "no end"),
    "no end": (KIND, named("a", b"x", "a.png"), 400, "no end"),
    "no headers": (KIND, b"--B\r\n\r\nx\r\n" + END, 400, "no name"),
    "headers without an end": (KIND, b"--B\r\nA: " + b"a" * 2**20, 400, "or too many"),
    "one long header": (
        KIND, part("A: " + "a" * MAX_HEADERS + "\r\n") + END, 400, "or too many",
    ),
    "many headers": (KIND, part("a:b\r\n" * MAX_HEADERS + "c:d") + END, 400, "or too many"),
    "no name": (KIND, part("Content-Disposition: form-data") + END, 400, "no name"),
    "an empty name": (KIND, named("") + END, 400, "no name"),
    "a long name": (KIND, named("a" * 201) + END, 400, "no name"),
    "no disposition": (KIND, part("Content-Type: text/plain") + END, 400, "no name"),
    "an attachment": (KIND, part("Content-Disposition: attachment; name=a") + END, 400, "no name"),
    "a name of bytes": (
        KIND, b"--B\r\nContent-Disposition: form-data; name=\xff\r\n\r\nx\r\n" + END,
        400, "no UTF-8",
    ),
    "a value of bytes": (KIND, named("a", b"\xff") + END, 400, "no UTF-8"),
    "a large value": (KIND, named("a", b"x" * 1001) + END, 413, "too large"),
    "a large body": (KIND, b"x" * (64 * 2**20 + 1), 413, "too large"),
    "many parts": (KIND, named("a") * 100_000 + END, 400, "too many parts"),
    "many files": (KIND, named("a", b"", "a") * 100_000 + END, 400, "too many files"),
    "a short boundary everywhere": (
        "multipart/form-data; boundary=a",
        b"--a\r\nContent-Disposition: form-data; name=a\r\n" + b"\r\n--a" * 5_000_000,
        400, "no headers",
    ),
    "something beside each boundary": (
        KIND, named("a", b"\r\n--Bx" * 5_000_000), 400, "something else",
    ),
    "beginnings of boundaries": (
        f"multipart/form-data; boundary={'-' * 60}B",
        b"--" + b"-" * 60 + b'B\r\nContent-Disposition: form-data; name="a"; filename="a"\r\n\r\n'
        + (b"\r\n--" + b"-" * 60) * 500_000, 400, "no end",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", HOSTILE)
async def test_a_hostile_form_is_refused_in_a_sentence(what: str) -> None:
    kind, body, status, says = HOSTILE[what]
    with pytest.raises(HTTPException) as refusal:
        async with read(body, kind=kind):
            pass
    assert refusal.value.status_code == status and says in refusal.value.detail
    assert refusal.value.detail.endswith(".")


async def test_the_loop_goes_on_while_a_form_is_taken_apart() -> None:
    """The whole body is there at once, so nothing but the form can keep the loop."""
    body = named("a", (b"\r\n--" + b"-" * 60) * 900_000, "a") + END
    turns = 0

    async def whole() -> None:
        async with read(body) as parts:
            assert len(parts) == 1

    reading = asyncio.create_task(whole())
    while not reading.done():
        turns += 1
        await asyncio.sleep(0)
    await reading
    assert turns > 100  # on the loop, it is as many as there are awaits: about a dozen


async def test_others_are_answered_while_forms_wait_for_their_turn(alice: App) -> None:
    turns = forms.turns()
    asked = {"recipe": {"prompt": "a boat", "source": {"upload": "photo"}}}
    async with contextlib.AsyncExitStack() as held:
        for _ in range(forms.AT_ONCE):  # as if hostile forms had them all
            await held.enter_async_context(turns)
        waiting = asyncio.create_task(form(alice, asked, {"photo": picture()}))
        await rig.until(lambda: turns._waiters)
        assert (await alice.get("/healthz")).status == 200
        assert (await alice.get(PATH)).status == 200
        assert not waiting.done()
    assert (await waiting).status == 201


async def test_nothing_of_a_form_stays_open() -> None:
    async with read(named("a", bytes(2 * forms.IN_MEMORY), "a") + END) as parts:
        [(_, file)] = parts
    with pytest.raises(ValueError, match="closed"):
        await file.read()


def test_the_parser_reads_no_more_than_it_must() -> None:
    """Its work is bounded by the number of parts, whatever lies between the boundaries."""

    class Counting(io.BytesIO):
        reads = 0

        def read(self, size: int | None = -1) -> bytes:
            self.reads += 1
            return super().read(size)

    file = Counting(named("a") * 1_000_000 + END)
    with pytest.raises(FormError, match="too many parts"):
        multipart.take_apart(file, b"B", LIMITS)
    assert file.reads <= 2 * LIMITS.parts + 2
