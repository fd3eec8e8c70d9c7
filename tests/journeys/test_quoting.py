"""A post on one server that quotes one on another, whose author is asked."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest
from sqlmodel import select

from activitypub.context import ACTIVITY_JSON
from fedi.database.tables import Quote, Stamp
from fedi.social import quotes, statuses
from fedi.social.statuses import Draft
from tests.journeys.people import Person
from tests.journeys.test_two_servers import both_settle, settle
from tests.rig import Instance


@pytest.fixture
async def people(
    two_instances: tuple[Instance, Instance],
) -> AsyncIterator[tuple[Person, Person]]:
    """alice and bob, who follow each other from two servers."""
    a, b = two_instances
    alice, bob = await Person.join(a, "alice"), await Person.join(b, "bob")
    await bob.follow(alice)
    await alice.follow(bob)
    await settle(a, b)
    yield alice, bob


async def publish(person: Person, **draft: object) -> str:
    async with person.instance.easel.database.write() as tx:
        made = await statuses.publish(tx, await person.account(), Draft(text="hello", **draft))  # type: ignore[arg-type]
        return made.uri


async def quote(bob: Person, uri: str) -> str:
    quoted = await bob.status(uri)
    assert quoted is not None
    return await publish(bob, quoted_status_id=quoted.id)


async def state(person: Person, uri: str) -> str:
    status = await person.status(uri)
    assert status is not None
    async with person.instance.easel.database.read() as session:
        row = await session.get_one(Quote, status.id)
    return row.state


async def test_the_author_agrees_and_everybody_sees_the_stamp(
    people: tuple[Person, Person], browser: aiohttp.ClientSession
) -> None:
    alice, bob = people
    quoted = await publish(alice)
    await both_settle(alice, bob)
    made = await quote(bob, quoted)
    assert await state(bob, made) == "pending"
    await both_settle(alice, bob)
    assert await state(bob, made) == "accepted"
    assert await state(alice, made) == "accepted"
    assert "quote" in await alice.notifications()
    async with browser.get(made, headers={"Accept": ACTIVITY_JSON}) as answer:
        document = await answer.json(content_type=None)
    assert document["quote"] == quoted
    assert document["quoteAuthorization"].startswith(f"{alice.uri}/stamps/")
    async with alice.instance.easel.database.write() as tx:
        assert (await tx.exec(select(Stamp))).one().quoting_uri == made
        await quotes.revoke(tx, await alice.account(), made)
    await both_settle(alice, bob)
    assert await state(bob, made) == "revoked"


async def test_the_author_does_not_agree(people: tuple[Person, Person]) -> None:
    alice, bob = people
    quoted = await publish(alice)
    await both_settle(alice, bob)
    async with alice.instance.easel.database.write() as tx:
        status = await statuses.load_by_uri(tx, await alice.account(), quoted)
        assert status is not None
        status.interaction_policy = {"canQuote": {"automaticApproval": [alice.uri]}}
        tx.add(status)
    made = await quote(bob, quoted)
    await both_settle(alice, bob)
    assert await state(bob, made) == "rejected"
    assert await state(alice, made) == "pending"
    assert "quote" not in await alice.notifications()
