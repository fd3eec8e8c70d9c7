"""Followers that two servers disagree about (FEP-8fcf)."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from hashlib import sha256
from typing import Any

import aiohttp
import pytest

from activitypub.synchronisation import HEADER, NOBODY, Synchronisation, digest
from fedi.database.tables import Account
from fedi.federation import synchronisation
from fedi.social import accounts, follows
from tests import rig
from tests.federation import seeing
from tests.federation.peer import AS2, Internet, Person, post
from tests.federation.reading import read
from tests.rig import Instance

Document = dict[str, Any]


@pytest.fixture
async def bob(instance: Instance, internet: Internet, alice: Account) -> Person:
    bob = internet.person("bob")
    await bob.does(instance, bob.activity("Follow", alice.uri))
    internet.posted.clear()
    return bob


async def told_with(instance: Instance, internet: Internet, **draft: Any) -> dict[str, str | None]:
    """What goes along with a post of alice's, by inbox."""
    internet.posted.clear()
    alice = await seeing.known(instance, f"{instance.url}/users/alice")
    await seeing.publish(instance, alice, **draft)
    await instance.run_jobs()
    return {inbox: headers.get(HEADER) for inbox, _, headers in internet.posted}


# ---- our followers ------------------------------------------------------------------------------


async def test_what_is_for_followers_says_who_they_are(
    instance: Instance, internet: Internet, alice: Account, bob: Person
) -> None:
    carol = internet.person("carol", "third")
    neighbour = internet.person("neighbour")
    for person in (carol, neighbour):
        await person.does(instance, person.activity("Follow", alice.uri))
    told = await told_with(instance, internet, visibility="private")
    assert set(told) == {bob.inbox, carol.inbox, neighbour.inbox}
    parsed = {inbox: Synchronisation.parse(header or "") for inbox, header in told.items()}
    assert (
        parsed[bob.inbox].digest
        == parsed[neighbour.inbox].digest
        == digest([bob.uri, neighbour.uri])
    )
    assert parsed[carol.inbox].digest == sha256(carol.uri.encode()).hexdigest()
    assert parsed[bob.inbox].collection_id == alice.followers_uri
    assert parsed[bob.inbox].url == f"{alice.uri}/followers_synchronization"
    for _, _, headers in internet.posted:
        assert "collection-synchronization" in headers["Signature"]
    for visibility in ("public", "unlisted"):
        told = await told_with(instance, internet, visibility=visibility)
        assert set(told.values()) == {None}
    told = await told_with(instance, internet, text=f"@{bob.handle} hi", visibility="direct")
    assert set(told.values()) == {None}

    await bob.does(instance, bob.activity("Undo", bob.activity("Follow", alice.uri)))
    instance.clock.advance(synchronisation.DIGESTS_FRESH)
    told = await told_with(instance, internet, text=f"@{bob.handle} hi", visibility="private")
    assert Synchronisation.parse(told[bob.inbox] or "").digest == digest([neighbour.uri])
    dave = internet.person("dave", "fourth")  # nobody follows from there
    await dave.does(instance, dave.create(dave.note(tag={"type": "Mention", "href": alice.uri},
                                                    cc=[alice.uri])))  # fmt: skip
    told = await told_with(instance, internet, text=f"@{dave.handle} hi", visibility="private")
    assert Synchronisation.parse(told[dave.inbox] or "").digest == NOBODY


async def test_the_digests_of_a_fan_out_are_made_once(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    people = [internet.person(f"p{n}", f"host{n}") for n in range(6)]
    for person in people:
        await person.does(instance, person.activity("Follow", alice.uri))
    from sqlalchemy import event

    asked: list[str] = []
    database = instance.easel.database
    engine = database._reading.sync_engine
    event.listen(engine, "before_cursor_execute",
                 lambda _c, _k, statement, *_: asked.append(statement))  # fmt: skip
    told = await told_with(instance, internet, visibility="private")
    assert len(told) == len(people) and None not in told.values()
    made = [one for one in asked if one.startswith("SELECT account.uri") and "JOIN follow" in one]
    assert len(made) == 1


async def test_followers_at_a_server_are_listed_to_that_server_alone(
    instance: Instance,
    internet: Internet,
    browser: aiohttp.ClientSession,
    alice: Account,
    bob: Person,
) -> None:
    carol, stranger = internet.person("carol", "third"), internet.person("stranger")
    await carol.does(instance, carol.activity("Follow", alice.uri))
    url = f"{alice.uri}/followers_synchronization"
    for person, expected in ((bob, [bob.uri]), (carol, [carol.uri]), (stranger, [bob.uri])):
        status, whole = await person.get(url)
        assert status == 200
        assert (whole["id"], whole["type"]) == (url, "OrderedCollection")
        assert whole["orderedItems"] == expected
    outsider = internet.person("outsider", "peer.evil")
    assert (await outsider.get(url))[1]["orderedItems"] == []
    for headers in ({}, {"Signature": 'keyId="x"'}):
        status, answer, got = await read(browser, url, **headers)
        assert status in {400, 401} and answer["error"]
        assert "Signature" in got["Vary"]


# ---- those whom ours follow ---------------------------------------------------------------------


async def sent(
    instance: Instance,
    person: Person,
    header: str,
    *,
    signed: bool = True,
) -> None:
    """A post for followers comes with a header, and what that leads to is done."""
    activity = person.create(person.note(to=[person.followers], cc=[]))
    body, url = json.dumps(activity).encode(), f"{instance.url}/inbox"
    headers = person.signature(
        "POST", url, body, extra={"collection-synchronization": header} if signed else {}
    )
    async with rig.open_browser() as browser:
        status, _ = await post(browser, url, body, {**headers, HEADER.lower(): header})
    assert status == 202
    instance.clock.advance(synchronisation.SETTLED_AFTER)
    await instance.run_jobs()


def told(person: Person, *followers: str, **changes: str) -> str:
    values = {
        "collection_id": person.followers,
        "url": f"{person.uri}/followers_synchronization",
        "digest": digest(followers),
        **changes,
    }
    return Synchronisation(**values).header()


def lists(internet: Internet, person: Person, *followers: str) -> str:
    """Serve whom a person's server holds for followers."""
    url = f"{person.uri}/followers_synchronization"
    internet.show(url, {"@context": AS2, "id": url, "type": "OrderedCollection",
                        "orderedItems": list(followers)})  # fmt: skip
    return url


@pytest.fixture
async def others(instance: Instance, alice: Account) -> list[Account]:
    async with instance.easel.database.write() as tx:
        return [await accounts.create_local(tx, name) for name in ("dave", "erin", "frank")]


async def following(instance: Instance, account: Account, person: Person) -> None:
    asked = await seeing.follow(instance, account, person.uri)
    await instance.run_jobs()
    await person.does(instance, person.activity("Accept", asked))


async def test_what_the_two_sides_disagree_about_is_mended(
    instance: Instance, internet: Internet, alice: Account, others: list[Account]
) -> None:
    bob = internet.person("bob")
    dave, erin, frank = others
    await following(instance, alice, bob)  # both know
    await following(instance, dave, bob)  # only we know
    await seeing.follow(instance, erin, bob.uri)  # the answer was lost
    await instance.run_jobs()
    everybody = [alice.uri, erin.uri, frank.uri, f"{instance.url}/users/nobody",
                 internet.person("eve", "third").uri]  # fmt: skip
    url = lists(internet, bob, *everybody)
    internet.posted.clear()
    await sent(instance, bob, told(bob, *everybody))
    assert internet.asked[url] == internet.signed[url] == 1
    assert await seeing.following(instance, alice) == [bob.uri]
    assert await seeing.following(instance, dave) == []
    assert await seeing.following(instance, erin) == [bob.uri]
    [undo] = internet.got(bob.inbox)
    assert (undo["type"], undo["actor"]) == ("Undo", frank.uri)
    assert (undo["object"]["type"], undo["object"]["object"]) == ("Follow", bob.uri)
    # agreed: nothing is asked for
    lists(internet, bob, alice.uri, erin.uri)
    await sent(instance, bob, told(bob, alice.uri, erin.uri))
    assert internet.asked[url] == 1


async def test_who_settles_it_meanwhile_is_not_asked(
    instance: Instance, internet: Internet, alice: Account, others: list[Account]
) -> None:
    bob = internet.person("bob")
    await following(instance, alice, bob)
    url = lists(internet, bob, alice.uri)
    header = told(bob, alice.uri, others[0].uri)
    async with instance.easel.database.write() as tx:
        for name in ("signature", "signature-input"):
            received = {HEADER: header, name: HEADER.lower()}
            await synchronisation.take(tx, bob.uri, received)
    await following(instance, others[0], bob)
    instance.clock.advance(synchronisation.SETTLED_AFTER)
    await instance.run_jobs()
    assert internet.asked[url] == 0


async def test_what_is_accepted_while_the_list_is_on_its_way_stays(
    instance: Instance, internet: Internet, alice: Account, others: list[Account]
) -> None:
    bob = internet.person("bob")
    await following(instance, alice, bob)
    asked = await seeing.follow(instance, others[0], bob.uri)
    await instance.run_jobs()
    url = lists(internet, bob, others[1].uri)
    arrived = asyncio.Event()
    internet.hold = (bob.host, arrived)
    synchronised = asyncio.create_task(sent(instance, bob, told(bob, others[1].uri)))
    while not internet.asked[url]:  # noqa: ASYNC110 (the server tells in no other way)
        await asyncio.sleep(0)
    async with instance.easel.database.write() as tx:
        found = await follows.by_uri(tx, asked)
        assert found is not None
        await follows.accept(tx, found)
    arrived.set()
    await synchronised
    assert await seeing.following(instance, others[0]) == [bob.uri]
    assert await seeing.following(instance, alice) == []


@pytest.mark.parametrize("case", ["unsigned", "foreign url", "foreign collection", "nonsense"])
async def test_a_header_that_is_not_the_senders_own_is_ignored(
    instance: Instance, internet: Internet, alice: Account, case: str
) -> None:
    bob, carol = internet.person("bob"), internet.person("carol", "third")
    await following(instance, alice, bob)
    lists(internet, bob)
    lists(internet, carol)
    header = {
        "unsigned": told(bob),
        "foreign url": told(bob, url=f"{carol.uri}/followers_synchronization"),
        "foreign collection": told(bob, collection_id=carol.followers),
        "nonsense": "collectionId=",
    }[case]
    await sent(instance, bob, header, signed=case != "unsigned")
    for person in (bob, carol):
        assert internet.asked[f"{person.uri}/followers_synchronization"] == 0
    assert await seeing.following(instance, alice) == [bob.uri]


@pytest.mark.parametrize(
    "document",
    [{"type": "Note", "orderedItems": []}, {"type": "OrderedCollection"},
     {"type": "OrderedCollection", "totalItems": 0}, {"type": "OrderedCollection", "items": "x"},
     {"type": "OrderedCollection", "first": "{url}"}, {"type": "OrderedCollection",
      "orderedItems": [], "next": "http://other.localhost/"}, {"type": 7}],
)  # fmt: skip
async def test_what_is_no_list_takes_nobodys_follow(
    instance: Instance, internet: Internet, alice: Account, document: Document
) -> None:
    bob = internet.person("bob")
    await following(instance, alice, bob)
    url = f"{bob.uri}/followers_synchronization"
    text = json.dumps({"@context": AS2, "id": url, **document}).replace("{url}", url)
    internet.show(url, json.loads(text))
    await sent(instance, bob, told(bob))
    assert internet.asked[url] >= 1
    assert await seeing.following(instance, alice) == [bob.uri]


async def test_two_easels_agree_again(two_instances: tuple[Instance, Instance]) -> None:
    a, b = two_instances
    async with a.easel.database.write() as tx:
        alice = await accounts.create_local(tx, "alice")
    async with b.easel.database.write() as tx:
        bob, carol = [await accounts.create_local(tx, name) for name in ("bob", "carol")]

    async def run() -> None:
        for _ in range(4):
            await a.run_jobs()
            await b.run_jobs()

    for person in (bob, carol):
        await seeing.follow(b, person, alice.uri)
    await run()
    # the host of one goes back to an old backup
    async with a.easel.database.write() as tx:
        follow = await follows.find(tx, (await seeing.known(a, bob.uri)).id, alice.id)
        assert follow is not None
        await tx.delete(follow)
    async with b.easel.database.write() as tx:
        remote_alice = await accounts.by_uri(tx, alice.uri)
        assert remote_alice is not None
        follow = await follows.find(tx, carol.id, remote_alice.id)
        assert follow is not None
        await tx.delete(follow)
    await seeing.publish(a, alice, "between us", visibility="private")
    await run()
    a.clock.advance(synchronisation.SETTLED_AFTER + timedelta(seconds=1))
    await run()
    assert await seeing.following(b, bob) == []
    assert await seeing.followers(a, alice) == []
