"""Reading and writing in a real browser, on a phone and on a desktop, with our scripts and without:
feeds and what is older, a wall, a thread, explore, a tree of remixes, search; posts and replies."""

from __future__ import annotations

from typing import Any

import pytest
from sqlmodel import col, select

from fedi.database.tables import Status
from fedi.social import follows
from tests.api.oauth.person import join
from tests.rig import Instance
from tests.web import hanging, test_explore
from tests.web.desk import Desk, desk, file
from tests.web.test_browser import chromium

__all__ = ["chromium"]

SHOWN, MORE = 20, 5  # posts of a feed, and those that are older
WAYS = [(width, scripts) for width in (390, 1280) for scripts in (False, True)]
MISSING = "[...document.images].filter((i) => i.complete && !i.naturalWidth).map((i) => i.src)"
# Tiles of a wall that lie on another, or have no size.
ASKEW = """
    const boxes = [...document.querySelectorAll(".wall .tile")].map((one) =>
        one.getBoundingClientRect());
    const over = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
        && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1;
    boxes.filter((a) => a.width < 40 || a.height < 40 || boxes.some((b) => a !== b && over(a, b)));
"""


# What a browser does is the same on every database.
@pytest.mark.long
@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)
async def test_somebody_looks_around_and_writes(instance: Instance, chromium: Any) -> None:
    alice, [main, *_] = await test_explore.furnish(instance)
    dave, bob = await join(instance, "dave"), await hanging.stranger(instance)
    async with instance.easel.database.write() as tx:
        await follows.request(tx, alice, dave)
    shapes = ((1216, 832), (832, 1216), (1024, 1024), (1536, 640), (640, 1536))
    for number in range(SHOWN + MORE):
        width, height = shapes[number % len(shapes)]
        picture = await hanging.paint(instance, dave, width=width, height=height)
        await hanging.publish(instance, dave, text=f"Number {number}.", media_ids=[picture])
    await hanging.receive(instance, bob, content="<p>Lovely</p>", in_reply_to_uri=main.uri)
    for width, scripts in WAYS:
        async with desk(chromium, instance, "alice", width=width, scripts=scripts) as at_desk:
            await _read_home(at_desk, scripts=scripts)
            await _explore(at_desk)
            await _search(at_desk)
            await _write(at_desk, f"A boat at {width} pixels")
    async with instance.easel.database.read() as session:
        warned = select(Status).where(Status.spoiler_text == "Boats").order_by(col(Status.id))
        posts = (await session.exec(warned)).all()
    assert len(posts) == 2 * len(WAYS)
    assert all(one.sensitive and one.visibility == "unlisted" for one in posts[::2])
    assert [one.in_reply_to_id for one in posts[1::2]] == [one.id for one in posts[::2]]


async def _read_home(at_desk: Desk, *, scripts: bool) -> None:
    """What those whom one follows post: post by post to its end, and as a wall."""
    page, newest = at_desk.page, SHOWN + MORE - 1
    said = await at_desk.open("/home?view=posts")
    assert f"Number {newest}." in said and "Number 0." not in said
    if not scripts:  # by which it goes on by itself
        assert await page.locator("article.post").count() == SHOWN
        older = await at_desk.follow("Older")
        assert "Number 0." in older and f"Number {newest}." not in older
        assert await page.locator("nav.paging a[rel=next]").count() == 0
        assert f"Number {newest}." in await at_desk.follow("Back to the latest")
    await at_desk.follow("Wall")
    assert await page.locator(".wall .tile").count() >= SHOWN
    assert await page.evaluate(ASKEW) == [] == await page.evaluate(MISSING)
    if not scripts:
        await at_desk.follow("Older")
        assert 0 < await page.locator(".wall .tile").count() < SHOWN
    async with page.expect_navigation():
        await page.click(".wall .tile:not(:has(.veil)) >> nth=0")
    assert "Number " in await at_desk.said()


async def _explore(at_desk: Desk) -> None:
    """From what trends to a post and its thread, and through what was made of it."""
    page = at_desk.page
    await at_desk.open("/explore")
    assert await at_desk.page.evaluate(MISSING) == []
    assert "Morning" in await at_desk.follow("#fog")
    await at_desk.open("/explore")
    await at_desk.follow("Began with a picture by")
    here = ".tree li[aria-current=true]"
    assert await page.locator(".tree li").count() == 4
    assert "alice" in await page.inner_text(here)
    await at_desk.follow("Its remixes")  # the newest: of Carol, of which nothing was made
    assert "carol" in await page.inner_text(here)
    assert await page.locator(".tree li").count() == 2
    assert await page.evaluate(MISSING) == []
    post = await at_desk.follow("alice")
    assert "Morning" in post and "Lovely" in post
    async with page.expect_navigation():
        await page.click(".thread article:has-text('Lovely') a.when")
    await page.wait_for_selector(".thread.before article:has-text('Morning')")


async def _search(at_desk: Desk) -> None:
    await at_desk.open("/search")
    assert "Morning" in await at_desk.send("/search", q="morning")
    assert "@carol" in await at_desk.send("/search", q="carol")
    assert "Nothing found" in await at_desk.send("/search", q="zeppelin")
    assert "#fog" in await at_desk.send("/search", q="#fog")
    assert "Morning" in await at_desk.follow("#fog")


async def _write(at_desk: Desk, words: str) -> None:
    """A covered picture behind a warning, and a reply to it behind the same."""
    page = at_desk.page
    await at_desk.open("/compose")
    await page.click("summary:has-text('Add pictures')")
    brought = file("a.png", hanging.png(320, 200, "#3a6ea5"))
    typed = {"picture-1": brought, "alt-1": "A red boat", "covered": True}
    await at_desk.send(
        "/compose", "Post", words=words, warning="Boats", audience="unlisted", **typed
    )
    await page.wait_for_selector(".label .spoiler:has-text('Boats')")
    assert not await page.is_visible(f"text={words} >> visible=true")
    await page.click(".spoiler summary")
    assert await page.is_visible(f".prose:has-text('{words}')")
    assert not await page.is_visible("img[alt='A red boat']")
    await page.click("summary:has-text('Show it')")
    assert await page.is_visible("img[alt='A red boat']")
    assert await page.evaluate(MISSING) == []
    async with page.expect_navigation():
        await page.click("main a.deed[href^='/compose?reply_to='] >> nth=0")
    assert await page.input_value("[name=warning]") == "Boats"
    await at_desk.send("/compose", "Reply", words="It sails")
    assert await page.is_visible(".thread.before .spoiler:has-text('Boats')")
