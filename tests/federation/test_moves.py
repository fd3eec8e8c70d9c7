"""Accounts that move: theirs, which ours follow to the new place, and ours."""

from __future__ import annotations

from datetime import timedelta

import pytest

from fedi.database.tables import Account
from fedi.federation import remote
from fedi.social import accounts, follows, moves
from fedi.social.errors import Invalid, NotAllowed
from tests.federation import seeing
from tests.federation.peer import Internet, Person
from tests.rig import Instance


def new_home(internet: Internet, old: Person, name: str = "bob", **changes: object) -> Person:
    return internet.person(name, "newhome", alsoKnownAs=[old.uri], **changes)


async def test_who_follows_an_account_that_moves_follows_the_new_one(
    instance: Instance, internet: Internet, alice: Account, bob: Person
) -> None:
    new = new_home(internet, bob)
    internet.show(bob.uri, bob.document(movedTo=new.uri))
    await bob.does(instance, bob.activity("Move", bob.uri, target=new.uri))
    [asked] = internet.got(new.inbox)
    assert (asked["type"], asked["object"]) == ("Follow", new.uri)
    [undone] = internet.got(bob.inbox)
    assert (undone["type"], undone["object"]["object"]) == ("Undo", bob.uri)
    await new.does(instance, new.activity("Accept", asked["id"]))
    assert await seeing.following(instance, alice) == [new.uri]
    assert (await seeing.known(instance, bob.uri)).moved_to_uri == new.uri


async def test_an_alias_that_was_taken_away_is_not_believed(
    instance: Instance, internet: Internet, alice: Account, bob: Person
) -> None:
    new = new_home(internet, bob)
    await remote.account(instance.easel, new.uri)
    internet.show(new.uri, new.document())
    await bob.does(instance, bob.activity("Move", bob.uri, target=new.uri))
    assert await seeing.following(instance, alice) == [bob.uri]


@pytest.mark.parametrize(
    "lie",
    ["no alias", "chain", "loop", "self", "somebody else", "elsewhere", "nobody", "no target"],
)
async def test_a_move_that_cannot_be_has_no_effect(
    instance: Instance, internet: Internet, alice: Account, bob: Person, lie: str
) -> None:
    new = internet.person("bob", "newhome")
    further = internet.person("further", "third")
    mallory = internet.person("mallory")
    sender, moved, target = bob, bob.uri, new.uri
    if lie == "chain":
        internet.show(new.uri, new.document(alsoKnownAs=[bob.uri], movedTo=further.uri))
    elif lie == "loop":
        internet.show(new.uri, new.document(alsoKnownAs=[bob.uri], movedTo=bob.uri))
        internet.show(bob.uri, bob.document(alsoKnownAs=[new.uri], movedTo=new.uri))
    elif lie == "self":
        internet.show(bob.uri, bob.document(alsoKnownAs=[bob.uri]))
        target = bob.uri
    elif lie == "somebody else":
        internet.show(new.uri, new.document(alsoKnownAs=[bob.uri]))
        sender = mallory
    elif lie == "elsewhere":
        internet.show(new.uri, new.document(alsoKnownAs=[bob.uri]))
        internet.show(bob.uri, bob.document(movedTo=further.uri))
    elif lie == "nobody":
        target = f"{bob.origin}/users/nobody"
    activity = sender.activity("Move", moved, target=target if lie != "no target" else None)
    assert await sender.send(instance, activity) in {202, 403}
    await instance.run_jobs()
    assert await seeing.following(instance, alice) == [bob.uri]
    assert internet.got(new.inbox) == internet.got(further.inbox) == []


async def test_nobody_moves_twice_in_a_week(
    instance: Instance, internet: Internet, alice: Account, bob: Person
) -> None:
    first, second = new_home(internet, bob), new_home(internet, bob, "again")
    await bob.does(instance, bob.activity("Move", bob.uri, target=first.uri))
    await bob.does(instance, bob.activity("Update", bob.document()))  # back, and so followed again
    carol = await _local(instance, "carol")
    await seeing.befriend(instance, carol, bob)
    asked = internet.asked.copy()
    await bob.does(instance, bob.activity("Move", bob.uri, target=second.uri))
    assert await seeing.following(instance, carol) == [bob.uri]
    assert internet.asked == asked
    instance.clock.advance(timedelta(days=8))
    await bob.does(instance, bob.activity("Move", bob.uri, target=second.uri))
    assert [sent["type"] for sent in internet.got(second.inbox)] == ["Follow"]


async def test_somebody_moves_to_us(
    instance: Instance, internet: Internet, alice: Account, bob: Person
) -> None:
    carol = await _local(instance, "carol")
    async with instance.easel.database.write() as tx:
        await moves.add_alias(tx, await _row(tx, carol), await _row_of(tx, bob.uri))
    await bob.does(instance, bob.activity("Move", bob.uri, target=carol.uri))
    assert await seeing.following(instance, alice) == [carol.uri]


async def test_ours_moves_away_and_tells_its_followers(
    instance: Instance, internet: Internet, alice: Account, bob: Person
) -> None:
    carol = await _local(instance, "carol")
    async with instance.easel.database.write() as tx:
        await follows.request(tx, await _row(tx, carol), await _row(tx, alice))
    await bob.does(instance, bob.activity("Follow", alice.uri))
    new = internet.person("alice", "newhome", alsoKnownAs=[alice.uri])
    target = await remote.account(instance.easel, new.uri)
    internet.posted.clear()
    async with instance.easel.database.write() as tx:
        await moves.move_local(tx, await _row(tx, alice), target)
    await instance.run_jobs()
    sent = {activity["type"]: activity for activity in internet.got(bob.inbox)}
    assert set(sent) == {"Move", "Update"}
    assert sent["Move"]["object"] == sent["Move"]["actor"] == alice.uri
    assert sent["Move"]["target"] == new.uri
    assert sent["Update"]["object"]["movedTo"] == new.uri
    assert [sent["type"] for sent in internet.got(new.inbox)] == ["Follow"]  # carol's
    other = internet.person("late")
    await other.does(instance, follow := other.activity("Follow", alice.uri))
    [answer] = internet.got(other.inbox)
    assert (answer["type"], answer["object"]["id"]) == ("Reject", follow["id"])


async def test_ours_moves_only_to_who_knows_of_it_and_not_every_day(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    stranger = internet.person("stranger")
    friends = [internet.person(name, alsoKnownAs=[alice.uri]) for name in ("new", "newer")]
    target = await remote.account(instance.easel, stranger.uri)
    async with instance.easel.database.write() as tx:
        with pytest.raises(Invalid, match="does not name alice"):
            await moves.move_local(tx, await _row(tx, alice), target)
        with pytest.raises(Invalid, match="themselves"):
            await moves.move_local(tx, await _row(tx, alice), await _row(tx, alice))
    first, second = [await remote.account(instance.easel, friend.uri) for friend in friends]
    async with instance.easel.database.write() as tx:
        await moves.move_local(tx, await _row(tx, alice), first)
        with pytest.raises(NotAllowed, match="7 days"):
            await moves.move_local(tx, await _row(tx, alice), second)


async def test_an_alias_stands_in_the_actor_until_it_is_taken_away(
    instance: Instance, internet: Internet, alice: Account, bob: Person
) -> None:
    other = await seeing.known(instance, bob.uri)
    async with instance.easel.database.write() as tx:
        await moves.add_alias(tx, await _row(tx, alice), other)
    assert (await bob.get(alice.uri))[1]["alsoKnownAs"] == [bob.uri]
    async with instance.easel.database.write() as tx:
        await moves.remove_alias(tx, await _row(tx, alice), bob.uri)
        with pytest.raises(Invalid):
            await moves.remove_alias(tx, await _row(tx, alice), bob.uri)
    assert "alsoKnownAs" not in (await bob.get(alice.uri))[1]


async def _local(instance: Instance, name: str) -> Account:
    async with instance.easel.database.write() as tx:
        return await accounts.create_local(tx, name)


async def _row(tx: object, account: Account) -> Account:
    return await _row_of(tx, account.uri)


async def _row_of(tx: object, uri: str) -> Account:
    found = await accounts.by_uri(tx, uri)  # type: ignore[arg-type]
    assert found is not None
    return found
