"""Add and Remove: what somebody pins, in their own collection alone."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from fedi.database.tables import Account, Pin, Status
from fedi.federation import arrivals, remote
from tests.federation import seeing
from tests.federation.peer import AS2, Internet, Person
from tests.rig import Instance


@pytest.fixture
async def bob(instance: Instance, internet: Internet, alice: Account) -> Person:
    bob = internet.person("bob")
    internet.show(bob.uri, bob.document(featured=f"{bob.uri}/featured"))
    await seeing.befriend(instance, alice, bob)
    return bob


async def pinned(instance: Instance) -> list[str]:
    async with instance.easel.database.read() as session:
        query = select(Status.uri).join(Pin, col(Pin.status_id) == col(Status.id))
        query = query.order_by(col(Pin.id))
        return list((await session.exec(query)).all())


@pytest.mark.parametrize("form", ["id", "embedded", "unknown"])
async def test_a_post_is_pinned_and_unpinned(
    instance: Instance, internet: Internet, bob: Person, form: str
) -> None:
    note = bob.note()
    internet.show(note["id"], {"@context": AS2, **note})
    if form != "unknown":
        await bob.does(instance, bob.create(note))
    object_: Any = note if form == "embedded" else note["id"]
    for _ in range(2):
        await bob.does(instance, bob.activity("Add", object_, target=f"{bob.uri}/featured"))
    assert await pinned(instance) == [note["id"]]
    await bob.does(instance, bob.activity("Remove", object_, target=f"{bob.uri}/featured"))
    assert await pinned(instance) == []


async def test_a_post_is_pinned_by_what_has_no_id(
    instance: Instance, internet: Internet, bob: Person
) -> None:
    """As Mastodon 4.6 says it, as often as it does, and not once more by who repeats it."""
    note = bob.note()
    await bob.does(instance, bob.create(note))
    named = {"target": f"{bob.uri}/featured", "id": None}
    add, remove = (bob.activity(type_, note["id"], **named) for type_ in ("Add", "Remove"))
    for activity, left in ((add, [note["id"]]), (remove, []), (add, [note["id"]]), (remove, [])):
        instance.clock.advance(timedelta(seconds=1))
        await bob.does(instance, activity)
        assert await pinned(instance) == left
    status, _ = await bob.post(instance, json.dumps(add).encode(), age=timedelta(seconds=1))
    assert status == 202
    await instance.run_jobs()
    assert await pinned(instance) == []
    for type_ in ("Create", "Like", "Follow", "Undo", "Update"):
        assert await bob.send(instance, bob.activity(type_, note["id"], id=None)) == 403


async def test_nothing_is_pinned_elsewhere_or_by_another(
    instance: Instance, internet: Internet, alice: Account, bob: Person
) -> None:
    neighbour = internet.person("neighbour", featured="http://x.localhost/f")
    note, ours = bob.note(), await seeing.publish(instance, alice)
    internet.show(note["id"], {"@context": AS2, **note})
    await bob.does(instance, bob.create(note))
    featured = f"{bob.uri}/featured"
    lies = (
        (bob, note["id"], alice.featured_uri),
        (bob, note["id"], f"{bob.uri}/followers"),
        (bob, note["id"], None),
        (bob, ours, featured),
        (bob, {"type": "Hashtag", "name": "#x", "href": f"{bob.origin}/tags/x"}, featured),
        (neighbour, note["id"], featured),
        (neighbour, note["id"], f"{neighbour.uri}/featured"),
    )
    for sender, object_, target in lies:
        await sender.send(instance, sender.activity("Add", object_, target=target))
    await instance.run_jobs()
    assert await pinned(instance) == []
    await bob.does(instance, bob.activity("Add", note["id"], target=featured))
    for sender, object_, target in lies:
        await sender.send(instance, sender.activity("Remove", object_, target=target))
    await instance.run_jobs()
    assert await pinned(instance) == [note["id"]]


async def test_what_is_for_followers_is_not_pinned(
    instance: Instance, internet: Internet, bob: Person
) -> None:
    note = bob.note(to=[bob.followers], cc=[])
    await bob.does(instance, bob.create(note))
    await bob.does(instance, bob.activity("Add", note["id"], target=f"{bob.uri}/featured"))
    assert await pinned(instance) == []


async def test_what_was_pinned_before_is_read_and_kept_in_step(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    """Of whom somebody here looks up or follows; GoToSocial 0.20 tells nobody of what comes after.
    Mastodon embeds posts and lists hashtags with them."""
    bob = internet.person("bob")
    featured = f"{bob.uri}/featured"
    internet.show(bob.uri, bob.document(featured=featured))
    mallory = internet.person("mallory")
    notes = [bob.note(f"<p>{n}</p>") for n in range(3)]
    first, second, third = (note["id"] for note in notes)
    secret, other = bob.note(to=[bob.followers], cc=[]), mallory.note()
    for note in (*notes, secret, other):
        internet.show(note["id"], {"@context": AS2, **note})

    async def shows(*items: Any, later: timedelta) -> list[str]:
        whole = {"@context": AS2, "id": featured, "type": "OrderedCollection"}
        internet.show(featured, {**whole, "orderedItems": list(items)})
        instance.clock.advance(later)
        await instance.run_jobs()
        return await pinned(instance)

    tag = {"type": "Hashtag", "name": "#x", "href": f"{bob.origin}/tags/x"}
    foreign = f"{internet.person('carol', 'third').uri}/notes/1"
    await remote.resolve(instance.easel, bob.handle)
    lies = (secret["id"], other["id"], foreign, tag, 7, f"{bob.uri}/nothing")
    forged = {**notes[0], "content": "<p>forged</p>"}
    found = await shows(forged, second, *lies, later=arrivals.PINS_AFTER)
    assert sorted(found) == sorted([first, second]) and internet.asked[foreign] == 0
    post = await seeing.seen(instance, alice, first)
    assert post is not None and post.status.content == "<p>0</p>"
    assert await seeing.home(instance, alice) == []
    # nobody follows him: his profile is read again, and that is all
    await bob.does(instance, bob.activity("Update", bob.uri))
    assert sorted(await shows(third, later=arrivals.PINS_AFTER)) == sorted([first, second])
    await seeing.befriend(instance, alice, bob)
    assert await shows(third, second, later=arrivals.PINS_AFTER) == [second, third]
    await bob.does(instance, bob.activity("Update", bob.uri))
    internet.fail(featured, 404)
    instance.clock.advance(arrivals.PINS_AFTER)
    await instance.run_jobs()
    assert await pinned(instance) == [second, third]
    await bob.does(instance, bob.activity("Update", bob.uri))
    assert await shows(later=arrivals.PINS_AFTER) == []
