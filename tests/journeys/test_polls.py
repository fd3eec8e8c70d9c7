"""A poll on one server, and those who vote on it from another."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import aiohttp
import pytest

from activitypub.context import ACTIVITY_JSON
from fedi.clock import FakeClock
from fedi.database.tables import Poll, Status
from fedi.social import polls, statuses
from fedi.social.errors import Invalid
from fedi.social.polls import DraftPoll
from fedi.social.statuses import Draft
from tests.journeys.people import Person
from tests.journeys.test_two_servers import both_settle, settle
from tests.rig import Instance


@pytest.fixture
async def people(
    two_instances: tuple[Instance, Instance],
) -> AsyncIterator[tuple[Person, Person]]:
    """alice on the first server, and bob on the second, who follows her."""
    a, b = two_instances
    alice, bob = await Person.join(a, "alice"), await Person.join(b, "bob")
    await bob.follow(alice)
    await settle(a, b)
    yield alice, bob


async def ask(alice: Person, **poll: object) -> str:
    draft = DraftPoll(**{"options": ["red", "blue"], "expires_in": 3600, **poll})  # type: ignore[arg-type]
    async with alice.instance.easel.database.write() as tx:
        made = await statuses.publish(tx, await alice.account(), Draft(text="Which?", poll=draft))
        return made.uri


async def seen(person: Person, uri: str) -> tuple[Status, Poll]:
    status = await person.status(uri)
    assert status is not None
    async with person.instance.easel.database.read() as session:
        poll = await polls.of_status(session, status.id)
    assert poll is not None
    return status, poll


async def vote(person: Person, uri: str, *choices: int) -> None:
    status, _ = await seen(person, uri)
    async with person.instance.easel.database.write() as tx:
        await polls.vote(tx, await person.account(), status, choices)


def counts(poll: Poll) -> list[int]:
    return [option["votes_count"] for option in poll.options]


async def test_a_vote_goes_home_and_the_counts_come_back(
    people: tuple[Person, Person], clock: FakeClock, browser: aiohttp.ClientSession
) -> None:
    alice, bob = people
    uri = await ask(alice, multiple=True)
    await both_settle(alice, bob)
    status, poll = await seen(bob, uri)
    assert (status.object_type, poll.multiple) == ("Question", True)
    await vote(bob, uri, 0, 1)
    assert counts((await seen(bob, uri))[1]) == [1, 1]
    await both_settle(alice, bob)
    _, ours = await seen(alice, uri)
    assert (counts(ours), ours.voters_count) == ([1, 1], 1)
    carol = await Person.join(alice.instance, "carol")
    await vote(carol, uri, 1)
    await both_settle(alice, bob)
    clock.advance(polls.RECOUNTED_EVERY)
    await both_settle(alice, bob)
    status, there = await seen(bob, uri)
    assert (counts(there), there.voters_count, status.edited_at) == ([1, 2], 2, None)
    with pytest.raises(Invalid):
        await vote(bob, uri, 0)
    assert "mention" not in await alice.notifications()  # votes are no answers
    clock.advance(timedelta(hours=1))
    await both_settle(alice, bob)
    assert "poll" in await alice.notifications()
    assert await bob.notifications() == ["poll"]
    assert (await seen(bob, uri))[1].closed
    async with browser.get(uri, headers={"Accept": ACTIVITY_JSON}) as answer:
        document = await answer.json(content_type=None)
    assert document["type"] == "Question" and document["closed"] == document["endTime"]
    assert [option["replies"]["totalItems"] for option in document["anyOf"]] == [1, 2]


async def test_counts_that_are_hidden_are_told_to_no_server(
    people: tuple[Person, Person], clock: FakeClock, browser: aiohttp.ClientSession
) -> None:
    alice, bob = people
    uri = await ask(alice, hide_totals=True)
    await both_settle(alice, bob)
    await vote(bob, uri, 1)
    await both_settle(alice, bob)
    async with browser.get(uri, headers={"Accept": ACTIVITY_JSON}) as answer:
        document = await answer.json(content_type=None)
    assert [option["replies"]["totalItems"] for option in document["oneOf"]] == [0, 0]
    clock.advance(timedelta(hours=2))
    await both_settle(alice, bob)
    assert counts((await seen(bob, uri))[1]) == [0, 1]


async def test_a_poll_that_is_deleted_is_gone_for_those_who_voted(
    people: tuple[Person, Person],
) -> None:
    alice, bob = people
    uri = await ask(alice)
    await both_settle(alice, bob)
    await vote(bob, uri, 1)
    await bob.unfollow(alice)
    await both_settle(alice, bob)
    async with alice.instance.easel.database.write() as tx:
        status = await statuses.load_by_uri(tx, await alice.account(), uri)
        assert status is not None
        await statuses.delete(tx, status)
    await both_settle(alice, bob)
    assert await bob.status(uri) is None
