"""Easel and Fedify: two servers that share no code, over real sockets and real signatures."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.rig import Instance

from .author import MODEL, PAINTED, PROMPT, Author, paint
from .fedify_peer import AS, FedifyPeer, Received, Refused

PUBLIC = "https://www.w3.org/ns/activitystreams#Public"
ACTIVITY_JSON = "application/activity+json"
ALT = "A red fox asleep in the snow"


@pytest.fixture
async def alice(instance: Instance) -> Author:
    return await Author.create(instance, "alice")


@pytest.fixture(params=["fedify", "cavage"])
def carol(request: pytest.FixtureRequest) -> FedifyPeer:
    """carol on a server that signs by RFC 9421, and on one that signs by draft-cavage."""
    peer: FedifyPeer = request.getfixturevalue(request.param)
    return peer


@pytest.fixture
async def followed(alice: Author, fedify: FedifyPeer) -> FedifyPeer:
    """carol, who follows alice already."""
    await fedify.follow(alice.uri)
    await alice.settle()
    return fedify


@pytest.fixture
async def following(alice: Author, fedify: FedifyPeer) -> FedifyPeer:
    """carol, whom alice follows already."""
    await alice.follow(fedify.handle)
    return fedify


# ---- following ----------------------------------------------------------------------------------


async def test_carol_follows_alice(alice: Author, carol: FedifyPeer) -> None:
    follow = await carol.follow(alice.handle)
    await alice.settle()
    accept = await carol.expect("Accept")
    assert accept.actor == alice.uri
    assert accept.object_id == follow["activity"]
    assert (await carol.state())["following"] == [alice.uri]
    assert await alice.followers() == [carol.actor]

    await carol.unfollow(alice.uri)
    await alice.settle()
    assert await alice.followers() == []


async def test_alice_follows_carol(alice: Author, carol: FedifyPeer) -> None:
    await alice.follow(carol.handle)
    follow = await carol.expect("Follow")
    assert (follow.actor, follow.object_id) == (alice.uri, carol.actor)
    assert (await carol.state())["followers"] == [alice.uri]
    await alice.settle()
    assert await alice.following() == [carol.actor]

    await alice.unfollow(carol.actor)
    undo = await carol.expect("Undo")
    assert undo.object_id == follow.id
    assert undo.object is not None and undo.object["type"] == "Follow"
    assert (await carol.state())["followers"] == []
    assert await alice.following() == []


async def test_a_refused_request_is_a_reject(alice: Author, fedify: FedifyPeer) -> None:
    await alice.lock()
    follow = await fedify.follow(alice.uri)
    await alice.settle()
    await alice.refuse(fedify.actor)
    reject = await fedify.expect("Reject")
    assert reject.undefined_terms == []
    assert (reject.actor, reject.object_id) == (alice.uri, follow["activity"])
    assert (await fedify.state())["requested"] == [alice.uri]
    assert await alice.followers() == []
    assert "Accept" not in {item.type for item in await fedify.received()}


async def test_a_second_follow_is_accepted_again(alice: Author, followed: FedifyPeer) -> None:
    first = await followed.expect("Accept")
    again = await followed.follow(alice.uri)
    await alice.settle()
    accept = await followed.expect("Accept", after=first.seq)
    assert accept.object_id == again["activity"]
    assert await alice.followers() == [followed.actor]


async def test_carol_changes_her_mind_at_once(alice: Author, fedify: FedifyPeer) -> None:
    """What she takes back is in the queue together with what she did."""
    uri = await alice.post("hm")
    await fedify.follow(alice.uri)
    await fedify.unfollow(alice.uri)
    for do, undo in ((fedify.like, fedify.unlike), (fedify.announce, fedify.undo_announce)):
        await do(uri)
        await undo(uri)
    await alice.settle()
    assert await alice.followers() == []
    note = await fedify.lookup(uri)
    for name in ("likesId", "sharesId"):
        assert (await fedify.read(note[name])).object["totalItems"] == 0


async def test_a_server_that_wants_signatures_can_be_followed(
    alice: Author, fedify: FedifyPeer
) -> None:
    await fedify.require_signatures()
    await alice.follow(fedify.handle)
    await fedify.expect("Follow")
    await alice.settle()
    assert await alice.following() == [fedify.actor]


# ---- posts --------------------------------------------------------------------------------------


async def test_alices_picture_arrives_whole(alice: Author, carol: FedifyPeer) -> None:
    await carol.follow(alice.uri)
    await alice.settle()
    picture = paint(320, 240)
    uri = await alice.post("Look what I made #foxes", picture=picture, alt=ALT)

    create = await carol.expect("Create")
    assert create.undefined_terms == []
    assert (create.actor, create.object_id) == (alice.uri, uri)
    assert create.inbox == "shared"
    note = create.object
    assert note is not None
    assert note["type"] == "Note"
    assert note["attributionId"] == alice.uri
    assert "Look what I made" in note["content"]
    assert note["toIds"] == create.activity["toIds"] == [PUBLIC]
    assert note["ccIds"] == create.activity["ccIds"] == [f"{alice.uri}/followers"]
    assert note["published"] == create.activity["published"]
    assert "foxes" in [tag["name"].lstrip("#") for tag in note["tags"] if tag["type"] == "Hashtag"]
    (attachment,) = create.attachments
    assert attachment.type == "Image"
    assert attachment.name == ALT
    assert attachment.expanded[AS + "summary"][0]["@value"] == ALT  # GoToSocial's alt text
    assert attachment.media_type == "image/png"
    assert (attachment.width, attachment.height) == (320, 240)
    assert attachment.blurhash is not None and 6 <= len(attachment.blurhash) <= 164
    assert attachment.focal_point is not None
    assert isinstance(create.raw["object"]["attachment"][0]["url"], str)  # Misskey, Pixelfed
    assert attachment.url is not None
    fetched = await carol.fetch(attachment.url)
    assert fetched.status == 200
    assert fetched.headers["content-type"] == "image/png"


async def test_a_painted_picture_says_so(alice: Author, followed: FedifyPeer) -> None:
    await alice.post("Painted", picture=paint(64, 64), alt=ALT, painted=True)
    create = await followed.expect("Create")
    assert create.undefined_terms == []
    assert create.object is not None
    tags = {tag["name"].lower() for tag in create.object["tags"] if tag["type"] == "Hashtag"}
    assert "#aigenerated" in tags
    (attachment,) = create.attachments
    said = {iri.rpartition("/")[2]: values for iri, values in attachment.expanded.items()}
    assert said["digitalSourceType"] == [{"@id": PAINTED}]
    assert said["AISystemUsed"] == [{"@value": MODEL}]
    assert said["AIPromptInformation"] == [{"@value": PROMPT}]


async def test_carols_picture_arrives_whole(alice: Author, carol: FedifyPeer) -> None:
    await alice.follow(carol.handle)
    await alice.settle()
    posted = await carol.create("<p>Hello <b>there</b></p>", image=True, alt=ALT)
    await alice.settle()
    (seen,) = await alice.home()
    assert (seen.uri, seen.author) == (posted["object"], carol.actor)
    assert "Hello" in seen.content
    (picture,) = seen.pictures
    assert picture.remote_url == carol.picture
    assert picture.description == ALT
    assert picture.media_type == "image/png"
    assert (picture.width, picture.height) == (96, 64)


async def test_a_post_is_delivered_once_to_a_shared_inbox(
    alice: Author, followed: FedifyPeer
) -> None:
    await alice.post("one")
    await followed.expect("Create")
    await alice.post("two")
    await followed.expect("Create", lambda create: "two" in str(create.raw))
    kinds = [item.type for item in await followed.received()]
    assert kinds.count("Create") == 2


async def test_an_edit_reaches_carol(alice: Author, followed: FedifyPeer) -> None:
    uri = await alice.post("befour", picture=paint(64, 64), alt=ALT)
    await alice.edit(uri, "before")
    update = await followed.expect("Update")
    assert update.undefined_terms == []
    assert update.object_id == uri
    assert update.object is not None
    assert "before" in update.object["content"]
    assert update.object["updated"] > update.object["published"]
    assert len(update.attachments) == 1
    assert "before" in (await followed.lookup(uri))["content"]


async def test_an_edit_of_carols_reaches_alice(alice: Author, following: FedifyPeer) -> None:
    posted = await following.create("<p>befour</p>")
    await following.update(posted["object"], "<p>before</p>")
    await alice.settle()
    (seen,) = await alice.home()
    assert "before" in seen.content
    assert seen.edited


async def test_a_deletion_reaches_carol(alice: Author, followed: FedifyPeer) -> None:
    uri = await alice.post("a mistake")
    await alice.delete(uri)
    delete = await followed.expect("Delete")
    assert (delete.actor, delete.object_id) == (alice.uri, uri)
    assert delete.undefined_terms == []
    with pytest.raises(Refused, match="HTTP 410"):
        await followed.lookup(uri)
    gone = await followed.fetch(uri, ACTIVITY_JSON)
    assert gone.status == 410
    tombstone = await followed.parse(json.loads(gone.body))
    assert (tombstone.object["type"], tombstone.object["id"]) == ("Tombstone", uri)
    assert tombstone.undefined_terms == []


async def test_a_deletion_of_carols_reaches_alice(alice: Author, following: FedifyPeer) -> None:
    posted = await following.create("<p>a mistake</p>")
    await alice.settle()
    assert [seen.uri for seen in await alice.home()] == [posted["object"]]
    await following.delete(posted["object"])
    await alice.settle()
    assert await alice.home() == []


async def test_alice_answers_carol(alice: Author, following: FedifyPeer) -> None:
    posted = await following.create("<p>Who is there?</p>")
    await alice.settle()
    uri = await alice.post(f"@{following.handle} It is me", in_reply_to=posted["object"])
    create = await following.expect("Create")
    note = create.object
    assert note is not None
    assert (create.object_id, note["replyTargetId"]) == (uri, posted["object"])
    mentions = [tag for tag in note["tags"] if tag["type"] == "Mention"]
    assert [mention["href"] for mention in mentions] == [following.actor]
    assert following.actor in note["toIds"] + note["ccIds"]


async def test_carol_answers_alice(alice: Author, fedify: FedifyPeer) -> None:
    uri = await alice.post("Who is there?")
    answer = await fedify.create("<p>It is me</p>", in_reply_to=uri)
    await alice.settle()
    _, items = await fedify.traverse((await fedify.lookup(uri))["repliesId"])
    assert [item["id"] for item in items] == [answer["object"]]
    assert await alice.notifications() == [("mention", fedify.actor)]


async def test_a_private_post_goes_to_followers_only(
    alice: Author, followed: FedifyPeer, cavage: FedifyPeer
) -> None:
    uri = await alice.post("between us", visibility="private")
    create = await followed.expect("Create")
    assert create.object is not None
    assert create.object["toIds"] == [f"{alice.uri}/followers"]
    assert "ccIds" not in create.object
    assert "between us" in (await followed.lookup(uri))["content"]
    for stranger, signed in ((cavage, True), (followed, False)):
        with pytest.raises(Refused, match=r"HTTP 40[134]"):
            await stranger.lookup(uri, signed=signed)
    _, items = await cavage.traverse(f"{alice.uri}/outbox")
    assert uri not in str(items)


async def test_carols_private_post_is_seen_by_alice(alice: Author, following: FedifyPeer) -> None:
    await following.create("<p>between us</p>", visibility="followers")
    await following.create("<p>for you</p>", visibility="direct", to=[alice.uri])
    await alice.settle()
    seen = {post.visibility: post.content for post in await alice.known()}
    assert seen == {"private": "<p>between us</p>", "direct": "<p>for you</p>"}


# ---- people who change and go -------------------------------------------------------------------


async def test_a_new_name_reaches_carol(alice: Author, followed: FedifyPeer) -> None:
    await alice.rename("Alice Marlowe")
    update = await followed.expect("Update")
    assert update.undefined_terms == []
    assert (update.actor, update.object_id) == (alice.uri, alice.uri)
    assert update.object is not None
    assert (update.object["type"], update.object["name"]) == ("Person", "Alice Marlowe")
    assert (await followed.lookup(alice.uri))["name"] == "Alice Marlowe"


async def test_carols_new_name_reaches_alice(alice: Author, following: FedifyPeer) -> None:
    await following.rename("Carol the Second")
    await alice.settle()
    seen = await alice.sees(following.actor)
    assert seen is not None
    assert seen.display_name == "Carol the Second"


async def test_an_account_that_goes_is_gone_for_carol(alice: Author, followed: FedifyPeer) -> None:
    uri = await alice.post("the last one")
    await alice.leave()
    delete = await followed.expect("Delete")
    assert delete.undefined_terms == []
    assert (delete.actor, delete.object_id) == (alice.uri, alice.uri)
    for dead in (alice.uri, uri):
        with pytest.raises(Refused, match="HTTP 410"):
            await followed.lookup(dead)
        gone = await followed.fetch(dead, ACTIVITY_JSON)
        assert gone.status == 410
        tombstone = await followed.parse(json.loads(gone.body))
        assert (tombstone.object["type"], tombstone.object["id"]) == ("Tombstone", dead)
        assert tombstone.undefined_terms == []


async def test_when_carol_goes_nothing_of_hers_is_left(
    alice: Author, following: FedifyPeer
) -> None:
    await following.create("<p>the last one</p>")
    await alice.settle()
    assert len(await alice.home()) == 1
    await following.leave()
    await alice.settle()
    assert await alice.home() == []
    assert await alice.following() == []
    seen = await alice.sees(following.actor)
    assert seen is not None
    assert seen.deleted_at is not None


# ---- what others do with posts ------------------------------------------------------------------


async def test_carol_likes_alices_post(alice: Author, fedify: FedifyPeer) -> None:
    uri = await alice.post("like me")
    await fedify.like(uri)
    await alice.settle()
    assert await alice.notifications() == [("favourite", fedify.actor)]
    likes = (await fedify.lookup(uri))["likesId"]
    assert (await fedify.read(likes)).object["totalItems"] == 1
    await fedify.unlike(uri)
    await alice.settle()
    assert (await fedify.read(likes)).object["totalItems"] == 0


async def test_alice_likes_carols_post(alice: Author, following: FedifyPeer) -> None:
    posted = await following.create("<p>like me</p>")
    await alice.settle()
    await alice.like(posted["object"])
    like = await following.expect("Like")
    assert (like.actor, like.object_id) == (alice.uri, posted["object"])
    assert like.undefined_terms == []
    await alice.unlike(posted["object"])
    undo = await following.expect("Undo")
    assert undo.object_id == like.id
    assert undo.object is not None and undo.object["type"] == "Like"


async def test_carol_announces_alices_post(alice: Author, fedify: FedifyPeer) -> None:
    uri = await alice.post("share me")
    await fedify.announce(uri)
    await alice.settle()
    assert await alice.notifications() == [("reblog", fedify.actor)]
    shares = (await fedify.lookup(uri))["sharesId"]
    assert (await fedify.read(shares)).object["totalItems"] == 1
    await fedify.undo_announce(uri)
    await alice.settle()
    assert (await fedify.read(shares)).object["totalItems"] == 0


async def test_alice_announces_carols_post(alice: Author, followed: FedifyPeer) -> None:
    await alice.follow(followed.handle)
    posted = await followed.create("<p>share me</p>")
    await alice.settle()
    await alice.boost(posted["object"])
    announce = await followed.expect("Announce")
    assert (announce.actor, announce.object_id) == (alice.uri, posted["object"])
    assert announce.activity["toIds"] == [PUBLIC]
    assert f"{alice.uri}/followers" in announce.activity["ccIds"]
    assert followed.actor in announce.activity["ccIds"]
    assert announce.undefined_terms == []
    await alice.unboost(posted["object"])
    undo = await followed.expect("Undo")
    assert undo.object_id == announce.id
    assert undo.object is not None and undo.object["type"] == "Announce"


async def test_carols_boost_of_a_third_servers_post_reaches_alice(
    alice: Author, following: FedifyPeer, cavage: FedifyPeer
) -> None:
    posted = await cavage.create("<p>from afar</p>", image=True, alt=ALT)
    await following.announce(posted["object"])
    await alice.settle()
    (seen,) = await alice.home()
    assert (seen.uri, seen.boosted_by) == (posted["object"], following.actor)
    assert seen.author == cavage.actor
    assert seen.content == "<p>from afar</p>"


# ---- blocking -----------------------------------------------------------------------------------


async def test_carol_blocks_alice(alice: Author, following: FedifyPeer) -> None:
    await following.block(alice.uri)
    await alice.settle()
    assert await alice.following() == []
    await following.unblock(alice.uri)
    await alice.settle()
    await alice.follow(following.handle)
    await alice.settle()
    assert await alice.following() == [following.actor]


async def test_alice_blocks_carol(alice: Author, followed: FedifyPeer) -> None:
    uri = await alice.post("not for you", visibility="private")
    await followed.expect("Create")
    await alice.block(followed.actor)
    block = await followed.expect("Block")
    assert (block.actor, block.object_id) == (alice.uri, followed.actor)
    assert block.undefined_terms == []
    assert await alice.followers() == []
    with pytest.raises(Refused, match=r"HTTP 40[134]"):
        await followed.lookup(uri)
    await followed.follow(alice.uri)
    await alice.settle()
    assert await alice.followers() == []

    await alice.unblock(followed.actor)
    undo = await followed.expect("Undo")
    assert undo.object_id == block.id
    await followed.follow(alice.uri)
    await alice.settle()
    assert await alice.followers() == [followed.actor]


# ---- what carol may not say ---------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["Update", "Delete", "Undo"])
async def test_only_its_author_changes_a_post(
    kind: str, alice: Author, following: FedifyPeer, cavage: FedifyPeer
) -> None:
    posted = await following.create("<p>mine</p>")
    await alice.settle()
    told: Any = posted["object"]
    if kind == "Update":
        told = {
            "type": "Note",
            "id": posted["object"],
            "attributedTo": following.actor,
            "content": "<p>stolen</p>",
            "to": PUBLIC,
            "updated": "2099-01-01T00:00:00Z",
        }
    elif kind == "Undo":
        told = {
            "type": "Create",
            "id": posted["activity"],
            "actor": following.actor,
            "object": posted["object"],
        }
    forged = {
        "@context": "https://www.w3.org/ns/activitystreams",
        "type": kind,
        "id": f"{cavage.origin}/activities/forged-{kind}",
        "actor": cavage.actor,
        "object": told,
        "to": [PUBLIC],
    }
    try:
        await cavage.send(forged, to=alice.uri)
    except Refused as refused:
        assert refused.answered in {400, 401, 403}  # refusing is fine, breaking is not
    await alice.settle()
    (seen,) = await alice.home()
    assert seen.content == "<p>mine</p>"


# ---- every document that we publish -------------------------------------------------------------


async def read(peer: FedifyPeer, uri: str, kind: str | tuple[str, ...]) -> dict[str, Any]:
    """Reads one of our documents; every term in it must be defined by its own @context."""
    fetched = await peer.fetch(uri, ACTIVITY_JSON)
    assert fetched.status == 200, uri
    assert fetched.headers["content-type"].split(";")[0] == ACTIVITY_JSON
    assert "accept" in fetched.headers["vary"].lower()
    parsed = await peer.read(uri)
    assert parsed.undefined_terms == [], uri
    assert parsed.object["id"] == uri
    assert parsed.object["type"] in ((kind,) if isinstance(kind, str) else kind)
    return parsed.object


@pytest.fixture
async def busy(alice: Author, followed: FedifyPeer) -> AsyncIterator[str]:
    """A post of alice's to which everything has happened; more posts around it."""
    for n in range(25):  # more than a page
        await alice.post(f"post {n}")
    uri = await alice.post("the one", picture=paint(64, 48), alt=ALT)
    await alice.pin(uri)
    await alice.follow(followed.handle)
    await followed.like(uri)
    await followed.announce(uri)
    await followed.create("<p>nice</p>", in_reply_to=uri)
    await alice.settle()
    yield uri


async def test_the_actor_is_understood(alice: Author, fedify: FedifyPeer) -> None:
    actor = await read(fedify, alice.uri, "Person")
    assert actor["preferredUsername"] == "alice"
    for name in ("inboxId", "outboxId", "followersId", "followingId", "featuredId"):
        assert actor[name].startswith(alice.instance.url), name
    assert actor["endpoints"]["sharedInbox"].startswith(alice.instance.url)
    (key,) = actor["publicKeys"]
    assert key["ownerId"] == alice.uri
    assert key["id"] == f"{alice.uri}#main-key"  # snac refuses a path
    assert "BEGIN PUBLIC KEY" in key["publicKey"]


async def test_the_instance_actor_is_understood(alice: Author, fedify: FedifyPeer) -> None:
    await alice.follow(fedify.handle)
    visits = (await fedify.state())["visits"]
    key_ids = {visit["keyId"] for visit in visits if visit["path"] == "/users/carol"}
    (key_id,) = {key_id for key_id in key_ids if key_id.startswith(alice.instance.url)}
    uri = key_id.partition("#")[0]
    actor = await read(fedify, uri, ("Application", "Service"))
    assert (actor["publicKeys"][0]["id"], actor["publicKeys"][0]["ownerId"]) == (key_id, uri)
    assert actor["inboxId"].startswith(alice.instance.url)
    unsigned = await fedify.fetch(uri, ACTIVITY_JSON)
    assert unsigned.status == 200


async def test_a_post_and_its_create_are_understood(
    busy: str, alice: Author, fedify: FedifyPeer
) -> None:
    note = await read(fedify, busy, "Note")
    assert note["attributionId"] == alice.uri
    assert len(note["attachments"]) == 1
    create = await fedify.expect("Create", lambda item: item.object_id == busy)
    assert create.id is not None
    published = await read(fedify, create.id, "Create")
    assert published["actorId"] == alice.uri


async def test_the_collections_of_an_actor_are_understood(
    busy: str, alice: Author, fedify: FedifyPeer
) -> None:
    actor = await fedify.lookup(alice.uri)
    found = {}
    for name in ("outboxId", "followersId", "followingId", "featuredId"):
        collection = await read(fedify, actor[name], "OrderedCollection")
        if "firstId" in collection:
            page = await read(fedify, collection["firstId"], "OrderedCollectionPage")
            assert page["partOfId"] == actor[name]
            if "nextId" in page:
                await read(fedify, page["nextId"], "OrderedCollectionPage")
        total, found[name] = await fedify.traverse(actor[name])
        assert total == len(found[name]), name
    assert len(found["outboxId"]) == 26
    assert {item["type"] for item in found["outboxId"]} == {"Create"}
    published = [item["published"] for item in found["outboxId"]]
    assert published == sorted(published, reverse=True)
    for name in ("followersId", "followingId"):
        assert [item["id"] for item in found[name]] == [fedify.actor]
    assert [(item["type"], item["id"]) for item in found["featuredId"]] == [("Note", busy)]


async def test_a_boost_and_the_outbox_that_holds_it_are_understood(
    alice: Author, followed: FedifyPeer
) -> None:
    mine = await alice.post("my own")
    await alice.follow(followed.handle)
    posted = await followed.create("<p>share me</p>")
    await alice.settle()
    await alice.boost(posted["object"])
    boost = (await followed.expect("Announce")).id
    assert boost is not None
    announce = await read(followed, boost, "Announce")
    assert (announce["actorId"], announce["objectId"]) == (alice.uri, posted["object"])
    assert announce["toIds"] == [PUBLIC]
    outbox = (await followed.lookup(alice.uri))["outboxId"]
    total, items = await followed.traverse(outbox)
    assert [(item["type"], item["objectId"]) for item in items] == [
        ("Announce", posted["object"]),
        ("Create", mine),
    ]
    assert total == 2
    page = (await read(followed, outbox, "OrderedCollection"))["firstId"]
    await read(followed, page, "OrderedCollectionPage")


async def test_the_collections_of_a_post_are_understood(busy: str, fedify: FedifyPeer) -> None:
    note = await fedify.lookup(busy)
    for name in ("likesId", "sharesId"):
        collection = await read(fedify, note[name], ("Collection", "OrderedCollection"))
        assert collection["totalItems"] == 1
    await read(fedify, note["repliesId"], "Collection")
    _, items = await fedify.traverse(note["repliesId"])
    assert [item["replyTargetId"] for item in items] == [busy]
    page = f"{note['repliesId']}?page=true"
    assert (await read(fedify, page, "CollectionPage"))["partOfId"] == note["repliesId"]


async def test_webfinger_and_nodeinfo_are_understood(alice: Author, fedify: FedifyPeer) -> None:
    jrd = await fedify.webfinger(f"acct:{alice.handle}")
    assert jrd["subject"] == f"acct:{alice.handle}"
    (link,) = [link for link in jrd["links"] if link["rel"] == "self"]
    assert (link["type"], link["href"]) == (ACTIVITY_JSON, alice.uri)
    assert (await fedify.webfinger(alice.uri))["subject"] == f"acct:{alice.handle}"
    await alice.post("counted")
    found = await fedify.nodeinfo(alice.instance.url)
    assert {item["rel"].rpartition("/")[2] for item in found} == {"2.0", "2.1"}
    for item in found:
        assert item["nodeinfo"]["software"]["name"] == "easel"
        assert item["nodeinfo"]["protocols"] == ["activitypub"]
        assert item["nodeinfo"]["usage"]["localPosts"] == 1


async def test_everything_that_carol_received_is_defined(
    busy: str, alice: Author, fedify: FedifyPeer
) -> None:
    await alice.edit(busy, "the same one")
    await alice.unfollow(fedify.actor)
    await alice.delete(busy)
    received: list[Received] = await fedify.received()
    assert {item.type for item in received} >= {
        "Accept",
        "Create",
        "Update",
        "Delete",
        "Follow",
        "Undo",
    }
    assert [item.undefined_terms for item in received if item.undefined_terms] == []
    assert (await fedify.state())["refused"] == []
