"""The W3C's tests of an outbox, each under its name in the implementation report."""

from __future__ import annotations

from fedi.social import blocks, favourites, follows, statuses
from tests import rig
from tests.api.apps import PUBLIC, App
from tests.api.client.posting import done, heard, nobody, note, outbox, posted, read
from tests.federation import seeing
from tests.federation.peer import Person

# ---- MUST ---------------------------------------------------------------------------------------


async def test_outbox_accepts_activities(alice: App) -> None:
    create = await done(alice, {"type": "Create", "object": note(), "to": [PUBLIC]})
    assert (create["type"], create["object"]["type"]) == ("Create", "Note")
    assert [item["id"] for item in await outbox(nobody(alice))] == [create["id"]]


async def test_outbox_accepts_non_activity_objects(alice: App) -> None:
    create = await done(alice, note("<p>bare</p>"))
    assert create["type"] == "Create"
    assert create["object"]["content"] == "<p>bare</p>"
    assert create["to"] == create["object"]["to"] == [PUBLIC]
    assert create["id"] != create["object"]["id"]


async def test_outbox_removes_bto_and_bcc(alice: App, bob: App, carol: Person) -> None:
    hidden = {"bto": [bob.account.uri], "bcc": [carol.uri]}
    for activity in (
        {"type": "Create", **hidden, "object": {"type": "Note", "content": "psst", **hidden}},
        {"type": "Note", "content": "psst", **hidden},
        {"type": "Listen", "object": "https://else.example/song", **hidden},
        {"type": "Listen", "object": {"type": "Audio", "name": "song", **hidden}, **hidden},
    ):
        answered = await done(alice, activity)
        got = await heard(alice, carol)
        assert [body["id"] for body in got] == [answered["id"]]  # it was delivered all the same
        seen = await read(bob, answered["id"])
        assert seen.status == 200
        for document in (answered, seen.body, *got):
            assert "bto" not in str(document) and "bcc" not in str(document)
            assert carol.uri not in str(document) and bob.account.uri not in str(document)
        assert (await read(alice, answered["id"])).status == 200
        assert (await read(nobody(alice), answered["id"])).status == 404


async def test_outbox_ignores_id(alice: App) -> None:
    mine = "https://else.example/1"
    for activity in (
        {"type": "Create", "id": mine, "object": note(id=mine)},
        note(id=mine),
        {"type": "Listen", "id": mine, "object": "https://else.example/song"},
    ):
        answered = await done(alice, activity)
        assert answered["id"].startswith(f"{alice.account.uri}/")
        assert mine not in str(answered)


async def test_outbox_responds_201_created(alice: App) -> None:
    for activity in (
        note(),
        {"type": "Create", "object": note()},
        {"type": "Listen", "object": "https://else.example/song", "to": [PUBLIC]},
    ):
        assert (await alice.submit(activity)).status == 201


async def test_outbox_location_header(alice: App) -> None:
    for activity in (note(), {"type": "Read", "object": "https://else.example/1", "to": PUBLIC}):
        answer = await alice.submit(activity)
        location = answer.headers["Location"]
        assert location == answer.body["id"]
        seen = await read(nobody(alice), location)
        assert (seen.status, seen.body["id"], seen.body["type"]) == (
            200, location, answer.body["type"],
        )  # fmt: skip


async def test_outbox_location_header_of_everything(alice: App, bob: App, carol: Person) -> None:
    """Whatever was done, and by whichever face it was done first, its id can be read."""
    theirs, mine, featured = await posted(bob), await posted(alice), alice.account.featured_uri
    asking = {"type": "Question", "content": "Which?", "to": [PUBLIC]}
    asking |= {"oneOf": [{"type": "Note", "name": name} for name in ("Oil", "Water")]}
    question = (await done(bob, asking))["object"]["id"]
    place = (await done(alice, {"type": "Place", "name": "x", "to": [PUBLIC]}))["object"]["id"]
    tag = {"type": "Hashtag", "name": "#art"}
    async with alice.instance.easel.database.write() as tx:  # as the pages do it
        status = await statuses.load_by_uri(tx, alice.account, theirs)
        assert status is not None
        await favourites.add(tx, alice.account, status)
        await follows.request(tx, alice.account, bob.account)
    for type_, said in (
        ("Like", {"object": theirs}),
        ("Follow", {"object": bob.account.uri}),
        ("Follow", {"object": carol.uri}),
        ("Announce", {"object": theirs}),
        ("Create", {"object": {"type": "Note", "name": "Oil", "inReplyTo": question}}),
        ("Update", {"object": {"id": mine, "content": "<p>two</p>"}}),
        ("Update", {"object": {"id": alice.account.uri, "summary": "two"}}),
        ("Add", {"object": mine, "target": featured}),
        ("Remove", {"object": mine, "target": featured}),
        ("Add", {"object": tag, "target": f"{alice.account.uri}/collections/tags"}),
        ("Flag", {"object": theirs, "content": "x"}),
        ("Undo", {"object": {"type": "Like", "object": theirs}}),
        ("Undo", {"object": {"type": "Announce", "object": theirs}}),
        ("Undo", {"object": {"type": "Follow", "object": bob.account.uri}}),
        ("Block", {"object": carol.uri}),
        ("Undo", {"object": {"type": "Block", "object": carol.uri}}),
        ("Delete", {"object": mine}),
        ("Delete", {"object": place}),
    ):
        made = await done(alice, {"type": type_, **said})
        seen = await read(alice, made["id"])
        assert (seen.status, seen.body["id"], seen.body["type"]) == (200, made["id"], type_), said
        boost = type_ == "Announce"  # the outbox begins with what was done last
        assert boost or made["id"] in [item["id"] for item in await outbox(alice)], said


async def test_outbox_update(alice: App, carol: Person) -> None:
    uri = await posted(alice, content="<p>one</p>")
    await heard(alice, carol)
    update = await done(alice, {"type": "Update", "object": {"id": uri, "content": "<p>two</p>"}})
    assert update["object"]["content"] == "<p>two</p>"
    assert (await read(nobody(alice), uri)).body["content"] == "<p>two</p>"
    [sent] = await heard(alice, carol)
    assert (sent["type"], sent["id"]) == ("Update", update["id"])
    assert sent["object"] == update["object"]
    # Read again it names what it changed: nothing said is kept longer than its post.
    seen = await read(nobody(alice), update["id"])
    assert (seen.status, seen.body["object"]) == (200, uri)


async def test_outbox_undo_ensures_activity_and_actor_are_same(
    alice: App, bob: App, carol: Person
) -> None:
    uri = await posted(alice)
    like = await done(bob, {"type": "Like", "object": uri})
    boost = await done(bob, {"type": "Announce", "object": uri})
    follow = await done(bob, {"type": "Follow", "object": alice.account.uri})
    block = await done(bob, {"type": "Block", "object": carol.uri})
    told = await done(bob, {"type": "Listen", "object": uri, "to": [PUBLIC]})
    for activity in (like, boost, follow, block, told):
        brief = {"type": activity["type"], "object": activity["object"]}
        for named, status_ in (
            (activity["id"], 404),  # as if nobody had done anything
            (activity, 404),
            ({**brief, "actor": bob.account.uri}, 403),
            (brief, 404),
        ):
            refused = await alice.submit({"type": "Undo", "object": named})
            assert refused.status == status_, (activity, refused.body)
    async with alice.instance.easel.database.read() as session:
        status = await statuses.load_by_uri(session, bob.account, uri)
        assert status is not None
        assert await favourites.find(session, bob.account.id, status.id) is not None
        assert await follows.find(session, bob.account.id, alice.account.id) is not None
    assert (await read(nobody(bob), boost["id"])).status == 200
    for activity in (like, boost, follow, block, told):
        undo = await done(bob, {"type": "Undo", "object": activity["id"]})
        assert undo["object"]["id"] == activity["id"]
        assert (await bob.submit({"type": "Undo", "object": activity["id"]})).status == 404


# ---- SHOULD -------------------------------------------------------------------------------------


async def test_outbox_create(alice: App) -> None:
    create = await done(alice, {"type": "Create", "object": note("<p>made</p>")})
    seen = await read(nobody(alice), create["object"]["id"])
    assert (seen.status, seen.body["content"]) == (200, "<p>made</p>")


async def test_outbox_create_merges_audience_properties(alice: App, bob: App) -> None:
    outer = {"type": "Create", "to": [PUBLIC], "cc": [bob.account.uri]}
    create = await done(
        alice,
        {**outer, "object": {"type": "Note", "content": "x", "cc": [alice.account.followers_uri]}},
    )
    for document in (create, create["object"]):
        assert document["to"] == [PUBLIC]
        assert set(document["cc"]) == {bob.account.uri, alice.account.followers_uri}
    place = {"type": "Place", "name": "Lighthouse", "cc": [alice.account.followers_uri]}
    create = await done(alice, {**outer, "object": place})
    for document in (create, create["object"]):
        assert document["to"] == [PUBLIC]
        assert set(document["cc"]) == {bob.account.uri, alice.account.followers_uri}


async def test_outbox_create_actor_to_attributed_to(alice: App, bob: App) -> None:
    for object_ in (note(), {"type": "Place", "name": "x", "to": [PUBLIC]}):
        for liar in ({}, {"attributedTo": bob.account.uri}):
            create = await done(
                alice, {"type": "Create", "actor": bob.account.uri, "object": {**object_, **liar}}
            )
            assert create["actor"] == create["object"]["attributedTo"] == alice.account.uri


async def test_outbox_follow(alice: App, carol: Person) -> None:
    follow = await done(alice, {"type": "Follow", "object": carol.uri})
    [sent] = await heard(alice, carol)
    assert (sent["type"], sent["object"], sent["id"]) == ("Follow", carol.uri, follow["id"])
    assert await seeing.following(alice.instance, alice.account) == []  # not before they accept
    assert (await read(alice, follow["id"])).body["object"] == carol.uri
    status, seen = await carol.get(follow["id"])
    assert (status, seen["id"]) == (200, follow["id"])
    assert (await read(nobody(alice), follow["id"])).status == 404


async def test_outbox_follow_adds_followed_object(
    instance: rig.Instance, alice: App, bob: App, carol: Person
) -> None:
    follow = await done(alice, {"type": "Follow", "object": carol.uri})
    await heard(alice, carol)
    await carol.does(instance, carol.activity("Accept", follow["id"]))
    await done(alice, {"type": "Follow", "object": bob.account.uri})
    following = await seeing.following(instance, alice.account)
    assert set(following) == {carol.uri, bob.account.uri}
    page = await read(alice, f"{alice.account.following_uri}?page=true")
    assert set(page.body["orderedItems"]) == set(following)


async def test_outbox_add(alice: App, carol: Person) -> None:
    uri = await posted(alice)
    await heard(alice, carol)
    add = await done(alice, {"type": "Add", "object": uri, "target": alice.account.featured_uri})
    [sent] = await heard(alice, carol)
    assert (sent["type"], sent["id"]) == ("Add", add["id"])


async def test_outbox_add_adds_object_to_target(alice: App) -> None:
    uri, featured = await posted(alice), alice.account.featured_uri
    assert featured is not None
    await done(alice, {"type": "Add", "object": uri, "target": featured})
    shown = (await read(nobody(alice), featured)).body["orderedItems"]
    assert [item["id"] for item in shown] == [uri]


async def test_outbox_remove(alice: App, carol: Person) -> None:
    uri, target = await posted(alice), alice.account.featured_uri
    await done(alice, {"type": "Add", "object": uri, "target": target})
    await heard(alice, carol)
    remove = await done(alice, {"type": "Remove", "object": uri, "target": target})
    [sent] = await heard(alice, carol)
    assert (sent["type"], sent["id"]) == ("Remove", remove["id"])


async def test_outbox_remove_removes_from_target(alice: App) -> None:
    uri, featured = await posted(alice), alice.account.featured_uri
    assert featured is not None
    for type_ in ("Add", "Remove"):
        await done(alice, {"type": type_, "object": uri, "target": featured})
    assert (await read(nobody(alice), featured)).body["totalItems"] == 0


async def test_outbox_like(instance: rig.Instance, alice: App, carol: Person) -> None:
    theirs = carol.note()
    carol.internet.show(
        theirs["id"], {"@context": "https://www.w3.org/ns/activitystreams", **theirs}
    )
    like = await done(alice, {"type": "Like", "object": theirs["id"]})  # nobody here knew it
    [sent] = await heard(alice, carol)
    assert (sent["type"], sent["object"], sent["id"]) == ("Like", theirs["id"], like["id"])
    again = await done(alice, {"type": "Like", "object": {"id": theirs["id"], "type": "Note"}})
    assert again["id"] == like["id"]
    assert await heard(alice, carol) == []


async def test_outbox_like_adds_object_to_liked(alice: App, bob: App) -> None:
    uri = await posted(bob)
    await done(alice, {"type": "Like", "object": uri})
    page = await read(bob, f"{alice.account.uri}/liked?page=true")
    assert page.body["orderedItems"] == [uri]
    assert (await read(bob, uri)).body["likes"]["totalItems"] == 1


async def test_outbox_block(alice: App, bob: App) -> None:
    block = await done(alice, {"type": "Block", "object": bob.account.uri})
    assert not {"to", "cc"} & block.keys()
    async with alice.instance.easel.database.read() as session:
        assert await blocks.find(session, alice.account.id, bob.account.id) is not None
    assert (await read(alice, block["id"])).status == 200
    for app in (bob, nobody(bob)):
        assert (await read(app, block["id"])).status == 404
        assert block["id"] not in str(await outbox(app, alice))


async def test_outbox_block_prevents_interaction_with_actor(alice: App, bob: App) -> None:
    uri = await posted(alice)
    await done(bob, {"type": "Follow", "object": alice.account.uri})
    await done(alice, {"type": "Block", "object": bob.account.uri})
    async with alice.instance.easel.database.read() as session:
        assert await follows.find(session, bob.account.id, alice.account.id) is None
    for activity in (
        {"type": "Follow", "object": alice.account.uri},
        {"type": "Like", "object": uri},
        {"type": "Announce", "object": uri},
        note(inReplyTo=uri),
    ):
        assert (await bob.submit(activity)).status in {403, 404}, activity


# ---- not normative ------------------------------------------------------------------------------


async def test_outbox_update_partial(alice: App) -> None:
    source = {"content": "**one**", "mediaType": "text/markdown"}
    uri = await posted(alice, content="", source=source, summary="spiders")
    before = (await read(alice, uri)).body
    for changes, left in (
        ({"sensitive": True}, {"summary": "spiders", "sensitive": True}),
        ({"summary": "webs"}, {"summary": "webs"}),
        ({"summary": None, "sensitive": None}, {"summary": None, "sensitive": False}),
    ):
        await done(alice, {"type": "Update", "object": {"id": uri, "type": "Note", **changes}})
        after = (await read(alice, uri)).body
        for name in ("content", "source", "to", "cc", "tag", "published", "attributedTo", "id"):
            assert after[name] == before[name], name
        assert {name: after.get(name) for name in left} == left
    await done(alice, {"type": "Update", "object": {"id": uri, "content": "<p>two</p>"}})
    assert (await read(alice, uri)).body["content"] == "<p>two</p>"
    empty = await alice.submit({"type": "Update", "object": {"id": uri, "content": None}})
    assert empty.status == 422 and "words" in empty.error


async def test_outbox_undo(alice: App, bob: App, carol: Person) -> None:
    uri = await posted(bob)
    followed = await done(alice, {"type": "Follow", "object": carol.uri})
    await done(alice, {"type": "Like", "object": uri})
    await done(alice, {"type": "Block", "object": bob.account.uri})
    await heard(alice, carol)
    await done(alice, {"type": "Undo", "object": {"type": "Block", "object": bob.account.uri}})
    await done(alice, {"type": "Undo", "object": {"type": "Like", "object": uri}})
    undo = await done(alice, {"type": "Undo", "object": {"type": "Follow", "object": carol.uri}})
    [sent] = await heard(alice, carol)
    assert (sent["type"], sent["id"], sent["object"]["id"]) == ("Undo", undo["id"], followed["id"])
    async with alice.instance.easel.database.read() as session:
        assert await blocks.find(session, alice.account.id, bob.account.id) is None
    assert (await read(bob, uri)).body["likes"]["totalItems"] == 0
