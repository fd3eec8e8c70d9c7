"""Add and Remove to one's own collections: pinned posts, and hashtags on the profile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from fedi.clock import FakeClock
from fedi.social import featured_tags, follows, pins, statuses
from tests import rig
from tests.api.apps import LD_JSON, PUBLIC, Answer, App
from tests.federation import peer, seeing
from tests.federation.peer import Internet, Person


@pytest.fixture
async def internet(clock: FakeClock) -> AsyncIterator[Internet]:
    async with peer.opened(clock) as internet:
        yield internet


@pytest.fixture
async def bob(instance: rig.Instance, internet: Internet, alice: App) -> Person:
    """Somebody elsewhere who follows alice."""
    bob = internet.person("bob")
    await bob.does(instance, bob.activity("Follow", alice.account.uri))
    internet.posted.clear()
    return bob


async def post(app: App, **changes: Any) -> str:
    note = {"type": "Note", "content": "<p>look</p>", "to": [PUBLIC], **changes}
    answer = await app.submit(note)
    assert answer.status == 201, answer.body
    return str(answer.body["object"]["id"])


def featured(app: App) -> str:
    assert app.account.featured_uri is not None
    return app.account.featured_uri


def tags(app: App) -> str:
    return f"{app.account.uri}/collections/tags"


async def add(app: App, object_: Any, target: str, type_: str = "Add") -> Answer:
    return await app.submit({"type": type_, "object": object_, "target": target})


async def members(app: App, collection: str) -> list[str]:
    """What a collection shows to everybody."""
    nobody = App(app.instance, app.browser, app.account, None)
    body = (await nobody.get(collection, headers={"Accept": LD_JSON})).body
    shown = body.get("orderedItems", body.get("items", []))
    assert body["totalItems"] == len(shown)
    return [member.get("id") or member["name"] for member in shown]


async def heard(instance: rig.Instance, person: Person) -> list[dict[str, Any]]:
    """The Adds and Removes that somebody got since the last time."""
    await instance.run_jobs()
    got = [body for body in person.internet.got(person.inbox) if body["type"] in {"Add", "Remove"}]
    person.internet.posted.clear()
    return got


async def test_a_post_is_pinned_and_followers_hear_of_it(
    instance: rig.Instance, alice: App, bob: Person
) -> None:
    uri = await post(alice)
    answer = await add(alice, uri, featured(alice))
    assert answer.status == 201
    assert answer.headers["Location"] == answer.body["id"]
    told = {"type": "Add", "actor": alice.account.uri, "object": uri, "target": featured(alice)}
    assert {name: answer.body[name] for name in told} == told
    assert await members(alice, featured(alice)) == [uri]
    [sent] = await heard(instance, bob)
    assert {name: sent[name] for name in told} == told
    assert (sent["id"], sent["to"], sent["cc"]) == (
        answer.body["id"], [PUBLIC], [alice.account.followers_uri],
    )  # fmt: skip
    again = await add(alice, uri, featured(alice))
    assert (again.status, again.body["id"]) == (201, answer.body["id"])
    assert await heard(instance, bob) == []

    ended = await add(alice, uri, featured(alice), "Remove")
    assert ended.status == 201
    assert await members(alice, featured(alice)) == []
    [sent] = await heard(instance, bob)
    assert {name: sent[name] for name in told} == told | {"type": "Remove"}
    assert sent["id"] == ended.headers["Location"] != answer.body["id"]
    missing = await add(alice, uri, featured(alice), "Remove")
    assert missing.status == 404 and "not pinned" in missing.error


async def test_a_hashtag_is_shown_and_followers_hear_of_it(
    instance: rig.Instance, alice: App, bob: Person
) -> None:
    object_ = {"type": "Hashtag", "name": "#OilPainting", "href": "https://else.example/lie"}
    answer = await add(alice, object_, tags(alice))
    assert answer.status == 201
    href = f"{instance.url}/tags/oilpainting"
    shown = {"type": "Hashtag", "name": "#OilPainting", "href": href}
    told = {"type": "Add", "actor": alice.account.uri, "object": shown, "target": tags(alice)}
    assert {name: answer.body[name] for name in told} == told
    assert await members(alice, tags(alice)) == ["#OilPainting"]
    [sent] = await heard(instance, bob)
    assert {name: sent[name] for name in told} == told
    assert (await add(alice, object_, tags(alice))).body["id"] == sent["id"]
    assert await heard(instance, bob) == []

    ended = await add(alice, {"type": "Hashtag", "name": "oilpainting"}, tags(alice), "Remove")
    assert ended.status == 201
    assert await members(alice, tags(alice)) == []
    [sent] = await heard(instance, bob)
    assert {name: sent[name] for name in told} == told | {"type": "Remove"}
    missing = await add(alice, object_, tags(alice), "Remove")
    assert missing.status == 404


async def test_what_came_and_went_before_anybody_heard_is_not_told(
    instance: rig.Instance, alice: App, bob: Person
) -> None:
    uri = await post(alice)
    await heard(instance, bob)
    await add(alice, uri, featured(alice))
    await add(alice, uri, featured(alice), "Remove")
    await add(alice, uri, featured(alice))
    assert [body["type"] for body in await heard(instance, bob)] == ["Add"]


async def test_a_remove_overtakes_its_add_at_a_server_that_was_away(
    instance: rig.Instance, alice: App, bob: Person, internet: Internet
) -> None:
    uri = await post(alice)
    await heard(instance, bob)
    internet.answer(bob.inbox, 500)
    await add(alice, uri, featured(alice))
    await heard(instance, bob)  # in vain
    await add(alice, uri, featured(alice), "Remove")
    assert [body["type"] for body in await heard(instance, bob)] == ["Remove"]
    instance.clock.advance(timedelta(hours=1))
    assert await heard(instance, bob) == []


async def test_only_ones_own_posts_for_everybody_can_be_pinned(
    instance: rig.Instance, browser: aiohttp.ClientSession, alice: App, bob: Person
) -> None:
    carol = await App.of(instance, browser, "carol")
    theirs = await post(carol)
    for object_, status, says in (
        (theirs, 422, "own"),
        (await post(alice, to=[alice.account.followers_uri]), 422, "everybody"),
        (await post(alice, to=[]), 422, "everybody"),
        (await post(carol, to=[]), 404, "no such post"),
        (f"{theirs}0", 404, "no such post"),
        ("https://else.example/1", 404, "no such post"),
        ({"type": "Hashtag", "name": "#art"}, 422, "featuredTags"),
    ):
        answer = await add(alice, object_, featured(alice))
        assert answer.status == status and says in answer.error, (object_, answer.body)
    unlisted = await post(alice, to=[alice.account.followers_uri], cc=[PUBLIC])
    assert (await add(alice, unlisted, featured(alice))).status == 201
    assert await members(alice, featured(alice)) == [unlisted]
    assert [body["object"] for body in await heard(instance, bob)] == [unlisted]


async def test_only_ones_own_collections_can_be_changed(
    instance: rig.Instance, browser: aiohttp.ClientSession, alice: App
) -> None:
    carol = await App.of(instance, browser, "carol")
    mine, tag = await post(alice), {"type": "Hashtag", "name": "#art"}
    for object_, target in (
        (mine, featured(carol)),
        (mine, alice.account.followers_uri),
        (mine, tags(alice)),
        (tag, tags(carol)),
        (tag, featured(alice)),
    ):
        for type_ in ("Add", "Remove"):
            answer = await add(alice, object_, target, type_)
            assert answer.status == 422 and "your own" in answer.error
    for name, status in (("", 400), ("#two words", 400), ("#1", 422)):
        answer = await add(alice, {"type": "Hashtag", "name": name}, tags(alice))
        assert answer.status == status and answer.error
    for app in (alice, carol):
        assert await members(app, featured(app)) == await members(app, tags(app)) == []


async def test_there_is_a_limit_and_a_deleted_post_makes_room(
    instance: rig.Instance, alice: App
) -> None:
    uris = [await post(alice) for _ in range(pins.MAX_OWN + 1)]
    answers = await asyncio.gather(*(add(alice, uri, featured(alice)) for uri in uris))
    assert sorted(answer.status for answer in answers) == [201] * pins.MAX_OWN + [422]
    [refused] = [answer for answer in answers if answer.status == 422]
    assert str(pins.MAX_OWN) in refused.error
    shown = await members(alice, featured(alice))
    [left] = set(uris) - set(shown)
    async with instance.easel.database.write() as tx:
        gone = await statuses.load_by_uri(tx, alice.account, shown[0])
        assert gone is not None
        await statuses.delete(tx, gone)
    assert shown[0] not in await members(alice, featured(alice))
    assert (await add(alice, left, featured(alice))).status == 201
    for n in range(featured_tags.MAX_FEATURED):
        tag = {"type": "Hashtag", "name": f"#tag{n}"}
        assert (await add(alice, tag, tags(alice))).status == 201
    one_more = await add(alice, {"type": "Hashtag", "name": "#more"}, tags(alice))
    assert one_more.status == 422 and str(featured_tags.MAX_FEATURED) in one_more.error


async def test_another_easel_shows_the_pin(
    two_instances: tuple[rig.Instance, rig.Instance], browser: aiohttp.ClientSession
) -> None:
    a, b = two_instances
    alice, bob = await App.of(a, browser, "alice"), await App.of(b, browser, "bob")
    await seeing.follow(b, bob.account, alice.account.uri)
    for instance in (b, a, b):
        await instance.run_jobs()
    async with a.easel.database.read() as session:
        assert len(await follows.followers(session, alice.account)) == 1
    uri = await post(alice)
    for type_, pinned in (("Add", True), ("Remove", False)):
        await add(alice, uri, featured(alice), type_)
        await a.run_jobs()
        await b.run_jobs()
        status = await seeing.status(b, uri)
        assert status is not None
        async with b.easel.database.read() as session:
            author = await seeing.known(b, alice.account.uri)
            assert (await pins.find(session, author, status) is not None) == pinned
