"""«For you» as apps read and tune it; and nobody but who it is for."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from fedi.api.easel import for_you
from fedi.api.mastodon import entities
from fedi.database.tables import Account
from fedi.social import blocks, favourites
from tests import rig
from tests.api.apps import Answer, App
from tests.api.mastodon.apps import nobody
from tests.web import hanging

DOCUMENT = Path(__file__).parents[2] / "docs/for-you.md"
FEED, PREFERENCES = for_you.PATH, for_you.PREFERENCES
USUAL = {"follows": 50, "fresh": 30, "surprise": 15, "ai": "all", "warned": False}


@pytest.fixture
async def alice(instance: rig.Instance, browser: aiohttp.ClientSession) -> App:
    return await App.of(instance, browser, "alice")


async def change(app: App, **said: Any) -> Answer:
    return await app.ask("PATCH", PREFERENCES, said)


async def hang(instance: rig.Instance, author: Account, count: int, **draft: Any) -> list[str]:
    return [str((await hanging.hang(instance, author, **draft)).id) for _ in range(count)]


async def test_a_feed_is_switched_on_read_tuned_and_reset(
    instance: rig.Instance, browser: aiohttp.ClientSession, alice: App
) -> None:
    bob, carol = [await hanging.join(instance, name) for name in ("bob", "carol")]
    liked = await hang(instance, bob, 4, text="#ukiyoe")
    same = await hang(instance, carol, 2, text="#ukiyoe")
    await instance.run_jobs()
    for number in liked:
        await alice.post(f"/api/v1/statuses/{number}/favourite")
    assert (await alice.get(PREFERENCES)).body == {"enabled": False} | USUAL
    assert (await alice.get(FEED)).status == 403
    assert (await alice.post(f"{FEED}/{same[0]}/less")).status == 403
    assert (await change(alice, fresh=10)).status == 403
    answer = await change(alice, enabled=True, fresh=10)
    assert answer.body == {"enabled": True} | USUAL | {"fresh": 10}

    first = await alice.get(f"{FEED}?limit=1")
    [link] = re.findall(r'<(.*)>; rel="next"', first.headers["Link"])
    second = await alice.get(link)
    assert "no-store" in first.headers["Cache-Control"] and "Link" not in second.headers
    found = [*first.body, *second.body]
    assert {one["id"] for one in found} == set(same)
    for one in found:
        msgspec.convert(one, entities.Status)
        [example] = re.findall(r"```json\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
        assert one["reason"] == json.loads(example) and one["wanted"] is False
    assert (await alice.get(f"{FEED}?cursor=1.2")).status == 404

    for way, more in (("more", True), ("neither", None), ("more", True)):
        answer = await alice.post(f"{FEED}/{same[0]}/{way}")
        assert answer.body == {"id": same[0], "more": more}
    assert [one["id"] for one in (await alice.get(FEED)).body] == same[1:]  # that is known now
    await alice.post(f"{FEED}/{same[1]}/less")
    assert same[1] not in [one["id"] for one in (await alice.get(FEED)).body]
    for wrong in ({"fresh": 1000}, {"fresh": "1"}, {"ai": 1}, {"enabled": 1}, {"taste": 1}):
        assert (await change(alice, **wrong)).status in {400, 422}, wrong
    assert (await alice.post(f"{FEED}/7/more")).status == 404

    assert (await alice.ask("DELETE", PREFERENCES)).body == {"enabled": True} | USUAL
    reasons = {one["reason"]["kind"] for one in (await alice.get(FEED)).body}
    assert reasons == {"new"}
    assert (await change(alice, enabled=False)).body == {"enabled": False} | USUAL
    assert (await alice.get(FEED)).status == 403


async def test_nobody_else_reads_it_and_nothing_leaks_into_it(
    instance: rig.Instance, browser: aiohttp.ClientSession, alice: App
) -> None:
    author = await hanging.join(instance, "author")
    words = {name: f"zebra{name}" for name in ("public", "unlisted", "private", "direct")}
    posts = {
        name: await hanging.hang(instance, author, text=f"@alice {word} #zebra", visibility=name)
        for name, word in words.items()
    }
    async with instance.easel.database.write() as tx:
        for post in posts.values():
            await favourites.add(tx, await tx.get_one(Account, author.id), post)
    await instance.run_jobs()
    bob = await App.of(instance, browser, "bob")
    for app in (alice, bob):
        await change(app, enabled=True)
        shown = json.dumps((await app.get(FEED)).body)
        assert words["public"] in shown
        assert not any(word in shown for name, word in words.items() if name != "public")
    async with instance.easel.database.write() as tx:
        await blocks.add(tx, await tx.get_one(Account, author.id), bob.account)
    assert (await bob.get(FEED)).body == []
    # Parts of `read` are not enough: it tells of bookmarks.
    part = await App.of(instance, browser, "alice", "read:statuses write:statuses")
    for method, path in (
        ("GET", FEED), ("GET", PREFERENCES), ("PATCH", PREFERENCES), ("DELETE", PREFERENCES),
        ("POST", f"{FEED}/{posts['public'].id}/more"), ("POST", f"{FEED}/7/less"),
        ("POST", f"{FEED}/7/neither"),
    ):  # fmt: skip
        content = {} if method in {"PATCH", "POST"} else None
        assert (await nobody(instance, browser, alice).ask(method, path, content)).status == 401
        assert (await part.ask(method, path, content)).status == 403
    # What one cannot see one cannot mark.
    answer = await bob.post(f"{FEED}/{posts['private'].id}/more")
    assert answer.status == 404
