"""From `easel serve` on an empty folder to a first picture: an account, a name, a model that is
fetched from a hub, and the picture itself. With a real server, a real painter and a real browser;
and by forms alone."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from sqlmodel import select

from fedi.database.tables import AuditEntry, MediaAttachment, ModelPull, Status
from tests import rig
from tests.api.oauth.person import PASSWORD, Person, Seen
from tests.generation.hub_server import Hub
from tests.pulling import HALF, TINY, open_hub, stalls
from tests.web.filling import filled, form_of
from tests.web.looking import Looker
from tests.web.test_browser import CHROMIUM, FLAGS

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"
FIRST = "a red sailboat on the beach"
WIDTHS = (390, 1280)  # pixels: of a phone, and of a desktop
PICTURE = re.compile(r"/studio/\d+$")
PATIENCE_S = 240.0  # torch is read from the disk, on a busy machine


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with open_hub(tmp_path, monkeypatch) as hub:
        yield hub


@asynccontextmanager
async def fresh(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[rig.ServerProcess, str]]:
    """A server as `make run` starts it, on which nobody is yet, and the address that it prints.

    Its settings are those of the example, which nobody edits; only where it listens is another,
    and there is no graphics card.
    """
    server = rig.ServerProcess(folder, name="")
    shutil.copyfile(EXAMPLE, server.config)
    monkeypatch.setenv("EASEL_SERVER__PORT", str(server.port))
    monkeypatch.setenv("EASEL_INSTANCE__URL", server.url)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    await server.start()
    told = re.search(r"Make your account at (http\S+)", server.log())
    assert told is not None
    try:
        yield server, told[1]
    finally:
        await server.stop()
    assert server.config.read_bytes() == EXAMPLE.read_bytes()


async def press(visitor: Person, seen: Seen, path: str, **typed: str) -> Seen:
    """Send a form of a page, and go where that leads."""
    sent = await visitor.post(path, filled(form_of(seen, path)) | typed)
    assert sent.status == 303, (path, sent.status, sent.page.text[:500])
    return await visitor.get(sent.location)


async def until(visitor: Person, path: str, words: str) -> Seen:
    """Load a page again until it says something."""
    seen = await visitor.get(path)

    async def said() -> bool:
        nonlocal seen
        seen = await visitor.get(path)
        return seen.status == 200 and words in seen.page.text

    await rig.until(said, seconds=PATIENCE_S)
    return seen


async def painted(server: rig.ServerProcess) -> tuple[str, list[str]]:
    """What painted the one picture there is, and what was written down."""
    async with server.database() as database, database.read() as session:
        [medium] = (await session.exec(select(MediaAttachment))).all()
        entries = (await session.exec(select(AuditEntry))).all()
    return medium.ai_system, [one.action for one in entries]


async def test_by_forms_alone_and_through_a_server_that_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hub: Hub
) -> None:
    async with (
        fresh(tmp_path / "server", monkeypatch) as (server, address),
        rig.open_browser() as browser,
    ):
        visitor = Person(cast(Any, server), browser)
        seen = await visitor.get(address)
        seen = await press(visitor, seen, "/welcome", username="olga", password=PASSWORD)
        assert "Step 2 of 3" in seen.body
        # Who leaves in the middle finds the way back, and each page can be loaded again.
        home = await visitor.get("/home")
        assert home.page.one("p", _class="unfinished").one("a")["href"] == "/welcome/place"
        assert (await visitor.get("/welcome/model")).location == "/welcome/place"
        nameless = {**filled(form_of(seen, "/welcome/place")), "instance.name": " "}
        refused = await visitor.post("/welcome/place", nameless)
        assert refused.status == 422 and "It needs a name" in refused.body
        answers = {
            "instance.name": "Olga's wall",
            "instance.description": "Boats & beaches.",
            "registrations.mode": "approval",
        }
        seen = await press(visitor, seen, "/welcome/place", **answers)
        assert "Step 3 of 3" in seen.body
        assert "Olga&#39;s wall" in (await visitor.get("/about")).body
        again = await visitor.get("/welcome/place")
        assert filled(form_of(again, "/welcome/place"))["instance.name"] == "Olga's wall"
        seen = await until(visitor, "/welcome/model", "There is no graphics card here")

        hub.stall_after = HALF
        seen = await press(visitor, seen, "/welcome/model/pull", id=TINY)
        await stalls(tmp_path)
        seen = await until(visitor, "/welcome/model", "MB of")
        assert 0 < int(seen.page.one("progress")["value"]) < 100
        assert seen.page.one("meta", **{"http-equiv": "refresh"})
        await server.kill()
        hub.stall_after = None
        await server.start()
        seen = await until(visitor, "/welcome/model", f"{TINY} is here, and paints.")
        assert hub.ranges  # it went on where it was
        seen = await press(visitor, seen, "/welcome/done")
        assert seen.status == 200 and seen.page.one("h1").text == FIRST
        home = await visitor.get("/home")
        assert not home.page.all("p", _class="unfinished")
        assert (await visitor.get("/welcome/model")).location == "/home"

        async def there() -> bool:
            async with server.database() as database, database.read() as session:
                return bool((await session.exec(select(MediaAttachment))).all())

        await rig.until(there, seconds=PATIENCE_S)
        ai_system, actions = await painted(server)
    assert ai_system == TINY
    assert actions == ["setting.change"] * 3 + ["model.pull"]


@pytest.mark.long
@pytest.mark.parametrize("width", WIDTHS)
async def test_in_a_browser(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hub: Hub, width: int
) -> None:
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    playwright = pytest.importorskip("playwright.async_api", reason="Playwright is not installed")
    async with (
        fresh(tmp_path / "server", monkeypatch) as (server, address),
        playwright.async_playwright() as driver,
    ):
        chromium = await driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        window = await chromium.new_context(viewport={"width": width, "height": 844})
        page = await window.new_page()
        page.set_default_timeout(PATIENCE_S * 1000)
        wrong: list[str] = []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda message: wrong.append(message.text))

        looker = Looker(page)

        async def look(title: str) -> None:
            if width == WIDTHS[0]:  # once is enough: it is looked at in both
                await looker.at(title)

        await page.goto(address)
        await look("welcome")
        await page.fill("[name=username]", "olga")
        await page.fill("[name=password]", PASSWORD)
        await page.click("main button.strong")
        await page.wait_for_url("**/welcome/place")
        await look("welcome-place")
        await page.fill("[name='instance.name']", "Olga's wall")
        await page.check("[value=invite]")
        await page.click("main button.strong")
        await page.wait_for_url("**/welcome/model")
        await page.wait_for_selector("text=There is no graphics card here")
        await look("welcome-model")

        hub.stall_after = HALF
        await page.click("summary:has-text('Another one')")
        await page.fill("details input[placeholder]", TINY)
        await page.click("details[open] button:has-text('Fetch it')")
        # The bar grows without the page being loaded again.
        await page.wait_for_selector("[data-pull]")
        await page.evaluate("window.stayed = true")
        await page.wait_for_selector("progress[value]:not([value='0'])")
        await page.wait_for_selector("[data-line]:has-text('MB of')")
        assert await page.evaluate("window.stayed")
        await look("welcome-pull")
        await page.click("button:has-text('Stop')")
        await page.wait_for_selector("[data-line]:has-text('Stopped at')")
        hub.stall_after = None
        # It may be here before the page that was made for the click listens.
        listens = asyncio.Event()

        async def late(route: Any) -> None:
            await listens.wait()
            await route.continue_()

        await page.route("**/events", late)
        await page.click("button:has-text('Go on')")
        async with server.database() as database:

            async def here() -> bool:
                async with database.read() as session:
                    return await session.get(ModelPull, TINY) is None

            await rig.until(here, seconds=PATIENCE_S)
        listens.set()
        await page.wait_for_selector("text=is here, and paints")
        await look("welcome-pulled")
        await page.click("button:has-text('Paint a first picture')")
        await page.wait_for_url(PICTURE)
        assert await page.text_content("h1") == FIRST
        await page.wait_for_selector("#scene[data-state=done]")
        posted = await post(page, server)
        await chromium.close()
        ai_system, _ = await painted(server)
    assert wrong == [] and (ai_system, posted) == (TINY, "My first")


async def post(page: Any, server: rig.ServerProcess) -> str:
    """From the picture that is there to the post that everybody sees; what it says."""
    await page.fill("[name=text]", "My first")
    await page.click("button:text-is('Post')")
    await page.wait_for_selector("#scene[data-state=posted]")
    await page.click("text=See the post")
    await page.wait_for_selector("article:has-text('My first') img.picture")
    async with server.database() as database, database.read() as session:
        [status] = (await session.exec(select(Status))).all()
    return status.source or ""


async def test_in_a_browser_without_scripts_to_a_first_post(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hub: Hub
) -> None:
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    playwright = pytest.importorskip("playwright.async_api", reason="Playwright is not installed")
    async with (
        fresh(tmp_path / "server", monkeypatch) as (server, address),
        playwright.async_playwright() as driver,
    ):
        chromium = await driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = await (await chromium.new_context(java_script_enabled=False)).new_page()
        page.set_default_timeout(PATIENCE_S * 1000)

        async def usable(button: str) -> None:
            """On a phone and on a desktop the page fits, and what leads on can be pressed; there
            one goes on."""
            for width in WIDTHS:
                await page.set_viewport_size({"width": width, "height": 844})
                inside = await page.evaluate("document.documentElement.scrollWidth")
                assert inside <= width, (page.url, inside)
                found = page.locator(f"main {button}").first
                await found.scroll_into_view_if_needed()
                box = await found.bounding_box()
                assert box["x"] >= 0 and box["x"] + box["width"] <= width, (page.url, box)

        await page.goto(address)
        await usable("button.strong")
        await page.fill("[name=username]", "olga")
        await page.fill("[name=password]", PASSWORD)
        await page.click("main button.strong")
        await page.wait_for_url("**/welcome/place")
        await usable("button.strong")
        await page.fill("[name='instance.name']", "Olga's wall")
        await page.click("main button.strong")
        await page.wait_for_url("**/welcome/model")
        await page.wait_for_selector("text=There is no graphics card here")
        await usable("form[action='/welcome/done'] button")

        # What is fetched is seen to come, and can be stopped: the page loads itself again.
        hub.stall_after = HALF
        await page.click("summary:has-text('Another one')")
        await page.fill("details input[placeholder]", TINY)
        await page.click("details[open] button:has-text('Fetch it')")
        await page.wait_for_selector("progress[value]:not([value='0'])")
        await page.wait_for_selector("[data-line]:has-text('MB of')")
        await usable("button:has-text('Stop')")
        await page.click("button:has-text('Stop')")
        await page.wait_for_selector("[data-line]:has-text('Stopped at')")
        hub.stall_after = None
        await page.click("button:has-text('Go on')")
        await page.wait_for_selector("text=is here, and paints")
        await usable("button:has-text('Paint a first picture')")
        await page.click("button:has-text('Paint a first picture')")
        await page.wait_for_url(PICTURE)
        assert await page.text_content("h1") == FIRST
        await page.wait_for_selector("#scene[data-state=done]")
        await usable("button:text-is('Post')")
        posted = await post(page, server)
        await chromium.close()
        ai_system, _ = await painted(server)
    assert (ai_system, posted) == (TINY, "My first")
