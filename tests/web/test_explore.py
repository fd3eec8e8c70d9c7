"""Explore, its feeds and its collection; and trees of remixes."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import aiohttp

from fedi.database.tables import Account, Status
from fedi.social import accounts, blocks, favourites
from fedi.social.trends import verdicts
from tests import rig
from tests.api.oauth.person import at, join
from tests.rig import Instance
from tests.social.trends.acting import settle
from tests.web import hanging


async def like(instance: Instance, status: Status, *accounts: Account) -> None:
    for account in accounts:
        async with instance.easel.database.write() as tx:
            await favourites.add(tx, account, status)


async def furnish(instance: Instance) -> tuple[Account, list[Status]]:
    """Something of each kind that trends: a picture with a shared recipe, words, a tag, a link, a
    chain of remixes."""
    alice, bob, carol = [await join(instance, name) for name in ("alice", "bob", "carol")]
    picture = await hanging.paint(
        instance, alice, share_recipe=True, ai_prompt="a lighthouse in fog", description="A tower"
    )
    main = await hanging.publish(instance, alice, text="Morning #fog", media_ids=[picture])
    text = "Read https://news.example/fog #fog"
    words = [await hanging.publish(instance, who, text=text) for who in (bob, carol)]
    remixed = [
        await hanging.publish(
            instance,
            who,
            text=f"a remix by {who.username}",
            media_ids=[await hanging.paint(instance, who, share_recipe=True)],
            based_on_uri=main.uri,
        )
        for who in (bob, carol)
    ]
    further = await hanging.publish(instance, alice, text="and again", based_on_uri=remixed[0].uri)
    await like(instance, main, bob, carol)
    await like(instance, words[0], alice, carol)
    await settle(instance.easel)
    return alice, [main, *words, *remixed, further]


async def test_explore_says_what_people_do_something_with_and_why(instance: Instance) -> None:
    _, [main, *_] = await furnish(instance)
    async with at(instance) as visitor:
        page = (await visitor.get("/explore")).page
        section = {one["aria-labelledby"]: one for one in page.all("section")}
        wall = section["pictures"].one("ul", _class="wall")
        assert f"/@alice/{main.id}" in [link["href"] for link in wall.all("a")]
        assert "2 people of 1 server in 1 hour" in wall.text
        assert "3 people of 1 server" in section["tags"].text and "#fog" in section["tags"].text
        assert "a lighthouse in fog" in section["prompts"].text
        assert "news.example/fog" in section["links"].text
        assert section["links"].one("a")["href"] == "https://news.example/fog"
        assert "Alice" in section["chains"].text or "alice" in section["chains"].text
        assert section["chains"].one("a")["href"] == f"/@alice/{main.id}/remixes"
        assert "Read" in section["posts"].text
        assert len(section["makers"].all("li")) == 3
        assert "Use it" not in page.text
        await visitor.sign_in("bob")
        page = (await visitor.get("/explore")).page
        assert "Use it" in page.text
        [current] = page.all("a", **{"aria-current": "page"})
        assert current["href"] == "/explore"


async def test_explore_says_so_when_there_is_nothing(instance: Instance) -> None:
    async with at(instance) as visitor:
        assert "Nothing stands out just now" in (await visitor.get("/explore")).page.text


async def test_nobody_meets_whom_they_block(instance: Instance) -> None:
    alice, (main, *_) = await furnish(instance)
    async with instance.easel.database.write() as tx:
        bob = await accounts.find_local(tx, "bob")
        assert bob is not None
        await blocks.add(tx, bob, await tx.get_one(Account, alice.id))
    async with at(instance) as visitor:
        assert str(main.id) in (await visitor.get("/explore")).body
        await visitor.sign_in("bob")
        assert str(main.id) not in (await visitor.get("/explore")).body


async def test_a_tree_of_remixes_can_be_walked(instance: Instance) -> None:
    _, [main, _, _, by_bob, _, further] = await furnish(instance)
    async with at(instance) as visitor:
        tree = (await visitor.get(f"/@alice/{main.id}/remixes")).page.one("ol", _class="tree")
        seen = [(one["class"].split()[0], one.one("bdi").text) for one in tree.all("li")]
        assert seen == [
            ("depth-0", "alice"), ("depth-1", "carol"), ("depth-1", "bob"), ("depth-2", "alice"),
        ]  # fmt: skip
        links = [link["href"] for link in tree.all("a")]
        assert f"/@bob/{by_bob.id}/remixes" in links
        page = (await visitor.get(f"/@alice/{further.id}/remixes")).page
        assert [one.text for one in page.all("bdi")] == ["alice", "bob", "alice"]
        assert f"/@alice/{main.id}/remixes" in (await visitor.get(f"/@alice/{main.id}")).body
        for wrong in (
            f"/@bob/{main.id}/remixes",
            "/@alice/7/remixes",
            f"/@alice/{'9' * 30}/remixes",
        ):
            assert (await visitor.get(wrong)).status == 404


async def test_feeds_and_a_collection_tell_of_it(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    _, (main, words, *_) = await furnish(instance)
    async with browser.get(f"{instance.url}/explore/feed.json") as answer:
        items = json.loads(await answer.read())["items"]
    assert {item["id"] for item in items} == {main.uri, words.uri}
    assert all("2 people of 1 server in 1 hour" in item["content_html"] for item in items)
    for ending in (".rss", ".atom"):
        async with browser.get(f"{instance.url}/explore{ending}") as answer:
            assert answer.status == 200 and main.uri in await answer.text()
    headers = {"Accept": "application/activity+json"}
    async with browser.get(f"{instance.url}/explore", headers=headers) as answer:
        document = json.loads(await answer.read())
    assert document["id"] == f"{instance.url}/trends"
    assert document["type"] == "OrderedCollection" and document["totalItems"] == 2
    assert set(document["orderedItems"]) == {main.uri, words.uri}
    instance.clock.advance(timedelta(days=4))
    async with browser.get(f"{instance.url}/trends", headers=headers) as answer:
        assert json.loads(await answer.read())["totalItems"] == 0


async def test_a_host_may_want_to_look_at_it_first(
    new_database: rig.NewDatabase, tmp_path: Path, browser: aiohttp.ClientSession
) -> None:
    async with rig.serve_instance(tmp_path, new_database(), trends={"review": True}) as instance:
        _, [main, *_] = await furnish(instance)
        async with at(instance) as visitor:
            assert "Nothing stands out" in (await visitor.get("/explore")).page.text
            async with instance.easel.database.write() as tx:
                await verdicts.judge(tx, "status", main.id, allowed=True)
            page = (await visitor.get("/explore")).page
        assert [one["aria-labelledby"] for one in page.all("section")] == ["pictures", "makers"]
        async with browser.get(f"{instance.url}/trends") as answer:
            assert json.loads(await answer.read())["orderedItems"] == [main.uri]
