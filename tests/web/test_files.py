"""Pictures and style sheets as they are served."""

from __future__ import annotations

import gzip

import aiohttp

from fedi.storage import new_key
from fedi.web.assets import FOLDER, assets
from tests.rig import Instance, open_browser
from tests.web import hanging
from tests.web.reading import get


async def store(instance: Instance, content: bytes, ending: str = "png") -> str:
    key = new_key(ending)
    await instance.easel.storage.put(key, content)
    return f"{instance.url}/media/{key}"


async def test_a_picture_is_served_as_what_it_is_and_nothing_else(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    content = hanging.png()
    url = await store(instance, content)
    for accept in ("*/*", "application/activity+json", "text/html"):
        answer = await get(browser, url, Accept=accept)
        assert (answer.status, answer.body) == (200, content)
        assert answer.headers["Content-Type"] == "image/png"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer.headers["X-Robots-Tag"] == "noai, noimageai"
        assert answer.headers["Content-Length"] == str(len(content))
        assert "Set-Cookie" not in answer.headers
    known = await get(browser, url, If_None_Match=answer.headers["ETag"])
    assert (known.status, known.body) == (304, b"")
    async with browser.head(url) as head:
        assert (head.status, head.headers["Content-Length"]) == (200, str(len(content)))


async def test_the_media_type_comes_from_the_key_whatever_the_bytes_are(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    page = b'<!doctype html><script>alert(1)</script>{"type":"Note"}'
    types = {"jpg": "image/jpeg", "webp": "image/webp", "gif": "image/gif", "mp4": "video/mp4"}
    for ending, media_type in types.items():
        answer = await get(browser, await store(instance, page, ending))
        assert (answer.status, answer.headers["Content-Type"]) == (200, media_type)


async def test_what_is_no_picture_is_not_served(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    for ending in ("html", "json", "svg", "js", "xml", "css", "txt"):
        assert (await get(browser, await store(instance, b"{}", ending))).status == 404, ending


async def test_only_what_is_stored_is_served(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    assert (await get(browser, f"{instance.url}/media/{new_key('png')}")).status == 404
    url = await store(instance, hanging.png())
    assert (await get(browser, url + "x")).status == 404
    assert (await get(browser, url.rpartition("/")[0])).status == 404


RANGES: list[tuple[str, tuple[int, bytes, str | None]]] = [
    ("bytes=0-3", (206, b"0123", "bytes 0-3/10")),
    ("bytes=4-", (206, b"456789", "bytes 4-9/10")),
    ("bytes=-3", (206, b"789", "bytes 7-9/10")),
    ("bytes=-99", (206, b"0123456789", "bytes 0-9/10")),
    ("bytes=8-99", (206, b"89", "bytes 8-9/10")),
    ("bytes=10-", (416, b"", "bytes */10")),
    ("bytes=-0", (416, b"", "bytes */10")),
    ("bytes=-", (416, b"", "bytes */10")),
    ("bytes=5-2", (416, b"", "bytes */10")),
    ("bytes=0-1,4-5", (200, b"0123456789", None)),
    ("lines=0-3", (200, b"0123456789", None)),
    ("bytes=" + "9" * 500 + "-", (200, b"0123456789", None)),
]


async def test_part_of_a_file(instance: Instance, browser: aiohttp.ClientSession) -> None:
    url = await store(instance, b"0123456789", "mp4")
    for asked, expected in RANGES:
        answer = await get(browser, url, Range=asked)
        found = (answer.status, answer.body, answer.headers.get("Content-Range"))
        assert found == expected, asked


async def test_part_of_another_version_is_the_whole(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    url = await store(instance, b"0123456789", "mp4")
    etag = (await get(browser, url)).headers["ETag"]
    same = await get(browser, url, Range="bytes=0-3", If_Range=etag)
    other = await get(browser, url, Range="bytes=0-3", If_Range='"another"')
    assert (same.status, other.status) == (206, 200)


async def test_style_sheets_are_kept_for_ever_under_their_digest(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    page = (await get(browser, instance.url)).page
    links = [link["href"] for link in page.all("link", rel="stylesheet")]
    links.append(page.one("link", rel="icon")["href"])
    assert len(links) == 5
    for link in links:
        content = (FOLDER / link.removeprefix(f"/static/{assets.digest}/")).read_bytes()
        answer = await get(browser, instance.url + link)
        assert (answer.status, answer.body) == (200, content)
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        known = await get(browser, instance.url + link, If_None_Match=answer.headers["ETag"])
        assert (known.status, known.body) == (304, b"")
    assert answer.headers["Content-Type"] == "image/svg+xml"


async def test_without_its_digest_a_file_is_checked_each_time(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    for path in ("css/base.css", "0123456789abcdef/css/base.css"):
        answer = await get(browser, f"{instance.url}/static/{path}")
        assert answer.status == 200
        assert answer.headers["Cache-Control"] == "public, max-age=0, must-revalidate"
    icon = await get(browser, f"{instance.url}/favicon.ico")
    assert icon.status == 302
    png = await get(browser, instance.url + icon.headers["Location"])
    assert png.headers["Content-Type"] == "image/png"


async def test_style_sheets_are_packed_for_whom_it_helps(instance: Instance) -> None:
    content = (FOLDER / "css/base.css").read_bytes()
    wishes = {"gzip": True, "br, gzip;q=0.5": True, "gzip;q=0": False, "identity": False}
    async with open_browser(auto_decompress=False) as browser:
        for accepted, packed in wishes.items():
            url = f"{instance.url}/static/css/base.css"
            answer = await get(browser, url, Accept_Encoding=accepted)
            assert answer.headers["Vary"] == "Accept-Encoding"
            assert (answer.headers.get("Content-Encoding") == "gzip") is packed
            assert (gzip.decompress(answer.body) if packed else answer.body) == content
