"""Collections of an account, by who asks: by the token of an app, or by a signature."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from fedi.social import accounts, blocks, favourites, follows, statuses
from fedi.social.scopes import PROFILE_URL
from tests import rig
from tests.api.apps import App
from tests.api.client.reading import AS, members, post, read
from tests.federation import seeing
from tests.federation.peer import Internet

PAGE = 20
READERS = ("nobody", "stranger", "follower", "mentioned", "blocked", "owner")
SEEN = {
    "public": set(READERS) - {"blocked"},
    "private": {"follower", "mentioned", "owner"},
    "direct": {"mentioned", "owner"},
    "blind": {"stranger", "owner"},
}


async def test_an_outbox_shows_each_reader_what_they_may_see(
    instance: rig.Instance,
    browser: aiohttp.ClientSession,
    internet: Internet,
    alice: App,
) -> None:
    apps = {name: await App.of(instance, browser, name) for name in READERS[1:5]}
    far = {name: internet.person(f"far{name}", name) for name in READERS[1:5]}
    for name, person in far.items():
        if name in {"follower", "blocked"}:
            await person.does(instance, person.activity("Follow", alice.account.uri))
        else:
            await seeing.befriend(instance, alice.account, person)
    async with instance.easel.database.write() as tx:
        for name in ("follower", "blocked"):
            await follows.request(tx, apps[name].account, alice.account)
        for other in (apps["blocked"].account, await seeing.known(instance, far["blocked"].uri)):
            await blocks.add(tx, alice.account, other)
    named = [apps["mentioned"].account.uri, far["mentioned"].uri]
    unseen = [apps["stranger"].account.uri, far["stranger"].uri]
    followers = alice.account.followers_uri
    tags = [{"type": "Mention", "href": uri} for uri in named]
    made = {
        "public": await post(alice),
        "private": await post(alice, to=[followers, *named], tag=tags),
        "direct": await post(alice, to=named, tag=tags),
        "blind": await post(alice, to=[], bto=unseen[:1], bcc=unseen[1:]),
    }
    apps |= {"nobody": App(instance, browser, alice.account, None), "owner": alice}
    outbox = alice.account.outbox_uri
    for name in READERS:
        expected = [made[what] for what in reversed(SEEN) if name in SEEN[what]]
        found = await members(apps[name], outbox)
        assert [activity["object"]["id"] for activity in found] == expected, name
        if name in far:
            status, page = await far[name].get(f"{outbox}?page=true")
            assert status == 200
            assert [one["object"]["id"] for one in page["orderedItems"]] == expected, name
        for what, uri in made.items():
            may = name in SEEN[what]
            for address in (uri, f"{uri}/activity"):
                answer = await apps[name].get(address, headers=AS)
                assert answer.status == (200 if may else 404), (name, what)
                told = answer.body.get("bcc") if may else None
                owns = name == "owner" and what == "blind"
                assert told == (unseen if owns else None), (name, what)
                assert "bto" not in answer.body
    [blind, *others] = await members(alice, outbox)
    assert sorted(blind["bcc"]) == sorted(blind["object"]["bcc"]) == sorted(unseen)
    assert not any("bcc" in one or "bcc" in one["object"] for one in others)


@pytest.mark.parametrize("way", ["pendingFollowers", "pendingFollowing"])
async def test_follows_that_wait_are_listed_until_they_are_answered(
    instance: rig.Instance, browser: aiohttp.ClientSession, internet: Internet, alice: App, way: str
) -> None:
    url = f"{alice.account.uri}/{way}"
    uris = []
    async with instance.easel.database.write() as tx:
        locked = await accounts.by_uri(tx, alice.account.uri)
        assert locked is not None
        locked.locked = True
        tx.add(locked)
    others = [await App.of(instance, browser, f"p{n}") for n in range(PAGE + 2)]
    for other in others:
        instance.clock.advance(timedelta(seconds=1))
        async with instance.easel.database.write() as tx:
            theirs = await accounts.by_uri(tx, other.account.uri)
            mine = await accounts.by_uri(tx, alice.account.uri)
            assert theirs is not None and mine is not None
            theirs.locked = True
            pair = (theirs, mine) if way == "pendingFollowers" else (mine, theirs)
            uris.append((await follows.request(tx, *pair)).uri)
    found = await members(alice, url)
    assert [one["id"] for one in found] == uris[::-1]
    first, last = others[0].account.uri, others[-1].account.uri
    me = alice.account.uri
    ends = ("actor", "object") if way == "pendingFollowers" else ("object", "actor")
    for activity, other_uri in ((found[0], last), (found[-1], first)):
        assert activity["type"] == "Follow"
        assert (activity[ends[0]], activity[ends[1]]) == (other_uri, me)
    whole = await read(alice, url)
    back = await read(alice, (await read(alice, whole["last"]))["prev"])
    assert [one["id"] for one in back["orderedItems"]] == uris[: PAGE - 1 : -1]
    async with instance.easel.database.write() as tx:
        pair = [others[0].account, alice.account]
        follower, target = pair if way == "pendingFollowers" else pair[::-1]
        held = await follows.find(tx, follower.id, target.id)
        assert held is not None
        await follows.accept(tx, held)
    assert [one["id"] for one in await members(alice, url)] == uris[:0:-1]


async def test_blocks_are_listed_with_what_takes_them_back(
    instance: rig.Instance, alice: App, bob: App, internet: Internet
) -> None:
    url = f"{alice.account.uri}/blocked"
    assert await members(alice, url) == []
    carol = internet.person("carol")
    await seeing.befriend(instance, alice.account, carol)
    made = []
    for other in (bob.account, await seeing.known(instance, carol.uri)):
        instance.clock.advance(timedelta(seconds=1))
        async with instance.easel.database.write() as tx:
            made.append((await blocks.add(tx, alice.account, other)).uri)
    found = await members(alice, url)
    assert [(one["type"], one["id"], one["actor"], one["object"]) for one in found] == [
        ("Block", made[1], alice.account.uri, carol.uri),
        ("Block", made[0], alice.account.uri, bob.account.uri),
    ]
    async with instance.easel.database.write() as tx:
        await blocks.remove(tx, alice.account, bob.account)
    assert [one["id"] for one in await members(alice, url)] == made[1:]


async def test_the_owner_finds_all_that_they_like_and_others_only_their_own(
    instance: rig.Instance, browser: aiohttp.ClientSession, alice: App, bob: App
) -> None:
    mine, theirs = await post(alice), await post(bob)
    for uri in (mine, theirs):
        async with instance.easel.database.write() as tx:
            status = await statuses.load_by_uri(tx, alice.account, uri)
            assert status is not None
            await favourites.add(tx, alice.account, status)
    liked = f"{alice.account.uri}/liked"
    assert await members(alice, liked) == [theirs, mine]
    assert await members(bob, liked) == [theirs]
    for other in (
        App(instance, browser, alice.account, None),
        await App.of(instance, browser, "alice", "write"),
    ):
        assert not {"first", "orderedItems", "totalItems"} & (await read(other, liked)).keys()


async def test_who_hides_whom_they_follow_sees_it_themselves(
    instance: rig.Instance, browser: aiohttp.ClientSession, alice: App, bob: App
) -> None:
    async with instance.easel.database.write() as tx:
        await follows.request(tx, alice.account, bob.account)
        await follows.request(tx, bob.account, alice.account)
        account = await accounts.by_uri(tx, alice.account.uri)
        assert account is not None
        account.hide_collections = True
        tx.add(account)
    for name in ("followers", "following"):
        url = f"{alice.account.uri}/{name}"
        assert await members(alice, url) == [bob.account.uri]
        assert "no-store" in (await alice.get(url, headers=AS)).headers["Cache-Control"]
        for other in (bob, App(instance, browser, alice.account, None)):
            assert "first" not in await read(other, url)
            assert (await read(other, url))["totalItems"] == 1


async def test_an_actor_names_what_its_apps_need(
    instance: rig.Instance, browser: aiohttp.ClientSession, alice: App
) -> None:
    nobody = App(instance, browser, alice.account, None)
    actor: dict[str, Any] = await read(nobody, alice.account.uri)
    uri = alice.account.uri
    for name in ("inbox", "outbox", "pendingFollowers", "pendingFollowing", "blocked"):
        assert actor[name] == f"{uri}/{name}"
        assert (await read(alice, actor[name]))["id"] == actor[name]
    assert actor["endpoints"]["uploadMedia"] and actor["endpoints"]["proxyUrl"]
    assert actor["eventStream"] == f"{uri}/events"
    for name in ("inbox", "outbox"):
        whole = await read(alice, actor[name])
        assert whole["eventStream"] == f"{uri}/events/{name}"
    asked = {
        "Origin": "https://app.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization",
    }
    for url in (actor["outbox"], *actor["endpoints"].values()):
        if "/users/" in url:
            allowed = await nobody.ask("OPTIONS", url, headers=asked)
            assert allowed.status == 204
            assert allowed.headers["Access-Control-Allow-Origin"] == "*"
            assert allowed.headers["Access-Control-Allow-Headers"] == "authorization"
    exposed = (await nobody.get(uri, headers=AS)).headers["Access-Control-Expose-Headers"]
    assert "Location" in exposed


async def test_a_scope_of_the_profile_opens_what_it_names_and_nothing_else(
    instance: rig.Instance, browser: aiohttp.ClientSession, alice: App, bob: App
) -> None:
    theirs = await post(bob)
    await post(alice, to=[alice.account.followers_uri])
    async with instance.easel.database.write() as tx:
        hiding = await accounts.by_uri(tx, alice.account.uri)
        assert hiding is not None
        hiding.hide_collections = True
        tx.add(hiding)
        await follows.request(tx, hiding, bob.account)
        await follows.request(tx, bob.account, hiding)
    await alice.submit({"type": "Like", "object": theirs})
    urls = {name: f"{alice.account.uri}/{name}" for name in ("inbox", "outbox", "liked")}
    urls |= {name: f"{alice.account.uri}/{name}" for name in ("followers", "following")}
    everything = set(urls)
    for scope, opens in (
        ("read", everything),
        (f"{PROFILE_URL}readall", everything),
        (f"{PROFILE_URL}readinbox", {"inbox", "outbox"}),  # posts are posts
        (f"{PROFILE_URL}readoutbox", {"outbox"}),
        (f"{PROFILE_URL}readliked", {"liked"}),
        (f"{PROFILE_URL}readfollowers", {"followers", "following"}),
        ("activitypub:read:me:following", {"followers", "following"}),
        (f"{PROFILE_URL}createcontent", set()),
    ):
        app = await App.of(instance, browser, "alice", scope)
        found = set()
        for name, url in urls.items():
            whole = await app.get(url, headers=AS)
            # Everybody finds no post of hers, and her collections shut.
            shown = whole.body.get("totalItems") if name == "outbox" else whole.body.get("first")
            if shown:
                found.add(name)
        assert found == opens, scope
        for name in ("inbox", "outbox"):
            async with browser.get(
                f"{alice.account.uri}/events/{name}",
                headers={"Authorization": f"Bearer {app.token}"},
            ) as answer:
                allowed = opens >= {name, "outbox"} if name == "inbox" else "outbox" in opens
                assert answer.status == (200 if allowed else 403), (scope, name)
