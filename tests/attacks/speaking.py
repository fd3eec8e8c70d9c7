"""Attacks 22 to 42: speaking for others, taking their names, reading what is not for everybody."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web
from sqlmodel import col, select

from fedi.database.tables import Pin, Quote, Status
from fedi.federation import remote
from fedi.social import blocks
from fedi.social.errors import SocialError
from fedi.storage import new_key
from tests.attacks.world import REFUSED, TAKEN, World, attack
from tests.federation import seeing
from tests.federation.peer import AS2, JRD_JSON, PUBLIC, Document, Person, public_pem

ANY = REFUSED | TAKEN
"""Refused, or taken without effect: the oracle is what can be seen afterwards."""


async def _stored(world: World, uri: str) -> bool:
    status = await seeing.status(world.instance, uri)
    return status is not None and status.deleted_at is None


async def _follow(world: World, person: Person) -> None:
    """alice follows somebody, so that what they post concerns her."""
    follow = await seeing.follow(world.instance, world.alice, person.uri)
    await world.instance.run_jobs()
    assert await world.says(person, person.activity("Accept", follow)) in TAKEN


async def _unfollow(world: World, person: Person) -> None:
    """They leave again without a trace."""
    gone = person.activity("Delete", person.uri)
    assert await world.says(person, gone) in TAKEN


@attack("22-object-of-a-third-host", "embedded", "by-id", "array", "fragment", "id-list")
async def third_host(world: World, how: str) -> None:
    mallory = world.stranger()
    note = world.carol.note("forged", to=[world.alice.uri], attributedTo=mallory.uri)
    object_: Any = {
        "embedded": note,
        "by-id": note["id"],
        "array": [note],
        "fragment": {**note, "id": f"{note['id']}#{mallory.uri}"},
        "id-list": {**note, "id": [note["id"], mallory.new_id()]},
    }[how]
    world.internet.show(note["id"], {**note, "attributedTo": world.carol.uri, "content": "true"})
    create = mallory.activity("Create", object_, to=[world.alice.uri])
    assert await world.says(mallory, create) in ANY
    assert not await _stored(world, note["id"])


@attack(
    "23-attributed-to-another", "neighbour", "array", "object", "other-host", "absent-in-update"
)
async def attributed(world: World, how: str) -> None:
    mallory = world.neighbour()
    note = mallory.note("forged", to=[world.alice.uri])
    note["attributedTo"] = {
        "neighbour": world.bob.uri,
        "array": [world.bob.uri, mallory.uri],
        "object": {"type": "Person", "id": world.bob.uri},
        "other-host": world.carol.uri,
        "absent-in-update": None,
    }[how]
    kind = "Update" if how == "absent-in-update" else "Create"
    assert await world.says(mallory, mallory.activity(kind, note)) in ANY
    assert not await _stored(world, note["id"])


@attack("24-of-anothers-post", "Update", "Delete", "Undo", "Update-actor", "Delete-actor",
        "Delete-tombstone", "Update-local", "Delete-local", "Delete-boost")  # fmt: skip
async def anothers_post(world: World, how: str) -> None:
    kind, _, what = how.partition("-")
    bob = world.bob
    object_: Any = {
        "": {**world.bobs_post, "content": "forged"} if kind == "Update" else world.bobs_post["id"],
        "actor": {**bob.document(), "name": "Forged"} if kind == "Update" else bob.uri,
        "tombstone": {"type": "Tombstone", "id": world.bobs_post["id"]},
        "local": {"type": "Note", "id": world.post, "attributedTo": world.alice.uri},
        "boost": world.bobs_boost["id"],
    }[what]
    for liar in (world.stranger(), world.neighbour()):
        assert await world.says(liar, liar.activity(kind, object_)) in ANY
        if isinstance(object_, dict):
            for lie in ({"attributedTo": liar.uri}, {"attributedTo": [liar.uri, bob.uri]}):
                assert await world.says(liar, liar.activity(kind, {**object_, **lie})) in ANY


@attack("24-delete-before-it-came")
async def deleted_before(world: World) -> None:
    """A neighbour declares bob's next post dead; it comes all the same."""
    liar, note = world.neighbour(), world.bob.note("soon", to=[world.alice.uri], cc=[])
    assert await world.says(liar, liar.activity("Delete", note["id"])) in ANY
    stranger = world.stranger()
    assert await world.says(stranger, stranger.activity("Delete", note["id"])) in REFUSED
    assert await world.says(world.bob, world.bob.create(note)) in TAKEN
    assert await _stored(world, note["id"])
    assert await world.says(world.bob, world.bob.activity("Delete", note["id"])) in TAKEN


@attack("25-update-that-changes", "author", "id", "type", "to-an-actor", "to-an-activity",
        "visibility")  # fmt: skip
async def changing(world: World, how: str) -> None:
    changes: Document = {
        "author": {"attributedTo": world.carol.uri, "content": "forged"},
        "id": {"id": world.bobs_answer["id"] + "#x", "content": "forged"},
        "type": {"type": "Article", "content": "forged"},
        "to-an-actor": {"type": "Person", "inbox": world.bob.inbox, "preferredUsername": "x"},
        "to-an-activity": {"type": "Announce", "actor": world.bob.uri, "object": world.post},
        "visibility": {"to": [PUBLIC], "cc": []},
    }[how]
    if how == "visibility":  # what was for alice alone is not for everybody afterwards
        note = world.bob.note("for alice", to=[world.alice.uri], cc=[])
        await world.bob.does(world.instance, world.bob.create(note))
        update = world.bob.activity("Update", {**note, **changes})
        assert await world.says(world.bob, update) in ANY
        assert await seeing.seen(world.instance, None, note["id"]) is None
        await world.bob.does(world.instance, world.bob.activity("Delete", note["id"]))
        return
    update = world.bob.activity("Update", {**world.bobs_post, **changes})
    assert await world.says(world.bob, update) in ANY
    if how == "id":  # bob may say what he likes under an id that nobody had; the old one stays
        await world.says(world.bob, world.bob.activity("Delete", changes["id"]))


@attack("26-undo-of-anothers", "Like", "Follow", "Announce", "Like-forged", "Follow-forged",
        "Announce-forged", "Follow-by-object")  # fmt: skip
async def undo_anothers(world: World, how: str) -> None:
    kind, _, forged = how.partition("-")
    own = {
        "Like": world.bobs_like, "Follow": world.bobs_follow, "Announce": world.bobs_boost,
    }[kind]  # fmt: skip
    for liar in (world.stranger(), world.neighbour()):
        lies: list[Any] = [own["id"], own]
        if forged == "forged":  # bob's id with the liar's name on it, and the other way round
            lies = [{**own, "actor": liar.uri}, {**own, "actor": [liar.uri, world.bob.uri]}]
        elif forged:
            lies = [{"type": "Follow", "actor": world.bob.uri, "object": world.alice.uri}]
        for lie in lies:
            assert await world.says(liar, liar.activity("Undo", lie)) in ANY


@attack("27-accept-that-nobody-asked", "Accept", "Reject", "Accept-never-sent", "Reject-never-sent",
        "Accept-of-anothers-follow", "Accept-by-id")  # fmt: skip
async def accept_unasked(world: World, how: str) -> None:
    kind, _, what = how.partition("-")
    asked = await seeing.follow(world.instance, world.alice, world.carol.uri)
    await world.instance.run_jobs()
    follow: Document = {
        "id": asked, "type": "Follow", "actor": world.alice.uri, "object": world.carol.uri,
    }  # fmt: skip
    for liar in (world.stranger(), world.stranger("other")):
        object_: Any = {
            "": follow,
            "never-sent": {**follow, "object": liar.uri, "id": f"{world.alice.uri}#follows/1"},
            "of-anothers-follow": {**follow, "object": liar.uri},
            "by-id": asked,
        }[what]
        assert await world.says(liar, liar.activity(kind, object_)) in ANY
    assert await seeing.following(world.instance, world.alice) == [world.bob.uri]
    # carol says no herself, and all is as before
    assert await world.says(world.carol, world.carol.activity("Reject", follow)) in TAKEN


@attack("28-announce-that-embeds-anothers-post", changes=True)
async def announce_embeds(world: World) -> None:
    mallory = world.stranger()
    await _follow(world, mallory)
    note = world.carol.note("<p>carol's own words</p>")
    world.internet.show(note["id"], {"@context": AS2, **note})
    for lie in ({"content": "<p>forged</p>"}, {"attributedTo": mallory.uri}):
        boost = mallory.activity("Announce", {**note, **lie}, to=[PUBLIC])
        assert await world.says(mallory, boost) in ANY
    stored = await seeing.status(world.instance, note["id"])
    assert stored is not None and stored.content == "<p>carol's own words</p>"
    missing = world.carol.note("<p>never said</p>")
    assert await world.says(mallory, mallory.activity("Announce", missing, to=[PUBLIC])) in ANY
    assert await seeing.status(world.instance, missing["id"]) is None
    private = await seeing.publish(world.instance, world.alice, "secret", visibility="private")
    assert await world.says(mallory, mallory.activity("Announce", private, to=[PUBLIC])) in ANY
    await _unfollow(world, mallory)
    assert private not in str(await world.get(f"{world.alice.uri}/outbox?page=true"))


@attack("29-delete-of-an-actor", "by-another", "key-404", "key-500", "others-410", "alive")
async def delete_actor(world: World, how: str) -> None:
    gone = world.bob.activity("Delete", world.bob.uri, to=[PUBLIC])
    mallory = world.stranger()
    key_id = f"{mallory.origin}/keys/{mallory.name}"
    if how == "by-another":
        for liar in (mallory, world.neighbour()):
            assert await world.says(liar, gone) in REFUSED
            own = liar.activity("Delete", world.bob.uri)
            assert await world.says(liar, own) in ANY
    elif how in {"key-404", "key-500", "others-410"}:
        # a key that is gone says nothing about bob, whoever's it was
        world.internet.fail(key_id, {"key-404": 404, "key-500": 500, "others-410": 410}[how])
        assert await world.says(mallory, gone, key_id=key_id) in REFUSED | {503}
        missing = f"{world.bob.origin}/keys/{mallory.name}"
        world.internet.fail(missing, 410)
        assert await world.says(mallory, gone, key_id=missing) in REFUSED | {503}
    else:
        assert await world.says(mallory, gone, key_id=world.bob.key_id) in REFUSED


@attack("29-delete-of-an-actor-accepted", changes=True)
async def delete_actor_accepted(world: World) -> None:
    """The key is gone because its owner is, and their own server says so."""
    dave = world.stranger("honest")
    assert await world.says(dave, dave.activity("Follow", world.alice.uri)) in TAKEN
    dave_key = dave.key
    dave.key = world.stranger().key  # nobody can check it any more
    world.internet.fail(dave.uri, 410)
    assert dave.key is not dave_key
    assert await world.says(dave, dave.activity("Delete", dave.uri)) in TAKEN
    known = await seeing.known(world.instance, dave.uri)
    assert known.deleted_at is not None


@attack("30-move", "without-back-reference", "to-oneself", "of-another", "to-ours", "in-a-circle")
async def move(world: World, how: str) -> None:
    """Nobody's followers are led to somebody who does not name them."""
    mallory, other = world.stranger(), world.stranger("evil2")
    follow = await seeing.follow(world.instance, world.alice, mallory.uri)
    await world.instance.run_jobs()
    await world.says(mallory, mallory.activity("Accept", follow))
    target = {
        "without-back-reference": other.uri,
        "to-oneself": mallory.uri,
        "of-another": mallory.uri,
        "to-ours": world.alice.uri,
        "in-a-circle": other.uri,
    }[how]
    if how == "in-a-circle":
        world.internet.show(other.uri, other.document(movedTo=mallory.uri))
    world.internet.show(mallory.uri, mallory.document(movedTo=target))
    moved = world.bob.uri if how == "of-another" else mallory.uri
    activity = mallory.activity("Move", moved, target=target)
    assert await world.says(mallory, activity) in ANY
    following = await seeing.following(world.instance, world.alice)
    assert set(following) == {world.bob.uri, mallory.uri}
    await _unfollow(world, mallory)


@attack("30-move-that-is-true")
async def move_true(world: World) -> None:
    """Who is named by the new account, and names it, takes their followers there."""
    mallory, other = world.stranger(), world.stranger("evil2")
    await _follow(world, mallory)
    world.internet.show(other.uri, other.document(alsoKnownAs=[mallory.uri]))
    world.internet.show(mallory.uri, mallory.document(movedTo=other.uri))
    activity = mallory.activity("Move", mallory.uri, target=other.uri)
    assert await world.says(mallory, activity) in TAKEN
    [follow] = world.internet.got(other.inbox)
    assert (follow["type"], follow["actor"]) == ("Follow", world.alice.uri)
    assert await world.says(other, other.activity("Accept", follow["id"])) in TAKEN
    following = await seeing.following(world.instance, world.alice)
    assert set(following) == {world.bob.uri, other.uri}
    await _unfollow(world, other)
    await _unfollow(world, mallory)


@attack("31-collection-of-ones-own")
async def own_collection(world: World) -> None:
    """One's own post in one's own collection is pinned; a neighbour pins nothing there, and takes
    nothing away."""
    mallory, liar = world.stranger(), world.stranger()
    featured = f"{mallory.uri}/featured"
    world.internet.show(mallory.uri, mallory.document(featured=featured))
    await _follow(world, mallory)
    pinned, other = mallory.note("pinned"), mallory.note("other")
    for note in (pinned, other):
        assert await world.says(mallory, mallory.create(note)) in TAKEN
    assert await _pins(world, mallory) == []
    assert await world.says(mallory, mallory.activity("Add", pinned["id"], target=featured)) in ANY
    assert await world.says(liar, liar.activity("Add", other["id"], target=featured)) in ANY
    assert await world.says(liar, liar.activity("Remove", pinned["id"], target=featured)) in ANY
    assert await _pins(world, mallory) == [pinned["id"]]
    removal = mallory.activity("Remove", pinned["id"], target=featured)
    assert await world.says(mallory, removal) in TAKEN
    assert await _pins(world, mallory) == []
    await _unfollow(world, mallory)


async def _pins(world: World, person: Person) -> list[str]:
    async with world.instance.easel.database.read() as session:
        account = await seeing.known(world.instance, person.uri)
        query = select(Status.uri).join(Pin, col(Pin.status_id) == col(Status.id))
        return list((await session.exec(query.where(Pin.account_id == account.id))).all())


LIES: dict[str, Document] = {
    "none": {},
    "of-another-post": {"interactionTarget": "{other}"},
    "for-another-post": {"interactingObject": "{other}"},
    "by-a-neighbour": {"attributedTo": "{neighbour}"},
    "by-nobody": {"attributedTo": None},
    "by-the-quoter": {"attributedTo": "{quoter}"},
    "for-something-else": {"type": "LikeApproval"},
    "under-another-id": {"id": "{other}"},
}


@attack("32-stamp", "of-another-origin", "redirected-there", "of-ours-by-another", "no-stamp",
        "gone", *LIES)  # fmt: skip
async def stamp(world: World, how: str) -> None:
    """A quote stands by a stamp that the quoted author's own server shows, for these two posts."""
    mallory, carol = world.stranger(), world.stranger("honest3")
    await _follow(world, mallory)
    ours = how == "of-ours-by-another"
    quoted = carol.note("carol's")
    world.internet.show(quoted["id"], {"@context": AS2, **quoted})
    note = mallory.note("see there")
    at = mallory if how in {"of-another-origin", "redirected-there"} else carol
    address = at.new_id("stamps")
    shown: Document = {
        "@context": AS2, "id": address, "type": "QuoteAuthorization", "attributedTo": carol.uri,
        "interactingObject": note["id"], "interactionTarget": quoted["id"],
    }  # fmt: skip
    words = {
        "{other}": carol.new_id("notes"),
        "{neighbour}": world.stranger("honest3").uri,
        "{quoter}": mallory.uri,
    }
    for name, value in LIES.get(how, {}).items():
        shown[name] = words.get(value, value) if isinstance(value, str) else value
    world.internet.show(address, {name: value for name, value in shown.items() if value})
    named = address
    if how == "redirected-there":
        named = carol.new_id("stamps")
        world.internet.redirect(named, address)
    elif how == "gone":
        world.internet.fail(address, 410)
    elif ours:  # alice gave bob leave, not mallory
        request = world.bob.activity("QuoteRequest", world.post, instrument=world.bob.note("q"))
        request["instrument"]["quote"] = world.post
        await world.bob.does(world.instance, request)
        named = world.internet.got(world.bob.inbox)[-1]["result"]
    note |= {"quote": world.post if ours else quoted["id"]}
    if how != "no-stamp":
        note["quoteAuthorization"] = named
    assert await world.says(mallory, mallory.create(note)) in TAKEN
    status = await seeing.status(world.instance, note["id"])
    assert status is not None
    async with world.instance.easel.database.read() as session:
        found = await session.get(Quote, status.id)
    assert found is not None and found.state == ("accepted" if how == "none" else "pending")
    if at is mallory:
        assert how == "redirected-there" or world.internet.asked[address] == 0
    await _unfollow(world, mallory)
    await _unfollow(world, carol)


@attack("31-collection-of-another", "Add-bobs", "Remove-bobs", "Add-ours", "Remove-ours")
async def collections(world: World, how: str) -> None:
    kind, _, whose = how.partition("-")
    ours = whose == "ours"
    target = f"{(world.alice if ours else world.bob).uri}/collections/featured"
    object_ = world.post if ours else world.bobs_post["id"]
    for liar in (world.stranger(), world.neighbour()):
        for lie in (target, {"id": target, "attributedTo": liar.uri}, [target, liar.uri]):
            activity = liar.activity(kind, object_, target=lie)
            assert await world.says(liar, activity) in ANY


@attack("33-actor-under-anothers-address", "copied", "redirected", "third-host")
async def actor_elsewhere(world: World, how: str) -> None:
    mallory, bob = world.stranger(), world.bob
    key = {**bob.document()["publicKey"], "publicKeyPem": public_pem(mallory.key)}
    forged = bob.document(name="Forged", publicKey={**key, "id": mallory.key_id})
    address = f"{mallory.origin}/copy/{mallory.name}"
    if how == "redirected":
        world.internet.redirect(address, bob.uri)
        world.internet.redirect(mallory.uri, bob.uri)
    elif how == "third-host":
        forged["id"] = world.carol.uri
        world.internet.show(address, forged)
    else:
        world.internet.show(address, forged)
        world.internet.show(mallory.uri, forged)
    found = await _resolved(world, address)
    assert found in {None, (bob.uri, "Bob"), (world.carol.uri, "Carol")}
    block = {**bob.activity("Block", world.alice.uri)}
    assert await world.says(mallory, block) in REFUSED


async def _resolved(world: World, name: str) -> tuple[str, str] | None:
    """Whom somebody here finds by a name or an address."""
    try:
        account = await remote.resolve(world.instance.easel, name)
    except SocialError:
        return None
    return account.uri, account.display_name


@attack("34-redirect-to-another-host", "post", "actor")
async def redirect_elsewhere(world: World, how: str) -> None:
    """What one host serves under another's id, by way of that one's open redirect."""
    mallory = world.stranger()
    forged_at = f"{mallory.origin}/forged/{mallory.name}"
    open_redirect = f"{world.carol.origin}/redirect/{mallory.name}"
    world.internet.redirect(open_redirect, forged_at)
    if how == "actor":
        world.internet.show(forged_at, world.carol.document(id=open_redirect, name="Forged"))
        assert await _resolved(world, open_redirect) is None
        return
    note = world.carol.note("forged")
    world.internet.show(forged_at, {**note, "id": open_redirect})
    await _follow(world, mallory)
    boost = mallory.activity("Announce", open_redirect, to=[PUBLIC])
    assert await world.says(mallory, boost) in ANY
    assert await seeing.status(world.instance, open_redirect) is None
    await _unfollow(world, mallory)


TYPES = {
    "html": "text/html",
    "json": "application/json",
    "plain": "text/plain",
    "png": "image/png",
    "ld-json-without-profile": "application/ld+json",
    "ld-json-with-another": 'application/ld+json; profile="https://example.org/ns"',
    "profile-in-the-name": 'application/ld+json; x="profile=https://www.w3.org/ns/activitystreams"',
    "empty": "",
    "two": "text/html, application/activity+json",
    "octets": "application/octet-stream",
}


@attack("35-served-as", *TYPES)
async def served_as(world: World, how: str) -> None:
    """A file that somebody uploaded to an honest server is no document of that server."""
    mallory, carol = world.stranger(), world.carol
    upload = f"{carol.origin}/media/{mallory.name}-{how}"
    world.internet.show(upload, carol.document(id=upload, name="Forged"), type_=TYPES[how])
    assert await _resolved(world, upload) is None
    note = carol.note("forged", id=upload)
    world.internet.show(upload, note, type_=TYPES[how])
    await _follow(world, mallory)
    assert await world.says(mallory, mallory.activity("Announce", upload, to=[PUBLIC])) in ANY
    assert await seeing.status(world.instance, upload) is None
    await _unfollow(world, mallory)


@attack("36-our-own-files-are-no-documents", "json", "png", "jpg", "html")
async def own_files(world: World, ending: str) -> None:
    forged = json.dumps(world.bob.document(id=f"{world.instance.url}/users/root")).encode()
    key = new_key(ending)
    await world.instance.easel.storage.put(key, forged)
    for accept in ("application/activity+json", "application/ld+json", "*/*", "text/html"):
        status, headers = await _headers(world, f"/media/{key}", accept)
        assert status in {200, 404}
        assert "json" not in headers.get("content-type", "") or status == 404
        if status == 200:
            assert headers["x-content-type-options"] == "nosniff"
            assert "sandbox" in headers["content-security-policy"]


async def _headers(world: World, path: str, accept: str) -> tuple[int, dict[str, str]]:
    from tests import rig

    async with (
        rig.open_browser() as browser,
        browser.get(f"{world.instance.url}{path}", headers={"Accept": accept}) as answer,
    ):
        return answer.status, {name.lower(): value for name, value in answer.headers.items()}


@attack("37-the-same-host-in-other-words", "capitals", "trailing-dot", "userinfo", "escaped-dot",
        "backslash", "tab", "newline", "wide", "empty-port", "zero-port", "plus")  # fmt: skip
async def host_tricks(world: World, how: str) -> None:
    """An id that one reader takes for bob's server and another for mallory's is nobody's."""
    mallory = world.stranger()
    bobs, own = world.bob.host, mallory.host
    authority = {
        "capitals": bobs.upper(),
        "trailing-dot": bobs.replace(":", ".:"),
        "userinfo": f"{bobs}@{own}",
        "escaped-dot": bobs.replace(".", "%2e"),
        "backslash": f"{bobs}\\@{own}",
        "tab": f"{bobs}\t",
        "newline": f"{bobs}\n",
        "wide": bobs.replace("peer", "ｐｅｅｒ"),
        "empty-port": f"{bobs.split(':')[0]}:",
        "zero-port": f"{bobs.split(':')[0]}:0",
        "plus": f"{bobs.split(':')[0]}:+{bobs.split(':')[1]}",
    }[how]
    note = mallory.note("forged", id=f"http://{authority}/notes/1", to=[world.alice.uri])
    assert await world.says(mallory, mallory.create(note)) in ANY
    assert not await _stored(world, note["id"])
    actor = f"http://{authority}/users/bob"
    block = mallory.activity("Block", world.alice.uri, actor=actor, id=f"{actor}/1")
    assert await world.says(mallory, block) in REFUSED | {503}
    key_id = f"{actor}#main-key"
    assert await world.says(mallory, block, key_id=key_id) in REFUSED | {503}
    deleted = mallory.activity("Delete", world.bobs_post["id"], actor=actor, id=f"{actor}/2")
    assert await world.says(mallory, deleted, key_id=key_id) in REFUSED | {503}


@attack("38-webfinger", "subject-of-another", "leads-to-another", "of-us", "no-answer", "no-acct",
        "many-links", "an-array", "name-with-a-host", "name-with-markup", "name-that-turns",
        "name-too-long")  # fmt: skip
async def webfinger(world: World, how: str) -> None:
    """A handle is what its own host confirms, or there is none."""
    mallory = world.stranger()
    acct = mallory.handle
    answers: dict[str, Any] = {
        "subject-of-another": _jrd(world.bob.handle, mallory.uri),
        "leads-to-another": _jrd(acct, world.bob.uri),
        "of-us": _jrd(f"alice@{world.instance.domain}", mallory.uri),
        "no-acct": {**_jrd(acct, mallory.uri), "subject": mallory.uri},
        "many-links": {"subject": f"acct:{acct}", "links": [{}] * 10_000},
        "an-array": [_jrd(acct, mallory.uri)],
    }
    names = {
        "name-with-a-host": world.bob.handle,
        "name-with-markup": "<script>alert(1)</script>",
        "name-that-turns": "mallory\u202egro.elpmaxe",
        "name-too-long": "m" * 3000,
    }
    if how == "no-answer":
        del world.internet.handles[acct]
    elif how in names:
        name = names[how]
        world.internet.show(mallory.uri, mallory.document(preferredUsername=name))
        world.internet.handles[f"{name}@{mallory.host}"] = mallory.uri
    else:
        world.internet.fingers[acct] = lambda _: web.json_response(
            answers[how], content_type=JRD_JSON
        )
    await world.says(mallory, mallory.activity("Follow", world.alice.uri))
    known = await seeing.account(world.instance, mallory.uri)
    if known is not None:
        assert known.acct.endswith(f"@{mallory.host}"), known.acct
        assert known.acct.isprintable() and len(known.acct) < 500
        await _unfollow(world, mallory)


def _jrd(acct: str, href: str) -> Document:
    link = {"rel": "self", "type": "application/activity+json", "href": href}
    return {"subject": f"acct:{acct}", "links": [link]}


@attack("39-two-actors-with-one-name")
async def two_with_one_name(world: World) -> None:
    """mallory's actor calls itself bob of bob's host: only bob's host says who that is."""
    mallory = world.stranger("peer2")
    world.internet.show(mallory.uri, mallory.document(preferredUsername="bob",
                                                      webfinger=world.bob.handle))  # fmt: skip
    await world.says(mallory, mallory.activity("Follow", world.alice.uri))
    neighbour = world.neighbour()
    world.internet.show(neighbour.uri, neighbour.document(preferredUsername="bob"))
    await world.says(neighbour, neighbour.activity("Follow", world.alice.uri))
    assert await _resolved(world, world.bob.handle) == (world.bob.uri, "Bob")


@attack("40-from-the-blocked", "Like", "Announce", "answer", "mention", "Follow")
async def from_the_blocked(world: World, how: str) -> None:
    mallory = world.stranger()
    account = await remote.resolve(world.instance.easel, mallory.uri)
    async with world.instance.easel.database.write() as tx:
        await blocks.add(tx, world.alice, account)
    await world.instance.run_jobs()
    note = mallory.note("you there", inReplyTo=world.post if how == "answer" else None,
                        to=[PUBLIC, world.alice.uri],
                        tag=[{"type": "Mention", "href": world.alice.uri}])  # fmt: skip
    activity = (
        mallory.create(note)
        if how in {"answer", "mention"}
        else mallory.activity(how, world.alice.uri if how == "Follow" else world.post, to=[PUBLIC])
    )
    assert await world.says(mallory, activity) in ANY
    assert note["id"] not in await seeing.home(world.instance, world.alice)
    if how == "answer":  # others may read it below alice's post, until it is deleted
        await world.says(mallory, mallory.activity("Delete", note["id"]))
    async with world.instance.easel.database.write() as tx:
        await blocks.remove(tx, world.alice, account)


@attack("41-what-is-for-followers", "nobody", "stranger", "blocked", "bad-signature")
async def for_followers(world: World, who: str) -> None:
    reader = None if who == "nobody" else world.stranger()
    headers = {"signature": "x"} if who == "bad-signature" else {}
    if who == "blocked":
        assert reader is not None
        account = await remote.resolve(world.instance.easel, reader.uri)
        async with world.instance.easel.database.write() as tx:
            await blocks.add(tx, world.alice, account)
        await world.instance.run_jobs()
    base = world.instance.url
    tail = world.secret.split("/")[-1]
    paths = [
        world.secret, f"{world.secret}/activity", f"{world.secret}/replies?page=true",
        f"{world.secret}/likes", f"{world.secret}/shares", f"{base}/@alice/{tail}",
    ]  # fmt: skip
    for path in paths:
        for accept in ("application/activity+json", "text/html"):
            status, body = await world.get(path, reader, **{**headers, "accept": accept})
            assert status in {400, 401, 403, 404}, path
            assert b"alice to followers" not in body
    public = [
        f"{world.alice.uri}/outbox", f"{world.alice.uri}/outbox?page=true", f"{base}/",
        f"{base}/@alice", f"{base}/@alice/posts", f"{world.alice.uri}/collections/featured",
        f"{base}/inbox", f"{world.alice.uri}/inbox",
    ]  # fmt: skip
    for path in public:
        _, body = await world.get(path, reader, **headers)
        assert b"alice to followers" not in body and tail.encode() not in body, path
    if who == "blocked":
        async with world.instance.easel.database.write() as tx:
            await blocks.remove(tx, world.alice, account)


@attack("42-no-word-of-what-is-there", "nobody", "stranger")
async def no_word(world: World, who: str) -> None:
    """What is there for others looks like what is not there."""
    reader = None if who == "nobody" else world.stranger()
    missing = f"{world.alice.uri}/statuses/12345"
    for ending in ("", "/activity", "/replies", "/likes", "/shares"):
        assert await world.get(world.secret + ending, reader) == await world.get(
            missing + ending, reader
        )
    mallory = world.stranger()
    for object_ in (world.secret, missing):
        for kind in ("Like", "Announce"):
            assert await world.says(mallory, mallory.activity(kind, object_)) in TAKEN
        answer = mallory.note("I know", inReplyTo=object_, to=[mallory.followers], cc=[])
        assert await world.says(mallory, mallory.create(answer)) in TAKEN
        assert await seeing.seen(world.instance, world.alice, answer["id"]) is None
