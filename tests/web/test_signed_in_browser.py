"""The pages of who is signed in, in a real browser: what they do, what they weigh, who uses them.

The screenshots of each page lie in `.artefacts/pages/` afterwards, for people to look at.
"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from fedi.clock import FakeClock
from fedi.database.tables import Status
from fedi.social import follows
from tests.api.oauth.person import PASSWORD, join
from tests.federation.peer import Internet
from tests.rig import Instance, NewDatabase, serve_instance
from tests.studio.test_reviews import STRICT
from tests.web import furnishing, hanging
from tests.web.admin import furnishing as staff_furnishing
from tests.web.test_browser import ARTEFACTS, WATCH_SHIFTS, chromium, shifts
from tests.web.unvisited import ELSEWHERE, NO_PAGES, OF_STAFF, unvisited

__all__ = ["chromium"]

AXE = Path(__file__).parent / "axe/node_modules/axe-core/axe.min.js"
# WCAG 2.2 AA, with all that it builds on (https://github.com/dequelabs/axe-core, API.md).
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
SIZES = ((390, 844), (1280, 860))  # pixels: a phone, a desktop
# Where axe-core looks at pages of which there are many: it takes as long as all the rest, what it
# finds is nearly always on the page in each, and each size and each scheme is in one of these.
TRIED = ((390, "light"), (1280, "dark"))
BUDGET = 60_000  # bytes of HTML, CSS and JavaScript of a feed of 20 pictures, compressed
# The first paint, and a picture that is not only there but seen.
PAINTED = """
    () => performance.getEntriesByName("first-contentful-paint").length > 0
        && [...document.images].some((image) => image.complete && image.naturalWidth > 0)
"""

pytestmark = pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)


@asynccontextmanager
async def window(
    chromium: Any, instance: Instance, name: str = "alice", **options: Any
) -> AsyncIterator[Any]:
    """A page of a browser in which somebody is signed in; nobody, where the name is empty."""
    context = await chromium.new_context(**options)
    page = await context.new_page()
    if name:
        await page.goto(f"{instance.url}/sign-in")
        await sign_in(page, name)
    yield page
    await context.close()


async def sign_in(page: Any, name: str) -> None:
    """Sign somebody in on the page for that."""
    await page.fill("[name=name]", name)
    await page.fill("[name=password]", PASSWORD)
    await page.click("form[action='/sign-in'] button")


# What is folded away is looked at, too: axe passes over what nobody sees.
UNFOLD = "document.querySelectorAll('details').forEach((fold) => (fold.open = true))"


async def violations(page: Any) -> list[tuple[str, Any, str]]:
    """What axe-core finds against WCAG 2.2 AA on a page: the rule, where, and why."""
    if not AXE.exists():
        pytest.skip("axe-core is not installed")
    await page.evaluate(AXE.read_text())
    asked = {"runOnly": {"type": "tag", "values": RULES}}
    found = await page.evaluate("(asked) => axe.run(asked)", asked)
    return [
        (one["id"], node["target"], node["failureSummary"])
        for one in found["violations"]
        for node in one["nodes"]
    ]


@pytest.mark.long
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_pages_that_everybody_sees_can_be_used_by_everybody(
    instance: Instance, internet: Internet, chromium: Any, scheme: str
) -> None:
    paths = await furnishing.furnish(instance, internet)
    names = ("local", "tag", "own-post", "self", "missing", "explore", "tree")
    public = {name: paths[name] for name in names} | {
        "front": "/",
        "about": "/about",
        "somebody": "/@bob",
        "sign-in": "/sign-in",
        "sign-up": "/sign-up",
        "reset-password": "/reset-password",
        "appearance": "/settings/appearance",
        "remix": f"{paths['own-post']}/remix",
        "interact": f"/interact?uri={instance.url}/x&want=follow",
    }
    await look_at(instance, chromium, public, scheme, "", everywhere=True)


@pytest.mark.long
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_pages_hold_still_stay_inside_run_nothing_and_can_be_used_by_everybody(
    instance: Instance, internet: Internet, chromium: Any, scheme: str
) -> None:
    paths = await furnishing.furnish(instance, internet)
    assert unvisited(paths.values()) == NO_PAGES | ELSEWHERE
    await look_at(instance, chromium, paths, scheme)


@pytest.mark.long
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_pages_of_the_staff_do_so_too(
    new_database: NewDatabase, tmp_path: Path, clock: FakeClock, chromium: Any, scheme: str
) -> None:
    async with serve_instance(tmp_path, new_database(), clock=clock, safety=STRICT) as instance:
        paths = await staff_furnishing.furnish(instance)
        assert unvisited(paths.values(), staff=True) == OF_STAFF
        await look_at(instance, chromium, paths, scheme, "ada")


async def look_at(
    instance: Instance,
    chromium: Any,
    paths: dict[str, str],
    scheme: str,
    name: str = "alice",
    *,
    everywhere: bool = False,
) -> None:
    """Hold pages to what all pages keep to, on a phone and on a desktop.

    Args:
        paths: by their titles.
        name: of who sees them; empty: everybody.
        everywhere: whether axe-core looks at both, and not only where it is `TRIED`.
    """
    wrong: list[str] = []
    hosts: set[str] = set()
    refused: set[str] = set()

    def answered(answer: Any) -> None:
        if answer.status >= 400 and answer.request.is_navigation_request():
            refused.add(answer.url.removeprefix(instance.url))

    for width, height in SIZES:
        options = {"viewport": {"width": width, "height": height}, "color_scheme": scheme}
        async with window(chromium, instance, name, **options) as page:
            page.on("dialog", lambda dialog: wrong.append(f"a dialog: {dialog.message}"))
            page.on("console", lambda message: wrong.append(message.text))
            page.on("pageerror", lambda error: wrong.append(str(error)))
            page.on("request", lambda request: hosts.add(request.url.split("/")[2]))
            page.on("response", answered)
            await page.add_init_script(WATCH_SHIFTS)
            for title, path in paths.items():
                assert await shifts(page, instance.url + path) == [], (title, width)
                inside = await page.evaluate("document.documentElement.scrollWidth")
                assert inside <= width, (title, width, inside)
                if os.environ.get("CI") == "true":
                    file = ARTEFACTS / f"{name or 'nobody'}-{title}-{width}-{scheme}.png"
                    await page.screenshot(path=file, full_page=True)
                await page.evaluate(UNFOLD)
                if everywhere or (width, scheme) in TRIED:
                    assert await violations(page) == [], (title, width, scheme)
                inside = await page.evaluate("document.documentElement.scrollWidth")
                assert inside <= width, (title, width, inside)
    assert [text for text in wrong if "404 (Not Found)" not in text] == []
    assert hosts == {instance.domain}
    assert refused <= {paths.get("missing", "")}


async def test_a_feed_of_twenty_pictures_is_light_and_waits_for_no_script(
    instance: Instance, chromium: Any
) -> None:
    alice, bob = await join(instance), await join(instance, "bob", display_name="Bob Okafor")
    async with instance.easel.database.write() as tx:
        await follows.request(tx, alice, bob)
    for number in range(21):
        words = f"Number {number}. Morning over the estuary; the light finally behaves. #fog"
        await hanging.hang(instance, bob, text=words)
    sent: dict[str, int] = {}

    async def weigh(response: Any) -> None:
        kind = response.request.resource_type
        if kind in {"document", "stylesheet", "script"}:
            body = gzip.compress(await response.body(), 6, mtime=0)
            sent[response.url.rpartition("/")[2]] = len(body)

    async with window(chromium, instance) as page:
        await page.goto("about:blank")
        weighing: list[Any] = []
        page.on("response", lambda response: weighing.append(response))
        await page.goto(f"{instance.url}/home?view=posts")
        for response in weighing:
            await weigh(response)
        assert await page.locator("article.post .picture").count() == 20
        assert sum(sent.values()) <= BUDGET, sent
        blocking = await page.evaluate(
            "[...document.scripts].filter((one) => one.src && one.type !== 'module').length"
        )
        assert blocking == 0
        policy = await page.evaluate(
            "fetch(location.href).then((a) => a.headers.get('content-security-policy'))"
        )
        assert "unsafe" not in policy and "script-src 'self'" in policy

        # Scripts that never come keep nobody from seeing it.
        await page.goto("about:blank")
        asked: list[Any] = []

        async def stall(route: Any) -> None:
            asked.append(route)

        await page.route("**/*.js", stall)
        await page.goto(f"{instance.url}/home?view=posts", wait_until="commit")
        await page.wait_for_function(PAINTED)
        assert asked and await page.locator("article.post .picture").count() == 20
        for route in asked:
            await route.abort()


@pytest.mark.parametrize("scripts", [True, False])
@pytest.mark.parametrize("width", [390, 1280])
async def test_one_reads_likes_replies_and_follows_with_and_without_scripts(
    instance: Instance, chromium: Any, scripts: bool, width: int
) -> None:
    alice, bob = await join(instance), await join(instance, "bob")
    post = await hanging.hang(instance, bob, text="Look at this")
    options = {"viewport": {"width": width, "height": 844}, "java_script_enabled": scripts}
    async with window(chromium, instance, **options) as page:
        await page.goto(f"{instance.url}/local?view=posts")
        like = page.locator(f"#p-{post.id} button.like")
        await like.click()
        await page.wait_for_selector(f"#p-{post.id} button.like[aria-pressed=true]")
        assert await like.locator(".number").inner_text() == "1"
        assert ("#p-" in page.url) is not scripts  # without them the page comes anew
        await page.locator(f"#p-{post.id} a.deed").first.click()
        await page.wait_for_url("**/compose?**")
        await page.locator("main [name=words]").press("End")
        await page.locator("main [name=words]").press_sequentially("I see it")
        await page.click("main form button.strong")
        await page.wait_for_url("**/@alice/*")
        assert "I see it" in await page.inner_text("main")
        await page.goto(f"{instance.url}/@bob")
        await page.click(f"form[action='/people/{bob.id}/follow'] button")
        await page.wait_for_selector(f"form[action='/people/{bob.id}/unfollow']")
        if width == 390:
            await page.click(".you button")
        await page.click(".more button:has-text('Sign out')")
        await page.wait_for_url(f"{instance.url}/")
    async with instance.easel.database.read() as session:
        liked = await session.get_one(Status, post.id)
        relation = await follows.relationship(session, alice, bob)
    assert (liked.favourites_count, liked.replies_count) == (1, 1) and relation.following


async def test_a_feed_goes_on_by_itself_and_tells_what_is_new(
    instance: Instance, chromium: Any
) -> None:
    alice, bob = await join(instance), await join(instance, "bob")
    async with instance.easel.database.write() as tx:
        await follows.request(tx, alice, bob)
    for number in range(50):
        await hanging.hang(instance, bob, text=f"number {number} #fog")
    async with window(chromium, instance, viewport={"width": 390, "height": 844}) as page:
        await page.add_init_script(WATCH_SHIFTS)
        async with page.expect_request("**/events"):
            await page.goto(f"{instance.url}/home?view=posts")
        posts = page.locator("article.post")
        for wanted in (40, 50):
            # Near the end, not at it: what comes has come before one is there.
            await page.evaluate("scrollTo(0, document.body.scrollHeight - innerHeight - 900)")
            await page.wait_for_function(
                "(n) => document.querySelectorAll('article.post').length >= n", arg=wanted
            )
        assert await posts.count() == 50 and await page.locator("nav.paging a").count() == 0
        names = await page.evaluate("[...document.querySelectorAll('.post')].map((p) => p.id)")
        assert len(set(names)) == 50

        # What is new is told above, and moves nothing that is being read.
        await page.evaluate("scrollTo(0, 3000)")
        before = await posts.nth(10).bounding_box()
        for number in range(3):
            await hanging.publish(instance, bob, text=f"new {number}")
        button = page.locator(".fresh a")
        await button.wait_for()
        await page.locator(".fresh a", has_text="3 new posts").wait_for()
        assert await posts.nth(10).bounding_box() == before and await posts.count() == 50
        assert await page.evaluate("shifted") == []
        await button.click()
        await page.locator("article.post", has_text="new 2").wait_for()

        # A wall grows in the same way, and every feed tells what is new in it.
        for path in ("/local", "/federated", "/tags/fog"):
            async with page.expect_request("**/events"):
                await page.goto(f"{instance.url}{path}?view=wall")
            await page.wait_for_function(
                "() => scrollTo(0, document.body.scrollHeight - innerHeight - 900)"
                " ?? document.querySelectorAll('a.tile').length >= 50"
            )
            tiles = await page.evaluate("[...document.querySelectorAll('a.tile')].map(String)")
            assert len(tiles) == len(set(tiles)), path
            await hanging.hang(instance, bob, text="newer #fog")
            await page.locator(".fresh a", has_text="1 new").wait_for()
            assert await page.evaluate("shifted") == [], path


async def test_the_keyboard_reaches_everything_and_shows_where_it_is(
    instance: Instance, chromium: Any
) -> None:
    await join(instance)
    bob = await join(instance, "bob")
    post = await hanging.hang(instance, bob, text="hello")
    async with window(chromium, instance, viewport={"width": 390, "height": 844}) as page:
        await page.goto(f"{instance.url}/local?view=posts")
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.hash") == "#content"
        assert await page.locator(".skip").is_visible()
        await page.keyboard.press("Enter")
        reached: list[str] = []
        for _ in range(30):
            await page.keyboard.press("Tab")
            reached.append(await page.evaluate("document.activeElement.className"))
            style = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert style != "none" or reached[-1] == "", reached[-1]
            if reached[-1].startswith("deed like"):
                break
        await page.keyboard.press("Enter")
        await page.wait_for_selector(f"#p-{post.id} button.like[aria-pressed=true]")
        assert "like" in await page.evaluate("document.activeElement.className")
        # The menu opens, takes the keyboard, and closes.
        await page.focus(".you button")
        await page.keyboard.press("Enter")
        assert await page.locator("#more").is_visible()
        await page.keyboard.press("Escape")
        assert not await page.locator("#more").is_visible()


async def test_what_was_chosen_is_drawn_in_dark_and_light(
    instance: Instance, chromium: Any
) -> None:
    await join(instance)
    async with window(chromium, instance, color_scheme="light") as page:
        colours: dict[str, str] = {}
        for theme in ("", "dark", "light"):
            await page.goto(f"{instance.url}/settings/appearance")
            await page.check(f"[name=theme][value='{theme}']")
            await page.click("main form button")
            await page.wait_for_url("**/settings/appearance")
            await page.goto(f"{instance.url}/home")
            ask = "getComputedStyle(document.documentElement).backgroundColor"
            colours[theme] = await page.evaluate(ask)
        assert colours[""] == colours["light"] != colours["dark"], json.dumps(colours)
