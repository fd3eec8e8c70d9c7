"""Polls of people elsewhere: what can be chosen, and how often it was."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from fedi.database.tables import Account, Poll
from fedi.social import polls
from tests.federation import seeing
from tests.federation.peer import Document, Internet, Person, stamp
from tests.rig import Instance


def option(name: str, votes: Any = 0) -> Document:
    return {"type": "Note", "name": name, "replies": {"type": "Collection", "totalItems": votes}}


async def poll_of(instance: Instance, uri: str) -> Poll | None:
    status = await seeing.status(instance, uri)
    assert status is not None
    async with instance.easel.database.read() as session:
        return await polls.of_status(session, status.id)


def question(bob: Person, **changes: Any) -> Document:
    end = stamp(bob.internet.clock.now() + timedelta(hours=1))
    return bob.note("<p>Which?</p>", type="Question", endTime=end, **changes)


@pytest.mark.parametrize("kind", ["oneOf", "anyOf"])
async def test_a_poll_comes_and_its_counts_change_without_an_edit(
    instance: Instance, internet: Internet, alice: Account, bob: Person, kind: str
) -> None:
    asked = question(bob, votersCount=1, **{kind: [option("red", 1), option("blue")]})
    await bob.does(instance, bob.create(asked))
    found = await poll_of(instance, asked["id"])
    assert found is not None
    assert found.options == [
        {"title": "red", "votes_count": 1},
        {"title": "blue", "votes_count": 0},
    ]
    assert (found.multiple, found.voters_count, found.closed) == (kind == "anyOf", 1, False)
    assert found.ends_at == (instance.clock.now() + timedelta(hours=1)).replace(microsecond=0)
    shown = await seeing.seen(instance, alice, asked["id"])
    assert shown is not None and "Which?" in shown.status.content
    closed = stamp(instance.clock.now())
    asked |= {kind: [option("red", 2), option("blue", 5)], "votersCount": 6, "closed": closed}
    await bob.does(instance, bob.activity("Update", asked))
    found = await poll_of(instance, asked["id"])
    assert found is not None
    assert [entry["votes_count"] for entry in found.options] == [2, 5]
    assert (found.voters_count, found.closed) == (6, True)
    changed = await seeing.status(instance, asked["id"])
    assert changed is not None and changed.edited_at is None


@pytest.mark.parametrize(
    "broken",
    [
        {"oneOf": [option("x", 2**40), option("y", -1)]},
        {"oneOf": [{"name": "x"}, {"type": "Note"}, "z", None, 7]},
        {"oneOf": [option("x")] * 600},
        {"oneOf": option("x")},
        {"oneOf": [option("x" * 5000)], "votersCount": 2**40, "endTime": "soon", "closed": "no"},
        {"oneOf": [{"nameMap": {"de": "x"}, "replies": 3}]},
        {"oneOf": []},
        {"oneOf": "x", "anyOf": None},
        {},
    ],
    ids=range(9),
)
async def test_a_broken_poll_is_a_post_all_the_same(
    instance: Instance, bob: Person, broken: Document
) -> None:
    asked = {**question(bob), **broken}
    await bob.does(instance, bob.create(asked))
    found = await poll_of(instance, asked["id"])
    options = found.options if found is not None else []
    assert len(options) <= polls.MAX_OPTIONS
    assert all(entry["title"].startswith("x") or entry["title"] == "y" for entry in options)
    assert all(0 <= entry["votes_count"] < 2**31 for entry in options)


async def test_nobody_counts_anothers_poll(
    instance: Instance, internet: Internet, bob: Person
) -> None:
    asked = question(bob, oneOf=[option("red", 1)])
    await bob.does(instance, bob.create(asked))
    for liar in (internet.person("neighbour"), internet.person("mallory", "evil")):
        await liar.send(instance, liar.activity("Update", {**asked, "oneOf": [option("red", 9)]}))
    await instance.run_jobs()
    found = await poll_of(instance, asked["id"])
    assert found is not None and found.options[0]["votes_count"] == 1
