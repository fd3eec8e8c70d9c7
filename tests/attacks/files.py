"""Attacks 54 and 57 to 59: files that mean harm, and files that are asked for too often."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aiohttp import web
from PIL import Image

from fedi.social import credentials
from fedi.social.errors import Invalid
from fedi.studio import media, pictures
from tests import rig
from tests.attacks import forgery
from tests.attacks.world import TAKEN, World, attack
from tests.federation import seeing
from tests.federation.peer import PUBLIC, Document, Person
from tests.studio import hostile_files as files
from tests.web.reading import Element, parse

READERS = 12

# What cannot be shown at all, and what can once it is cleaned.
HARM: dict[str, Callable[[], bytes]] = {
    "page": lambda: files.PAGE,
    "svg": lambda: files.SVG,
    "archive": files.archive,
    "page-in-a-gif": lambda: b"GIF89a" + files.PAGE,
    "a-billion-pixels": lambda: files.png_of(1, 1_000_000_000),
    "gif-screen": lambda: files.gif_screen(65_535, 65_535),
    "gif-that-grows": files.gif_that_grows,
    "text-bomb": files.text_bomb,
    "truncated": lambda: files.jpeg()[:-200],
    "apng-of-ten-thousand": lambda: files.moving("PNG", 10_000, 1, 1),
    "nothing": lambda: b"",
}
HIDDEN: dict[str, Callable[[], bytes]] = {
    "archive-behind-it": lambda: files.png() + files.archive(),
    "page-behind-it": lambda: files.jpeg() + files.PAGE,
    "php-in-exif": files.photo_with_php,
    "place": lambda: files.jpeg(exif=files.exif(place=True)),
    "place-behind-it": files.png_with_place_behind,
}
SECRETS = (b"<script", b"index.html", b"GPS")
TRIMMED = ("apng-of-ten-thousand",)  # of an upload, so many frames are kept as are shown


async def _shown(world: World, person: Person, **claims: Any) -> tuple[Document, list[Element]]:
    """An answer of theirs to alice's post with a picture; it, and the pictures on their page."""
    alt = f"a picture of {person.name}"
    picture = {"type": "Image", "mediaType": "image/png", "name": alt, **claims}
    note = person.note(inReplyTo=world.post, to=[PUBLIC, world.alice.uri], attachment=[picture])
    assert await world.says(person, person.create(note)) in TAKEN
    assert await seeing.seen(world.instance, None, note["id"]) is not None
    key = world.post.rsplit("/", 1)[1]
    status, body = await world.get(f"/@alice/{key}", accept="text/html")
    assert status == 200
    images = parse(body.decode()).all("img", alt=alt)
    return note, [image for image in images if "/media/remote/" in image["src"]]


def _serve(world: World, person: Person, content: bytes, type_: str = "image/png") -> str:
    url = f"{person.origin}/files/{person.name}.png"
    world.internet.pages[url] = lambda _: web.Response(body=content, content_type=type_)
    return url


async def _look(world: World, address: str) -> tuple[int, dict[str, str], bytes]:
    """What a reader's browser gets at an address of ours."""
    url = address if address.startswith("http") else world.instance.url + address
    headers = {"Accept": "image/*,*/*;q=0.8"}
    async with rig.open_browser() as browser, browser.get(url, headers=headers) as answer:
        sent = {name.lower(): value for name, value in answer.headers.items()}
        return answer.status, sent, await answer.read()


def _original(address: str) -> str:
    """The address of the file itself, where a page shows its small rendition."""
    return re.sub(r"/small$", "/original", address)


async def _gone(world: World, person: Person) -> None:
    assert await world.says(person, person.activity("Delete", person.uri)) in TAKEN
    await world.instance.run_jobs()


def _kept(world: World) -> set[Path]:
    """Every file of this instance, and every one that lies beside its folder."""
    folder = world.instance.easel.settings.media.folder
    return {path for path in folder.parent.rglob("*") if path.is_file()}


@attack("54-stampede")
async def stampede(world: World) -> None:
    """One post: nothing is fetched before somebody looks, then each file once, and no link."""
    mallory = world.stranger()
    url = _serve(world, mallory, files.png())
    linked = f"{mallory.origin}/linked/{mallory.name}"
    note = mallory.note(
        f'<p><a href="{linked}">{linked}</a></p>', inReplyTo=world.post,
        to=[PUBLIC, world.alice.uri], attachment=[{"type": "Image", "url": url, "name": "one"}],
    )  # fmt: skip
    assert await world.says(mallory, mallory.create(note)) in TAKEN
    assert (world.internet.asked[url], world.internet.asked[linked]) == (0, 0)
    page = f"/@alice/{world.post.rsplit('/', 1)[1]}"
    bodies = await asyncio.gather(*(world.get(page, accept="text/html") for _ in range(READERS)))
    [image] = parse(bodies[0][1].decode()).all("img", alt="one")
    addresses = [image["src"], _original(image["src"])] * READERS
    looks = await asyncio.gather(*(_look(world, address) for address in addresses))
    assert {status for status, _, _ in looks} == {200}
    assert (world.internet.asked[url], world.internet.asked[linked]) == (1, 0)
    assert {sent["cache-control"] for _, sent, _ in looks} == {
        "public, max-age=31536000, immutable"
    }
    await _gone(world, mallory)


@attack("54-pages-that-many-open")
async def cacheable(world: World) -> None:
    """What a thousand servers ask us for may be kept, and is asked for again for nothing."""
    page = f"/@alice/{world.post.rsplit('/', 1)[1]}"
    for path, accept in (
        (page, "text/html"),
        (page, "application/activity+json"),
        (world.post, "application/activity+json"),
        (world.alice.uri, "application/activity+json"),
    ):
        url = path if path.startswith("http") else world.instance.url + path
        async with rig.open_browser() as browser:
            async with browser.get(url, headers={"Accept": accept}) as answer:
                assert answer.status == 200
                kept = re.fullmatch(r"public, max-age=(\d+)", answer.headers["Cache-Control"])
                assert kept and int(kept[1]) >= 10, path
                assert "Accept" in answer.headers["Vary"]
                tag = answer.headers.get("ETag")
            if accept == "text/html":
                again = {"Accept": accept, "If-None-Match": tag or ""}
                async with browser.get(url, headers=again) as answer:
                    assert (answer.status, await answer.read()) == (304, b"")


@attack("57-from-elsewhere", "png", *HARM, *HIDDEN)
async def from_elsewhere(world: World, how: str) -> None:
    """Nothing of it is shown as anything but a picture, and a good picture is shown."""
    mallory = world.stranger()
    before = _kept(world)
    content = {**HARM, **HIDDEN, "png": files.png}[how]()
    url = _serve(world, mallory, content)
    _, images = await _shown(world, mallory, url=url)
    assert images
    for address in {image["src"] for image in images} | {_original(i["src"]) for i in images}:
        status, sent, body = await _look(world, address)
        assert status == (404 if how in HARM else 200), address
        assert not [secret for secret in SECRETS if secret in body]
        if status == 200:
            assert sent["content-type"].startswith("image/") and "svg" not in sent["content-type"]
            assert sent["x-content-type-options"] == "nosniff"
            assert sent["content-security-policy"] == "sandbox; default-src 'none'"
    assert (_kept(world) == before) is (how in HARM)
    assert world.internet.asked[url] == 1
    await _gone(world, mallory)


@attack("57-uploaded", "png", *HARM, *HIDDEN)
async def uploaded(world: World, how: str) -> None:
    """What somebody here uploads is refused in words, or encoded anew."""
    easel = world.instance.easel
    content = {**HARM, **HIDDEN, "png": files.png}[how]()
    before = _kept(world)
    try:
        prepared = await media.prepare_upload(content, easel.settings.media)
    except Invalid as refusal:
        assert how in HARM and refusal.status == 422 and str(refusal).endswith(".")
        assert _kept(world) == before
        return
    assert how not in HARM or how in TRIMMED
    stored = await media.store(easel.storage, prepared)
    for key in (stored.file, stored.preview_file):
        status, sent, body = await _look(world, f"/media/{key}")
        assert (status, sent["x-content-type-options"]) == (200, "nosniff")
        assert not [secret for secret in (*SECRETS, b"<?php") if secret in body]
        path = easel.settings.media.folder / key
        with Image.open(path) as image:
            assert not image.getexif().get_ifd(files.GPS)
    await media.discard(easel.storage, stored)


OUR_NAME = re.compile(r"[0-9a-f]{2}/[0-9a-f]{38}\.[a-z0-9]{1,5}")
NAMES = {
    "upwards": "../../../../../../tmp/easel-was-here.png",
    "absolute": "/tmp/easel-was-here.png",
    "backwards": "..\\..\\easel-was-here.png",
    "escaped": "%2e%2e%2f%2e%2e%2feasel-was-here.png",
    "nul": "easel-was-here.png\0.html",
    "long": "x" * 300 + ".png",
    "wide": "\u202egnp.ereh-saw-lesae\U0001f431.html",
    "empty": "",
    "dots": "..",
}


def _form(how: str) -> tuple[str, bytes]:
    """A form with a file in it, as a browser would send it: its type, and the body."""
    part = (
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="%s"\r\n'
        b"Content-Type: image/png\r\n\r\n" + files.png() + b"\r\n"
    )
    kind = "multipart/form-data; boundary=b"
    if how in NAMES:
        return kind, part.replace(b"%s", NAMES[how].encode()) + b"--b--\r\n"
    whole = part.replace(b"%s", b"a.png")
    return {
        "no-boundary": ("multipart/form-data", whole + b"--b--\r\n"),
        "another-boundary": ("multipart/form-data; boundary=c", whole + b"--b--\r\n"),
        "long-boundary": (f"multipart/form-data; boundary={'b' * 5000}", whole),
        "a-thousand-parts": (
            kind,
            b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n1\r\n' * 1000 + b"--b--\r\n",
        ),
        "no-file": (kind, b"--b--\r\n"),
        "no-end": (kind, whole[:-20]),
        "no-name": (kind, b"--b\r\n\r\n1\r\n--b--\r\n"),
        "nothing": (kind, b""),
    }[how]


@attack("58-upload", *NAMES, "no-boundary", "another-boundary", "long-boundary",
        "a-thousand-parts", "no-file", "no-end", "no-name", "nothing")  # fmt: skip
async def upload(world: World, how: str) -> None:
    """Sent to every route that takes anything, by somebody who may: refused in words, and no file
    is anywhere. A real picture is taken where pictures are, under a name of ours. (Who asks for a
    picture may send a form; it has another part, a request.)"""
    async with world.instance.easel.database.write() as tx:
        token = await credentials.issue_token(tx, world.alice, "app", "read write follow")
    before, beside = _kept(world), set(Path("/tmp").glob("easel-was-here*"))
    kind, body = _form(how)
    for path in (
        f"{world.alice.uri}/outbox", f"{world.alice.uri}/inbox", "/inbox",
        "/api/easel/v1/paintings", "/api/v1/media", "/api/v2/media",
    ):  # fmt: skip
        target = path.removeprefix(world.instance.url)
        status, answer = await forgery.request(
            world.instance.url, "POST", target,
            [("host", world.instance.domain), ("authorization", f"Bearer {token}"),
             ("content-type", kind)],
            body,
        )  # fmt: skip
        if how in NAMES and path.endswith("/media"):
            assert status in {200, 202}, (path, status)
            assert "was-here" not in answer.decode()
        else:
            assert 400 <= status < 500 and json.loads(answer)["error"], (path, status)
    folder = world.instance.easel.settings.media.folder
    for path in _kept(world) - before:
        assert how in NAMES and OUR_NAME.fullmatch(str(path.relative_to(folder))), path
    assert set(Path("/tmp").glob("easel-was-here*")) == beside


@attack("58-key-of-a-file", *(name for name in NAMES if name not in {"empty", "wide"}))
async def key_of_a_file(world: World, how: str) -> None:
    """What is read by name is in the folder of the media, or nowhere."""
    secret = world.instance.easel.settings.media.folder.parent / "secret.png"
    secret.write_bytes(files.png())
    for name in (NAMES[how], "../secret.png", "%2e%2e/secret.png", "ab/../../secret.png", "ab/%00"):
        quoted = name.replace("\0", "%00").replace("\\", "%5C")
        for path in (f"/media/{quoted}", f"/media/remote/{quoted}", f"/static/{quoted}"):
            status, body = await world.get(path, accept="*/*")
            assert status == 404 and files.png() not in body, path
    secret.unlink()


@attack("59-promise", "kept", "digest-of-another", "digest-of-nothing", "size-too-small",
        "size-too-large", "both")  # fmt: skip
async def promise(world: World, how: str) -> None:
    """A file that is not the one that was promised is not shown (FEP-1311)."""
    mallory = world.stranger()
    content = files.png()
    url = _serve(world, mallory, content)
    true = {"digestMultibase": pictures.digest(content), "size": len(content)}
    lies = {
        "kept": {},
        "digest-of-another": {"digestMultibase": pictures.digest(b"another")},
        "digest-of-nothing": {"digestMultibase": pictures.digest(b"")},
        "size-too-small": {"size": len(content) - 1},
        "size-too-large": {"size": len(content) + 1},
        "both": {"digestMultibase": pictures.digest(content + b"x"), "size": len(content) + 1},
    }[how]
    before = _kept(world)
    _, [image, *_] = await _shown(world, mallory, url=url, **{**true, **lies})
    for address in (image["src"], _original(image["src"])):
        status, _, body = await _look(world, address)
        assert status == (200 if how == "kept" else 404)
        assert (b"promised" in body) is (how != "kept")
    assert (_kept(world) == before) is (how != "kept")
    await _gone(world, mallory)
