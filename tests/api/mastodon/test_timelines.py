"""Timelines and their pages, and how far they are read."""

from __future__ import annotations

import io
import re
from datetime import timedelta

import aiohttp
import pytest
from PIL import Image

from fedi.api.mastodon import entities
from tests import rig
from tests.api.apps import Answer, App
from tests.api.mastodon.apps import form, held, ids, nobody, post

HOME, PUBLIC = "/api/v1/timelines/home", "/api/v1/timelines/public"


@pytest.fixture
async def alice(instance: rig.Instance, browser: aiohttp.ClientSession) -> App:
    return await App.of(instance, browser, "alice")


def link(answer: Answer, relation: str) -> str:
    found = re.search(rf'<([^>]+)>; rel="{relation}"', answer.headers["Link"])
    assert found is not None
    return found[1]


async def upload(app: App, **fields: str) -> Answer:
    content = io.BytesIO()
    Image.new("RGB", (64, 48), "teal").save(content, "PNG")
    data = aiohttp.FormData()
    data.add_field("file", content.getvalue(), filename="a.png", content_type="image/png")
    for name, value in fields.items():
        data.add_field(name, value)
    payload = data()
    return await app.ask(
        "POST",
        "/api/v2/media",
        await payload.as_bytes(),
        headers={"Content-Type": payload.headers["Content-Type"]},
    )


@pytest.mark.parametrize("path", [HOME, PUBLIC, "/api/v1/timelines/tag/Art", "account"])
async def test_pages_lead_both_ways_and_miss_nothing(alice: App, path: str) -> None:
    if path == "account":
        path = f"/api/v1/accounts/{alice.account.id}/statuses"
    made = [(await post(alice, f"{number} #art")).id for number in range(5)][::-1]
    first = await alice.get(f"{path}?limit=2&only_media=false")
    assert ids(first) == made[:2]
    assert link(first, "next").startswith(alice.instance.url + path)
    assert "only_media=false" in link(first, "next") and "limit=2" in link(first, "next")
    second = await alice.get(link(first, "next"))
    third = await alice.get(link(second, "next"))
    assert (ids(second), ids(third)) == (made[2:4], made[4:])
    end = await alice.get(link(third, "next"))
    assert ids(end) == [] and "Link" not in end.headers
    back = await alice.get(link(third, "prev"))
    assert ids(back) == made[2:4]
    assert ids(await alice.get(link(back, "prev"))) == made[:2]
    newer = await alice.get(f"{path}?since_id={made[3]}&limit=2")
    assert ids(newer) == made[:2]
    for nonsense in ("max_id=x", "min_id=-1", "since_id=" + "9" * 40, "limit=many", "limit=0"):
        assert ids(await alice.get(f"{path}?{nonsense}")) == made, nonsense
    assert len(ids(await alice.get(f"{path}?limit=100000"))) == 5


async def test_pictures_alone_and_hashtags_together(
    alice: App, instance: rig.Instance, browser: aiohttp.ClientSession
) -> None:
    picture = (await upload(alice)).body["id"]
    shown = await post(alice, "A picture #art #sea", media_ids=[picture])
    plain = await post(alice, "Words #art")
    anybody = nobody(instance, browser, alice)
    assert ids(await anybody.get(f"{PUBLIC}?only_media=true")) == [shown.id]
    assert ids(await anybody.get(f"{PUBLIC}?remote=true")) == []
    tag = "/api/v1/timelines/tag"
    assert ids(await anybody.get(f"{tag}/art")) == [plain.id, shown.id]
    assert ids(await anybody.get(f"{tag}/art?all[]=SEA")) == [shown.id]
    assert ids(await anybody.get(f"{tag}/art?none[]=sea")) == [plain.id]
    assert ids(await anybody.get(f"{tag}/nothing?any[]=sea")) == [shown.id]
    assert ids(await anybody.get(f"{tag}/art?only_media=1")) == [shown.id]
    assert (await anybody.get(f"{tag}/a%20b")).status == 404
    assert (await anybody.get(HOME)).status == 401
    account = f"/api/v1/accounts/{alice.account.id}/statuses"
    assert ids(await anybody.get(f"{account}?only_media=true")) == [shown.id]
    assert ids(await anybody.get(f"{account}?tagged=Sea")) == [shown.id]


async def test_what_is_kept_and_liked_is_listed_by_when_that_was(alice: App) -> None:
    one, two = await post(alice, "one"), await post(alice, "two")
    for verb, path in (("bookmark", "bookmarks"), ("favourite", "favourites")):
        for status in (two, one):
            await alice.post(f"/api/v1/statuses/{status.id}/{verb}", {})
        first = await alice.get(f"/api/v1/{path}?limit=1")
        assert ids(first) == [one.id]
        assert ids(await alice.get(link(first, "next"))) == [two.id]


async def test_a_mute_hides_until_it_ends(
    alice: App, instance: rig.Instance, browser: aiohttp.ClientSession
) -> None:
    bob = await App.of(instance, browser, "bob")
    carol = await App.of(instance, browser, "carol")
    for other in (bob, carol):
        await alice.post(f"/api/v1/accounts/{other.account.id}/follow", {})
    made = await post(bob, "Look! #art")
    boost = held(await carol.post(f"/api/v1/statuses/{made.id}/reblog", {}), entities.Status)
    paths = (HOME, PUBLIC, "/api/v1/timelines/tag/art")
    assert ids(await alice.get(HOME)) == [boost.id, made.id]
    muted = f"/api/v1/accounts/{bob.account.id}/mute"
    answer = held(await alice.post(muted, {"duration": 60}), entities.Relationship)
    assert answer.muting and answer.muting_notifications and answer.muting_expires_at
    assert [ids(await alice.get(path)) for path in paths] == [[], [], []]
    await bob.post(f"/api/v1/accounts/{alice.account.id}/follow", {})
    instance.clock.advance(timedelta(seconds=61))
    assert ids(await alice.get(HOME)) == [boost.id, made.id]
    await alice.post(muted, {})
    assert ids(await alice.get(HOME)) == []
    await alice.post(f"/api/v1/accounts/{bob.account.id}/unmute", {})
    assert ids(await alice.get(HOME)) == [boost.id, made.id]


async def test_boosts_of_somebody_can_be_left_out_of_home(
    alice: App, instance: rig.Instance, browser: aiohttp.ClientSession
) -> None:
    bob = await App.of(instance, browser, "bob")
    carol = await App.of(instance, browser, "carol")
    made = await post(bob, "Look!")
    follow = f"/api/v1/accounts/{carol.account.id}/follow"
    held(await form(alice, "POST", follow, ("reblogs", "false")), entities.Relationship)
    await carol.post(f"/api/v1/statuses/{made.id}/reblog", {})
    assert ids(await alice.get(HOME)) == []
    await carol.post(f"/api/v1/statuses/{made.id}/unreblog", {})
    held(await form(alice, "POST", follow, ("reblogs", "true")), entities.Relationship)
    await carol.post(f"/api/v1/statuses/{made.id}/reblog", {})
    assert len(ids(await alice.get(HOME))) == 1


async def test_somebody_can_be_followed_in_some_languages(
    alice: App, instance: rig.Instance, browser: aiohttp.ClientSession
) -> None:
    bob = await App.of(instance, browser, "bob")
    follow = f"/api/v1/accounts/{bob.account.id}/follow"
    assert (await alice.post(follow, {"languages": ["%"]})).status == 422
    held(await alice.post(follow, {"languages": ["de", "pt-BR"]}), entities.Relationship)
    row = (await alice.post("/api/v1/lists", {"title": "L", "replies_policy": "none"})).body["id"]
    await alice.post(f"/api/v1/lists/{row}/accounts", {"account_ids": [str(bob.account.id)]})
    said = {tag: (await post(bob, "x", language=tag)).id for tag in ("de", "en", "pt-BR", "pt")}
    wanted = [said["pt-BR"], said["de"]]
    assert ids(await alice.get(HOME)) == wanted
    assert ids(await alice.get(f"/api/v1/timelines/list/{row}")) == wanted
    await bob.post(f"/api/v1/statuses/{said['en']}/reblog", {})  # a boost is in no language
    assert len(ids(await alice.get(HOME))) == 3
    held(await alice.post(follow, {"languages": []}), entities.Relationship)
    last = (await post(bob, "x", language="en")).id
    assert ids(await alice.get(HOME))[0] == last


async def test_a_marker_stands_where_it_was_put(alice: App) -> None:
    path = "/api/v1/markers"
    assert (await alice.get(f"{path}?timeline[]=home")).body == {}
    for version, last in enumerate(("7", "9"), 1):
        answer = await form(alice, "POST", path, ("home[last_read_id]", last))
        found = held(answer, dict[str, entities.Marker])
        assert (found["home"].last_read_id, found["home"].version) == (last, version)
    await alice.post(path, {"notifications": {"last_read_id": 3}})
    both = held(
        await alice.get(f"{path}?timeline[]=home&timeline[]=notifications"),
        dict[str, entities.Marker],
    )
    assert {name: one.last_read_id for name, one in both.items()} == {
        "home": "9",
        "notifications": "3",
    }
    for bad in ({"home": "7"}, {"home": {}}, {"home": {"last_read_id": "x"}}):
        assert (await alice.post(path, bad)).status == 422
