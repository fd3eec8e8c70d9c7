"""What somebody reads and what not, in a real browser on a phone and then on a desktop: lists,
bookmarks, hashtags, filters, whom they hide and let follow them, and a feed that is tuned."""

from __future__ import annotations

from typing import Any

import pytest

from fedi.database.tables import Account
from fedi.social import favourites, follows
from tests.api.oauth.person import join
from tests.rig import Instance
from tests.web import hanging
from tests.web.desk import Desk, desk
from tests.web.test_browser import chromium

__all__ = ["chromium"]

pytestmark = pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)

FILTERS, DOMAINS, TAGS = "/settings/filters", "/settings/domains", "/settings/tags"
FOLLOWERS, REQUESTS = "/settings/followers", "/settings/requests"
TUNING = "/settings/for-you"
LOCAL = "/local?view=posts"
DESKTOP = {"width": 1280, "height": 844}


async def test_somebody_chooses_what_they_read_and_what_not(
    instance: Instance, chromium: Any
) -> None:
    alice, bob, carol, dave = [
        await join(instance, name) for name in ("alice", "bob", "carol", "dave")
    ]
    async with instance.easel.database.write() as tx:
        for one in (bob, carol):
            await follows.request(tx, alice, one)
    async with desk(chromium, instance, "alice", width=390) as at:
        await _make_a_list(at, bob, carol)
        await _keep(at, carol)
        await _follow_a_hashtag(at, dave)
        await at.page.set_viewport_size(DESKTOP)
        await _filter(at, bob)
        await _hide(at, dave)


async def _make_a_list(at: Desk, bob: Account, carol: Account) -> None:
    """Of whom one follows: by their address, and from their page; read apart, and deleted."""
    await at.open("/lists")
    await at.send("/lists", title="Makers")
    arranging = at.page.url.removeprefix(at.instance.url)
    path = arranging.removesuffix("/arrange")
    assert "@bob" in await at.send(f"{path}/add", who="@bob")
    assert "Kept." in await at.send(arranging, title="Makers of fog", exclusive=True)
    for one in (bob, carol):
        await hanging.publish(at.instance, one, text=f"Fog by {one.username}")
    read = await at.open(f"{path}?view=posts")
    assert "Fog by bob" in read and "Fog by carol" not in read
    home = await at.open("/home?view=posts")
    assert "Fog by bob" not in home and "Fog by carol" in home

    await at.open("/@carol")
    await at.page.click(".ties > button:has-text('More')")
    assert "Makers of fog" in await at.follow("Put on a list")
    assert "Take off" in await at.send(f"{path}/put")
    assert "Fog by carol" in await at.open(f"{path}?view=posts")
    assert "@carol" in await at.open(arranging)
    assert "@carol" not in await at.send(f"{path}/take", "Take off carol")
    assert "Fog by carol" not in await at.open(f"{path}?view=posts")
    await at.open(arranging)
    assert "Makers of fog" not in await at.send(f"{path}/delete")
    assert at.page.url == f"{at.instance.url}/lists"


async def _keep(at: Desk, carol: Account) -> None:
    """A post, until one has no more use for it."""
    post = await hanging.hang(at.instance, carol, text="Worth a second look")
    button = f"#p-{post.id} button.keep"
    await at.open(LOCAL)
    for kept, path in ((True, LOCAL), (False, "/bookmarks")):
        if not kept:
            assert "Worth a second look" in await at.open(path)
        await at.page.click(button)
        await at.page.wait_for_selector(f"{button}[aria-pressed={str(kept).lower()}]")
    assert "Nothing here yet" in await at.open("/bookmarks")


async def _follow_a_hashtag(at: Desk, dave: Account) -> None:
    """From its own page, and by its name; what others post under it comes home."""
    await at.open("/tags/sea")
    await at.send("/tags/sea/follow")
    await hanging.publish(at.instance, dave, text="A calm #sea")
    assert "A calm #sea" in await at.open("/home?view=posts")
    assert "#sea" in await at.open(TAGS)
    assert "You follow no hashtag yet" in await at.send(f"{TAGS}/unfollow")
    await hanging.publish(at.instance, dave, text="A rough #sea")
    assert "A rough #sea" not in await at.open("/home?view=posts")
    await at.open(TAGS)
    assert "#dunes" in await at.send(TAGS, tag="#dunes")
    await hanging.publish(at.instance, dave, text="High #dunes")
    assert "High #dunes" in await at.open("/home?view=posts")


async def _filter(at: Desk, bob: Account) -> None:
    """Posts with certain words: folded, then left out, then as they were."""
    await hanging.publish(at.instance, bob, text="The finale is sad")
    shown, folded = ".prose:has-text('The finale is sad')", "summary:has-text('No spoilers')"
    assert "The finale is sad" in await at.open(LOCAL)
    await at.open(FILTERS)
    await at.follow("New filter")
    said = await at.send(f"{FILTERS}/new", title="No spoilers", words="finale\nlast scene")
    assert "finale, last scene" in said
    await at.open(LOCAL)
    assert await at.page.is_visible(folded) and not await at.page.is_visible(shown)
    await at.page.click(folded)
    assert await at.page.is_visible(shown)
    await at.open(FILTERS)
    await at.follow("No spoilers")
    path = at.page.url.removeprefix(at.instance.url)
    assert "Kept." in await at.send(path, deed="hide")
    await at.open(LOCAL)
    assert await at.page.locator(f"{folded}, {shown}").count() == 0
    await at.open(path)
    assert "finale" not in await at.send(f"{path}/words/take", "Remove finale")
    await at.open(LOCAL)
    assert await at.page.is_visible(shown)
    await at.open(path)
    assert "You have no filter" in await at.send(f"{path}/delete")


async def _hide(at: Desk, dave: Account) -> None:
    """A server, somebody who is muted, and somebody who is blocked; each is seen again."""
    sam = await hanging.stranger(at.instance)
    await hanging.receive(at.instance, sam, content="<p>From elsewhere</p>")
    federated = "/federated?view=posts"
    assert "From elsewhere" in await at.open(federated)
    await at.open(DOMAINS)
    assert sam.domain in await at.send(DOMAINS, domain=sam.domain)
    assert "From elsewhere" not in await at.open(federated)
    await at.open(DOMAINS)
    assert "You hide no server" in await at.send(f"{DOMAINS}/show")
    assert "From elsewhere" in await at.open(federated)

    assert "A calm #sea" in await at.open(LOCAL)
    for tie, page in (("mute", "/settings/muted"), ("block", "/settings/blocked")):
        await at.open("/@dave")
        await at.page.click(".ties > button:has-text('More')")
        await at.send(f"/people/{dave.id}/{tie}")
        assert "A calm #sea" not in await at.open(LOCAL)
        assert "@dave" in await at.open(page)
        assert "@dave" not in await at.send(f"/people/{dave.id}/un{tie}")
        assert "A calm #sea" in await at.open(LOCAL)


async def test_somebody_says_who_may_follow_them_and_has_a_feed_of_their_own(
    instance: Instance, chromium: Any
) -> None:
    alice, bob, carol = [await join(instance, name) for name in ("alice", "bob", "carol")]
    liked = await hanging.hang(instance, bob, text="#fog")
    like_it = await hanging.hang(instance, carol, text="#fog #dunes")
    await hanging.hang(instance, carol, text="#dunes")
    other = await hanging.hang(instance, carol, text="a cat")
    async with instance.easel.database.write() as tx:
        await favourites.add(tx, await tx.get_one(Account, alice.id), liked)
    await instance.run_jobs()
    async with desk(chromium, instance, "alice", width=390) as at:
        await at.open("/settings/profile")
        await at.send("/settings/profile", locked=True)
        async with instance.easel.database.write() as tx:
            for one in (bob, carol):
                await follows.request(tx, one, await tx.get_one(Account, alice.id))
        asking = await at.open(REQUESTS)
        assert "@bob" in asking and "@carol" in asking
        assert "@bob" not in await at.send(f"/people/{bob.id}/accept")
        assert "Nobody waits" in await at.send(f"/people/{carol.id}/reject")
        theirs = await at.open(FOLLOWERS)
        assert "@bob" in theirs and "@carol" not in theirs
        assert "Nobody follows you yet" in await at.send(f"/people/{bob.id}/reject")

        await at.page.set_viewport_size(DESKTOP)
        await at.open(TUNING)
        assert "Kept." in await at.send(TUNING, enabled=True, surprise="50", ai="only")
        assert await at.page.input_value("[name=surprise]") == "50"
        assert "Because you liked a picture with #fog" in await at.follow("Open the feed")
        for way, post in (("more", like_it), ("less", other)):
            await at.page.click(f"li:has(a[href$='/{post.id}']) button[title^='{way.title()}']")
        await at.page.wait_for_selector(f"li:has(a[href$='/{like_it.id}']) [aria-pressed=true]")
        gone = at.page.locator(f".wall li:has(a[href$='/{other.id}'])")
        await gone.wait_for(state="detached")
        wanted = "Because you wanted more like a picture with #dunes"
        assert wanted in await at.open("/for-you")
        assert await gone.count() == 0
        await at.open(TUNING)
        await at.send(f"{TUNING}/reset")
        assert "Because you liked" not in await at.open("/for-you")
        assert await gone.count() == 1
        await at.open(TUNING)
        await at.send(TUNING, enabled=False)
        await at.open("/home")
        assert await at.page.locator("a[href='/for-you']").count() == 0
