"""Polls over HTTP: asked, voted on, and over."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from fedi.api.mastodon import entities
from fedi.clock import FakeClock
from fedi.social import polls
from tests import rig
from tests.api.apps import App
from tests.api.mastodon.apps import form, held, nobody, post
from tests.federation import seeing

STATUSES = "/api/v1/statuses"


@pytest.fixture
async def alice(instance: rig.Instance, browser: aiohttp.ClientSession) -> App:
    return await App.of(instance, browser, "alice")


@pytest.fixture
async def bob(instance: rig.Instance, browser: aiohttp.ClientSession) -> App:
    return await App.of(instance, browser, "bob")


async def ask(app: App, *options: str, expires_in: int = 3600, **more: Any) -> entities.Poll:
    asked = {"options": options or ("red", "blue"), "expires_in": expires_in, **more}
    status = await post(app, "Which?", poll=asked)
    assert status.poll is not None and status.poll.id == status.id
    return status.poll


async def vote(app: App, poll: entities.Poll, *choices: int) -> entities.Poll:
    answer = await app.post(f"/api/v1/polls/{poll.id}/votes", {"choices": choices})
    found: entities.Poll = held(answer, entities.Poll)
    return found


async def read(app: App, poll: entities.Poll) -> entities.Poll:
    found: entities.Poll = held(await app.get(f"/api/v1/polls/{poll.id}"), entities.Poll)
    return found


def counts(poll: entities.Poll) -> list[int | None]:
    return [option.votes_count for option in poll.options]


async def test_a_poll_is_asked_in_a_form_and_everybody_votes_once(
    alice: App, bob: App, instance: rig.Instance, browser: aiohttp.ClientSession
) -> None:
    fields = [
        ("status", "Which?"),
        ("poll[options][]", "red"),
        ("poll[options][]", " blue  sky "),
        ("poll[expires_in]", "300"),
        ("poll[multiple]", "false"),
    ]
    status = held(await form(alice, "POST", STATUSES, *fields), entities.Status)
    poll = status.poll
    assert poll is not None
    assert [option.title for option in poll.options] == ["red", "blue sky"]
    assert (poll.expired, poll.multiple, poll.voted, poll.own_votes) == (False, False, True, [])
    mine = await vote(bob, poll, 1)
    assert (counts(mine), mine.votes_count, mine.voters_count) == ([0, 1], 1, 1)
    assert (mine.voted, mine.own_votes) == (True, [1])
    again = await bob.post(f"/api/v1/polls/{poll.id}/votes", {"choices": [0]})
    assert (again.status, again.error) == (422, f"Validation failed: {polls.VOTED}")
    own = await alice.post(f"/api/v1/polls/{poll.id}/votes", {"choices": [0]})
    assert own.error == f"Validation failed: {polls.OWN_POLL}"
    anybody = await read(nobody(instance, browser, alice), poll)
    assert (anybody.voted, counts(anybody)) == (entities.UNSET, [0, 1])


async def test_several_can_be_chosen_where_that_is_meant(alice: App, bob: App) -> None:
    one = await ask(alice, "a", "b", "c")
    several = await ask(alice, "a", "b", "c", multiple=True)
    assert (await bob.post(f"/api/v1/polls/{one.id}/votes", {"choices": [0, 1]})).status == 422
    mine = await vote(bob, several, 0, 2, 2)
    assert (counts(mine), mine.votes_count, mine.voters_count) == ([1, 0, 1], 2, 1)
    for choices in ([3], [-1], [], ["x"]):
        answer = await bob.post(f"/api/v1/polls/{one.id}/votes", {"choices": choices})
        assert answer.status == 422
    assert counts(await read(bob, one)) == [0, 0, 0]


async def test_two_votes_at_once_are_one(alice: App, bob: App) -> None:
    poll = await ask(alice, multiple=True)
    body = {"choices": [0, 1]}
    answers = await asyncio.gather(
        *(bob.post(f"/api/v1/polls/{poll.id}/votes", body) for _ in range(4))
    )
    assert sorted(answer.status for answer in answers) == [200, 422, 422, 422]
    assert counts(await read(alice, poll)) == [1, 1]


async def test_a_poll_ends_and_those_who_have_to_do_with_it_hear_of_it(
    instance: rig.Instance, alice: App, bob: App, clock: FakeClock
) -> None:
    poll = await ask(alice, hide_totals=True)
    hidden = await vote(bob, poll, 0)
    assert counts(hidden) == [None, None]
    await instance.run_jobs()
    assert "poll" not in await seeing.notices(instance, bob.account)
    clock.advance(timedelta(hours=1))
    late = await bob.post(f"/api/v1/polls/{poll.id}/votes", {"choices": [1]})
    assert late.error == f"Validation failed: {polls.ENDED}"
    await instance.run_jobs()
    await instance.run_jobs()
    shown = await read(bob, poll)
    assert (shown.expired, counts(shown)) == (True, [1, 0])
    assert await seeing.notices(instance, alice.account) == ["poll"]
    assert await seeing.notices(instance, bob.account) == ["poll"]


@pytest.mark.parametrize(
    "asked",
    [
        {"options": ["one"]},
        {"options": ["same", "same"]},
        {"options": ["a", "  "]},
        {"options": [str(n) for n in range(9)]},
        {"options": ["a", "b" * 101]},
        {"options": ["a", "b"], "expires_in": 299},
        {"options": ["a", "b"], "expires_in": 2629747},
        {"options": ["a", "b"], "expires_in": "soon"},
        {"expires_in": 300},
    ],
)
async def test_what_is_no_poll_is_refused(alice: App, asked: dict[str, Any]) -> None:
    answer = await alice.post(STATUSES, {"status": "x", "poll": {"expires_in": 300, **asked}})
    assert answer.status == 422
    assert (await alice.get(f"/api/v1/accounts/{alice.account.id}/statuses")).body == []


async def test_who_may_not_see_a_post_sees_no_poll(alice: App, bob: App) -> None:
    status = await post(
        alice, "x", visibility="private", poll={"options": ["a", "b"], "expires_in": 300}
    )
    assert (await bob.get(f"/api/v1/polls/{status.id}")).status == 404
    assert (await bob.post(f"/api/v1/polls/{status.id}/votes", {"choices": [0]})).status == 404
    plain = await post(alice, "no poll")
    assert (await bob.get(f"/api/v1/polls/{plain.id}")).status == 404


async def test_an_edit_of_the_options_makes_votes_void(
    alice: App, bob: App, clock: FakeClock
) -> None:
    poll = await ask(alice)
    await vote(bob, poll, 0)
    path = f"{STATUSES}/{poll.id}"
    same = {"options": ["red", "blue"], "expires_in": 600}
    kept = held(await alice.ask("PUT", path, {"status": "Well?", "poll": same}), entities.Status)
    assert kept.poll is not None and counts(kept.poll) == [1, 0]
    other = {"options": ["red", "green"], "expires_in": 600}
    void = held(await alice.ask("PUT", path, {"status": "Well?", "poll": other}), entities.Status)
    assert void.poll is not None and counts(void.poll) == [0, 0]
    assert (await vote(bob, poll, 1)).own_votes == [1]
    gone = held(await alice.ask("PUT", path, {"status": "Never mind"}), entities.Status)
    assert gone.poll is None
    edits = held(await bob.get(f"{path}/history"), list[entities.StatusEdit])
    asked = [
        [option.title for option in edit.poll.options] if edit.poll else None for edit in edits
    ]
    assert asked == [["red", "blue"], ["red", "blue"], ["red", "green"], None]
