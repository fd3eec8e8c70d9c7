"""What every page carries, promises, and never does."""

from __future__ import annotations

import re

import aiohttp
import pytest
import yarl

from fedi.web.assets import FOLDER
from fedi.web.shapes import RATIOS
from tests.rig import Instance
from tests.web import hanging
from tests.web.reading import Answer, Element, get

LOADING = {"src", "srcset", "poster", "data", "background", "action", "formaction", "manifest"}
PALETTES = ("ink", "ink-soft", "accent", "notice"), ("wall", "paper", "mat")


async def every_page(instance: Instance, browser: aiohttp.ClientSession) -> list[Answer]:
    alice = await hanging.join(instance)
    sam = await hanging.stranger(instance)
    status = await hanging.hang(instance, alice, text="hello #fog https://example.com/x")
    await hanging.receive(instance, sam, content="<p>hi</p>", in_reply_to_uri=status.uri)
    gone = await hanging.hang(instance, alice, text="gone")
    await hanging.delete(instance, gone)
    paths = {
        "/": 200,
        "/about": 200,
        "/@alice": 200,
        "/@alice/posts": 200,
        "/tags/fog": 200,
        f"/@alice/{status.id}": 200,
        f"/@alice/{gone.id}": 410,
        "/@nobody": 404,
        "/nothing/here": 404,
        "/?max_id=x": 400,
        "/media/nothing.png": 404,
    }
    answers = []
    for path, expected in paths.items():
        answer = await get(browser, instance.url + path)
        assert answer.status == expected, path
        answers.append(answer)
    return answers


async def test_every_page_is_guarded(instance: Instance, browser: aiohttp.ClientSession) -> None:
    for answer in await every_page(instance, browser):
        policy = answer.headers["Content-Security-Policy"]
        directives = dict(part.strip().partition(" ")[::2] for part in policy.split(";"))
        assert directives["default-src"] == directives["frame-ancestors"] == "'none'"
        assert directives["base-uri"] == "'none'" and directives["style-src"] == "'self'"
        assert "unsafe" not in policy and "script-src" not in directives and "*" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        for word in ("noai", "noimageai"):
            assert word in answer.headers["X-Robots-Tag"]
            assert word in (answer.page.meta("robots") or "")


async def test_no_page_loads_from_elsewhere_or_styles_or_scripts_itself(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    for answer in await every_page(instance, browser):
        for element in answer.page.walk():
            assert element.name not in {"style", "script", "iframe", "object", "embed", "base"}
            assert not any(name == "style" or name[:2] == "on" for name in element.attributes)
            for name in LOADING & element.attributes.keys():
                assert _ours(element[name]), element
            if element.name == "link" and "rel" in element.attributes:
                loads = {"stylesheet", "icon", "apple-touch-icon", "preload", "modulepreload"}
                if loads & set(element["rel"].split()):
                    assert _ours(element["href"])
    for sheet in FOLDER.rglob("*.css"):
        assert not re.search(r"@import|url\((?!['\"]?[a-z]+/)|//[a-z]", sheet.read_text())
    for icon in FOLDER.rglob("*.svg"):
        assert not re.search(r"href|<script|<style|url\((?!#)", icon.read_text())


def _ours(address: str) -> bool:
    return (address.startswith("/") and not address.startswith("//")) or address.startswith(
        "data:image/bmp;base64,"
    )


async def test_every_page_can_be_heard_and_walked(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    for answer in await every_page(instance, browser):
        page = answer.page
        assert page.one("html")["lang"] == "en"
        assert page.one("h1").text and page.one("main")["id"] == "content"
        assert page.all("a")[0]["href"] == "#content"
        assert page.one("title").text
        assert all("alt" in image.attributes for image in page.all("img"))
        assert all(_named(link) for link in page.all("a"))


def _named(link: Element) -> bool:
    return bool(link.text) or any(image["alt"] for image in link.all("img"))


async def test_a_page_says_something_is_wrong_in_its_own_face_to_browsers_only(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    page = await get(browser, f"{instance.url}/@nobody")
    assert page.headers["Content-Type"].startswith("text/html")
    assert "nobody of this name" in page.page.text
    assert page.page.one(
        "link", rel="stylesheet", href=page.page.all("link", rel="stylesheet")[0]["href"]
    )
    other = await get(browser, f"{instance.url}/@nobody", Accept="application/activity+json")
    assert other.headers["Content-Type"] == "application/json"
    assert b"error" in other.body


ODD = [
    "/?max_id=",
    "/?max_id=-1",
    "/?max_id=99999999999999999999",
    "/?max_id=1e3",
    "/?max_id=%00",
    "/@alice?max_id=0",
    "/@%00",
    "/@%ff",
    "/@" + "a" * 5000,
    "/@alice/%00",
    "/@alice/-1",
    "/@alice/٣",
    "/@../about",
    "/tags/%00",
    "/tags/" + "x" * 500,
    "//evil.example/",
    "/@alice@evil.example",
    "/@alice@" + "x" * 500,
    "/media/",
    "/media/../../etc/passwd",
    "/media/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "/media/ab/%00.png",
    "/static/",
    "/static/css",
    "/static/css/",
    "/static/..%2fpyproject.toml",
    "/static/%00",
]


async def test_odd_addresses_get_a_plain_answer(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    await hanging.join(instance)
    for path in ODD:
        whole = instance.url + path
        url = yarl.URL(whole, encoded=True) if path.isascii() else whole
        for method in ("GET", "HEAD", "POST", "DELETE", "OPTIONS"):
            async with browser.request(method, url, allow_redirects=False) as answer:
                assert 400 <= answer.status < 500, (method, path)


@pytest.mark.parametrize("dark", [False, True])
def test_words_stand_out_from_what_is_behind_them(dark: bool) -> None:
    """WCAG 2.2 AA: 4.5 to 1 for words of any size."""
    sheet = (FOLDER / "css/tokens.css").read_text()
    pairs = re.findall(r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);", sheet)
    tokens = {name: colours[dark] for name, *colours in pairs}
    inks, grounds = PALETTES
    for ink in inks:
        for ground in grounds:
            assert _contrast(tokens[ink], tokens[ground]) >= 4.5, (ink, ground)


def test_initials_stand_out_from_their_pigments() -> None:
    pigments = re.findall(r"--pigment: (#[0-9a-f]{6});", (FOLDER / "css/pages.css").read_text())
    assert len(pigments) == 8
    assert all(_contrast("#ffffff", pigment) >= 4.5 for pigment in pigments)


def test_every_shape_is_in_the_style_sheet() -> None:
    sheet = (FOLDER / "css/pictures.css").read_text()
    known = re.findall(r"\.ratio-(\d+) \{ --ratio: ([\d.]+); \}", sheet)
    assert {int(name): float(value) for name, value in known} == {
        ratio: ratio / 100 for ratio in RATIOS
    }


def _contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4
        for channel in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
