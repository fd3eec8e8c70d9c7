"""Somebody at a real browser: they open pages, fill in forms that stand there, press buttons."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from tests.api.oauth.person import PASSWORD
from tests.rig import Instance


@dataclass
class Desk:
    """A browser of somebody's own.

    Attributes:
        wrong: what went wrong on its pages, as the browser tells it.
        hosts: of whom its pages asked something.
    """

    instance: Instance
    page: Any
    wrong: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    async def open(self, path: str) -> str:
        """Go to a page; what it says."""
        await self.page.goto(self.instance.url + path)
        return await self.said()

    async def follow(self, words: str) -> str:
        """Follow the link with these words; what the page says to which it leads."""
        async with self.page.expect_navigation():
            await self.page.click(f"main a:has-text('{words}') >> nth=0")
        return await self.said()

    async def send(self, action: str, button: str = "", /, **typed: Any) -> str:
        """Fill in the form that leads to `action` and send it; what the page says that comes.

        Args:
            button: words of the button, where the last one of the first such form is not meant.
            typed: by the names of the fields: words, what is chosen, True for what is ticked, and
                files as `file` makes them.
        """
        form = self.page.locator(f"main form[action='{action}']")
        if button:
            form = form.filter(has=self.page.locator(f"button:has-text('{button}')"))
        form = form.first
        for name, value in typed.items():
            await _fill(form, name, value)
        named = form.locator(f"button:has-text('{button}')").first
        usual = form.locator("button:not([data-propose]):not([name=take])").last
        async with self.page.expect_navigation():
            await (named if button else usual).click()
        return await self.said()

    async def said(self) -> str:
        """What the page says. Whatever it is, it fits the window."""
        width, inside = await self.page.evaluate(
            "[innerWidth, document.documentElement.scrollWidth]"
        )
        assert inside <= width, self.page.url
        return str(await self.page.inner_text("main"))

    def hear(self, message: Any) -> None:
        """What the browser tells of a page. A refusal is told by its status, too, and noted."""
        noted = "server responded with a status" in message.text
        if message.type in {"error", "warning"} and not noted:
            self.wrong.append(message.text)

    async def sign_in(self, name: str, password: str = PASSWORD, path: str = "/home") -> str:
        await self.open(f"/sign-in?next={path}")
        return await self.send("/sign-in", name=name, password=password)

    async def sign_out(self) -> None:
        await self.open("/settings/security")
        await self.send("/sign-out")


async def _fill(form: Any, name: str, value: Any) -> None:
    entry = form.locator(f"[name='{name}']")
    kind = await entry.first.evaluate("(one) => one.type")
    if kind == "radio":
        await form.locator(f"[name='{name}'][value='{value}']").check()
    elif kind == "checkbox":
        await entry.set_checked(value)
    elif kind == "file":
        await entry.set_input_files(files=[value])
    elif kind == "select-one":
        await entry.select_option(value)
    else:
        await entry.fill(value)


def file(name: str, content: bytes, kind: str = "image/png") -> dict[str, Any]:
    """A file that is chosen."""
    return {"name": name, "mimeType": kind, "buffer": content}


@asynccontextmanager
async def desk(
    chromium: Any,
    instance: Instance,
    name: str = "",
    *,
    width: int = 1280,
    scripts: bool = True,
    beside: Sequence[Instance] = (),
) -> AsyncIterator[Desk]:
    """A desk of somebody who is signed in, or of nobody. What their pages do wrong fails the test.

    Args:
        width: of the window, in pixels.
        scripts: whether our scripts run.
        beside: other instances, to which they go from here.
    """
    context = await chromium.new_context(
        viewport={"width": width, "height": 844}, java_script_enabled=scripts
    )
    made = Desk(instance, await context.new_page())
    made.page.on("dialog", lambda dialog: made.wrong.append(f"a dialog: {dialog.message}"))
    made.page.on("pageerror", lambda error: made.wrong.append(str(error)))
    made.page.on("console", made.hear)
    made.page.on("request", lambda request: made.hosts.add(urlsplit(request.url).netloc))
    if name:
        await made.sign_in(name)
    yield made
    await context.close()
    known = {one.domain for one in (instance, *beside)}
    assert made.wrong == [] and made.hosts - {""} <= known
