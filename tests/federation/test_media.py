"""Files of other servers: fetched once, held to what was said of them, kept and let go."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from PIL import Image
from sqlmodel import col, select
from typer.testing import CliRunner

from fedi.cli import app
from fedi.clock import FakeClock
from fedi.database.tables import Account, DomainRule, Job, RemoteFile
from fedi.social import domains
from fedi.studio import pictures
from fedi.studio.remote_files import claims, fetching, keeping
from fedi.studio.remote_files.claims import Claim
from tests import rig
from tests.federation import peer, seeing
from tests.federation.peer import Internet, Person
from tests.rig import Instance
from tests.studio import hostile_files as files
from tests.web.reading import Answer, get


def serve(internet: Internet, path: str, content: bytes, type_: str = "image/png") -> str:
    """Serve a file at another server; its address."""
    url = f"http://{internet.host('files')}/{path}"
    internet.pages[url] = lambda _: web.Response(body=content, content_type=type_)
    return url


async def address(instance: Instance, claim: Claim, rendition: str = "original") -> str:
    made = await claims.addresses(instance.easel)
    return instance.url + made.path(claim, rendition)  # type: ignore[arg-type]


async def see(
    instance: Instance,
    browser: aiohttp.ClientSession,
    claim: Claim | str,
    rendition: str = "original",
    **headers: str,
) -> Answer:
    """Look at a file from elsewhere, as a browser that shows a page of ours does."""
    claim = Claim("attachment", claim) if isinstance(claim, str) else claim
    headers = {"Accept": "image/*,*/*;q=0.8"} | headers
    return await get(browser, await address(instance, claim, rendition), **headers)


async def rows(instance: Instance) -> list[RemoteFile]:
    async with instance.easel.database.read() as session:
        return list((await session.exec(select(RemoteFile).order_by(col(RemoteFile.id)))).all())


async def row(instance: Instance, url: str) -> RemoteFile:
    (found,) = [entry for entry in await rows(instance) if entry.url == url]
    return found


def on_disk(instance: Instance) -> int:
    folder = instance.easel.settings.media.folder
    return sum(path.is_file() for path in folder.rglob("*"))


class Gate:
    """Answers that wait until they may go, and how many wait."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()
        self.waiting: list[str] = []
        self.came = asyncio.Event()

    def page(self, content: bytes) -> Callable[[web.Request], web.StreamResponse]:
        gate = self

        class Held(web.Response):
            async def prepare(self, request: web.BaseRequest) -> Any:
                gate.waiting.append(str(request.url))
                gate.came.set()
                await gate.opened.wait()
                return await super().prepare(request)

        return lambda _: Held(body=content, content_type="image/png")

    async def has(self, count: int) -> None:
        while len(self.waiting) < count:
            self.came.clear()
            await self.came.wait()


async def test_a_picture_is_shown_from_our_origin(
    instance: Instance, internet: Internet, browser: aiohttp.ClientSession
) -> None:
    content = files.jpeg(200, 100)
    url = serve(internet, "a.jpg", content, "image/jpeg")
    for _ in range(2):
        answer = await see(instance, browser, url)
        assert (answer.status, answer.body) == (200, content)
        assert answer.headers["Content-Type"] == "image/jpeg"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer.headers["X-Robots-Tag"] == "noai, noimageai"
    small = await see(instance, browser, url, "small")
    assert small.headers["Content-Type"] == "image/webp"
    assert Image.open(io.BytesIO(small.body)).size == (200, 100)
    part = await see(instance, browser, url, Range="bytes=2-4")
    assert (part.status, part.body) == (206, content[2:5])
    async with browser.head(await address(instance, Claim("attachment", url))) as head:
        assert (head.status, head.headers["Content-Length"]) == (200, str(len(content)))
    known = await see(instance, browser, url, If_None_Match=answer.headers["ETag"])
    assert (known.status, known.body) == (304, b"")
    assert internet.asked[url] == 1
    assert internet.signed[url] == 0
    kept = await row(instance, url)
    assert (kept.state, kept.width, kept.height) == ("ready", 200, 100)
    assert kept.bytes == len(content) + len(small.body)
    assert kept.blurhash is not None
    assert [job.kind for job in await seeing.jobs(instance)] == ["remote_prune"]


async def test_a_file_is_fetched_once_however_many_ask(
    instance: Instance, internet: Internet, browser: aiohttp.ClientSession
) -> None:
    gate = Gate()
    url = f"http://{internet.host('files')}/a.png"
    internet.pages[url] = gate.page(files.png())
    asking = [
        asyncio.create_task(see(instance, browser, url, rendition))
        for rendition in ("original", "small") * 10
    ]
    await gate.has(1)
    gate.opened.set()
    assert {answer.status for answer in await asyncio.gather(*asking)} == {200}
    assert internet.asked[url] == 1
    assert on_disk(instance) == 2


@pytest.mark.parametrize("new_database", ["postgresql"], indirect=True)
async def test_a_file_is_fetched_once_by_many_processes(
    new_database: rig.NewDatabase,
    tmp_path: Path,
    clock: FakeClock,
    internet: Internet,
    browser: aiohttp.ClientSession,
) -> None:
    database = new_database()
    gate = Gate()
    url = f"http://{internet.host('files')}/a.png"
    internet.pages[url] = gate.page(files.png())
    media = {"folder": tmp_path / "media"}
    async with (
        rig.serve_instance(tmp_path, database, name="one", clock=clock, media=media) as one,
        rig.serve_instance(tmp_path, database, name="two", clock=clock, media=media) as two,
    ):
        first = asyncio.create_task(see(one, browser, url))
        await gate.has(1)
        second = asyncio.create_task(see(two, browser, url))
        async with two.easel.database.read() as session:
            assert (await session.exec(select(RemoteFile))).one().state == "fetching"
        gate.opened.set()
        assert [(await first).status, (await second).status] == [200, 200]
        assert internet.asked[url] == 1


async def test_only_addresses_that_we_made_are_answered(
    instance: Instance, internet: Internet, browser: aiohttp.ClientSession
) -> None:
    url = serve(internet, "a.png", files.png())
    made = (await address(instance, Claim("attachment", url))).removeprefix(instance.url)
    key, packed, _ = made.removeprefix("/media/remote/").split("/")
    other = claims.Addresses(b"another secret", instance.url).path(
        Claim("attachment", url), "original"
    )
    flipped = ("A" if key[0] != "A" else "B") + key[1:]
    for path in (
        other,
        f"/media/remote/{flipped}/{packed}/original",
        f"/media/remote/{key}/{packed}A/original",
        f"/media/remote/{key}/{packed[:-4]}/original",
        f"/media/remote/{key}/%FF/original",
        f"/media/remote/ü/{packed}/original",
        f"/media/remote/{key}/{packed}/large",
        f"/media/remote/{key}/{url}/original",
        f"/media/remote/{key}",
        "/media/remote",
    ):
        answer = await get(browser, instance.url + path, Accept="image/*")
        assert answer.status == 404, path
        assert b'"error"' in answer.body
    assert internet.asked.total() == 0
    assert await rows(instance) == []
    assert (await get(browser, instance.url + made)).status == 200


async def test_a_server_that_asks_who_we_are_is_told(
    instance: Instance, internet: Internet, browser: aiohttp.ClientSession
) -> None:
    url = f"http://{internet.host('files')}/a.png"

    def page(request: web.Request) -> web.StreamResponse:
        if "Signature" not in request.headers:
            return web.Response(status=401, body=b"who?")
        assert f"{instance.url}/actor" in request.headers["Signature"]
        return web.Response(body=files.png(), content_type="image/png")

    internet.pages[url] = page
    assert (await see(instance, browser, url)).body == files.png()
    assert (internet.asked[url], internet.signed[url]) == (2, 1)


async def test_what_cannot_be_had_is_told_and_tried_again_after_growing_waits(
    instance: Instance, internet: Internet, browser: aiohttp.ClientSession
) -> None:
    url = f"http://{internet.host('files')}/a.png"
    internet.fail(url, 503)
    waits = []
    for attempt in range(1, 4):
        for _ in range(2):
            answer = await see(instance, browser, url)
            assert answer.status == 404
            assert answer.headers["Content-Type"] == "application/json"
            assert b"files.localhost answered 503." in answer.body
            assert answer.headers["Cache-Control"] == "no-store"
        assert internet.asked[url] == attempt
        waits.append(int(answer.headers["Retry-After"]))
        instance.clock.advance(timedelta(seconds=waits[-1] + 1))
    assert 60 <= waits[0] <= 72 and waits[0] < waits[1] < waits[2]
    serve(internet, "a.png", files.png())
    assert (await see(instance, browser, url)).status == 200
    assert (await row(instance, url)).error == ""


async def test_what_somebody_wanted_to_see_comes_when_its_server_is_back(
    instance: Instance, internet: Internet, browser: aiohttp.ClientSession
) -> None:
    url = f"http://{internet.host('files')}/a.png"
    internet.fail(url, 503)
    assert (await see(instance, browser, url)).status == 404
    serve(internet, "a.png", files.png())
    instance.clock.advance(fetching.LEASE)
    await instance.run_jobs()
    assert (await row(instance, url)).state == "ready"
    assert internet.asked[url] == 2
    assert "remote_file" not in {job.kind for job in await seeing.jobs(instance)}


async def test_a_server_that_stays_away_is_not_asked_for_ever(
    instance: Instance, internet: Internet, browser: aiohttp.ClientSession
) -> None:
    url = f"http://{internet.host('files')}/a.png"
    internet.fail(url, 500)
    await see(instance, browser, url)
    for _ in range(40):
        instance.clock.advance(timedelta(hours=12))
        await instance.run_jobs()
    assert internet.asked[url] == 6
    assert "remote_file" not in {job.kind for job in await seeing.jobs(instance)}
    assert (await see(instance, browser, url)).status == 404  # who looks has it tried again
    assert internet.asked[url] == 7


async def test_retry_after_is_obeyed(
    instance: Instance, internet: Internet, browser: aiohttp.ClientSession
) -> None:
    url = f"http://{internet.host('files')}/a.png"
    internet.pages[url] = lambda _: web.Response(status=429, headers={"Retry-After": "7000"})
    answer = await see(instance, browser, url)
    assert int(answer.headers["Retry-After"]) >= 6999
    instance.clock.advance(timedelta(seconds=6900))
    await see(instance, browser, url)
    assert internet.asked[url] == 1


HOSTILE = {
    "a page": files.PAGE,
    "SVG": files.SVG,
    "an archive": files.archive(),
    "a page in a GIF": b"GIF89a" + files.PAGE,
    "a tall nothing": files.png_of(1, 1_000_000_000),
    "a wide screen": files.gif_screen(65_535, 65_535),
    "a growing one": files.gif_that_grows(),
    "a bomb in a text": files.text_bomb(),
    "half a photo": files.jpeg()[:-200],
    "ten thousand frames": files.moving("PNG", 10_000, 1, 1),
    "nothing": b"",
}


async def test_nothing_hostile_is_shown_or_kept(
    instance: Instance, internet: Internet, browser: aiohttp.ClientSession
) -> None:
    for name, content in HOSTILE.items():
        for kind in ("attachment", "avatar", "header", "emoji"):
            url = serve(internet, f"{name.replace(' ', '-')}/{kind}.png", content)
            for rendition in ("original", "small"):
                claim = Claim(kind, url)  # type: ignore[arg-type]
                answer = await see(instance, browser, claim, rendition)
                assert answer.status == 404, name
                assert b"script" not in answer.body
            assert internet.asked[url] == 1
    assert {entry.state for entry in await rows(instance)} == {"failed"}
    assert on_disk(instance) == 0


async def test_what_hides_in_a_picture_is_not_passed_on(
    instance: Instance, internet: Internet, browser: aiohttp.ClientSession
) -> None:
    polyglot = serve(internet, "a.png", files.png() + files.archive())
    assert (await see(instance, browser, polyglot)).body == files.png()
    photo = serve(internet, "b.jpg", files.jpeg(exif=files.exif(place=True)), "text/html")
    answer = await see(instance, browser, photo)
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert not Image.open(io.BytesIO(answer.body)).getexif()


async def test_the_type_is_that_of_the_bytes(
    instance: Instance, internet: Internet, browser: aiohttp.ClientSession
) -> None:
    for claimed in ("text/html", "application/activity+json", "image/svg+xml", "video/mp4"):
        url = serve(internet, claimed, files.encoded(files.scene(), "WEBP"), claimed)
        assert (await see(instance, browser, url)).headers["Content-Type"] == "image/webp"


async def test_a_film_is_passed_on_in_parts(
    instance: Instance, internet: Internet, browser: aiohttp.ClientSession
) -> None:
    film = b"\0\0\0\x18ftypisom\0\0\0\0isomavc1" + bytes(range(256)) * 8000
    url = serve(internet, "a.mp4", film, "video/mp4")
    answer = await see(instance, browser, url)
    assert (answer.status, answer.body) == (200, film)
    assert answer.headers["Content-Type"] == "video/mp4"
    part = await see(instance, browser, url, Range="bytes=-3")
    assert (part.status, part.body) == (206, b"\xfd\xfe\xff")
    assert (await see(instance, browser, url, "small")).status == 404
    assert (await see(instance, browser, Claim("avatar", url))).status == 404


async def test_what_is_too_large_is_not_read_to_its_end(
    instance: Instance, internet: Internet, browser: aiohttp.ClientSession
) -> None:
    sent = 0

    class Endless(web.StreamResponse):
        async def prepare(self, request: web.BaseRequest) -> Any:
            nonlocal sent
            writer = await super().prepare(request)
            await self.write(files.png())
            while sent < 64:
                await self.write(bytes(1_000_000))
                sent += 1
            return writer

    url = f"http://{internet.host('files')}/a.png"
    internet.pages[url] = lambda _: Endless()
    for kind in ("emoji", "attachment"):
        answer = await see(instance, browser, Claim(kind, url))  # type: ignore[arg-type]
        assert answer.status == 404
        assert b"too large" in answer.body
    assert sent < 64
    told = f"http://{internet.host('files')}/b.png"
    internet.pages[told] = lambda _: web.Response(
        body=files.png() + bytes(300_000), content_type="image/png"
    )
    assert (await see(instance, browser, Claim("emoji", told))).status == 404
    assert (await see(instance, browser, Claim("avatar", told))).status == 200


async def test_a_bomb_in_the_transfer_does_not_go_off(
    instance: Instance, internet: Internet, browser: aiohttp.ClientSession
) -> None:
    url = f"http://{internet.host('files')}/a.png"
    for coding in ("gzip", "br", "zstd", "deflate"):
        headers = {"Content-Encoding": coding, "Content-Type": "image/png"}
        internet.pages[url] = lambda _, headers=headers: web.Response(  # type: ignore[misc]
            body=files.png(), headers=headers
        )
        answer = await see(instance, browser, Claim("attachment", f"{url}?{coding}"))
        assert answer.status == 404


PRIVATE = [
    "127.0.0.1", "0.0.0.0", "169.254.169.254", "10.0.0.1", "100.64.0.1", "198.18.0.1", "192.0.0.1",
    "224.0.0.1", "240.0.0.1", "[::]", "[::1]", "[::ffff:7f00:1]", "[::7f00:1]",
    "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[fe80::1]", "[fc00::1]", "[fec0::1]",
    "2130706433", "0x7f.1", "0177.0.0.1", "127.1", "0", "localhost", "canary.localhost",
]  # fmt: skip


async def test_nothing_private_is_asked(
    new_database: rig.NewDatabase,
    tmp_path: Path,
    clock: FakeClock,
    browser: aiohttp.ClientSession,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Attacks 43, 44 and 46, with a canary that hears every connection to this machine."""
    heard: list[Any] = []

    async def sing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(writer.get_extra_info("sockname"))
        writer.close()

    canary = await asyncio.start_server(sing, "127.0.0.1", 0)
    port = canary.sockets[0].getsockname()[1]
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
    federation = {"allow_private_addresses": False}
    async with (
        canary,
        rig.serve_instance(tmp_path, new_database(), clock=clock, federation=federation) as guarded,
    ):
        for host in PRIVATE:
            for scheme in ("http", "https"):
                claim = Claim("avatar", f"{scheme}://{host}:{port}/a.png")
                assert (await see(guarded, browser, claim)).status == 404, claim.url
        assert heard == []
        writer = (await asyncio.open_connection("127.0.0.1", port))[1]
        writer.close()
        await writer.wait_closed()
        assert len(heard) == 1  # it would have heard


async def test_a_redirect_leads_nowhere_private(
    instance: Instance, internet: Internet, browser: aiohttp.ClientSession
) -> None:
    """Attack 45."""
    url = f"http://{internet.host('files')}/a.png"
    end = serve(internet, "end.png", files.png())
    for number, target in enumerate(
        ["http://169.254.169.254/", "http://0.0.0.0/", "file:///etc/passwd", "ftp://x/", url]
    ):
        internet.redirect(url, target)
        assert (await see(instance, browser, f"{url}#{number}")).status == 404, target
    internet.redirect(url, end)
    assert (await see(instance, browser, f"{url}#end")).status == 200


async def test_what_was_not_promised_is_not_shown(
    instance: Instance, internet: Internet, browser: aiohttp.ClientSession
) -> None:
    content = files.png()
    url = serve(internet, "a.png", content)
    true = Claim("attachment", url, pictures.digest(content), len(content))
    for wrong in (
        Claim("attachment", url, pictures.digest(b"other")),
        Claim("attachment", url, None, len(content) + 1),
    ):
        answer = await see(instance, browser, wrong)
        assert answer.status == 404
        assert b"promised" in answer.body
    # Nobody can spoil a picture for others by telling something wrong of it.
    assert (await see(instance, browser, true)).body == content
    reasons = [entry.error for entry in await rows(instance)]
    assert [bool(reason) for reason in reasons] == [True, True, False]


async def test_one_slow_host_holds_up_nobody(
    instance: Instance, internet: Internet, browser: aiohttp.ClientSession
) -> None:
    gate = Gate()
    slow = [f"http://{internet.host('slow')}/{number}.png" for number in range(20)]
    for url in slow:
        internet.pages[url] = gate.page(files.png())
    waiting = [asyncio.create_task(see(instance, browser, url)) for url in slow]
    await gate.has(fetching.PER_HOST)
    assert (await see(instance, browser, serve(internet, "a.png", files.png()))).status == 200
    assert len(gate.waiting) == fetching.PER_HOST
    gate.opened.set()
    assert {answer.status for answer in await asyncio.gather(*waiting)} == {200}


async def test_what_was_on_its_way_when_we_ended_comes_after_the_next_start(
    new_database: rig.NewDatabase,
    tmp_path: Path,
    clock: FakeClock,
    internet: Internet,
    browser: aiohttp.ClientSession,
) -> None:
    database = new_database()
    gate = Gate()
    url = f"http://{internet.host('files')}/a.png"
    internet.pages[url] = gate.page(files.png())
    async with rig.serve_instance(tmp_path, database, clock=clock) as instance:
        looking = asyncio.create_task(see(instance, browser, url))
        await gate.has(1)
        looking.cancel()
    gate.opened.set()
    serve(internet, "a.png", files.png())
    async with rig.serve_instance(tmp_path, database, clock=clock) as instance:
        clock.advance(fetching.LEASE)
        await instance.run_jobs()
        assert (await row(instance, url)).state == "ready"
        assert (await see(instance, browser, url)).status == 200
    assert internet.asked[url] == 2


async def test_who_was_killed_while_fetching_holds_nothing_up(
    instance: Instance, internet: Internet, browser: aiohttp.ClientSession
) -> None:
    """As `kill -9` leaves it: the row says that somebody fetches, and nobody does."""
    url = serve(internet, "a.png", files.png())
    await see(instance, browser, url)
    async with instance.easel.database.write() as tx:
        known = (await tx.exec(select(RemoteFile))).one()
        known.state, known.file = "fetching", None
        known.next_attempt_at = tx.now + fetching.LEASE
        tx.add(known)
    if instance.easel.database.sqlite:
        await fetching.recover(instance.easel)  # what the next start does
    else:
        instance.clock.advance(fetching.LEASE)  # there may be others
    assert (await see(instance, browser, url)).status == 200
    assert internet.asked[url] == 2


async def test_what_nobody_looks_at_goes_first_and_comes_back(
    new_database: rig.NewDatabase,
    tmp_path: Path,
    clock: FakeClock,
    internet: Internet,
    browser: aiohttp.ClientSession,
) -> None:
    media = {"remote_cache_mb": 10}
    film = b"\0\0\0\x18ftypisom\0\0\0\0isomavc1" + bytes(2_900_000)
    async with rig.serve_instance(tmp_path, new_database(), clock=clock, media=media) as instance:
        urls = [serve(internet, f"{n}.mp4", film, "video/mp4") for n in range(4)]
        for url in urls[:3]:
            await see(instance, browser, url)
            clock.advance(timedelta(hours=2))
        await instance.run_jobs()
        assert {entry.state for entry in await rows(instance)} == {"ready"}
        await see(instance, browser, urls[0])  # the oldest, and now the last seen
        clock.advance(timedelta(hours=2))
        await see(instance, browser, urls[3])
        clock.advance(timedelta(hours=2))
        await instance.run_jobs()
        states = {entry.url: entry.state for entry in await rows(instance)}
        assert [states[url] for url in urls] == ["ready", "evicted", "ready", "ready"]
        assert on_disk(instance) == 3
        assert (await see(instance, browser, urls[1])).body == film
        assert internet.asked[urls[1]] == 2 and internet.asked[urls[0]] == 1
        # What nobody has seen for months is forgotten altogether.
        await keeping.prune(instance.easel, 0)
        clock.advance(keeping.ROW_LIFE + timedelta(days=1))
        await keeping.prune(instance.easel)
        assert (await rows(instance), on_disk(instance)) == ([], 0)


async def test_looking_writes_nothing_but_once_in_a_while(
    instance: Instance, internet: Internet, browser: aiohttp.ClientSession
) -> None:
    urls = [serve(internet, f"{n}.png", files.png()) for n in range(3)]
    for url in urls:
        await see(instance, browser, url)
    before = [entry.viewed_at for entry in await rows(instance)]
    instance.clock.advance(timedelta(minutes=50))
    for url in urls * 2:
        await see(instance, browser, url)
    assert [entry.viewed_at for entry in await rows(instance)] == before
    instance.clock.advance(timedelta(minutes=20))
    await see(instance, browser, urls[0])
    await keeping.views(instance.easel).write()
    assert (await row(instance, urls[0])).viewed_at == instance.clock.now()
    await see(instance, browser, urls[1])
    assert (await row(instance, urls[1])).viewed_at == before[1]  # remembered, and not yet written
    await keeping.views(instance.easel).write()
    assert (await row(instance, urls[1])).viewed_at == instance.clock.now()
    assert (await row(instance, urls[2])).viewed_at == before[2]


async def test_what_is_lost_from_the_disk_is_fetched_again(
    instance: Instance, internet: Internet, browser: aiohttp.ClientSession
) -> None:
    url = serve(internet, "a.png", files.png())
    await see(instance, browser, url)
    known = await row(instance, url)
    assert known.file is not None and known.preview_file is not None
    await instance.easel.storage.delete(known.preview_file)
    answers = await asyncio.gather(*(see(instance, browser, url, "small") for _ in range(4)))
    assert {answer.status for answer in answers} == {200}
    assert internet.asked[url] == 2
    assert on_disk(instance) == 2


@pytest.fixture
async def eager(
    new_database: rig.NewDatabase, tmp_path: Path, clock: FakeClock
) -> AsyncIterator[Instance]:
    """An instance that fetches files as soon as they arrive."""
    media = {"remote": "arrival"}
    async with rig.serve_instance(tmp_path, new_database(), clock=clock, media=media) as instance:
        yield instance


async def _arrive(instance: Instance, internet: Internet) -> tuple[Person, str, list[str]]:
    """A post with a picture and an emoji comes in from somebody with a face: the author, the id
    of the post, and the addresses of the three files."""
    from fedi.social import accounts

    face = serve(internet, "face.png", files.png())
    picture = serve(internet, "picture.png", files.png())
    emoji = serve(internet, "emoji.png", files.png(20, 20))
    bob = internet.person("bob", icon={"type": "Image", "url": face})
    async with instance.easel.database.write() as tx:
        alice: Account = await accounts.create_local(tx, "alice")
    tag = {"type": "Emoji", "name": ":cat:", "icon": {"type": "Image", "url": emoji}}
    note = bob.note(
        tag=[tag],
        attachment=[{"type": "Document", "mediaType": "image/png", "url": picture}],
        cc=[alice.uri],
    )
    await bob.does(instance, bob.create(note))
    assert await seeing.status(instance, note["id"]) is not None
    return bob, note["id"], [face, picture, emoji]


async def test_files_come_with_their_post_if_the_host_wants_that(
    eager: Instance, internet: Internet, browser: aiohttp.ClientSession
) -> None:
    _, _, urls = await _arrive(eager, internet)
    assert [internet.asked[url] for url in urls] == [1, 1, 1]
    assert {entry.state for entry in await rows(eager)} == {"ready"}
    assert {entry.kind for entry in await rows(eager)} == {"avatar", "attachment", "emoji"}
    await see(eager, browser, urls[1])
    assert internet.asked[urls[1]] == 1


async def test_else_they_come_when_they_are_seen(instance: Instance, internet: Internet) -> None:
    _, _, urls = await _arrive(instance, internet)
    assert [internet.asked[url] for url in urls] == [0, 0, 0]
    assert await rows(instance) == []


async def test_only_web_addresses_of_others_are_shown(instance: Instance) -> None:
    made = await claims.addresses(instance.easel)
    for url in (
        f"{instance.url}/media/remote/a/b/original",
        "ftp://peer.example/a.png",
        "data:image/png;base64,AAAA",
        "https://user@peer.example/a.png",
        "https://[::1",
        f"https://peer.example/{'ü' * 1100}",
    ):
        assert not made.usable(Claim("attachment", url)), url
    assert made.usable(Claim("attachment", "https://peer.example/ü.png?a=b"))


async def test_the_queue_holds_one_job_for_a_file(
    instance: Instance, internet: Internet, browser: aiohttp.ClientSession
) -> None:
    gate = Gate()
    url = f"http://{internet.host('files')}/a.png"
    internet.pages[url] = gate.page(files.png())
    looking = asyncio.create_task(see(instance, browser, url))
    await gate.has(1)
    async with instance.easel.database.read() as session:
        kinds = [job.kind for job in (await session.exec(select(Job))).all()]
    assert kinds.count("remote_file") == 1
    gate.opened.set()
    assert (await looking).status == 200


async def command(instance: Instance, folder: Path, *words: str) -> tuple[int, str]:
    """Run `easel media …` against an instance; its exit code, and what it prints."""
    settings = instance.easel.settings
    config = folder / "config.toml"
    config.write_text(
        f'[instance]\nurl = "{instance.url}"\n[database]\nurl = "{settings.database.url}"\n'
        f'[media]\nfolder = "{settings.media.folder}"\n'
        "[federation]\nallow_private_addresses = true\n"
    )
    run = CliRunner().invoke
    answer = await asyncio.to_thread(run, app, ["--config", str(config), "media", *words])
    return answer.exit_code, answer.output + str(answer.exception or "")


async def test_the_command_line_shows_refreshes_and_makes_room(
    instance: Instance, internet: Internet, browser: aiohttp.ClientSession, tmp_path: Path
) -> None:
    assert (await command(instance, tmp_path, "usage"))[1].strip() == "0.0 of 5000 MB are used."
    film = b"\0\0\0\x18ftypisom\0\0\0\0isomavc1" + bytes(2_000_000)
    url = serve(internet, "a.mp4", film, "video/mp4")
    gone = f"http://{internet.host('files')}/gone.png"
    await see(instance, browser, url)
    await see(instance, browser, Claim("avatar", gone))
    code, said = await command(instance, tmp_path, "usage")
    assert (code, "2.0 of 5000 MB are used." in said) == (0, True)
    assert "attachment" in said and "avatar" in said

    changed = film + b"more"
    serve(internet, "a.mp4", changed, "video/mp4")
    assert (await see(instance, browser, url)).body == film
    assert await command(instance, tmp_path, "refresh", url) == (0, "attachment: fetched anew.\n")
    assert (await see(instance, browser, url)).body == changed
    assert on_disk(instance) == 1
    code, said = await command(instance, tmp_path, "refresh", gone)
    assert (code, said) == (0, "avatar: files.localhost answered 404.\n")
    code, said = await command(instance, tmp_path, "refresh", "https://never.example/")
    assert code == 1 and "Nobody here has seen" in said

    assert await command(instance, tmp_path, "prune") == (0, "0 files removed, 0.0 MB freed.\n")
    said = (await command(instance, tmp_path, "prune", "--mb", "1"))[1]
    assert said == "1 file removed, 2.0 MB freed.\n"
    assert on_disk(instance) == 0
    assert (await see(instance, browser, url)).body == changed


@pytest.mark.parametrize(
    "what", [{"severity": "none", "reject_media": True}, {"severity": "suspend"}]
)
async def test_files_of_a_domain_that_is_not_wanted_are_not_shown(
    instance: Instance, internet: Internet, browser: aiohttp.ClientSession, what: dict[str, Any]
) -> None:
    known = serve(internet, "known.png", files.png(10, 10))
    new = serve(internet, "new.png", files.png(10, 10))
    assert (await see(instance, browser, known)).status == 200
    rule = DomainRule(domain="files.localhost", created_at=instance.clock.now(), **what)
    async with instance.easel.database.write() as tx:
        await domains.put(tx, [rule], limited=False)
    for url in (known, new):
        assert (await see(instance, browser, url)).status == 404
    assert internet.asked[new] == 0


async def test_what_is_deleted_is_not_kept(
    eager: Instance, internet: Internet, browser: aiohttp.ClientSession
) -> None:
    bob, note, (face, picture, _) = await _arrive(eager, internet)
    other = serve(internet, "other.png", files.png(30, 30))
    changed = bob.note(
        id=note, attachment=[{"type": "Image", "url": other, "mediaType": "image/png"}]
    )
    changed["updated"] = peer.stamp(eager.clock.now() + timedelta(seconds=5))
    await bob.does(eager, bob.activity("Update", changed))
    states = {entry.url: entry.state for entry in await rows(eager)}
    assert (states[picture], states[other], states[face]) == ("evicted", "ready", "ready")
    await bob.does(eager, bob.activity("Delete", {"id": note, "type": "Tombstone"}))
    states = {entry.url: entry.state for entry in await rows(eager)}
    assert (states[other], states[face]) == ("evicted", "ready")
    await bob.does(eager, bob.activity("Delete", bob.uri))
    assert (await row(eager, face)).state == "evicted"
