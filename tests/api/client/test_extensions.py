"""Activities and objects that mean nothing here: kept, read by those whom they are for, and told
to them; and the outbox, in which all stands that an account did."""

from __future__ import annotations

from typing import Any

from fedi.federation.documents.paging import PAGE
from tests import rig
from tests.api.apps import LD_JSON, PUBLIC, App
from tests.api.client.posting import done, heard, nobody, note, outbox, posted, read, wire
from tests.federation.peer import Person

SONG = "https://else.example/song"


async def test_an_activity_of_any_type_is_kept_and_told(alice: App, carol: Person) -> None:
    terms = {"ex": "https://ex.example/ns#", "Sneeze": "ex:Sneeze", "loudness": "ex:loudness"}
    for type_, more in (
        ("Listen", {}), ("Join", {}), ("Arrive", {}), ("TentativeAccept", {}),
        ("Sneeze", {"@context": ["https://www.w3.org/ns/activitystreams", terms], "loudness": 3}),
    ):  # fmt: skip
        made = await done(
            alice, {"type": type_, "object": SONG, "to": [PUBLIC], "actor": SONG, **more}
        )
        [sent] = await heard(alice, carol)
        seen = await read(nobody(alice), made["id"])
        assert wire(sent) == wire(seen.body) == wire(made)
        assert (made["type"], made["object"], made["actor"]) == (type_, SONG, alice.account.uri)
        assert sent["proof"]
        if "@context" in more:
            assert made["loudness"] == 3
            for document in (made, sent, seen.body):
                assert document["@context"][-1] == terms
        assert (await outbox(nobody(alice)))[0]["id"] == made["id"]
        undo = await done(alice, {"type": "Undo", "object": made["id"]})
        [sent] = await heard(alice, carol)
        assert wire(sent) == wire(undo)
        assert (undo["object"]["id"], undo["to"]) == (made["id"], [PUBLIC])


async def test_our_words_keep_their_meaning(alice: App) -> None:
    evil = {"actor": "https://evil.example/ns#actor", "content": "https://evil.example/ns#x",
            "featured": "urn:x", "@vocab": "urn:y", "ok": "urn:fine"}  # fmt: skip
    context = ["https://evil.example/context", evil, {"deep": {"@id": "urn:z", "@type": "@json"}}]
    made = await done(
        alice, {"@context": context, "type": "Sneeze", "object": SONG, "to": [PUBLIC]}
    )
    assert made["@context"][-1] == {"ok": "urn:fine"}
    assert "evil.example" not in str(made)


async def test_only_those_read_it_for_whom_it_is(
    instance: rig.Instance, alice: App, bob: App, carol: Person
) -> None:
    dora = carol.internet.person("dora")
    await dora.does(instance, dora.activity("Follow", bob.account.uri))
    followers = alice.account.followers_uri
    for audience, by_bob, by_carol, by_dora, by_all in (
        ({"to": [PUBLIC]}, 200, 200, 200, 200),
        ({"to": [followers]}, 404, 200, 404, 404),
        ({"to": [bob.account.uri]}, 200, 404, 404, 404),
        ({"bcc": [dora.uri]}, 404, 404, 200, 404),
        ({}, 404, 404, 404, 404),
    ):
        made = await done(alice, {"type": "Listen", "object": SONG, **audience})
        assert (await read(alice, made["id"])).status == 200
        assert (await read(bob, made["id"])).status == by_bob
        assert (await read(nobody(alice), made["id"])).status == by_all
        assert (await carol.get(made["id"]))[0] == by_carol
        assert (await dora.get(made["id"]))[0] == by_dora
        listed = [item["id"] for item in await outbox(nobody(alice))]
        assert (made["id"] in listed) == (by_all == 200)
        assert made["id"] in [item["id"] for item in await outbox(alice)]


async def test_a_dislike_goes_to_the_author(alice: App, bob: App, carol: Person) -> None:
    theirs = carol.note()
    as2 = "https://www.w3.org/ns/activitystreams"
    carol.internet.show(theirs["id"], {"@context": as2, **theirs})
    made = await done(alice, {"type": "Dislike", "object": theirs["id"]})
    [sent] = await heard(alice, carol)
    assert wire(sent) == wire(made) and made["to"] == [carol.uri]
    assert (await read(nobody(alice), made["id"])).status == 404
    assert (await read(bob, made["id"])).status == 404
    dislike = {"type": "Dislike", "object": theirs["id"]}
    undo = await done(alice, {"type": "Undo", "object": dislike})
    [sent] = await heard(alice, carol)
    assert wire(sent) == wire(undo) and undo["object"]["id"] == made["id"]
    assert (await alice.submit({"type": "Undo", "object": dislike})).status == 404


async def test_an_object_of_any_type_lives_under_an_id_of_ours(alice: App, carol: Person) -> None:
    place = {"type": "Place", "name": "Lighthouse", "summary": "<b onclick=x>high</b>",
             "latitude": 53, "to": [PUBLIC], "id": SONG, "publicKey": {"id": SONG}}  # fmt: skip
    made = await done(alice, place)
    [sent] = await heard(alice, carol)
    object_ = made["object"]
    uri = object_["id"]
    assert uri.startswith(f"{alice.account.uri}/objects/")
    assert (object_["summary"], object_["latitude"]) == ("<b>high</b>", 53)
    assert "publicKey" not in object_ and SONG not in str(object_)
    assert wire(sent) == wire(made)
    assert wire((await read(nobody(alice), uri)).body) == object_
    assert (await read(nobody(alice), made["id"])).body["object"] == object_

    change = {"id": uri, "name": "Tower", "latitude": None, "attributedTo": carol.uri}
    update = await done(alice, {"type": "Update", "object": change})
    [sent] = await heard(alice, carol)
    assert wire(sent) == wire(update)
    seen = wire((await read(nobody(alice), uri)).body)
    assert seen == update["object"]
    assert (seen["name"], seen["attributedTo"]) == ("Tower", alice.account.uri)
    assert "latitude" not in seen and seen["updated"]

    delete = await done(alice, {"type": "Delete", "object": uri})
    [sent] = await heard(alice, carol)
    assert (sent["type"], sent["id"], sent["object"]["formerType"]) == (
        "Delete", delete["id"], "Place",
    )  # fmt: skip
    gone = await read(nobody(alice), uri)
    assert (gone.status, gone.body["type"]) == (410, "Tombstone")
    for document in ((await read(nobody(alice), made["id"])).body, *(await outbox(alice))):
        assert "Tower" not in str(document) and "Lighthouse" not in str(document)
    assert (await alice.submit({"type": "Delete", "object": uri})).status == 404


async def test_what_is_embedded_is_named_where_it_is(alice: App, bob: App) -> None:
    theirs = {"type": "Note", "id": await posted(bob), "content": "forged"}
    for name in ("object", "target", "instrument", "result", "origin"):
        made = await done(alice, {"type": "Offer", "object": SONG, name: theirs})
        assert made[name] == theirs["id"] and "forged" not in str(made)
    made = await done(alice, {"type": "Offer", "object": [theirs, {"type": "Note", "name": "x"}]})
    assert made["object"] == [theirs["id"], {"type": "Note", "name": "x"}]


async def test_what_has_no_meaning_has_a_size(alice: App) -> None:
    deep: dict[str, Any] = {"type": "Note"}
    for _ in range(20):
        deep = {"type": "Note", "tag": deep}
    for object_ in (deep, {"type": "Note", "tag": "x" * 70_000}):
        answer = await alice.submit({"type": "Offer", "object": object_})
        assert answer.status == 422 and "at most" in answer.error


async def test_an_object_of_the_vocabulary_is_no_activity(alice: App, bob: App) -> None:
    tie = {"type": "Relationship", "subject": alice.account.uri, "object": bob.account.uri}
    made = await done(alice, {**tie, "relationship": "http://purl.org/vocab/relationship/friendOf"})
    assert (made["type"], made["object"]["type"]) == ("Create", "Relationship")
    assert made["object"]["object"] == bob.account.uri


async def test_what_answers_no_follow_is_told_to_whom_it_is_for(
    alice: App, bob: App, carol: Person
) -> None:
    offer = await done(bob, {"type": "Offer", "object": SONG, "to": [alice.account.uri]})
    invite = carol.activity("Invite", alice.account.uri, to=[alice.account.uri])
    carol.internet.show(invite["id"], invite)
    for type_, object_, told in (
        ("Accept", offer["id"], offer["id"]),
        ("Reject", invite["id"], invite["id"]),
        ("Accept", invite, invite["id"]),
    ):
        answer = {"type": type_, "object": object_, "to": [bob.account.uri, carol.uri]}
        made = await done(alice, answer)
        assert (made["type"], made["object"]) == (type_, told)
        assert [(sent["id"], sent["object"]) for sent in await heard(alice, carol)] == [
            (made["id"], told)
        ]
        assert (await read(bob, made["id"])).body["object"] == told
        undone = await alice.submit({"type": "Undo", "object": made["id"]})
        assert undone.status == 422
    # A Follow that is not known here is not accepted, whoever is to be told so.
    follow = carol.activity("Follow", bob.account.uri)
    carol.internet.show(follow["id"], follow)
    for object_ in (follow, follow["id"], f"{carol.uri}/gone"):
        for type_ in ("Accept", "Reject"):
            refused = await alice.submit({"type": type_, "object": object_, "to": [carol.uri]})
            assert refused.status == 404
    asking = carol.activity("QuoteRequest", SONG, instrument=f"{carol.uri}/notes/9")
    assert (await alice.submit({"type": "Accept", "object": asking})).status == 422
    assert await heard(alice, carol) == []


async def test_the_outbox_has_all_that_was_done_page_by_page(alice: App, bob: App) -> None:
    expected = []
    for number in range(PAGE // 2 + 3):
        expected.append((await done(alice, note(f"n {number}")))["id"])
        listen = {"type": "Listen", "object": SONG, "to": [PUBLIC]}
        expected.append((await done(alice, listen))["id"])
        await done(alice, {"type": "Listen", "object": SONG})  # for nobody but herself
    url: str | None = f"{alice.account.outbox_uri}?page=true"
    found: list[str] = []
    pages = []
    while url is not None:
        page = (await nobody(alice).get(url, headers={"Accept": LD_JSON})).body
        pages.append(page)
        found += [item["id"] for item in page["orderedItems"]]
        url = page.get("next")
    assert found == expected[::-1] and len(pages) == 2
    back = (await nobody(alice).get(pages[1]["prev"], headers={"Accept": LD_JSON})).body
    assert back["orderedItems"] == pages[0]["orderedItems"]
    whole = (await read(nobody(alice), alice.account.outbox_uri)).body
    assert whole["totalItems"] == len(expected)
    own = (await read(alice, alice.account.outbox_uri)).body
    assert own["totalItems"] == len(expected) * 3 // 2
    await done(alice, {"type": "Block", "object": bob.account.uri})
    assert await outbox(bob, alice) == [] or "Block" not in str(await outbox(bob, alice))
