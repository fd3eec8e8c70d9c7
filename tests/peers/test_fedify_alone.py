"""The peer itself: two Fedify servers with each other, so that a failure with Easel is Easel's."""

from __future__ import annotations

import pytest

from .fedify_peer import FedifyPeer, Refused

PUBLIC = "https://www.w3.org/ns/activitystreams#Public"


async def test_two_servers_follow_each_other_and_share_a_picture(
    fedify: FedifyPeer, cavage: FedifyPeer
) -> None:
    await fedify.follow(cavage.handle)
    assert (await fedify.state())["following"] == [cavage.actor]
    assert (await cavage.state())["followers"] == [fedify.actor]
    await cavage.follow(fedify.actor)
    assert (await cavage.state())["following"] == [fedify.actor]

    posted = await fedify.create("<p>Look</p>", image=True, alt="a gradient")
    create = await cavage.expect("Create")
    assert create.id == posted["activity"]
    assert create.actor == fedify.actor
    assert create.signature == "rfc9421"
    assert create.inbox == "shared"
    assert create.object is not None
    assert create.object["content"] == "<p>Look</p>"
    assert create.object["toIds"] == [PUBLIC]
    assert create.object["ccIds"] == [f"{fedify.actor}/followers"]
    (picture,) = create.attachments
    assert (picture.url, picture.name, picture.media_type, picture.width, picture.height) == (
        fedify.picture,
        "a gradient",
        "image/png",
        96,
        64,
    )

    liked = await cavage.like(posted["object"])
    assert (await fedify.expect("Like")).signature == "cavage"
    undone = await cavage.unlike(posted["object"])
    assert undone["undone"] == liked["activity"]
    await fedify.expect("Undo", lambda undo: undo.object_id == liked["activity"])

    await cavage.announce(posted["object"])
    assert (await fedify.expect("Announce")).object_id == posted["object"]
    await fedify.update(posted["object"], "<p>Look again</p>")
    update = await cavage.expect("Update")
    assert update.object is not None and update.object["content"] == "<p>Look again</p>"
    await fedify.delete(posted["object"])
    assert (await cavage.expect("Delete")).object_id == posted["object"]
    with pytest.raises(Refused, match="410"):
        await cavage.lookup(posted["object"])

    await cavage.unfollow(fedify.actor)
    assert (await fedify.state())["followers"] == []


async def test_a_private_note_is_shown_to_its_audience_only(
    fedify: FedifyPeer, cavage: FedifyPeer
) -> None:
    posted = await fedify.create("<p>psst</p>", visibility="followers")
    with pytest.raises(Refused, match="401"):
        await cavage.lookup(posted["object"])
    await cavage.follow(fedify.actor)
    assert (await cavage.lookup(posted["object"]))["content"] == "<p>psst</p>"
    with pytest.raises(Refused, match="401"):
        await cavage.lookup(posted["object"], signed=False)


async def test_collections_are_paged(fedify: FedifyPeer, cavage: FedifyPeer) -> None:
    posted = [(await fedify.create(f"<p>{n}</p>"))["activity"] for n in range(7)]
    total, items = await cavage.traverse(f"{fedify.actor}/outbox")
    assert total == 7
    assert [item["id"] for item in items] == posted[::-1]


async def test_discovery(fedify: FedifyPeer, cavage: FedifyPeer) -> None:
    jrd = await cavage.webfinger(f"acct:{fedify.handle}")
    assert jrd["subject"] == f"acct:{fedify.handle}"
    (found,) = await cavage.nodeinfo(fedify.origin)
    assert found["nodeinfo"]["software"]["name"] == "fedify-peer"
    actor = await cavage.lookup(fedify.handle)
    assert (actor["id"], actor["preferredUsername"]) == (fedify.actor, "carol")


async def test_the_parser_tells_what_it_cannot_read(fedify: FedifyPeer) -> None:
    note = {
        "@context": ["https://www.w3.org/ns/activitystreams", {"known": "https://n.localhost/#k"}],
        "type": "Note",
        "id": "http://n.localhost/1",
        "known": 1,
        "unknown": 1,
        "attachment": {"type": "Image", "blurhash": "x"},
    }
    assert (await fedify.parse(note)).undefined_terms == ["blurhash", "unknown"]
    with pytest.raises(Refused, match="refused to fetch https://unknown"):
        await fedify.parse({**note, "@context": "https://unknown.example/ns"})
    with pytest.raises(Refused, match="yesterday"):
        await fedify.parse({**note, "published": "yesterday"})


async def test_what_is_not_signed_by_its_actor_is_refused(
    fedify: FedifyPeer, cavage: FedifyPeer
) -> None:
    forged = {
        "@context": "https://www.w3.org/ns/activitystreams",
        "type": "Like",
        "id": f"{fedify.origin}/activities/forged",
        "actor": f"{fedify.actor}",
        "object": cavage.actor,
    }
    with pytest.raises(Refused) as refusal:
        await cavage.send(forged, to=fedify.actor)
    assert refusal.value.answered == 401
    assert await fedify.received() == []


async def test_a_server_that_wants_signatures_gets_them(
    fedify: FedifyPeer, cavage: FedifyPeer
) -> None:
    await fedify.require_signatures()
    with pytest.raises(Refused, match="401"):
        await cavage.lookup(fedify.actor, signed=False)
    assert (await cavage.read(fedify.actor)).document["preferredUsername"] == "carol"
    assert cavage.key_id in [visit["keyId"] for visit in (await fedify.state())["visits"]]
    assert (await cavage.fetch(fedify.actor, "application/activity+json")).status == 401
