"""What other servers read here: actors, posts and collections, each only to those who may."""

from __future__ import annotations

import json
from datetime import timedelta

import aiohttp
import pytest

from fedi.database.tables import Account, Pin
from fedi.social import accounts, blocks, follows, reblogs, remote_accounts, statuses
from tests.federation import seeing
from tests.federation.peer import ACTIVITY_JSON, PUBLIC, Internet
from tests.federation.reading import document, listed, read
from tests.rig import Instance

LD_JSON = 'application/ld+json; profile="https://www.w3.org/ns/activitystreams"'
KINDS = ("", "/activity", "/replies", "/context", "/likes", "/shares")

Browser = aiohttp.ClientSession


# ---- actors -------------------------------------------------------------------------------------


async def test_an_actor_has_all_that_a_follower_needs(
    instance: Instance, browser: Browser, alice: Account
) -> None:
    found = await document(browser, alice.uri)
    assert (found["type"], found["preferredUsername"]) == ("Person", "alice")
    for name, ending in (
        ("inbox", "/inbox"), ("outbox", "/outbox"), ("followers", "/followers"),
        ("following", "/following"), ("featured", "/collections/featured"),
        ("liked", "/liked"), ("featuredTags", "/collections/tags"),
    ):  # fmt: skip
        assert found[name] == f"{alice.uri}{ending}"
    assert found["endpoints"]["sharedInbox"] == f"{instance.url}/inbox"
    assert found["url"] == f"{instance.url}/@alice"
    assert found["publicKey"] == {
        "id": f"{alice.uri}#main-key",
        "owner": alice.uri,
        "publicKeyPem": alice.public_key_pem,
    }
    assert found["webfinger"] == f"alice@{instance.domain}"
    assert "icon" not in found and "image" not in found
    assert "PRIVATE" not in json.dumps(found)


async def test_the_instance_has_an_actor_that_all_may_read(
    instance: Instance, internet: Internet, browser: Browser
) -> None:
    found = await document(browser, f"{instance.url}/actor")
    assert found["type"] == "Application"
    assert found["publicKey"]["owner"] == found["id"]
    bob = internet.person("bob")
    internet.fail(bob.uri, 500)  # who signs badly, or cannot be asked, may read it, too
    status, _ = await bob.get(f"{instance.url}/actor")
    assert status == 200


@pytest.mark.parametrize(
    "accept",
    [ACTIVITY_JSON, LD_JSON, "application/ld+json", "application/json",
     f"{ACTIVITY_JSON}, application/ld+json", f"{LD_JSON}, {ACTIVITY_JSON}, text/html;q=0.1"],
)  # fmt: skip
async def test_programs_get_documents_and_people_get_pages(
    instance: Instance, browser: Browser, alice: Account, accept: str
) -> None:
    uri = await seeing.publish(instance, alice)
    for url in (alice.uri, uri, f"{instance.url}/actor"):
        status, found, headers = await read(browser, url, accept)
        assert status == 200 and found["id"] == url
        assert headers["Content-Type"].startswith(ACTIVITY_JSON)
        for wish in ("text/html", "text/html,application/xhtml+xml,*/*;q=0.8"):
            status, _, headers = await read(browser, url, wish)
            assert status == 302
            assert "Accept" in headers["Vary"]
            assert "/users/" not in headers["Location"]


async def test_nobody_is_404_and_somebody_deleted_410(
    instance: Instance, browser: Browser, alice: Account
) -> None:
    uri = await seeing.publish(instance, alice)
    for path in ("nobody", "alice%00", "%FF", "ALICE", "a" * 3000, "alice%2F.."):
        status, answer, _ = await read(browser, f"{instance.url}/users/{path}")
        assert status == 404 and answer["error"]
    async with instance.easel.database.write() as tx:
        account = await accounts.find_local(tx, "alice")
        assert account is not None
        await accounts.delete_account(tx, account)
    status, stone, _ = await read(browser, alice.uri)
    assert (status, stone["type"], stone["id"]) == (410, "Tombstone", alice.uri)
    for collection in (
        "outbox", "followers", "following", "liked", "collections/featured", "collections/tags"
    ):  # fmt: skip
        assert (await read(browser, f"{alice.uri}/{collection}"))[0] == 410
    assert (await read(browser, uri))[0] == 410


# ---- posts --------------------------------------------------------------------------------------


async def test_a_post_is_read_with_its_activity_and_its_collections(
    instance: Instance, internet: Internet, browser: Browser, alice: Account
) -> None:
    uri = await seeing.publish(instance, alice, "look", language="en")
    note = await document(browser, uri)
    assert (note["type"], note["attributedTo"]) == ("Note", alice.uri)
    assert note["contentMap"] == {"en": note["content"]}
    create = await document(browser, f"{uri}/activity")
    assert (create["type"], create["actor"]) == ("Create", alice.uri)
    assert create["object"] == {name: note[name] for name in note if name != "@context"}
    bob = internet.person("bob")
    answer = bob.note(inReplyTo=uri, cc=[alice.uri])
    secret = bob.note(inReplyTo=uri, to=[alice.uri], cc=[])
    for reply in (answer, secret):
        await bob.does(instance, bob.create(reply))
    await bob.does(instance, bob.activity("Like", uri))
    await bob.does(instance, bob.activity("Announce", uri, to=[PUBLIC]))
    assert (await listed(browser, f"{uri}/replies"))[1] == [answer["id"]]
    for name in ("likes", "shares"):
        assert (await document(browser, f"{uri}/{name}"))["totalItems"] == 1


async def test_a_deleted_post_leaves_a_tombstone(
    instance: Instance, browser: Browser, alice: Account
) -> None:
    uri = await seeing.publish(instance, alice, "gone soon")
    hidden = await seeing.publish(instance, alice, "never seen", visibility="private")
    async with instance.easel.database.write() as tx:
        for each in (uri, hidden):
            status = await statuses.load_by_uri(tx, alice, each)
            assert status is not None
            await statuses.delete(tx, status)
    for kind in KINDS:
        code, stone, headers = await read(browser, f"{uri}{kind}")
        assert (code, stone["type"], stone["id"]) == (410, "Tombstone", uri)
        assert headers["Content-Type"].startswith(ACTIVITY_JSON)
        assert "gone soon" not in json.dumps(stone)
        assert (await read(browser, f"{hidden}{kind}"))[0] == 404
    assert (await read(browser, uri, "text/html"))[0] == 410


async def test_a_post_for_followers_is_read_by_followers_alone(
    instance: Instance, internet: Internet, browser: Browser, alice: Account
) -> None:
    follower, stranger = internet.person("bob"), internet.person("carol", "third")
    foe, unknown = internet.person("foe", "evil"), internet.person("unknown", "fourth")
    for person in (follower, stranger, foe):
        await person.does(instance, person.activity("Follow", alice.uri))
    await stranger.does(instance, stranger.activity("Undo", stranger.activity("Follow", alice.uri)))
    async with instance.easel.database.write() as tx:
        await blocks.add(tx, alice, await seeing.known(instance, foe.uri))
    uri = await seeing.publish(instance, alice, "between us", visibility="private")
    missing = f"{alice.uri}/statuses/1"
    for kind in KINDS:
        assert (await follower.get(f"{uri}{kind}"))[0] == 200, kind
        status, absent, _ = await read(browser, f"{missing}{kind}")
        assert (status, absent) == (await read(browser, f"{uri}{kind}"))[:2]
        for person in (stranger, foe, unknown):
            assert await person.get(f"{uri}{kind}") == await person.get(f"{missing}{kind}")
            assert (await person.get(f"{uri}{kind}"))[0] == 404
    # a signature for one address is none for another
    other = follower.signature("GET", f"{instance.url}/actor")
    signed = {"Signature": other["signature"], "Date": other["date"]}
    code, answer, _ = await read(browser, uri, **signed)
    assert code == 401
    assert (await read(browser, missing, **signed))[:2] == (401, answer)
    _, _, headers = await read(browser, missing)
    assert "Signature" in headers["Vary"]
    headers = {**follower.signature("GET", uri), "Accept": ACTIVITY_JSON}
    async with browser.get(uri, headers=headers) as got:
        assert "no-store" in got.headers["Cache-Control"]


async def test_a_direct_post_is_read_by_those_whom_it_names(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    bob, carol = internet.person("bob"), internet.person("carol", "third")
    for person in (bob, carol):
        await person.does(instance, person.activity("Follow", alice.uri))
    uri = await seeing.publish(instance, alice, f"@{bob.handle} psst", visibility="direct")
    assert (await bob.get(uri))[0] == 200
    assert (await carol.get(uri))[0] == 404


async def test_a_public_post_is_read_whatever_the_signature_is_worth(
    instance: Instance, internet: Internet, browser: Browser, alice: Account
) -> None:
    uri = await seeing.publish(instance, alice)
    bob = internet.person("bob")
    internet.fail(bob.uri, 500)
    assert (await bob.get(uri))[0] == 200
    for signature in ("", "x", 'keyId="a"', "a" * 60_000):
        assert (await read(browser, uri, Signature=signature))[0] in {200, 400, 431}


# ---- collections --------------------------------------------------------------------------------


async def test_the_outbox_has_what_everybody_may_see_the_newest_first(
    instance: Instance, internet: Internet, browser: Browser, alice: Account
) -> None:
    bob = internet.person("bob")
    await bob.does(instance, bob.activity("Follow", alice.uri))
    public = []
    for n in range(45):
        instance.clock.advance(timedelta(seconds=1))
        public.append(await seeing.publish(instance, alice, f"number {n}"))
        if n % 5 == 0:
            await seeing.publish(instance, alice, f"secret {n}", visibility="private")
            await seeing.publish(instance, alice, f"secret @{bob.handle}", visibility="direct")
    note = bob.note(cc=[alice.uri])
    await bob.does(instance, bob.create(note))
    async with instance.easel.database.write() as tx:
        status = await statuses.load_by_uri(tx, alice, note["id"])
        assert status is not None
        boost = await reblogs.add(tx, alice, status)
    total, items = await listed(browser, f"{alice.uri}/outbox")
    assert total == 46
    assert [item["id"] for item in items] == [
        boost.uri, *(f"{uri}/activity" for uri in reversed(public))
    ]  # fmt: skip
    assert (items[0]["type"], items[0]["object"]) == ("Announce", note["id"])
    assert {item["type"] for item in items[1:]} == {"Create"}
    assert "secret" not in json.dumps(items)
    announce = await document(browser, boost.uri)
    assert (announce["type"], announce["object"]) == ("Announce", note["id"])
    code, _ = await bob.get(f"{alice.uri}/outbox?page=true")
    assert code == 200


async def test_followers_and_following_are_paged_or_hidden(
    instance: Instance, internet: Internet, browser: Browser, alice: Account
) -> None:
    expected = []
    async with instance.easel.database.write() as tx:
        for n in range(45):
            host = internet.host("peer")
            uri = f"http://{host}/users/f{n}"
            other = await remote_accounts.save_remote(
                tx,
                remote_accounts.RemoteAccount(
                    uri=uri, username=f"f{n}", domain=host, inbox_uri=f"{uri}/inbox"
                ),
            )
            await follows.receive(tx, other, alice, f"{uri}/follow")
            await follows.accept(tx, await follows.request(tx, alice, other))
            expected.append(uri)
    for name in ("followers", "following"):
        total, items = await listed(browser, f"{alice.uri}/{name}")
        assert total == 45
        assert items == expected[::-1]
    async with instance.easel.database.write() as tx:
        account = await accounts.find_local(tx, "alice")
        assert account is not None
        account.hide_collections = True
        tx.add(account)
    for name in ("followers", "following"):
        whole = await document(browser, f"{alice.uri}/{name}")
        assert whole["totalItems"] == 45
        assert "first" not in whole and "orderedItems" not in whole
        _, answer, _ = await read(browser, f"{alice.uri}/{name}?page=true")
        assert "/users/f" not in json.dumps(answer)


async def test_pinned_posts_are_featured(
    instance: Instance, browser: Browser, alice: Account
) -> None:
    shown = await seeing.publish(instance, alice, "pinned")
    hidden = await seeing.publish(instance, alice, "hidden", visibility="private")
    async with instance.easel.database.write() as tx:
        for uri in (shown, hidden):
            status = await statuses.load_by_uri(tx, alice, uri)
            assert status is not None
            tx.add(
                Pin(
                    id=tx.new_id(),
                    account_id=alice.id,
                    status_id=status.id,
                    created_at=tx.now,
                )
            )
    total, items = await listed(browser, f"{alice.uri}/collections/featured")
    assert total == 1
    assert [item["id"] for item in items] == [shown]


@pytest.mark.parametrize("query", ["max_id=x", "max_id=-1", "max_id=99999999999999999999",
                                   "max_id=%00", "max_id=1%27", "max_id=٣"])  # fmt: skip
async def test_pages_that_cannot_be_are_400(
    instance: Instance, browser: Browser, alice: Account, query: str
) -> None:
    for name in ("outbox", "followers", "following"):
        status, answer, _ = await read(browser, f"{alice.uri}/{name}?page=true&{query}")
        assert status == 400 and answer["error"]


async def test_a_page_is_the_same_whether_its_query_is_signed_or_not(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    bob = internet.person("bob")
    await bob.does(instance, bob.activity("Follow", alice.uri))
    uri = await seeing.publish(instance, alice, visibility="private")
    assert (await bob.get(f"{uri}/replies?page=true"))[0] == 200
    bare = bob.signature("GET", f"{uri}/replies")
    async with (
        aiohttp.ClientSession() as _,
    ):
        status, _found = await _get_with(f"{uri}/replies?page=true", bare)
    assert status == 200


async def _get_with(url: str, headers: dict[str, str]) -> tuple[int, bytes]:
    from tests import rig

    async with (
        rig.open_browser() as browser,
        browser.get(url, headers={**headers, "Accept": ACTIVITY_JSON}) as answer,
    ):
        return answer.status, await answer.read()
