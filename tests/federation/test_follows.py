"""Follows and blocks between an account of ours and somebody elsewhere."""

from __future__ import annotations

from typing import Any

import pytest

from fedi.database.tables import Account
from fedi.social import accounts, blocks, follows
from tests.federation import seeing
from tests.federation.peer import Internet, Person
from tests.rig import Instance


@pytest.fixture
def bob(internet: Internet) -> Person:
    return internet.person("bob")


@pytest.fixture
def mallory(internet: Internet) -> Person:
    return internet.person("mallory", "evil")


@pytest.fixture
async def asked(instance: Instance, alice: Account, bob: Person) -> str:
    """The id of alice's Follow of bob, which has arrived there."""
    uri = await seeing.follow(instance, alice, bob.handle)
    await instance.run_jobs()
    return uri


async def test_a_follow_is_answered_with_its_own_plain_ids(
    instance: Instance, internet: Internet, alice: Account, bob: Person
) -> None:
    follow = bob.activity("Follow", alice.uri)
    await bob.does(instance, follow)
    [accept] = internet.got(bob.inbox)
    assert accept["type"] == "Accept"
    assert accept["actor"] == alice.uri
    assert accept["object"] == {
        "id": follow["id"],
        "type": "Follow",
        "actor": bob.uri,
        "object": alice.uri,
    }
    assert await seeing.followers(instance, alice) == [bob.uri]
    assert await seeing.notices(instance, alice) == ["follow"]


async def test_a_follow_that_holds_is_answered_again(
    instance: Instance, internet: Internet, alice: Account, bob: Person
) -> None:
    await bob.does(instance, bob.activity("Follow", alice.uri))
    again = bob.activity("Follow", alice.uri)
    await bob.does(instance, again)
    assert [answer["object"]["id"] for answer in internet.got(bob.inbox)][1] == again["id"]
    assert await seeing.followers(instance, alice) == [bob.uri]
    assert (await seeing.known(instance, alice.uri)).followers_count == 1


async def test_a_locked_account_is_not_followed_until_it_says_so(
    instance: Instance, internet: Internet, alice: Account, bob: Person
) -> None:
    async with instance.easel.database.write() as tx:
        alice.locked = True
        await tx.merge(alice)
    await bob.does(instance, bob.activity("Follow", alice.uri))
    assert internet.got() == []
    assert await seeing.followers(instance, alice) == []
    async with instance.easel.database.write() as tx:
        [request] = await follows.requests(tx, alice)
        await follows.accept(tx, request)
    await instance.run_jobs()
    assert [answer["type"] for answer in internet.got(bob.inbox)] == ["Accept"]


async def test_who_is_blocked_is_rejected(
    instance: Instance, internet: Internet, alice: Account, bob: Person
) -> None:
    await bob.does(instance, bob.activity("Follow", alice.uri))
    async with instance.easel.database.write() as tx:
        await blocks.add(tx, alice, await seeing.known(instance, bob.uri))
    await instance.run_jobs()
    assert await seeing.followers(instance, alice) == []
    again = bob.activity("Follow", alice.uri)
    await bob.does(instance, again)
    answer = internet.got(bob.inbox)[-1]
    assert (answer["type"], answer["object"]["id"]) == ("Reject", again["id"])
    assert await seeing.followers(instance, alice) == []


async def test_nobody_follows_the_instance_itself_or_nobody(
    instance: Instance, internet: Internet, alice: Account, bob: Person
) -> None:
    for target in (f"{instance.url}/actor", f"{instance.url}/users/nobody", bob.uri):
        status = await bob.send(instance, bob.activity("Follow", target))
        assert status in {202, 403}
    await instance.run_jobs()
    assert internet.got() == []
    assert await seeing.jobs(instance) == []


@pytest.mark.parametrize("form", ["embedded", "id", "object with id"])
async def test_an_undo_ends_a_follow(
    instance: Instance, alice: Account, bob: Person, form: str
) -> None:
    follow = bob.activity("Follow", alice.uri)
    await bob.does(instance, follow)
    undone: Any = {"embedded": follow, "id": follow["id"], "object with id": {"id": follow["id"]}}
    if form == "object with id":
        undone[form]["actor"] = bob.uri
    await bob.does(instance, bob.activity("Undo", undone[form]))
    assert await seeing.followers(instance, alice) == []
    assert await seeing.notices(instance, alice) == []


async def test_nobody_undoes_anothers_follow(
    instance: Instance, internet: Internet, alice: Account, bob: Person, mallory: Person
) -> None:
    follow = bob.activity("Follow", alice.uri)
    await bob.does(instance, follow)
    neighbour = internet.person("neighbour")
    for liar in (mallory, neighbour):
        await liar.send(instance, liar.activity("Undo", follow))
        await liar.send(instance, liar.activity("Undo", follow["id"]))
        await liar.send(instance, liar.activity("Undo", {**follow, "actor": liar.uri}))
        await liar.send(instance, liar.activity("Undo", follow, actor=bob.uri))
    await instance.run_jobs()
    assert await seeing.followers(instance, alice) == [bob.uri]


@pytest.mark.parametrize("form", ["embedded", "id", "own making", "actor embedded"])
async def test_an_accept_makes_our_follow_hold(
    instance: Instance, alice: Account, bob: Person, asked: str, form: str
) -> None:
    assert await seeing.following(instance, alice) == []
    inner = {"id": asked, "type": "Follow", "actor": alice.uri, "object": bob.uri}
    answers: dict[str, Any] = {
        "embedded": inner,
        "id": asked,
        "own making": {**inner, "id": f"{bob.origin}/follows/7"},
        "actor embedded": {**inner, "actor": {"id": alice.uri, "type": "Person"}},
    }
    await bob.does(instance, bob.activity("Accept", answers[form]))
    assert await seeing.following(instance, alice) == [bob.uri]


async def test_nobody_accepts_or_rejects_what_was_sent_to_another(
    instance: Instance, internet: Internet, alice: Account, bob: Person, mallory: Person, asked: str
) -> None:
    inner = {"id": asked, "type": "Follow", "actor": alice.uri, "object": bob.uri}
    neighbour = internet.person("neighbour")
    for liar in (mallory, neighbour):
        for type_ in ("Accept", "Reject"):
            for object_ in (asked, inner, {**inner, "object": liar.uri}):
                await liar.send(instance, liar.activity(type_, object_))
    await instance.run_jobs()
    assert await seeing.following(instance, alice) == []
    await bob.does(instance, bob.activity("Accept", asked))
    for liar in (mallory, neighbour):
        for object_ in (asked, inner, {**inner, "object": liar.uri}):
            await liar.send(instance, liar.activity("Reject", object_))
    await instance.run_jobs()
    assert await seeing.following(instance, alice) == [bob.uri]


async def test_a_follow_that_was_never_sent_is_not_accepted(
    instance: Instance, alice: Account, mallory: Person
) -> None:
    for uri in (f"{alice.uri}#follows/1", f"{mallory.uri}/follows/1"):
        inner = {"id": uri, "type": "Follow", "actor": alice.uri, "object": mallory.uri}
        await mallory.does(instance, mallory.activity("Accept", inner))
    assert await seeing.following(instance, alice) == []


async def test_a_reject_ends_what_we_asked_for_and_what_held(
    instance: Instance, alice: Account, bob: Person, asked: str
) -> None:
    await bob.does(instance, bob.activity("Accept", asked))
    note = bob.note()
    await bob.does(instance, bob.create(note))
    assert await seeing.home(instance, alice) == [note["id"]]
    await bob.does(instance, bob.activity("Reject", asked))
    assert await seeing.following(instance, alice) == []
    assert await seeing.home(instance, alice) == []


async def test_a_block_cuts_both_ways_and_can_be_undone(
    instance: Instance, internet: Internet, alice: Account, bob: Person, asked: str
) -> None:
    await bob.does(instance, bob.activity("Accept", asked))
    await bob.does(instance, bob.activity("Follow", alice.uri))
    block = bob.activity("Block", alice.uri)
    note = bob.note()
    await bob.does(instance, bob.create(note))
    await bob.does(instance, block)
    assert await seeing.following(instance, alice) == []
    assert await seeing.followers(instance, alice) == []
    assert await seeing.seen(instance, alice, note["id"]) is None
    for undone in (block["id"], block):
        await bob.does(instance, bob.activity("Undo", undone))
        assert await seeing.seen(instance, alice, note["id"]) is not None
        await bob.does(instance, block := bob.activity("Block", alice.uri))
    neighbour = internet.person("neighbour")
    await neighbour.send(instance, neighbour.activity("Undo", block["id"]))
    await instance.run_jobs()
    assert await seeing.seen(instance, alice, note["id"]) is None


async def test_our_undo_and_our_block_carry_plain_ids(
    instance: Instance, internet: Internet, alice: Account, bob: Person, asked: str
) -> None:
    await bob.does(instance, bob.activity("Accept", asked))
    other = await seeing.known(instance, bob.uri)
    async with instance.easel.database.write() as tx:
        await follows.remove(tx, alice, other)
        await blocks.add(tx, alice, other)
    await instance.run_jobs()
    async with instance.easel.database.write() as tx:
        await blocks.remove(tx, alice, other)
    await instance.run_jobs()
    by_type = {(a["type"], _kind(a["object"])): a for a in internet.got(bob.inbox)}
    assert set(by_type) == {
        ("Follow", None),
        ("Undo", "Follow"),
        ("Block", None),
        ("Undo", "Block"),
    }
    assert by_type["Follow", None]["object"] == bob.uri
    undone = by_type["Undo", "Follow"]["object"]
    assert undone == {"id": asked, "type": "Follow", "actor": alice.uri, "object": bob.uri}
    assert by_type["Undo", "Block"]["object"]["id"] == by_type["Block", None]["id"]


def _kind(object_: Any) -> str | None:
    return object_["type"] if isinstance(object_, dict) else None


async def test_a_deleted_account_of_ours_cannot_be_followed(
    instance: Instance, internet: Internet, alice: Account, bob: Person
) -> None:
    async with instance.easel.database.write() as tx:
        found = await accounts.find_local(tx, "alice")
        assert found is not None
        await accounts.delete_account(tx, found)
    await bob.does(instance, bob.activity("Follow", alice.uri))
    assert internet.got(bob.inbox) == []
    assert await seeing.followers(instance, alice) == []
