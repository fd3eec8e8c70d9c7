"""A picture on one server becomes another on a second, and a third on the first again."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from sqlmodel import select

from activitypub.context import ACTIVITY_JSON
from fedi.database.tables import InputPicture, MediaAttachment, Notification, Status
from fedi.social import remixes
from tests.api.apps import App
from tests.api.beginning import PATH, PUBLIC_POST, painted
from tests.api.oauth.person import join
from tests.journeys.people import Person
from tests.journeys.test_two_servers import settle
from tests.rig import Instance
from tests.studio.asking import reaches
from tests.studio.easel_painter import connected
from tests.web.test_browser import chromium
from tests.web.test_signed_in_browser import window

__all__ = ["chromium"]

CHAIN = "/api/easel/v1/statuses/{}/remixes"


async def remix(who: App, status_id: int, **recipe: object) -> str:
    """Remix a post, have it painted and posted; the id of the new post."""
    asked = {
        "remix_of": str(status_id),
        "recipe": recipe,
        "share_recipe": True,
        "post": {"text": "Look what I made.", "visibility": "public"},
    }
    made = await who.post(PATH, asked)
    assert made.status == 201, made.body
    async with connected(who.instance, "remixer") as card:
        given = await card.given()
        async with reaches(who.instance.easel, int(made.body["id"]), "done"):
            await card.finish(given)
    return str(made.body["status"]["uri"])


async def following(
    a: Instance, b: Instance, browser: aiohttp.ClientSession
) -> tuple[Person, Person, App, App]:
    """alice, bob on another server who follows her, and the app of each."""
    alice, bob = await Person.join(a, "alice"), await Person.join(b, "bob")
    await bob.follow(alice)
    await settle(a, b)
    return alice, bob, await App.of(a, browser, "alice"), await App.of(b, browser, "bob")


async def test_a_remix_of_a_remix_over_two_servers(
    two_instances: tuple[Instance, Instance], browser: aiohttp.ClientSession
) -> None:
    a, b = two_instances
    alice, bob, at_a, at_b = await following(a, b, browser)

    first = await painted(at_a, post=PUBLIC_POST, width=96, height=64, negative_prompt="fog")
    first_uri = first["status"]["uri"]
    await settle(a, b)
    [seen] = await bob.home()
    assert seen.status.uri == first_uri

    # Bob remixes it where he is: the whole recipe has come with the post.
    second_uri = await remix(at_b, seen.status.id, prompt="a lighthouse at night")
    async with b.easel.database.read() as session:
        [picture] = (
            await session.exec(
                select(MediaAttachment).where(MediaAttachment.account_id == at_b.account.id)
            )
        ).all()
    told = picture.recipe or {}
    assert told["prompt"] == "a lighthouse at night"
    assert (told["seed"], told["width"], told["negative_prompt"]) == (42, 96, "fog")
    await settle(a, b)

    # Alice hears of it once, and sees who made what of what.
    assert await alice.notifications() == ["follow", "mention"]
    mine = await alice.status(second_uri)
    assert mine is not None and mine.based_on_uri == first_uri
    assert f'Remix of <a href="{seen.status.url}"' in mine.content
    headers = {"Accept": ACTIVITY_JSON}
    async with browser.get(second_uri, headers=headers) as answer:
        note = await answer.json(content_type=None)
    assert note["isBasedOn"] == first_uri
    assert alice.uri in [tag["href"] for tag in note["tag"] if tag["type"] == "Mention"]
    assert note["attachment"][0]["recipe"]["seed"] == 42

    # And remixes the remix, from what has come to her own server.
    third_uri = await remix(at_a, mine.id, prompt="a lighthouse in snow", seed=7)
    await settle(a, b)
    assert await bob.notifications() == ["mention"]
    for person, app in ((alice, at_a), (bob, at_b)):
        statuses = [await person.status(uri) for uri in (first_uri, second_uri, third_uri)]
        ids = [status.id for status in statuses if status is not None]
        assert len(ids) == 3
        up = (await app.get(CHAIN.format(ids[2]))).body
        assert [one["uri"] for one in up["parents"]] == [second_uri, first_uri]
        middle = (await app.get(CHAIN.format(ids[1]))).body
        assert [one["uri"] for one in middle["parents"]] == [first_uri]
        assert [one["uri"] for one in middle["remixes"]] == [third_uri]
        down = (await app.get(CHAIN.format(ids[0]))).body
        assert [one["uri"] for one in down["remixes"]] == [second_uri]


@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scripts", [True, False])
async def test_a_post_of_another_server_is_remixed_in_a_browser(
    two_instances: tuple[Instance, Instance],
    browser: aiohttp.ClientSession,
    chromium: Any,
    width: int,
    scripts: bool,
) -> None:
    a, b = two_instances
    alice, bob = await Person.join(a, "alice"), Person(b, (await join(b, "bob")).username, "")
    await bob.follow(alice)
    await settle(a, b)
    at_a = await App.of(a, browser, "alice")
    first = await painted(at_a, post=PUBLIC_POST, width=96, height=64, negative_prompt="fog")
    await settle(a, b)
    [seen] = await bob.home()
    here = f"{b.url}/@alice@{a.domain}/{seen.status.id}"
    async with browser.get(f"{here}/remix") as answer:
        assert answer.status == 404  # what is from elsewhere is shown to who is signed in
    options = {"viewport": {"width": width, "height": 844}, "java_script_enabled": scripts}
    async with window(chromium, b, "bob", **options) as page, connected(b, "remixer") as card:
        await page.goto(here)
        await page.click("main a:text-is('Remix')")
        assert "fog" in await page.inner_text("main")  # all that its author shares
        await page.click("main a:has-text('in the studio')")
        assert await page.input_value("#prompt") == "a lighthouse"
        assert "A remix of" in await page.inner_text("form.compose .beside")
        await page.fill("#prompt", "a lighthouse at night")
        await page.click("text=Paint >> nth=0")
        await page.wait_for_url("**/studio/*")
        given = await card.given()
        async with reaches(b.easel, int(page.url.rpartition("/")[2]), "done"):
            await card.finish(given)
        await page.wait_for_selector("#scene[data-state=done]")
        await page.fill("form[data-post] [name=text]", "Look what I made.")
        await page.click("button:text-is('Post')")
        await page.wait_for_selector("#scene[data-state=posted]")
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
    asked = given.recipe
    assert (asked.prompt, asked.seed) == ("a lighthouse at night", 42)
    assert (asked.width, asked.negative_prompt) == (96, "fog")
    await settle(a, b)
    assert await alice.notifications() == ["follow", "mention"]
    [mine] = (await at_a.get(CHAIN.format(first["status"]["id"]))).body["remixes"]
    made = await alice.status(mine["uri"])
    assert made is not None and made.based_on_uri == first["status"]["uri"]
    assert "Look what I made." in made.content and not made.local


async def test_a_picture_of_another_server_is_started_from(
    two_instances: tuple[Instance, Instance], browser: aiohttp.ClientSession
) -> None:
    a, b = two_instances
    _, bob, at_a, at_b = await following(a, b, browser)
    shared = await painted(at_a, post=PUBLIC_POST)
    unshared = await painted(at_a, share=False, post=PUBLIC_POST)
    await settle(a, b)
    there = {post.status.uri: post.status for post in await bob.home()}
    shared_there = there[shared["status"]["uri"]]
    unshared_there = there[unshared["status"]["uri"]]
    recipe = {"prompt": "a boat", "source": {"status_id": str(shared_there.id)}}
    made = await at_b.post(PATH, {"recipe": recipe})
    assert made.status == 201, made.body
    assert made.body["remix_of"] == shared_there.uri
    async with b.easel.database.read() as session:
        [kept] = (await session.exec(select(InputPicture))).all()
    assert (kept.width, kept.height) == (96, 64)
    async with connected(b, "card") as card:
        given = await card.given()
        assert set(card.pictures) == {given.recipe.source} == {kept.digest}
    for asked in (
        {"recipe": {"prompt": "x", "source": {"status_id": str(unshared_there.id)}}},
        {"remix_of": str(unshared_there.id)},
    ):
        refused = await at_b.post(PATH, asked)
        assert refused.status == 403 and "share" in refused.error


async def test_a_ring_of_remixes_has_an_end(
    two_instances: tuple[Instance, Instance], browser: aiohttp.ClientSession
) -> None:
    a, _ = two_instances
    alice = await Person.join(a, "alice")
    app = await App.of(a, browser, "alice")
    ring = [await alice.post(browser, str(number)) for number in range(3)]
    async with a.easel.database.write() as tx:
        for number, uri in enumerate(ring):
            status = (await tx.exec(select(Status).where(Status.uri == uri))).one()
            status.based_on_uri = ring[(number + 1) % 3]
            tx.add(status)
    async with a.easel.database.read() as session:
        status = (await session.exec(select(Status).where(Status.uri == ring[0]))).one()
        assert [one.uri for one in await remixes.parents(session, None, status)] == ring[1:]
        assert (await session.exec(select(Notification))).all() == []
    shown = (await app.get(CHAIN.format(status.id))).body
    assert [one["uri"] for one in shown["remixes"]] == [ring[2]]
