"""The W3C's tests of delivery, each under its name in the implementation report."""

from __future__ import annotations

from typing import Any

import pytest

from activitypub.objects import values
from tests import rig
from tests.api.apps import PUBLIC, App
from tests.api.client.posting import done, heard, nobody, note, posted, read
from tests.api.client.w3c.conftest import Stage
from tests.federation import seeing
from tests.federation.peer import AS2, Person

pytestmark = pytest.mark.asyncio(loop_scope="module")


def listed(person: Person, name: str, members: list[Any], **more: Any) -> str:
    """A collection on somebody's server; its id."""
    uri = f"{person.uri}/{name}"
    whole = {"id": uri, "type": "Collection", "items": members, **more}
    person.internet.show(uri, {"@context": AS2, **whole})
    return uri


async def hears(app: App, *people: Person) -> dict[str, list[str]]:
    """The ids of the activities that came to some people since the last time."""
    await app.instance.run_jobs()
    got: dict[str, list[str]] = {person.name: [] for person in people}
    for url, body, _ in people[0].internet.posted:
        for person in people:
            if url == person.inbox:
                got[person.name].append(str(body["id"]))
    people[0].internet.posted.clear()
    return got


# ---- MUST ---------------------------------------------------------------------------------------


async def test_inbox_delivery_performs_delivery(alice: App, carol: Person) -> None:
    for activity in (
        note("<p>to followers</p>"),
        note("<p>by name</p>", to=[carol.uri]),
        {"type": "Follow", "object": carol.uri},
        {"type": "Listen", "object": "https://else.example/song", "to": [carol.uri]},
    ):
        made = await done(alice, activity)
        assert [sent["id"] for sent in await heard(alice, carol)] == [made["id"]]


async def test_inbox_delivery_addressing(stage: Stage, alice: App) -> None:
    people = {name: stage.stranger(name) for name in ("to", "cc", "bto", "bcc", "audience")}
    other = stage.stranger("other")
    addressed = {name: [person.uri] for name, person in people.items()}
    for type_ in ("Note", "Place"):
        made = await done(alice, {"type": type_, "content": "x", **addressed})
        came = await hears(alice, *people.values(), other)
        assert came.pop(other.name) == []
        assert set(map(tuple, came.values())) == {(made["id"],)}


async def test_inbox_delivery_adds_id(alice: App, carol: Person) -> None:
    await done(alice, note("<p>no id</p>"))
    [sent] = await heard(alice, carol)
    for document in (sent, sent["object"]):
        assert document["id"].startswith(f"{alice.account.uri}/")
        assert (await read(nobody(alice), document["id"])).body["id"] == document["id"]


async def test_inbox_delivery_submit_with_credentials(alice: App, carol: Person) -> None:
    """The collection that a post names is asked for as its author, and every delivery is theirs."""
    uri = listed(carol, "friends", [carol.uri])
    before = carol.internet.signed[uri]
    await done(alice, note("<p>to friends</p>", to=[uri]))
    assert carol.internet.signed[uri] == before + 1
    await alice.instance.run_jobs()
    [headers] = [headers for url, _, headers in carol.internet.posted if url == carol.inbox]
    assert f'keyId="{alice.account.public_key_id}"' in headers["Signature"]
    carol.internet.posted.clear()


async def test_inbox_delivery_deliver_to_collection(
    stage: Stage, instance: rig.Instance, alice: App, bob: App
) -> None:
    carol, dave, erin = (stage.stranger(name) for name in ("carol", "dave", "erin"))
    friends = listed(carol, "friends", [dave.uri, bob.account.uri, alice.account.uri, PUBLIC])
    made = await done(alice, note("<p>theirs</p>", to=[friends]))
    assert friends not in str(made) and dave.uri not in str(made)  # addressed as by bcc
    assert await hears(alice, dave, erin) == {dave.name: [made["id"]], erin.name: []}
    assert (await read(bob, made["object"]["id"])).status == 200
    assert (await read(nobody(alice), made["object"]["id"])).status == 404
    # Her own: whom she follows, and one that she made herself.
    await seeing.befriend(instance, alice.account, erin)
    made = await done(alice, note("<p>whom I follow</p>", to=[alice.account.following_uri]))
    assert await hears(alice, dave, erin) == {dave.name: [], erin.name: [made["id"]]}
    own = await done(alice, {"type": "Collection", "name": "Painters", "items": [dave.uri]})
    await hears(alice, dave)
    made = await done(
        alice, {"type": "Offer", "object": "https://else.example/1", "to": [own["object"]["id"]]}
    )
    assert await hears(alice, dave, erin) == {dave.name: [made["id"]], erin.name: []}
    # What others do not show is not reached: bob's followers, of whom he tells nobody.
    async with instance.easel.database.write() as tx:
        row = await tx.merge(bob.account)
        row.hide_collections = True
        tx.add(row)
    await dave.does(instance, dave.activity("Follow", bob.account.uri))
    stage.internet.posted.clear()
    refused = await alice.submit(note("<p>bob's</p>", to=[bob.account.followers_uri]))
    assert refused.status == 400 and refused.body["type"].endswith("#no-applicable-addressees")
    # Nor does one who is gone, or a server that does not answer, keep it from the others.
    gone = [f"{carol.origin}/users/gone", "https://else.invalid/users/x", friends]
    made = await done(alice, note("<p>some</p>", to=[*gone, erin.uri]))
    assert made["to"] == [erin.uri]
    assert await hears(alice, dave, erin) == {dave.name: [made["id"]], erin.name: [made["id"]]}


async def test_inbox_delivery_deliver_to_collection_recursively(stage: Stage, alice: App) -> None:
    carol, near, far, too_far = (stage.stranger(n) for n in ("carol", "near", "far", "too-far"))
    fourth = listed(carol, "fourth", [too_far.uri])
    third = listed(carol, "third", [fourth, far.uri])
    second = listed(carol, "second", [third])
    first = listed(carol, "first", [second])
    page = {"type": "CollectionPage", "id": f"{first}?page=2", "items": [near.uri, first]}
    carol.internet.show(page["id"], {"@context": AS2, **page, "next": f"{first}?page=2"})
    listed(carol, "first", [second], first={"type": "CollectionPage", "next": page["id"]})
    made = await done(alice, note("<p>around</p>", to=[first]))
    # It ends, though the pages go round in a circle, and though there is no end to the depth.
    assert await hears(alice, near, far, too_far) == {
        near.name: [made["id"]], far.name: [made["id"]], too_far.name: [],
    }  # fmt: skip


async def test_inbox_delivery_delivers_with_object_for_certain_activities(
    stage: Stage, alice: App, carol: Person
) -> None:
    theirs = carol.note()
    stage.internet.show(theirs["id"], {"@context": AS2, **theirs})
    uri, featured = await posted(alice), alice.account.featured_uri
    assert featured is not None
    told = {
        "Update": ({"object": {"id": uri, "content": "<p>two</p>"}}, uri),
        "Add": ({"object": uri, "target": featured}, uri),
        "Remove": ({"object": uri, "target": featured}, uri),
        "Follow": ({"object": carol.uri}, carol.uri),
        "Like": ({"object": theirs["id"]}, theirs["id"]),
        "Delete": ({"object": uri}, uri),
    }
    [create] = await heard(alice, carol)
    assert (create["type"], values.uri(create["object"])) == ("Create", uri)
    for type_, (said, object_) in told.items():
        made = await done(alice, {"type": type_, **said})
        [sent] = await heard(alice, carol)
        assert (sent["type"], values.uri(sent["object"])) == (type_, object_)
        if type_ == "Follow":
            await done(alice, {"type": "Undo", "object": made["id"]})
            [undo] = await heard(alice, carol)
            assert (undo["type"], values.uri(undo["object"])) == ("Undo", made["id"])


async def test_inbox_delivery_delivers_with_target_for_certain_activities(
    alice: App, carol: Person
) -> None:
    uri, target = await posted(alice), alice.account.featured_uri
    await heard(alice, carol)
    for type_ in ("Add", "Remove"):
        await done(alice, {"type": type_, "object": uri, "target": target})
        [sent] = await heard(alice, carol)
        assert (sent["type"], sent["target"]) == (type_, target)


async def test_inbox_delivery_deduplicates_final_recipient_list(
    stage: Stage, alice: App, carol: Person
) -> None:
    shared = {"endpoints": {"sharedInbox": f"http://{stage.internet.host('third')}/inbox"}}
    dave = await stage.follower(alice, "dave", "third", **shared)
    erin = await stage.follower(alice, "erin", "third", **shared)
    friends = listed(carol, "friends", [carol.uri, dave.uri, erin.uri])
    twice = [carol.uri, dave.uri, friends]
    made = await done(
        alice, note("<p>once</p>", to=[PUBLIC, *twice], cc=[alice.account.followers_uri, *twice])
    )
    await alice.instance.run_jobs()
    inboxes = [url for url, body, _ in stage.internet.posted if body["id"] == made["id"]]
    assert sorted(inboxes) == sorted([carol.inbox, f"{dave.origin}/inbox"])
    stage.internet.posted.clear()


async def test_inbox_delivery_do_not_deliver_to_actor(
    stage: Stage, alice: App, carol: Person
) -> None:
    own, friends = alice.account.uri, listed(carol, "friends", [alice.account.uri, carol.uri])
    await done(alice, note("<p>to myself</p>", to=[own, friends], bcc=[own]))
    await done(alice, {"type": "Listen", "object": "https://else.example/1", "to": [own, friends]})
    await alice.instance.run_jobs()
    assert {url for url, _, _ in stage.internet.posted} == {carol.inbox}
    stage.internet.posted.clear()
    assert await seeing.notices(alice.instance, alice.account) == ["follow"]


# ---- SHOULD -------------------------------------------------------------------------------------


async def test_inbox_delivery_do_not_deliver_block(
    stage: Stage, alice: App, bob: App, carol: Person
) -> None:
    """Easel does deliver it, to one inbox alone: that of whom it is about. It is Mastodon's custom
    (and that of all who speak with it): their server is the only one that can keep what alice posts
    from them, and it does so when it is told. Nobody else hears of it, whatever an app says."""
    dave = await stage.follower(alice, "dave")
    block = {"type": "Block", "object": carol.uri, "to": [PUBLIC, dave.uri, carol.uri]}
    made = await done(alice, block)
    assert not {"to", "cc"} & made.keys()
    await alice.instance.run_jobs()
    told = [(url, body) for url, body, _ in stage.internet.posted if body["type"] == "Block"]
    stage.internet.posted.clear()
    [(inbox, sent)] = told
    assert (inbox, sent["id"], sent["object"]) == (carol.inbox, made["id"], carol.uri)
    for app in (bob, nobody(alice)):
        assert (await read(app, made["id"])).status == 404
    # Of one who is here, no word goes anywhere.
    await done(alice, {"type": "Block", "object": bob.account.uri, "to": [PUBLIC, dave.uri]})
    assert await hears(alice, carol, dave) == {carol.name: [], dave.name: []}
    assert await seeing.notices(alice.instance, bob.account) == []
