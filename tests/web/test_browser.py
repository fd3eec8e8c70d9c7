"""The pages in a real browser: nothing shifts, nothing runs, nothing spills, nothing is missing.

The screenshots of each page lie in `.artefacts/pages/` afterwards, for people to look at.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from fedi.database.tables import Status
from fedi.social.statuses import ReceivedMedia
from tests.federation.peer import Internet
from tests.rig import Instance
from tests.studio import hostile_files as files
from tests.web import hanging
from tests.web.test_elsewhere import serve
from tests.web.test_hostile import HTML, STRINGS

CHROMIUM = shutil.which("chromium")
ARTEFACTS = Path(__file__).parents[2] / ".artefacts/pages"
FLAGS = ["--no-sandbox", "--disable-quic", "--no-first-run", "--disable-sync",
         "--disable-background-networking", "--disable-component-update"]  # fmt: skip
WIDTHS = (320, 390, 1280)  # pixels: WCAG 2.2's narrowest, a phone, a desktop

# How far anything moved while the page loaded (https://web.dev/articles/cls).
WATCH_SHIFTS = """
    window.shifted = [];
    new PerformanceObserver((list) => {
        for (const {value, sources} of list.getEntries()) {
            const moved = sources.map(({node}) => node?.outerHTML ?? node?.textContent);
            shifted.push([value, ...moved].join(" "));
        }
    }).observe({type: "layout-shift", buffered: true});
"""
SCROLL = """async () => {
    for (let y = 0; y < document.body.scrollHeight; y += innerHeight / 2) {
        scrollTo(0, y);
        await new Promise(requestAnimationFrame);
    }
    const shown = [...document.images].filter((image) => image.checkVisibility());
    await Promise.all(shown.map((image) => image.decode().catch(() => {})));
    scrollTo(0, 0);
}"""


@pytest.fixture
async def chromium() -> AsyncIterator[Any]:
    """Debian's Chromium, driven by Playwright."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    playwright = pytest.importorskip("playwright.async_api", reason="Playwright is not installed")
    async with playwright.async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


async def furnish(instance: Instance, internet: Internet) -> list[str]:
    """Pages with something on them, hostile strings and other servers' pictures among it."""
    alice = await hanging.join(instance, display_name="Alice Marlowe", note="<p>Hello.</p>")
    shapes = [(1216, 832), (832, 1216), (1024, 1024), (1536, 640), (640, 1536), (None, None)]
    for number, (width, height) in enumerate(shapes):
        picture = await hanging.paint(instance, alice, width=width, height=height)
        words = STRINGS[number % len(STRINGS)]
        await hanging.publish(instance, alice, text=words, media_ids=[picture])
    picture = await hanging.paint(instance, alice, share_recipe=True)
    main = await hanging.publish(instance, alice, text="Morning #fog", media_ids=[picture])
    warned = await hanging.hang(instance, alice, text="x", spoiler_text="Eye contact")
    mallory = await hanging.join(instance, "mallory", display_name=STRINGS[-1])
    await hanging.hang(instance, mallory, text=STRINGS[-1], spoiler_text=STRINGS[-1])
    for number, hostile in enumerate(HTML[:-2]):
        sam = await hanging.stranger(instance, f"sam{number}", display_name=STRINGS[number])
        await hanging.receive(instance, sam, content=hostile, in_reply_to_uri=main.uri)
    await furnish_from_elsewhere(instance, internet, main)
    return [
        "/",
        "/about",
        "/@alice",
        "/@alice/posts",
        "/@mallory",
        "/@mallory/posts",
        f"/@alice/{main.id}",
        f"/@alice/{warned.id}",
        "/@nobody",
    ]


async def furnish_from_elsewhere(instance: Instance, internet: Internet, main: Status) -> None:
    """Answers with pictures, a face and emoji of another server, told of well and badly."""
    shapes: list[tuple[int, int, dict[str, Any]]] = [
        (120, 80, {"width": 120, "height": 80}),
        (80, 120, {}),  # of unknown size
        (90, 90, {"width": 4000, "height": 100}),  # told of wrongly
    ]
    emoji = {"shortcode": "cat", "url": serve(internet, "cat.png", files.png(40, 20))}
    face = serve(internet, "face.png", files.png(200, 100))
    una = await hanging.stranger(
        instance, "una", display_name="Una :cat:", avatar=face, emojis=(emoji,)
    )
    for number, (width, height, told) in enumerate(shapes):
        url = serve(internet, f"{number}.png", files.png(width, height))
        picture = ReceivedMedia(remote_url=url, media_type="image/png", **told)
        await hanging.receive(
            instance,
            una,
            content="<p>:cat: hello</p>",
            emojis=(emoji,),
            media=(picture,),
            in_reply_to_uri=main.uri,
        )


async def shifts(page: Any, url: str) -> list[str]:
    """Go to a page and look all of it over.

    Returns what moved by itself, both times: a busy machine may draw half of a page before the
    rest has come, which is no fault of the page.
    """
    moved: list[str] = []
    tools = await page.context.new_cdp_session(page)
    for _ in range(2):
        await tools.send("Network.clearBrowserCache")  # as on a first visit
        await page.goto(url)
        await page.evaluate(SCROLL)
        seen = await page.evaluate("shifted")
        if not seen:
            return []
        moved += seen
    return moved


# What a browser does is the same on every database.
@pytest.mark.long
@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_pages_hold_still_stay_inside_and_run_nothing(
    instance: Instance, internet: Internet, chromium: Any, scheme: str
) -> None:
    paths = await furnish(instance, internet)
    wrong: list[str] = []
    hosts: set[str] = set()
    for width in WIDTHS:
        window = await chromium.new_context(
            viewport={"width": width, "height": 844}, color_scheme=scheme
        )
        page = await window.new_page()
        page.on("dialog", lambda dialog: wrong.append(f"a dialog: {dialog.message}"))
        page.on("console", lambda message: wrong.append(message.text))
        page.on("requestfailed", lambda request: wrong.append(f"failed: {request.url}"))
        page.on("request", lambda request: hosts.add(request.url.split("/")[2]))
        await page.add_init_script(WATCH_SHIFTS)
        for path in paths:
            assert await shifts(page, instance.url + path) == [], (path, width)
            inside = await page.evaluate("document.documentElement.scrollWidth")
            assert inside <= width, (path, width)
            missing = "[...document.images].filter((i) => i.complete && !i.naturalWidth).length"
            assert await page.evaluate(missing) == 0, (path, width)
            if os.environ.get("CI") == "true":
                name = f"{path.strip('/').replace('/', '-') or 'front'}-{width}-{scheme}.png"
                await page.screenshot(path=ARTEFACTS / name, full_page=True)
        await window.close()
    assert [text for text in wrong if "404 (Not Found)" not in text] == []
    assert hosts == {instance.domain}
