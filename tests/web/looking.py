"""Looking at what a page shows just now, as somebody left it: no address leads there."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from itertools import product
from typing import Any
from urllib.parse import urlsplit

from tests.web.desk import Desk
from tests.web.test_browser import ARTEFACTS
from tests.web.test_signed_in_browser import SIZES, violations

SCHEMES = ("light", "dark")
LOOKS = tuple(product(SIZES, SCHEMES))
# What a page says is the same in all four, and each size and each scheme is in one of these two.
# One goes on with the phone.
TRIED = (LOOKS[3], LOOKS[0])
# What is folded away is looked at, too, and folded again.
UNFOLD = """
    for (const fold of document.querySelectorAll("details:not([open])")) {
        fold.open = true;
        fold.dataset.looked = "";
    }
"""
FOLD = """
    for (const fold of document.querySelectorAll("details[data-looked]")) {
        fold.open = false;
        delete fold.dataset.looked;
    }
"""
# So that what is refused is what our server refuses.
UNCHECKED = "for (const form of document.forms) form.noValidate = true"


@dataclass
class Looker:
    """Somebody who looks at a page on a phone and on a desktop, in light and in dark.

    Attributes:
        seen: the paths of the pages that were looked at.
    """

    page: Any
    seen: list[str] = field(default_factory=list)

    async def at(self, title: str, *, sizes: tuple[tuple[int, int], ...] = SIZES) -> None:
        """Hold what the page shows now to what all pages keep to: it stays inside the window, and
        axe-core finds nothing against WCAG 2.2 AA, in what is folded away neither.

        Args:
            title: names its screenshots.
            sizes: of the windows in which it is seen so, in pixels.
        """
        self.seen.append(urlsplit(self.page.url).path)
        for size, scheme in LOOKS:
            if size in sizes:
                await self._turn(title, size, scheme)
                if os.environ.get("CI") == "true":
                    file = ARTEFACTS / f"state-{title}-{size[0]}-{scheme}.png"
                    await self.page.screenshot(path=file, full_page=True)
        await self.page.evaluate(UNFOLD)
        for size, scheme in TRIED if sizes == SIZES else LOOKS:
            if size in sizes:
                await self._turn(title, size, scheme)
                assert await violations(self.page) == [], (title, size, scheme)
        await self.page.evaluate(FOLD)

    async def _turn(self, title: str, size: tuple[int, int], scheme: str) -> None:
        await self.page.set_viewport_size({"width": size[0], "height": size[1]})
        await self.page.emulate_media(color_scheme=scheme)
        inside = await self.page.evaluate("document.documentElement.scrollWidth")
        assert inside <= size[0], (title, size, inside)


async def refused(at: Desk, action: str, button: str = "", /, **typed: Any) -> None:
    """Send a form as no browser would let somebody send it."""
    await at.page.evaluate(UNCHECKED)
    await at.send(action, button, **typed)
    assert await at.page.is_visible("main .trouble"), await at.said()
