"""The pictures of the pages in the documents, taken anew: `python -m tests.web.shots`.

A real server paints with the starter, and a real browser looks at it. Look at what it wrote before
you commit it.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path

from playwright.async_api import Page, async_playwright

from tests import rig

IMAGES = Path(__file__).parents[2] / "docs" / "images"
PLACE = "http://easel.example"
PASSWORD = "a picture says more"
# Who posts what, and the picture: words that the starter knows.
POSTS = (
    ("bruno", "Nobody looks up.", "a yellow moon at night"),
    ("chidi", "The last one before the snow.", "a red house in the snow"),
    ("bruno", "Good morning!", "a green bird in the forest"),
    ("chidi", "Found it where I left it.", "a blue car in the desert"),
    ("alice", "The tide took the others.", "a red sailboat on the beach"),
)


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        server = rig.ServerProcess(
            Path(folder), instance={"url": PLACE, "name": "Easel"}, painting={"local": True}
        )
        await server.start()
        try:
            await _fill(server)
            await _take(server)
        finally:
            await server.stop()


async def _fill(server: rig.ServerProcess) -> None:
    tokens = {}
    for name in sorted({name for name, _, _ in POSTS}):
        shown = name.capitalize()
        await server.easel(
            "account", "create", name, "--display-name", shown, "--password", PASSWORD
        )
        tokens[name] = await server.easel("account", "token", name)
    async with rig.open_browser() as browser:
        for name, words, prompt in POSTS:
            said = {"status": f"/imagine {prompt} --seed 7 --share\n{words}"}
            headers = {"Authorization": f"Bearer {tokens[name]}"}
            address = f"{server.url}/api/v1/statuses"
            async with browser.post(address, json=said, headers=headers) as answer:
                assert answer.status == 200, await answer.text()

        async def painted() -> bool:
            async with browser.get(f"{server.url}/", headers={"Accept": "text/html"}) as wall:
                return (await wall.text()).count('class="tile"') == len(POSTS)

        await rig.until(painted, seconds=400)


async def _take(server: rig.ServerProcess) -> None:
    rule = f"--host-resolver-rules=MAP easel.example 127.0.0.1:{server.port}"
    async with async_playwright() as driver:
        chromium = await driver.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", rule]
        )
        window = await chromium.new_context(
            viewport={"width": 1180, "height": 720}, device_scale_factor=1.5, color_scheme="light"
        )
        page = await window.new_page()
        await page.goto(f"{PLACE}/@alice")
        await page.locator("a.tile").first.click()
        await page.locator("article.exhibit").wait_for()
        await _shot(page, "post")
        await page.goto(f"{PLACE}/sign-in")
        await page.fill("input[name=name]", "alice")
        await page.fill("input[name=password]", PASSWORD)
        await page.get_by_role("button", name="Sign in", exact=True).click()
        await page.goto(f"{PLACE}/studio")
        await page.fill("textarea[name=prompt]", "a yellow flower on the meadow")
        await _shot(page, "studio")
        phone = await chromium.new_context(
            viewport={"width": 390, "height": 656}, device_scale_factor=2, color_scheme="dark"
        )
        page = await phone.new_page()
        await page.goto(f"{PLACE}/")
        await page.locator("a.tile").first.wait_for()
        await _shot(page, "phone")
        await chromium.close()


async def _shot(page: Page, name: str) -> None:
    # Those that are loaded once they are seen are, where they are; places for pictures have none.
    await page.evaluate(
        "Promise.all([...document.images].filter((one) => one.loading != 'lazy' && one.src)"
        ".map((one) => one.decode()))"
    )
    await page.screenshot(path=IMAGES / f"{name}.png")


if __name__ == "__main__":
    asyncio.run(main())
