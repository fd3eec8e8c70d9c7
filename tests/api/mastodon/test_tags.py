"""Hashtags that are followed, and that are shown on profiles."""

from __future__ import annotations

import aiohttp
import pytest

from fedi.api.mastodon import entities
from tests import rig
from tests.api.apps import App
from tests.api.mastodon.apps import held, ids, nobody, post

TAGS, HOME = "/api/v1/tags", "/api/v1/timelines/home"


@pytest.fixture
async def alice(instance: rig.Instance, browser: aiohttp.ClientSession) -> App:
    return await App.of(instance, browser, "alice")


@pytest.fixture
async def bob(instance: rig.Instance, browser: aiohttp.ClientSession) -> App:
    return await App.of(instance, browser, "bob")


async def tie(app: App, name: str, verb: str) -> entities.Tag:
    found: entities.Tag = held(await app.post(f"{TAGS}/{name}/{verb}", {}), entities.Tag)
    return found


async def test_what_is_public_under_a_followed_hashtag_comes_home(alice: App, bob: App) -> None:
    await post(bob, "before #Sea")
    tag = await tie(alice, "sea", "follow")
    assert (tag.name.lower(), tag.following) == ("sea", True)
    assert (await tie(alice, "SEA", "follow")).id == tag.id
    shown = await post(bob, "hello #SEA")
    await post(bob, "not for all #sea", visibility="unlisted")
    await post(bob, "something else #fog")
    both = await post(bob, "two #sea #fog")
    assert ids(await alice.get(HOME)) == [both.id, shown.id]
    await tie(alice, "fog", "follow")
    assert ids(await alice.get("/api/v1/followed_tags?limit=1")) != [tag.id]
    assert len((await alice.get("/api/v1/followed_tags")).body) == 2
    gone = await tie(alice, "sea", "unfollow")
    assert gone.following is False
    assert ids(await alice.get(HOME)) == [both.id]
    await post(bob, "after #sea")
    assert ids(await alice.get(HOME)) == [both.id]


async def test_whom_one_blocks_comes_by_no_hashtag(alice: App, bob: App) -> None:
    await tie(alice, "sea", "follow")
    await alice.post(f"/api/v1/accounts/{bob.account.id}/block", {})
    await post(bob, "hello #sea")
    assert (await alice.get(HOME)).body == []


async def test_a_hashtag_that_nobody_used_is_one_too(
    alice: App, instance: rig.Instance, browser: aiohttp.ClientSession
) -> None:
    found = held(await nobody(instance, browser, alice).get(f"{TAGS}/NewOne"), entities.Tag)
    assert (found.name, found.following) == ("NewOne", entities.UNSET)
    assert found.url == f"{instance.url}/tags/newone"
    assert held(await alice.get(f"{TAGS}/new"), entities.Tag).following is False
    for name in ("123", "a%20b", "a-b", "%23"):
        assert (await alice.get(f"{TAGS}/{name}")).status == 404, name
        assert (await alice.post(f"{TAGS}/{name}/follow", {})).status == 404, name


async def test_hashtags_are_shown_on_a_profile(alice: App, bob: App) -> None:
    await post(alice, "one #Sea")
    await post(alice, "two #sea")
    await post(bob, "not hers #sea")
    await post(alice, "#fog")
    suggested = held(await alice.get("/api/v1/featured_tags/suggestions"), list[entities.Tag])
    assert [tag.name.lower() for tag in suggested] == ["sea", "fog"]
    made = held(await alice.post("/api/v1/featured_tags", {"name": "#sea"}), entities.FeaturedTag)
    assert (made.name.lower(), made.statuses_count) == ("sea", "2")
    assert made.last_status_at is not None
    assert (await tie(alice, "fog", "feature")).featuring
    path = f"/api/v1/accounts/{alice.account.id}/featured_tags"
    assert [one["name"].lower() for one in (await bob.get(path)).body] == ["sea", "fog"]
    assert (await bob.ask("DELETE", f"/api/v1/featured_tags/{made.id}")).status == 404
    assert (await alice.ask("DELETE", f"/api/v1/featured_tags/{made.id}")).body == {}
    assert (await tie(alice, "fog", "unfeature")).featuring is False
    assert (await tie(alice, "fog", "unfeature")).featuring is False
    assert (await alice.get("/api/v1/featured_tags")).body == []
    assert (await alice.post("/api/v1/featured_tags", {"name": "a b"})).status == 422
