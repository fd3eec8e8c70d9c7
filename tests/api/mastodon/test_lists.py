"""Lists: who is on them, and what is read there."""

from __future__ import annotations

import aiohttp
import pytest

from fedi.api.mastodon import entities
from tests import rig
from tests.api.apps import App
from tests.api.mastodon.apps import held, ids, post

LISTS = "/api/v1/lists"


@pytest.fixture
async def people(instance: rig.Instance, browser: aiohttp.ClientSession) -> tuple[App, App, App]:
    """alice, who follows bob and carol."""
    alice, bob, carol = [await App.of(instance, browser, n) for n in ("alice", "bob", "carol")]
    for other in (bob, carol):
        await alice.post(f"/api/v1/accounts/{other.account.id}/follow", {})
    return alice, bob, carol


async def make(app: App, title: str, *members: App, **more: object) -> entities.UserList:
    made: entities.UserList = held(
        await app.post(LISTS, {"title": title, **more}), entities.UserList
    )
    asked = {"account_ids": [str(member.account.id) for member in members]}
    assert (await app.post(f"{LISTS}/{made.id}/accounts", asked)).body == {}
    return made


async def read(app: App, made: entities.UserList) -> list[str]:
    return ids(await app.get(f"/api/v1/timelines/list/{made.id}"))


async def test_a_list_is_made_changed_and_taken_away(people: tuple[App, App, App]) -> None:
    alice, bob, carol = people
    made = await make(alice, " sea  people ", bob, carol)
    assert (made.title, made.replies_policy, made.exclusive) == ("sea people", "list", False)
    other = await make(alice, "A")
    assert ids(await alice.get(LISTS)) == [other.id, made.id]
    members = await alice.get(f"{LISTS}/{made.id}/accounts")
    assert {one["acct"] for one in members.body} == {"bob", "carol"} and "Link" in members.headers
    assert len((await alice.get(f"{LISTS}/{made.id}/accounts?limit=1")).body) == 1
    assert ids(await alice.get(f"/api/v1/accounts/{bob.account.id}/lists")) == [made.id]
    changed = {"title": "ships", "replies_policy": "none", "exclusive": "true"}
    found = held(await alice.ask("PUT", f"{LISTS}/{made.id}", changed), entities.UserList)
    assert (found.title, found.replies_policy, found.exclusive) == ("ships", "none", True)
    gone = {"account_ids": [str(bob.account.id)]}
    await alice.ask("DELETE", f"{LISTS}/{made.id}/accounts", gone)
    members = await alice.get(f"{LISTS}/{made.id}/accounts?limit=0")
    assert [one["acct"] for one in members.body] == ["carol"]
    assert (await alice.ask("DELETE", f"{LISTS}/{made.id}")).body == {}
    assert (await alice.get(f"{LISTS}/{made.id}")).status == 404


async def test_what_makes_no_list_is_refused(people: tuple[App, App, App]) -> None:
    alice, bob, carol = people
    for asked in ({}, {"title": " "}, {"title": "x" * 257}, {"title": "x", "replies_policy": "?"}):
        assert (await alice.post(LISTS, asked)).status == 422, asked
    made = await make(alice, "mine", bob)
    stranger = await App.of(alice.instance, alice.browser, "dora")
    for members in ([str(stranger.account.id)], ["1"], ["x"]):
        answer = await alice.post(f"{LISTS}/{made.id}/accounts", {"account_ids": members})
        assert answer.status == 404, members
    for method, path in (
        ("GET", f"{LISTS}/{made.id}"),
        ("PUT", f"{LISTS}/{made.id}"),
        ("DELETE", f"{LISTS}/{made.id}"),
        ("GET", f"{LISTS}/{made.id}/accounts"),
        ("POST", f"{LISTS}/{made.id}/accounts"),
        ("GET", f"/api/v1/timelines/list/{made.id}"),
    ):
        assert (await carol.ask(method, path, None if method == "GET" else {})).status == 404


async def test_a_list_shows_what_its_people_post_and_answer_as_it_says(
    people: tuple[App, App, App],
) -> None:
    alice, bob, carol = people
    only_bob, both = await make(alice, "bob", bob), await make(alice, "both", bob, carol)
    none = await make(alice, "none", bob, carol, replies_policy="none")
    followed = await make(alice, "followed", bob, replies_policy="followed")
    first = await post(bob, "first")
    other = await post(carol, "other")
    await post(bob, "@carol secret", visibility="direct")
    answer = await post(bob, "@carol yes", in_reply_to_id=other.id)
    own = await post(bob, "and more", in_reply_to_id=first.id)
    assert await read(alice, only_bob) == [own.id, first.id]
    assert await read(alice, both) == [own.id, answer.id, other.id, first.id]
    assert await read(alice, none) == [own.id, other.id, first.id]
    assert await read(alice, followed) == [own.id, answer.id, first.id]
    page = await alice.get(f"/api/v1/timelines/list/{both.id}?limit=2&max_id={answer.id}")
    assert ids(page) == [other.id, first.id]
    await alice.post(f"/api/v1/accounts/{bob.account.id}/unfollow", {})
    assert await read(alice, only_bob) == []
    assert await read(alice, both) == [other.id]


async def test_who_is_on_an_exclusive_list_is_read_there_alone(
    people: tuple[App, App, App],
) -> None:
    alice, bob, carol = people
    made = await make(alice, "apart", bob, exclusive=True)
    theirs, other = await post(bob, "apart"), await post(carol, "as ever")
    assert ids(await alice.get("/api/v1/timelines/home")) == [other.id]
    assert await read(alice, made) == [theirs.id]
    await alice.ask("PUT", f"{LISTS}/{made.id}", {"exclusive": False})
    assert ids(await alice.get("/api/v1/timelines/home")) == [other.id, theirs.id]
