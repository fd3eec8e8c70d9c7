"""Search over HTTP: what is here, and what is elsewhere and asked for by its address."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest

from fedi.api.mastodon import entities
from fedi.clock import FakeClock
from fedi.social import accounts, favourites, follows, statuses
from fedi.social.statuses import Draft
from tests import rig
from tests.api.apps import App
from tests.api.mastodon.apps import held, nobody
from tests.federation import peer
from tests.federation.peer import Internet
from tests.social.trends.acting import settle

SEARCH = "/api/v2/search"


@pytest.fixture
async def internet(clock: FakeClock) -> AsyncIterator[Internet]:
    async with peer.opened(clock) as internet:
        yield internet


@pytest.fixture
async def alice(instance: rig.Instance, browser: aiohttp.ClientSession) -> App:
    app = await App.of(instance, browser, "alice")
    async with instance.easel.database.write() as tx:
        account = await tx.get_one(type(app.account), app.account.id)
        account.indexable = True
        tx.add(account)
    return app


async def publish(app: App, text: str, **draft: Any) -> str:
    async with app.instance.easel.database.write() as tx:
        author = await tx.get_one(type(app.account), app.account.id)
        status = await statuses.publish(tx, author, Draft(text=text, **draft))
    await app.instance.run_jobs()
    return str(status.id)


async def find(app: App, q: str, **more: str) -> entities.Search:
    query = "&".join(f"{name}={value}" for name, value in {"q": quote(q), **more}.items())
    found: entities.Search = held(await app.get(f"{SEARCH}?{query}"), entities.Search)
    return found


def posts(found: entities.Search) -> list[str]:
    return [status.id for status in found.statuses]


async def test_posts_people_and_hashtags_are_found_by_their_words(
    alice: App, instance: rig.Instance, browser: aiohttp.ClientSession
) -> None:
    first = await publish(alice, "a #lighthouse in the fog")
    second = await publish(alice, "another lighthouse")
    await publish(alice, "a lighthouse for nobody", visibility="private")
    anybody = nobody(instance, browser, alice)
    found = await find(anybody, "lighthouse")
    assert posts(found) == [second, first]
    [tag] = found.hashtags
    assert (tag.name, tag.url) == ("lighthouse", f"{instance.url}/tags/lighthouse")
    assert tag.following is entities.UNSET
    assert [(day.uses, day.accounts) for day in tag.history][:2] == [("1", "1"), ("0", "0")]
    assert [person.acct for person in (await find(anybody, "@alice")).accounts] == ["alice"]
    only = await find(anybody, "lighthouse", type="hashtags")
    assert (only.statuses, only.accounts, len(only.hashtags)) == ([], [], 1)
    assert posts(await find(anybody, "lighthouse", limit="1")) == [second]
    assert posts(await find(alice, "lighthouse", type="statuses", offset="2")) == [first]
    assert posts(await find(alice, "lighthouse", max_id=second)) == [first]
    assert posts(await find(alice, "lighthouse", account_id="1")) == []
    mine = await find(alice, "lighthouse", account_id=str(alice.account.id), min_id=first)
    assert len(mine.statuses) == 2


async def test_nobody_turns_pages_or_has_us_ask_elsewhere(
    alice: App, instance: rig.Instance, browser: aiohttp.ClientSession
) -> None:
    anybody = nobody(instance, browser, alice)
    assert (await anybody.get(f"{SEARCH}?q=x&offset=1&type=statuses")).status == 401
    assert (await anybody.get(f"{SEARCH}?q=x&resolve=true")).status == 401
    assert (await anybody.get(f"{SEARCH}?q=%20")).status == 400
    assert (await anybody.get("/api/v1/accounts/search?q=alice")).status == 401


async def test_who_is_elsewhere_is_found_by_handle_and_by_address(
    alice: App, internet: Internet
) -> None:
    bob = internet.person("bob")
    assert (await find(alice, bob.handle)).accounts == []
    for asked in (f"@{bob.handle}", bob.uri, f"{bob.origin}/@bob"):
        [person] = (await find(alice, asked, resolve="true")).accounts
        assert person.uri == bob.uri
    [same] = held(
        await alice.get(f"/api/v1/accounts/search?q={bob.handle}&resolve=true"),
        list[entities.Account],
    )
    assert same.acct == bob.handle
    gone = await find(alice, f"nobody@{bob.host}", resolve="true")
    assert (gone.accounts, gone.statuses) == ([], [])


async def test_a_page_is_theirs_whose_server_it_is_on(alice: App, internet: Internet) -> None:
    mallory = internet.person("mallory", "evil", url=f"http://{internet.host('peer')}/@bob")
    assert (await find(alice, mallory.uri, resolve="true")).accounts
    bob = internet.person("bob")
    internet.pages[f"{bob.origin}/@bob"] = internet.pages[bob.uri]
    [person] = (await find(alice, f"{bob.origin}/@bob", resolve="true")).accounts
    assert person.uri == bob.uri


async def test_a_post_elsewhere_is_found_by_its_id_and_by_its_page(
    alice: App, internet: Internet
) -> None:
    bob = internet.person("bob")
    note = bob.note("<p>far away</p>")
    page = f"{bob.origin}/@bob/1"
    internet.show(note["id"], {"@context": peer.AS2, **note, "url": page})
    internet.show(page, {"@context": peer.AS2, **note, "url": page})
    assert (await find(alice, page)).statuses == []
    [status] = (await find(alice, page, resolve="true")).statuses
    assert (status.uri, status.url) == (note["id"], page)
    assert posts(await find(alice, note["id"], resolve="true")) == [status.id]
    secret = bob.note("<p>not for alice</p>", to=[bob.followers], cc=[])
    internet.show(secret["id"], {"@context": peer.AS2, **secret})
    assert (await find(alice, secret["id"], resolve="true")).statuses == []


async def test_our_own_posts_are_found_by_their_page_by_those_who_may_see_them(
    alice: App, instance: rig.Instance, browser: aiohttp.ClientSession
) -> None:
    carol = await App.of(instance, browser, "carol")
    shown, hidden = await publish(alice, "hello"), await publish(alice, "sh", visibility="private")
    pages = [f"{instance.url}/@alice/{status_id}" for status_id in (shown, hidden)]
    assert [posts(await find(alice, page, resolve="true")) for page in pages] == [[shown], [hidden]]
    assert [posts(await find(carol, page, resolve="true")) for page in pages] == [[shown], []]
    assert posts(await find(carol, f"{instance.url}/@carol/{shown}", resolve="true")) == []
    for number in ("9" * 19, "9" * 40, "0", "x"):
        assert posts(await find(carol, f"{instance.url}/@alice/{number}", resolve="true")) == []


async def test_people_are_suggested_whom_friends_follow_and_can_be_waved_away(
    instance: rig.Instance, browser: aiohttp.ClientSession, alice: App
) -> None:
    bob, carol = [await App.of(instance, browser, name) for name in ("bob", "carol")]
    async with instance.easel.database.write() as tx:
        await follows.request(tx, alice.account, bob.account)
        await follows.request(tx, bob.account, carol.account)
    found = held(await alice.get("/api/v2/suggestions"), list[entities.Suggestion])
    [one] = found
    assert (one.account.acct, one.sources) == ("carol", ["friends_of_friends"])
    hide = "/api/v1/accounts/update_credentials"
    for hidden, names in ((True, []), (False, ["carol"])):  # whom bob follows may be a secret
        await bob.ask("PATCH", hide, {"hide_collections": hidden})
        seen = held(await alice.get("/api/v2/suggestions"), list[entities.Suggestion])
        assert [each.account.acct for each in seen] == names
    older = held(await alice.get("/api/v1/suggestions"), list[entities.Account])
    assert [account.acct for account in older] == ["carol"]
    assert (await alice.ask("DELETE", f"/api/v1/suggestions/{one.account.id}")).body == {}
    assert (await alice.get("/api/v2/suggestions")).body == []


async def test_the_directory_shows_who_wants_to_be_found(
    instance: rig.Instance, browser: aiohttp.ClientSession, alice: App, clock: FakeClock
) -> None:
    bob = await App.of(instance, browser, "bob")
    carol = await App.of(instance, browser, "carol")
    async with instance.easel.database.write() as tx:
        shy = await tx.get_one(type(carol.account), carol.account.id)
        shy.discoverable = False
        tx.add(shy)
    await publish(alice, "I am here")
    anybody = nobody(instance, browser, alice)

    async def shown(query: str) -> list[str]:
        answer = await anybody.get(f"/api/v1/directory?{query}")
        return [one.acct for one in held(answer, list[entities.Account])]

    assert await shown("local=true") == ["alice", "bob"]
    assert await shown("order=new") == ["bob", "alice"]
    assert await shown("limit=1&offset=1") == ["bob"]
    assert bob.account.id


async def test_trends_count_people_and_forget(
    instance: rig.Instance, browser: aiohttp.ClientSession, alice: App, clock: FakeClock
) -> None:
    bob = await App.of(instance, browser, "bob")
    for app, text in ((alice, "#fog #sea"), (bob, "#Fog"), (alice, "#sea again")):
        last = await publish(app, text)
    async with instance.easel.database.write() as tx:
        status = await statuses.load(tx, bob.account, int(last))
        assert status is not None
        await favourites.add(tx, bob.account, status)
        carol = await accounts.create_local(tx, "carol")
        await favourites.add(tx, carol, status)
    await settle(instance.easel)
    anybody = nobody(instance, browser, alice)
    [tag] = held(await anybody.get("/api/v1/trends/tags"), list[entities.Tag])
    assert (tag.name.lower(), tag.history[0].accounts) == ("fog", "2")
    [liked] = held(await anybody.get("/api/v1/trends/statuses"), list[entities.Status])
    assert liked.id == last
    assert (await anybody.get("/api/v1/trends/links")).body == []
    clock.advance(timedelta(days=4))
    assert (await anybody.get("/api/v1/trends/tags")).body == []
    assert (await anybody.get("/api/v1/trends/statuses")).body == []
