"""From words to a first post in a browser, with a real painter process behind it: the picture is
seen growing, and a part of it is painted anew."""

from __future__ import annotations

import io
from pathlib import Path

import aiohttp
import pytest
from PIL import Image, ImageChops
from sqlmodel import select

from fedi.clock import FakeClock
from fedi.database import Session
from fedi.database.tables import MediaAttachment, Painting, Status
from generation import provenance, random_weights
from tests import rig
from tests.api.oauth.person import PASSWORD, join
from tests.journeys.test_painting import PATIENCE_S
from tests.web.test_browser import CHROMIUM, FLAGS

STEPS = 60  # so many that several previews come
# Every preview that the page shows.
WATCH = """
    window.previews = new Set();
    new MutationObserver(() => {
        const shown = document.querySelector(".stage .growing");
        if (shown?.src.startsWith("data:image/jpeg")) previews.add(shown.src);
    }).observe(document, {subtree: true, childList: true, attributeFilter: ["src"]});
"""


@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("width", [390, 1280])
async def test_somebody_writes_watches_posts_and_paints_a_part_anew(
    new_database: rig.NewDatabase,
    tmp_path: Path,
    clock: FakeClock,
    browser: aiohttp.ClientSession,
    width: int,
) -> None:
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    playwright = pytest.importorskip("playwright.async_api", reason="Playwright is not installed")
    model = random_weights.build("stable-diffusion", tmp_path / "models" / "tiny")
    here = {"local": True, "model": str(model), "device": "cpu"}
    async with (
        rig.serve_instance(tmp_path, new_database(), clock=clock, painting=here) as a,
        playwright.async_playwright() as driver,
    ):
        await join(a)
        chromium = await driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        window = await chromium.new_context(viewport={"width": width, "height": 844})
        page = await window.new_page()
        page.set_default_timeout(PATIENCE_S * 1000)
        hosts: set[str] = set()
        wrong: list[str] = []
        page.on("request", lambda request: hosts.add(request.url.split("/")[2]))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        await page.add_init_script(WATCH)
        await page.goto(f"{a.url}/sign-in?next=/studio")
        await page.fill("[name=name]", "alice")
        await page.fill("[name=password]", PASSWORD)
        await page.click(".desk form button >> nth=0")
        await page.wait_for_url("**/studio")
        await page.fill("#prompt", "a lighthouse in fog")
        await page.click("text=How it is painted")
        await page.fill("[name=steps]", str(STEPS))
        await page.click("button:text-is('Paint')")
        await page.wait_for_selector("#scene[data-state=done]")
        assert await page.evaluate("previews.size") >= 2
        first = page.url
        assert await page.input_value("[name=description]")
        await page.fill("form[data-post] [name=text]", "My first picture")
        await page.click("button:text-is('Post')")
        await page.wait_for_selector("#scene[data-state=posted]")
        await page.click("summary:has-text('Paint only a part')")
        await page.wait_for_selector(".mask .under")
        for name, value in (("left", "50"), ("top", "0"), ("width", "50"), ("height", "100")):
            await page.fill(f".inside [name=mask_{name}]", value)
        await page.click("[data-tool=rectangle]")
        await page.wait_for_selector(".mask [role=status]:has-text('50 %')")
        await page.click("text=Paint there")
        await page.wait_for_function("first => location.href !== first", arg=first)
        await page.wait_for_selector("#scene[data-state=done]")
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        await chromium.close()
        assert wrong == [] and hosts - {""} == {a.domain}
        async with a.easel.database.read() as session:
            [status] = (await session.exec(select(Status))).all()
            rows = (await session.exec(select(Painting).order_by(Painting.id))).all()  # type: ignore[arg-type]
            media = {one.painting_id: one for one in await _media(session)}
        assert status.source == "My first picture" and status.ai == "generated"
        before, after = [await _file(a, browser, media[row.id]) for row in rows]
    assert provenance.read(after).digital_source_type == provenance.COMPOSITE
    with Image.open(io.BytesIO(before)) as old, Image.open(io.BytesIO(after)) as new:
        changed = ImageChops.difference(old.convert("RGB"), new.convert("RGB")).getbbox()
        assert changed is not None and changed[0] == old.width // 2  # nothing to the left of it


async def _media(session: Session) -> list[MediaAttachment]:
    return list((await session.exec(select(MediaAttachment))).all())


async def _file(a: rig.Instance, browser: aiohttp.ClientSession, medium: MediaAttachment) -> bytes:
    async with browser.get(f"{a.url}/media/{medium.file}") as answer:
        assert answer.status == 200
        return await answer.read()
