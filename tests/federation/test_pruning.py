"""What nobody here needs any more goes after a time; what somebody has to do with stays."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func
from sqlmodel import select

from fedi.clock import FakeClock
from fedi.database.tables import Account, MediaAttachment, Relay, Status
from fedi.federation import relays
from fedi.social import accounts, favourites, pruning, reblogs, reports, statuses
from fedi.social.statuses import Draft
from tests import rig
from tests.federation import seeing
from tests.federation.peer import PUBLIC, Document, Internet, Person
from tests.rig import Instance

KEPT = timedelta(days=90)


@pytest.fixture
async def relay(instance: Instance, internet: Internet) -> Person:
    """A relay that took us."""
    return await took(instance, internet)


async def took(instance: Instance, internet: Internet) -> Person:
    relay = internet.person("relay", "relay", type="Application")
    async with instance.easel.database.write() as tx:
        us = await accounts.ensure_instance_actor(tx)
        row = Relay(
            id=tx.new_id(), inbox_uri=relay.inbox, actor_uri=relay.uri, state=relays.ACCEPTED,
            follow_uri=f"{us.uri}#relays/1", created_at=tx.now,
        )  # fmt: skip
        tx.add(row)
    return relay


async def passes_on(instance: Instance, relay: Person, author: Person, **changes: Any) -> Document:
    note = author.note(**changes)
    author.internet.show(note["id"], note)
    await relay.does(instance, relay.activity("Announce", note["id"]))
    assert await seeing.status(instance, note["id"]) is not None
    return note


async def time_passes(instance: Instance, time: timedelta = KEPT) -> None:
    """A time, and then some."""
    await instance.run_jobs()
    instance.clock.advance(time + timedelta(days=1))
    await instance.run_jobs()


async def there(instance: Instance, *notes: Document) -> list[bool]:
    return [await seeing.status(instance, note["id"]) is not None for note in notes]


async def test_a_post_that_only_a_relay_told_of_goes(
    instance: Instance, internet: Internet, alice: Account, relay: Person
) -> None:
    bob = internet.person("bob", "far")
    picture = {"type": "Image", "mediaType": "image/png", "url": f"{bob.origin}/x.png"}
    note = await passes_on(
        instance, relay, bob, attachment=[picture], published="2001-01-01T00:00:00Z"
    )
    answer = await passes_on(instance, relay, bob, inReplyTo=note["id"])
    assert (await seeing.known(instance, bob.uri)).statuses_count == 2
    await time_passes(instance, KEPT - timedelta(days=2))
    assert await there(instance, note, answer) == [True, True]
    await time_passes(instance)
    assert await there(instance, note, answer) == [False, False]
    assert (await seeing.known(instance, bob.uri)).statuses_count == 0
    async with instance.easel.database.read() as session:
        assert (await session.exec(select(MediaAttachment))).all() == []
    # Told of once more it is there once more.
    await relay.does(instance, relay.activity("Announce", note["id"]))
    assert await there(instance, note) == [True]


async def test_an_answer_that_was_not_counted_is_not_counted_when_it_goes(
    instance: Instance, internet: Internet, alice: Account, relay: Person
) -> None:
    """It lacks the leave of the author whom it answers."""
    bob, carol = internet.person("bob", "far"), internet.person("carol", "third")
    await seeing.befriend(instance, alice, carol)
    post = carol.note(interactionPolicy={"canReply": {"manualApproval": [PUBLIC]}})
    await carol.does(instance, carol.create(post))
    await carol.does(instance, carol.create(carol.note(inReplyTo=post["id"])))
    answer = await passes_on(instance, relay, bob, inReplyTo=post["id"])
    await time_passes(instance)
    assert await there(instance, post, answer) == [True, False]
    parent = await seeing.status(instance, post["id"])
    assert parent is not None and parent.replies_count == 1


async def test_what_somebody_here_has_to_do_with_stays(
    instance: Instance, internet: Internet, alice: Account, relay: Person
) -> None:
    bob, carol = internet.person("bob", "far"), internet.person("carol", "farther")
    names = ("liked", "boosted", "answered", "remixed", "reported", "root", "named")
    notes = {name: await passes_on(instance, relay, bob) for name in names}
    between = await passes_on(
        instance, relay, bob, inReplyTo=notes["root"]["id"], context=f"{bob.origin}/contexts/1"
    )
    followed = await passes_on(instance, relay, carol)
    lonely = await passes_on(instance, relay, bob)
    found = {name: await seeing.status(instance, note["id"]) for name, note in notes.items()}
    async with instance.easel.database.write() as tx:
        for name, status in found.items():
            assert status is not None
            match name:
                case "liked":
                    await favourites.add(tx, alice, status)
                case "boosted":
                    await reblogs.add(tx, alice, status)
                case "answered":
                    await statuses.publish(tx, alice, Draft(text="x", in_reply_to_id=status.id))
                case "remixed":
                    await statuses.publish(tx, alice, Draft(text="x", based_on_uri=status.uri))
                case "reported":
                    author = await accounts.by_uri(tx, bob.uri)
                    assert author is not None
                    await reports.make(tx, alice, author, "spam", [status])
        middle = await statuses.load_by_uri(tx, alice, between["id"])
        assert middle is not None
        await statuses.publish(tx, alice, Draft(text="x", in_reply_to_id=middle.id))
    named = {**notes["named"], "to": [PUBLIC, alice.uri]}
    await bob.does(instance, bob.create(named))
    await seeing.befriend(instance, alice, carol)
    await time_passes(instance)
    await time_passes(instance)
    kept = {name: await seeing.status(instance, note["id"]) for name, note in notes.items()}
    assert [name for name, status in kept.items() if status is None] == []
    assert await there(instance, between, followed, lonely) == [True, True, False]


@pytest.mark.parametrize("days", [0, 3])
async def test_the_host_says_after_how_long(
    new_database: rig.NewDatabase,
    tmp_path: Path,
    clock: FakeClock,
    internet: Internet,
    days: int,
) -> None:
    limited = {"relayed_days": days}
    async with rig.serve_instance(
        tmp_path, new_database(), clock=clock, federation=limited
    ) as instance:
        relay = await took(instance, internet)
        note = await passes_on(instance, relay, internet.person("bob", "far"))
        await time_passes(instance, timedelta(days=days))
        assert await there(instance, note) == [days == 0]
        await time_passes(instance, timedelta(days=1000))
        assert await there(instance, note) == [days == 0]


async def test_the_end_of_what_never_was_here_is_forgotten(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    bob = internet.person("bob")
    await seeing.befriend(instance, alice, bob)
    unseen = [bob.note() for _ in range(pruning.BATCH + 5)]
    seen = bob.note()
    await bob.does(instance, bob.create(seen))
    for note in (*unseen[:2], seen):
        await bob.does(instance, bob.activity("Delete", note["id"]))
    async with instance.easel.database.write() as tx:
        author = await accounts.by_uri(tx, bob.uri)
        assert author is not None
        for note in unseen[2:]:
            await statuses.remember_deleted(tx, author, note["id"])
    ours = await seeing.publish(instance, alice)
    async with instance.easel.database.write() as tx:
        mine = await statuses.load_by_uri(tx, alice, ours)
        assert mine is not None
        await statuses.delete(tx, mine)
    await time_passes(instance, KEPT - timedelta(days=2))
    await bob.does(instance, bob.create(unseen[0]))
    assert await seeing.seen(instance, None, unseen[0]["id"]) is None
    await time_passes(instance)
    assert not any(await there(instance, *unseen[:3]))
    async with instance.easel.database.read() as session:
        left = set((await session.exec(select(Status.uri))).all())
        assert (await session.exec(select(func.count()).select_from(Status))).one() == 2
    # What was here once, or is of ours, stays dead.
    assert left == {seen["id"], ours}
