"""Feeds as pages: whose posts they show, how they are paged and looked at, and what is new."""

from __future__ import annotations

import asyncio
import json

import pytest

from fedi.database.tables import Account, ListMember, UserList
from fedi.social import blocks, filters, follows, reblogs
from tests.api.oauth.person import Person, at, join
from tests.rig import Instance
from tests.web import hanging
from tests.web.reading import Element


async def follow(instance: Instance, account: Account, *others: Account) -> None:
    async with instance.easel.database.write() as tx:
        for other in others:
            await follows.request(tx, account, other)


def words(page: Element) -> list[str]:
    return [post.one("div", _class="prose").text for post in page.all("article", _class="post")]


async def test_a_home_has_what_those_one_follows_posted_and_boosted(instance: Instance) -> None:
    alice, bob, carol = [await join(instance, name) for name in ("alice", "bob", "carol")]
    await follow(instance, alice, bob)
    await hanging.publish(instance, bob, text="for followers", visibility="private")
    far = await hanging.publish(instance, carol, text="of carol")
    await hanging.publish(instance, carol, text="unheard")
    async with instance.easel.database.write() as tx:
        await reblogs.add(tx, bob, far)
    async with at(instance) as visitor:
        assert (await visitor.get("/home")).location == "/sign-in?next=/home"
        await visitor.sign_in("alice")
        seen = await visitor.get("/home")
        assert words(seen.page) == ["of carol", "for followers"]
        assert "bob boosted" in seen.page.text
        assert "private" in seen.headers["Cache-Control"]
        local = await visitor.get("/local?view=posts")
        assert words(local.page) == ["unheard", "of carol"]


async def test_a_feed_is_paged_by_links(instance: Instance) -> None:
    bob = await join(instance, "bob")
    for number in range(45):
        await hanging.publish(instance, bob, text=f"number {number}")
    async with at(instance) as visitor:
        found: list[str] = []
        path = "/local?view=posts"
        for _ in range(3):
            page = (await visitor.get(path)).page
            found += words(page)
            older = page.all("a", rel="next")
            path = older[0]["href"] if older else ""
        assert found == [f"number {number}" for number in reversed(range(45))] and not path
        for wrong in ("x", "-1", "0", "9" * 30):
            assert (await visitor.get(f"/local?max_id={wrong}")).status == 400


async def test_pictures_made_with_ai_can_be_left_out_or_be_all_there_is(instance: Instance) -> None:
    alice, bob = await join(instance), await join(instance, "bob")
    await follow(instance, alice, bob)
    await hanging.hang(instance, bob, text="painted")
    photo = await hanging.paint(instance, bob, digital_source_type=None)
    await hanging.publish(instance, bob, text="photographed", media_ids=[photo])
    sam = await hanging.stranger(instance)
    made = await hanging.receive(instance, sam, content="<p>made elsewhere</p>", ai="generated")
    async with instance.easel.database.write() as tx:
        await reblogs.add(tx, bob, made)
    every = ["made elsewhere", "photographed", "painted # AIgenerated"]
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        assert words((await visitor.get("/home")).page) == every
        page = (await visitor.get("/home?ai=hide")).page
        assert words(page) == ["photographed"]
        chosen = page.one("nav", **{"aria-label": "Pictures made with AI"})
        assert [link.text for link in chosen.all("a", **{"aria-current": "true"})] == ["No AI"]
        # It is remembered for this feed, and for no other.
        assert words((await visitor.get("/home")).page) == ["photographed"]
        assert len((await visitor.get("/local?view=posts")).page.all("article")) == 2
        assert words((await visitor.get("/home?ai=only")).page) == [every[0], every[2]]
        # A link of another site shows what it says, and changes nothing.
        await visitor.get("/home?ai=hide", **{"Sec-Fetch-Site": "cross-site"})
        assert words((await visitor.get("/home")).page) == [every[0], every[2]]
        assert words((await visitor.get("/home?ai=all&view=<b>")).page) == every


async def test_each_feed_leaves_them_out_or_shows_nothing_else(instance: Instance) -> None:
    alice, bob = await join(instance), await join(instance, "bob")
    await follow(instance, alice, bob)
    photo = await hanging.paint(instance, bob, digital_source_type=None)
    await hanging.publish(instance, bob, text="photographed #fog", media_ids=[photo])
    await hanging.hang(instance, bob, text="painted #fog")
    sam = await hanging.stranger(instance)
    for name, ai in (("seen", "undeclared"), ("made", "generated")):
        await hanging.receive(instance, sam, content=f"<p>{name} there</p>", tags=("fog",), ai=ai)
    async with instance.easel.database.write() as tx:
        row = UserList(id=tx.new_id(), account_id=alice.id, title="Best", created_at=tx.now)
        tx.add(row)
        await tx.flush()
        tx.add(ListMember(id=tx.new_id(), list_id=row.id, account_id=bob.id, created_at=tx.now))
    here, there = {"photographed": False, "painted": True}, {"seen": False, "made": True}
    feeds = {
        "/local": here,
        f"/lists/{row.id}": here,
        "/federated": here | there,
        "/tags/fog": here | there,
    }
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        for path, held in feeds.items():
            for choice, shown in (("all", {False, True}), ("hide", {False}), ("only", {True})):
                page = (await visitor.get(f"{path}?view=posts&ai={choice}")).page
                found = {line.split()[0] for line in words(page)}
                assert found == {name for name, made in held.items() if made in shown}, path


async def test_a_wall_has_the_pictures_and_those_of_boosts_once(instance: Instance) -> None:
    alice, bob, carol = [await join(instance, name) for name in ("alice", "bob", "carol")]
    await follow(instance, alice, bob, carol)
    hung = await hanging.hang(instance, carol, text="a picture")
    await hanging.publish(instance, carol, text="only words")
    async with instance.easel.database.write() as tx:
        await reblogs.add(tx, bob, hung)
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        page = (await visitor.get("/home?view=wall")).page
        [tile] = page.all("a", _class="tile")
        assert tile["href"] == f"/@carol/{hung.id}" and not page.all("article")


async def test_a_list_is_for_its_owner_alone(instance: Instance) -> None:
    alice, bob = await join(instance), await join(instance, "bob")
    await follow(instance, alice, bob)
    await hanging.publish(instance, bob, text="listed")
    async with instance.easel.database.write() as tx:
        row = UserList(id=tx.new_id(), account_id=alice.id, title="<b>Best</b>", created_at=tx.now)
        tx.add(row)
        await tx.flush()
        tx.add(ListMember(id=tx.new_id(), list_id=row.id, account_id=bob.id, created_at=tx.now))
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        page = (await visitor.get(f"/lists/{row.id}")).page
        assert (await visitor.get("/lists")).page.one("a", href=f"/lists/{row.id}")
        assert words(page) == ["listed"] and page.one("h1").text == "<b>Best</b>"
    async with at(instance) as visitor:
        await visitor.sign_in("bob")
        assert "Best" not in (await visitor.get("/lists")).page.text
        for path in (f"/lists/{row.id}", f"/lists/{row.id}/new", f"/lists/{10**30}"):
            assert (await visitor.get(path)).status == 404, path


async def test_what_is_new_is_counted_as_the_feed_would_show_it(instance: Instance) -> None:
    alice, bob, mallory = [await join(instance, name) for name in ("alice", "bob", "mallory")]
    await follow(instance, alice, bob)
    first = await hanging.publish(instance, bob, text="first")
    async with at(instance) as visitor:

        async def new(path: str) -> int:
            seen = await visitor.get(path)
            assert seen.status == 200, path
            return int(json.loads(seen.body)["new"])

        assert (await visitor.get(f"/home/new?since_id={first.id}")).status == 401
        await visitor.sign_in("alice")
        await hanging.publish(instance, bob, text="second")
        await hanging.hang(instance, bob, text="third")
        await hanging.publish(instance, mallory, text="not followed")
        assert await new(f"/home/new?since_id={first.id}") == 2
        assert await new(f"/home/new?since_id={first.id}&view=wall&ai=all") == 1
        assert await new(f"/home/new?since_id={first.id}&ai=hide") == 1
        assert await new(f"/local/new?since_id={first.id}&view=posts") == 3
        async with instance.easel.database.write() as tx:
            await blocks.add(tx, alice, mallory)
        assert await new(f"/local/new?since_id={first.id}&view=posts") == 2


async def _heard(visitor: Person) -> bytes:
    url = f"{visitor.instance.url}/events"
    async with visitor.session.get(url, headers={"Sec-Fetch-Site": "same-origin"}) as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        told = b""
        visitor.instance.app.state.listening.set()
        while b"event:" not in told:
            told += await answer.content.readany()
        return told


@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)
async def test_an_open_page_hears_that_something_is_new_and_not_what(instance: Instance) -> None:
    await join(instance)
    bob = await join(instance, "bob")
    instance.app.state.listening = asyncio.Event()
    async with at(instance) as visitor:
        assert (await visitor.get("/events")).status == 401
        await visitor.sign_in("alice")
        for site in ("cross-site", "same-site", "none"):
            assert (await visitor.get("/events", **{"Sec-Fetch-Site": site})).status == 403
        async with asyncio.timeout(20):
            hearing = asyncio.create_task(_heard(visitor))
            await instance.app.state.listening.wait()
            await hanging.publish(instance, bob, text="a secret", visibility="direct")
            told = await hearing
        assert b"event: posts\ndata: 1" in told and b"secret" not in told


async def filtered(instance: Instance, account: Account, word: str, action: str) -> None:
    async with instance.easel.database.write() as tx:
        row = await filters.create(tx, account)
        await filters.change(tx, row, title=f"<b>{word}</b>", context=["home"], action=action)
        await filters.add_keyword(tx, row, word, whole_word=True)


async def test_filters_of_apps_hold_on_pages(instance: Instance) -> None:
    alice, bob = await join(instance), await join(instance, "bob")
    await follow(instance, alice, bob)
    await filtered(instance, alice, "spiders", "hide")
    await filtered(instance, alice, "heights", "warn")
    first = await hanging.hang(instance, bob, text="a sea")
    await hanging.hang(instance, bob, text="spiders again")
    await hanging.hang(instance, bob, text="heights, dizzying")
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        page = (await visitor.get("/home")).page
        warned, plain = page.all("article", _class="post")
        assert "spiders" not in page.text and "a sea" in plain.text
        fold = warned.one("details", _class="spoiler")
        assert fold.one("summary").text == "Your filter: <b>heights</b>"
        assert fold.all("img", _class="picture") and "dizzying" in fold.text
        assert len((await visitor.get("/home?view=wall")).page.all("a", _class="tile")) == 1
        seen = await visitor.get(f"/home/new?since_id={first.id}&view=posts")
        assert json.loads(seen.body)["new"] == 1
        # They are for home alone, and for nobody else.
        assert len(words((await visitor.get("/local?view=posts")).page)) == 3
    async with at(instance) as visitor:
        await visitor.sign_in("bob")
        assert len(words((await visitor.get("/home")).page)) == 3


async def test_a_hashtag_is_followed_from_its_page(instance: Instance) -> None:
    await join(instance)
    bob = await join(instance, "bob")
    async with at(instance) as visitor:
        assert not (await visitor.get("/tags/fog")).page.all("form")
        await visitor.sign_in("alice")
        seen = await visitor.submit(await visitor.get("/tags/fog"), "/tags/fog/follow")
        assert seen.location == "/tags/fog"
        await hanging.publish(instance, bob, text="some #fog")
        await instance.run_jobs()
        assert words((await visitor.get("/home")).page) == ["some # fog"]
        await visitor.submit(await visitor.get("/tags/fog"), "/tags/fog/unfollow")
        assert words((await visitor.get("/home")).page) == []
        assert (await visitor.post("/tags/fog/follow", {})).status == 403
        assert (await visitor.get("/tags/fog/new?since_id=1")).status == 200
