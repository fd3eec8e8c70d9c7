"""The studio in a real browser: pictures grow, masks are drawn, nothing typed is lost, nothing
runs that should not. A painter of the test's own does what it is told, when it is told."""

from __future__ import annotations

import io
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from PIL import Image
from sqlmodel import col, select

from fedi.clock import FakeClock
from fedi.database.tables import Painting, Status
from generation.abilities import Abilities
from generation.protocol import Cancel, Cancelled, Suggest, Suggested
from tests.api.oauth.person import PASSWORD, join
from tests.rig import Instance
from tests.studio.asking import reaches
from tests.studio.easel_painter import Hand, connected, picture
from tests.web.test_browser import ARTEFACTS, CHROMIUM, FLAGS, WATCH_SHIFTS, WIDTHS
from tests.web.test_hostile import STRINGS

# What a browser does is the same on every database.
pytestmark = pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)
WAIT_MS = 30_000.0  # for a busy machine
MODELS = ("test/flat", "test/able")
ABLE = Abilities(
    can={"test/flat": (), "test/able": ("strength", "inpaint", "lora")}, loras=("ink",)
)


@pytest.fixture
async def chromium() -> AsyncIterator[Any]:
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    playwright = pytest.importorskip("playwright.async_api", reason="Playwright is not installed")
    async with playwright.async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


@dataclass
class Studio:
    """Alice at a browser, and a painter in the hand of the test."""

    instance: Instance
    page: Any
    hand: Hand
    wrong: list[str] = field(default_factory=list)  # what must not have happened
    hosts: set[str] = field(default_factory=set)

    async def open(self, path: str) -> None:
        await self.page.goto(self.instance.url + path)

    async def ask(self, prompt: str) -> int:
        """Ask for a picture with nothing but words."""
        await self.open("/studio")
        await self.page.fill("#prompt", prompt)
        return await self.send()

    async def send(self) -> int:
        await self.page.click("text=Paint >> nth=0")
        await self.page.wait_for_url("**/studio/*")
        return self.number()

    def number(self) -> int:
        return int(self.page.url.rpartition("/")[2])

    async def finish(self, painting: int, content: bytes | None = None) -> None:
        given = await self.hand.given()
        async with reaches(self.instance.easel, painting, "done"):
            await self.hand.finish(given, content or picture(64, 48))

    async def shows(self, selector: str, **more: Any) -> Any:
        return await self.page.wait_for_selector(selector, timeout=WAIT_MS, **more)


@asynccontextmanager
async def at_work(
    instance: Instance, chromium: Any, *, width: int = 1280, slots: int = 1, **context: Any
) -> AsyncIterator[Studio]:
    await join(instance)
    async with connected(
        instance, models=MODELS, abilities=ABLE, suggests=True, slots=slots
    ) as hand:
        window = await chromium.new_context(viewport={"width": width, "height": 844}, **context)
        page = await window.new_page()
        page.set_default_timeout(WAIT_MS)
        studio = Studio(instance, page, hand)
        page.on("dialog", lambda dialog: studio.wrong.append(f"a dialog: {dialog.message}"))
        page.on("pageerror", lambda error: studio.wrong.append(str(error)))
        page.on("console", lambda message: studio.wrong.append(message.text))
        page.on("request", lambda request: studio.hosts.add(request.url.split("/")[2]))
        await studio.open("/sign-in?next=/studio")
        await page.fill("[name=name]", "alice")
        await page.fill("[name=password]", PASSWORD)
        await page.click(".desk form button >> nth=0")
        await page.wait_for_url("**/studio")
        yield studio
        await window.close()
    assert studio.hosts - {""} == {instance.domain}
    # A refusal is told by its status, too, and Chromium notes that.
    assert [text for text in studio.wrong if "the server responded with a status" not in text] == []


def preview(colour: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (32, 24), colour).save(out, "JPEG")
    return out.getvalue()


async def test_a_picture_grows_and_becomes_a_post(instance: Instance, chromium: Any) -> None:
    async with at_work(instance, chromium) as at:
        await at.page.add_init_script(WATCH_SHIFTS)
        number = await at.ask("a lighthouse in fog")
        given = await at.hand.given()
        seen = []
        for step, colour in enumerate(("red", "green", "blue"), 1):
            await at.hand.step(given, step, 4, preview(colour))
            await at.shows(f"#line:has-text('Step {step} of 4')")
            image = await at.shows(".stage .growing:not([hidden])")
            await at.page.wait_for_function(
                "before => document.querySelector('.stage .growing').src !== before",
                arg=seen[-1] if seen else "",
            )
            seen.append(await image.get_attribute("src"))
        assert len(set(seen)) == 3 and all(one.startswith("data:image/jpeg") for one in seen)
        await at.hand.finish(given, picture(64, 48))
        await at.shows("#scene[data-state=done] .frame .picture")
        assert await at.page.text_content("#told") == "The picture is there."
        # What is asked about it then comes below: the foot of the page makes room, and it alone.
        moved = await at.page.evaluate("shifted")
        assert [one for one in moved if "<footer" not in one] == []
        await at.page.fill("[name=text]", "Fog #sea")
        await at.page.fill("[name=description]", "A tower in fog.")
        await at.page.click("button:text-is('Post')")
        await at.shows("#scene[data-state=posted]")
    async with instance.easel.database.read() as session:
        [status] = (await session.exec(select(Status))).all()
        painting = await session.get(Painting, number)
    assert status.source == "Fog #sea" and painting is not None


async def test_one_sees_where_it_stands_and_how_long_it_takes(
    instance: Instance, chromium: Any, clock: FakeClock
) -> None:
    async with at_work(instance, chromium) as at:
        # One is painted, so that it is known how long they take.
        first = await at.ask("the first")
        given = await at.hand.given()
        clock.advance(timedelta(seconds=10))
        async with reaches(instance.easel, first, "done"):
            await at.hand.finish(given, picture(64, 48))
        await at.ask("the second")
        second = await at.hand.given()
        await at.ask("the third")
        number = await at.ask("the fourth")
        await at.shows("#line:has-text('2 pictures before it. About')")
        async with without_scripts(instance, at.page) as plain:
            await plain.goto(at.page.url)
            said = await plain.inner_text("#line")
            assert said.startswith("2 pictures before it. About "), said
        await at.hand.finish(second, picture(64, 48))
        third = await at.hand.given()
        await at.shows("#line:has-text('1 picture before it. About')")
        await at.hand.finish(third, picture(64, 48))
        given = await at.hand.given()
        await at.hand.step(given, 1, 4, preview("red"))
        await at.shows("#line:has-text('Step 1 of 4. About')")
        async with reaches(instance.easel, number, "done"):
            await at.hand.finish(given, picture(64, 48))
        await at.shows("#scene[data-state=done]")


@asynccontextmanager
async def without_scripts(instance: Instance, page: Any) -> AsyncIterator[Any]:
    """Another window of who looks at a page, with scripts off."""
    window = await page.context.browser.new_context(
        java_script_enabled=False, storage_state=await page.context.storage_state()
    )
    try:
        yield await window.new_page()
    finally:
        await window.close()


async def test_it_is_stopped_varied_and_chosen_among_several(
    instance: Instance, chromium: Any
) -> None:
    async with at_work(instance, chromium, slots=2) as at:
        await at.ask("a fox")
        given = await at.hand.given()
        await at.page.click("button:text-is('Stop')")
        await at.shows("#scene[data-state=cancelled]")
        assert await at.hand.hear() == Cancel(painting=given.painting)
        await at.hand.say(Cancelled(painting=given.painting))
        await at.page.click("text=Ask again")
        await at.page.click("text=How it is painted")
        await at.page.check("[name=count][value='2']", force=True)
        first = await at.send()
        one, other = await at.hand.given(), await at.hand.given()
        await at.hand.step(one, 1, 4, preview("red"))
        await at.hand.step(other, 1, 4, preview("blue"))
        await at.shows(".strip li:nth-child(2) .growing:not([hidden])")
        await at.hand.finish(one)
        await at.shows("#scene[data-state=done]")
        await at.page.fill("[name=text]", "Two foxes")
        await at.hand.finish(other)
        # The other comes beside it, and no word of the post is lost.
        await at.page.check(".beside-it input", force=True)
        assert await at.page.input_value("[name=text]") == "Two foxes"
        await at.page.click("button:text-is('Vary')")
        await at.page.wait_for_function("first => !location.href.endsWith(first)", arg=str(first))
        varied = at.number()
        assert varied != first
        await at.finish(varied)
        await at.shows("#scene[data-state=done]")


async def drag(page: Any, start: tuple[float, float], end: tuple[float, float]) -> None:
    """A finger on the glass, from one place in the window to another."""
    glass = await page.context.new_cdp_session(page)

    async def touch(kind: str, *places: tuple[float, float]) -> None:
        points = [{"x": x, "y": y} for x, y in places]
        await glass.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    await touch("touchStart", start)
    for part in (0.25, 0.5, 0.75, 1):
        x, y = (a + part * (b - a) for a, b in zip(start, end, strict=True))
        await touch("touchMove", (x, y))
    await touch("touchEnd")
    await glass.detach()


async def test_a_mask_is_drawn_or_given_by_numbers(instance: Instance, chromium: Any) -> None:
    async with at_work(instance, chromium, has_touch=True) as at:
        await at.open("/studio")
        await at.page.fill("#prompt", "a fox")
        await at.page.click("text=How it is painted")
        await at.page.select_option("[name=model]", "test/able")
        number = await at.send()
        await at.finish(number, picture(200, 100))
        await at.shows("#scene[data-state=done]")
        await at.page.click("summary:has-text('Paint only a part')")
        canvas = await at.shows(".mask canvas:not(.under)")
        box = await canvas.bounding_box()
        await at.shows(".mask .under")
        for erase, x in ((False, 0.25), (False, 0.75), (True, 0.75)):
            await at.page.click(f"[data-tool={'erase' if erase else 'draw'}]")
            await at.page.mouse.move(box["x"] + x * box["width"], box["y"] + box["height"] / 2)
            await at.page.mouse.down()
            await at.page.mouse.move(box["x"] + x * box["width"], box["y"] + box["height"] * 0.6)
            await at.page.mouse.up()
        told = ".mask [role=status]"
        await at.shows(f"{told}:has-text('is painted anew')")

        # On a phone, with a finger: the page stays where it is, and a slip is undone.
        await at.page.set_viewport_size({"width": 390, "height": 844})
        await canvas.scroll_into_view_if_needed()
        for control in await at.page.query_selector_all(".mask .tools > *"):
            size = await control.bounding_box()
            assert size["height"] >= 44 and size["width"] >= 44, await control.text_content()
        box = await canvas.bounding_box()
        scrolled = await at.page.evaluate("scrollY")
        left, top = box["x"] + box["width"] / 2, box["y"]
        await at.page.click("[data-tool=draw]")
        before = await at.page.text_content(told)
        await drag(at.page, (left, top + box["height"] - 5), (left, top + 5))
        said = "before => document.querySelector('.mask [role=status]').textContent !== before"
        await at.page.wait_for_function(said, arg=before)
        assert await at.page.evaluate("scrollY") == scrolled
        await at.page.click("[data-tool=undo]")
        await at.shows(f"{told}:text-is('{before}')")
        await drag(at.page, (left, top + 5), (left, top + 20))
        await at.page.wait_for_function(said, arg=before)
        await at.page.wait_for_function(
            "document.querySelector('.inside input[type=file]').files.length === 1"
        )
        await at.page.fill(".inside [name=prompt]", "a hat")
        await at.page.click("text=Paint there")
        await at.page.wait_for_function("first => !location.href.endsWith(first)", arg=str(number))
        given = await at.hand.given()
        assert given.recipe.prompt == "a hat"
        with Image.open(io.BytesIO(at.hand.pictures[given.recipe.mask])) as mask:
            drawn = mask.convert("L")
        assert drawn.size == (200, 100)
        assert drawn.getpixel((50, 55)) == 255 and drawn.getpixel((150, 55)) == 0
        assert drawn.getpixel((100, 8)) == 255 and drawn.getpixel((100, 90)) == 0

        # From the keyboard: a rectangle, without a pointer.
        await at.open(f"/studio/{number}")
        await at.page.focus("summary:has-text('Paint only a part')")
        await at.page.keyboard.press("Enter")
        await at.shows(".mask .under")
        for name, value in (("left", "50"), ("top", "0"), ("width", "50"), ("height", "100")):
            await at.page.fill(f".inside [name=mask_{name}]", value)
        await at.page.focus("[data-tool=rectangle]")
        await at.page.keyboard.press("Enter")
        await at.shows(".mask [role=status]:has-text('50 % of the picture')")


async def test_what_is_typed_is_kept_until_it_is_sent(instance: Instance, chromium: Any) -> None:
    async with at_work(instance, chromium) as at:
        await at.page.fill("#prompt", "a fox under ferns")
        await at.page.click("text=The post around it")
        await at.page.fill("[name=text]", "My fox")
        await at.page.check("[name=post][value=done]")
        await at.open("/about")
        await at.open("/studio")
        assert await at.page.input_value("#prompt") == "a fox under ferns"
        assert await at.page.input_value("[name=text]") == "My fox"
        assert await at.page.is_checked("[name=post][value=done]")
        await at.page.check("[name=post][value=hand]")
        number = await at.send()
        await at.open("/studio")
        assert await at.page.input_value("#prompt") == ""
        # And the picture is where it was left, and the list tells when it is there.
        await at.shows(".sketch.painting, .sketch.queued")
        await at.finish(number)
        await at.page.click("section:has(#kept) .sketch")
        await at.shows("#scene h1:has-text('a fox under ferns')")
        assert await at.page.input_value("[name=text]") == "My fox"


async def test_what_is_typed_beside_a_picture_is_kept_until_it_is_sent(
    instance: Instance, chromium: Any
) -> None:
    async with at_work(instance, chromium) as at:
        await at.page.fill("#prompt", "a fox")
        number = await at.send()
        await at.finish(number)
        await at.shows("form[data-post]")
        await at.page.fill("form[data-post] [name=text]", "My fox")
        await at.page.fill("form[data-post] [name=description]", "A fox asleep")
        await at.open("/about")
        await at.open(f"/studio/{number}")
        assert await at.page.input_value("form[data-post] [name=text]") == "My fox"
        assert await at.page.input_value("form[data-post] [name=description]") == "A fox asleep"
        # What the server keeps, or has posted, the browser lets go of.
        async with at.page.expect_navigation():
            await at.page.click("button[name=keep]")
        assert await at.page.input_value("form[data-post] [name=text]") == "My fox"
        left = "Object.keys(localStorage).filter((key) => key.endsWith('/post'))"
        assert await at.page.evaluate(left) == []


async def test_only_what_the_model_can_do_is_asked_for(instance: Instance, chromium: Any) -> None:
    async with at_work(instance, chromium) as at:
        await at.page.click("text=How it is painted")
        assert not await at.page.is_visible("[name=source]")
        await at.page.select_option("[name=model]", "test/able")
        assert await at.page.is_visible("[name=source]")
        assert not await at.page.is_visible("summary:has-text('Paint only a part')")
        await at.page.set_input_files(
            "[name=source]",
            files=[{"name": "a.png", "mimeType": "image/png", "buffer": picture(80, 60)}],
        )
        await at.page.click("summary:has-text('Paint only a part')")
        await at.shows(".mask .under")


async def test_proposals_are_shown_as_differences_and_taken_by_hand(
    instance: Instance, chromium: Any
) -> None:
    async with at_work(instance, chromium) as at:
        await at.page.fill("#prompt", "a fox")
        await at.page.click("text=Help with the words")
        asked = await at.hand.hear()
        assert isinstance(asked, Suggest)
        await at.hand.say(
            Suggested(
                request=asked.request,
                prompt="a red fox in snow",
                title="Quiet",
                hashtags=("fox",),
                model="Small",
            )
        )
        assert await (await at.shows(".proposal ins >> nth=0")).text_content() == "red "
        assert await at.page.input_value("#prompt") == "a fox"
        await at.page.click(".proposal:has-text('Prompt') button")
        assert await at.page.input_value("#prompt") == "a red fox in snow"
        await at.page.click(".proposal:has-text('Hashtags') button")
        assert await at.page.input_value("[name=text]") == "#fox"


@pytest.mark.parametrize("width", [390, 1280])
async def test_it_works_without_a_script(instance: Instance, chromium: Any, width: int) -> None:
    async with at_work(instance, chromium, width=width, java_script_enabled=False) as at:
        await at.ask("a lighthouse in fog")
        given = await at.hand.given()
        await at.hand.finish(given, picture(64, 48))
        # Nobody touches anything: the page comes again by itself.
        await at.shows("#scene[data-state=done]")
        await at.page.fill("form [name=text]", "Fog")
        await at.page.click("button:text-is('Post')")
        await at.shows("#scene[data-state=posted]")
        await at.open("/studio")
        await at.page.click("text=Help with the words")
        assert await at.shows(".trouble, .proposals")
    async with instance.easel.database.read() as session:
        assert [one.source for one in (await session.exec(select(Status))).all()] == ["Fog"]


@pytest.mark.long
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_hostile_words_run_nothing_and_nothing_spills(
    instance: Instance, chromium: Any, scheme: str
) -> None:
    async with at_work(instance, chromium, color_scheme=scheme) as at:
        paths = ["/studio"]
        for words in STRINGS:
            await at.open("/studio")
            for fold in ("How it is painted", "The post around it"):
                await at.page.eval_on_selector(
                    f"details.further:has-text('{fold}')", "fold => { fold.open = true; }"
                )
            for name in ("prompt", "text", "description", "spoiler_text", "negative_prompt"):
                await at.page.fill(f"[name={name}]", words)
            number = await at.send()
            given = await at.hand.given()
            await at.hand.step(given, 1, 4, preview("red"))
            await at.shows("#line:has-text('Step 1')")
            if len(paths) < 3:
                await at.hand.fail(given, words)
                await at.shows("#scene[data-state=failed]")
            else:
                await at.hand.finish(given, picture(64, 48))
                await at.shows("#scene[data-state=done]")
            paths += [f"/studio/{number}", f"/studio?again={number}"]
        for width in WIDTHS:
            await at.page.set_viewport_size({"width": width, "height": 844})
            for path in (paths[0], *paths[-4:], *paths[1:3]):
                await at.open(path)
                inside = await at.page.evaluate("document.documentElement.scrollWidth")
                assert inside <= width, (path, width)
                if os.environ.get("CI") == "true":
                    name = "composer" if path == "/studio" else path.strip("/").replace("/", "-")
                    name = name.replace("?", "-").replace("=", "-")
                    shot = ARTEFACTS / f"studio-{name}-{width}-{scheme}.png"
                    await at.page.screenshot(path=shot, full_page=True)
    async with instance.easel.database.read() as session:
        rows = (await session.exec(select(Painting).order_by(col(Painting.id)))).all()
    assert len(rows) == len(STRINGS)
