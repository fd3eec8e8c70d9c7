"""Pictures that apps bring, in every shape in which apps bring them."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from PIL import Image

from fedi.api.mastodon import throttle
from fedi.clock import FakeClock
from tests import rig
from tests.api.apps import LD_JSON, Answer, App
from tests.api.client.reading import AS, post, read
from tests.studio import hostile_files

SHELL: dict[str, Any] = {
    "@context": "https://www.w3.org/ns/activitystreams",
    "id": "https://else.example/lie",
    "url": "https://else.example/lie.png",
    "attributedTo": "https://else.example/mallory",
    "type": "Image",
    "name": "a red boat",
    "focalPoint": [0.5, -0.25],
}
PNG = hostile_files.png(96, 64)


def form(*parts: tuple[str, Any, str | None, str | None]) -> tuple[bytes, str]:
    """A form of (name, content, filename, media type)."""
    lines = []
    for name, content, filename, kind in parts:
        shown = f'form-data; name="{name}"' + (f'; filename="{filename}"' if filename else "")
        head = f"--boundary\r\nContent-Disposition: {shown}\r\n"
        head += f"Content-Type: {kind}\r\n" if kind else ""
        written = json.dumps(content).encode() if isinstance(content, dict) else content
        lines.append(head.encode() + b"\r\n" + written + b"\r\n")
    return b"".join([*lines, b"--boundary--\r\n"]), "multipart/form-data; boundary=boundary"


def endpoint(app: App) -> str:
    return f"{app.account.uri}/uploads"


async def send(app: App, body: bytes, kind: str, to: App | None = None) -> Answer:
    return await app.post(endpoint(to or app), body, headers={"Content-Type": kind})


FILE = ("file", PNG, "boat.png", "image/png")
SHAPES: dict[str, tuple[bytes, str, str, list[float]]] = {
    "the file alone (AndStatus)": (*form(FILE), "", [0, 0]),
    "a shell as text": (*form(FILE, ("object", SHELL, None, None)), "a red boat", [0.5, -0.25]),
    "a shell first, as a file (ap)": (
        *form(("object", SHELL, "object.jsonld", LD_JSON), FILE), "a red boat", [0.5, -0.25],
    ),
    "a shell with a type and no name (toolkit)": (
        *form(("object", {"type": "Note", "content": "?"}, None, "application/activity+json"),
              FILE), "", [0, 0],
    ),
    "a shell in other languages (ap)": (
        *form(FILE, ("object", {"type": "Image", "nameMap": {"en": "a red boat"}}, None, LD_JSON)),
        "a red boat", [0, 0],
    ),
    "a shell in its Create": (
        *form(FILE, ("object", {"type": "Create", "object": SHELL}, None, None)),
        "a red boat", [0.5, -0.25],
    ),
    "a description (Pleroma)": (
        *form(FILE, ("description", b"a red boat", None, None)), "a red boat", [0, 0],
    ),
    "under another name": (*form(("media", PNG, "boat.png", "image/png")), "", [0, 0]),
    "with the wrong type": (*form(("file", PNG, "boat.txt", "text/plain")), "", [0, 0]),
    "the picture itself": (PNG, "image/png", "", [0, 0]),
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
async def test_a_picture_is_taken_in_every_shape(
    instance: rig.Instance, browser: aiohttp.ClientSession, alice: App, shape: str
) -> None:
    body, kind, alt, focus = SHAPES[shape]
    made = await send(alice, body, kind)
    assert made.status == 201, made.body
    uri = made.headers["Location"]
    assert made.body["id"] == uri and uri.startswith(f"{alice.account.uri}/uploads/")
    assert made.headers["Content-Type"].startswith("application/ld+json")
    assert made.body["type"] == "Image" and made.body["attributedTo"] == alice.account.uri
    assert made.body.get("name", "") == alt and made.body["focalPoint"] == focus
    assert (made.body["width"], made.body["height"]) == (96, 64)
    assert made.body["mediaType"] == "image/png" and made.body["blurhash"]
    assert made.body["url"].startswith(f"{instance.url}/media/")
    nobody = App(instance, browser, alice.account, None)
    file = await nobody.get(made.body["url"])
    assert Image.open(io.BytesIO(file.body)).size == (96, 64)
    assert await read(alice, uri) == made.body
    assert (await read(alice, alice.account.outbox_uri))["totalItems"] == 0  # it posts nothing


async def test_an_upload_is_attached_as_it_came_back_and_then_shown_to_who_sees_the_post(
    instance: rig.Instance, browser: aiohttp.ClientSession, alice: App, bob: App
) -> None:
    nobody = App(instance, browser, alice.account, None)
    for to, readers in (
        (["https://www.w3.org/ns/activitystreams#Public"], {"alice", "bob", "nobody"}),
        ([bob.account.uri], {"alice", "bob"}),
        ([], {"alice"}),
    ):
        made = await send(alice, *form(FILE, ("object", SHELL, None, None)))
        uri = made.body["id"]
        for other in (bob, nobody):
            assert (await other.get(uri, headers=AS)).status == 404
        note = await read(alice, await post(alice, attachment=[made.body], to=to))
        [picture] = note["attachment"]
        assert picture["url"] == made.body["url"] and picture["name"] == "a red boat"
        for name, reader in (("alice", alice), ("bob", bob), ("nobody", nobody)):
            status = (await reader.get(uri, headers=AS)).status
            assert status == (200 if name in readers else 404), (to, name)
    for missing in ("1", "x", "9" * 30):
        assert (await alice.get(f"{endpoint(alice)}/{missing}", headers=AS)).status == 404
    theirs = uri.replace("/alice/", "/bob/")
    assert (await alice.get(theirs, headers=AS)).status == 404


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (*form(("object", SHELL, None, None)), 400),
        (*form(("file", b"PNG", None, None)), 400),
        (*form(FILE, ("object", b"[1]", None, None)), 400),
        (*form(FILE, ("object", b"{", None, None)), 400),
        (*form(FILE, ("object", b" " * 100_000, None, None)), 413),
        (*form(FILE, ("object", b" " * 100_000, "o.json", LD_JSON)), 413),
        (*form(FILE, *[(f"f{n}", b"x", "x", "image/png") for n in range(9)]), 400),
        (b"--boundary", "multipart/form-data; boundary=boundary", 400),
        (PNG, "multipart/form-data", 400),
        (json.dumps(SHELL).encode(), LD_JSON, 415),
        (PNG, "application/octet-stream", 415),
        (*form(("file", hostile_files.PAGE, "x.png", "image/png")), 422),
        (*form(("file", hostile_files.SVG, "x.png", "image/png")), 422),
        (hostile_files.SVG, "image/svg+xml", 422),
        (b"", "image/png", 422),
        (PNG[:200], "image/png", 422),
        (hostile_files.png_of(60_000, 60_000), "image/png", 422),
        (PNG + bytes(2_000_000), "image/png", 413),
        (*form(("file", PNG + bytes(1_500_000), "x.png", "image/png")), 413),
        (*form(("file", PNG + bytes(3_000_000), "x.png", "image/png")), 413),
    ],
    ids=range(20),
)  # fmt: skip
async def test_what_is_no_picture_or_too_large_is_refused(
    sqlite_template: Path,
    tmp_path: Path,
    clock: FakeClock,
    browser: aiohttp.ClientSession,
    body: bytes,
    kind: str,
    status: int,
) -> None:
    new = rig.SQLiteFiles(sqlite_template, tmp_path).new
    async with rig.serve_instance(
        tmp_path, new(), clock=clock, media={"max_upload_mb": 1, "max_megapixels": 1}
    ) as instance:
        alice = await App.of(instance, browser, "alice")
        refused = await send(alice, body, kind)
        assert refused.status == status and refused.error
        stored = [path for path in (tmp_path / "media").rglob("*") if path.is_file()]
        assert stored == []


async def test_only_an_app_that_may_write_uploads_and_not_without_end(
    instance: rig.Instance, browser: aiohttp.ClientSession, alice: App, bob: App
) -> None:
    for app, to, status in (
        (App(instance, browser, alice.account, None), alice, 401),
        (await App.of(instance, browser, "alice", "read"), alice, 403),
        (await App.of(instance, browser, "alice", "write:statuses"), alice, 403),
        (bob, alice, 403),
    ):
        refused = await send(app, PNG, "image/png", to)
        assert refused.status == status and refused.error
        assert ("WWW-Authenticate" in refused.headers) == (app is not bob)
    media = await App.of(instance, browser, "alice", "write:media")
    assert (await send(media, PNG, "image/png")).status == 201
    for _ in range(throttle.UPLOADS.amount - 1):
        await send(media, b"", "image/png")
    refused = await send(media, PNG, "image/png")
    assert refused.status == 429 and int(refused.headers["Retry-After"]) > 0
