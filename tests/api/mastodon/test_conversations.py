"""Conversations: who writes to whom."""

from __future__ import annotations

import aiohttp
import pytest

from fedi.api.mastodon import entities
from tests import rig
from tests.api.apps import App
from tests.api.mastodon.apps import held, ids, post

CONVERSATIONS = "/api/v1/conversations"


@pytest.fixture
async def alice(instance: rig.Instance, browser: aiohttp.ClientSession) -> App:
    return await App.of(instance, browser, "alice")


@pytest.fixture
async def bob(instance: rig.Instance, browser: aiohttp.ClientSession) -> App:
    return await App.of(instance, browser, "bob")


async def direct(app: App, text: str, answers: str = "") -> entities.Status:
    more = {"in_reply_to_id": answers} if answers else {}
    return await post(app, text, visibility="direct", **more)


async def of(app: App, query: str = "") -> list[entities.Conversation]:
    found: list[entities.Conversation] = held(
        await app.get(CONVERSATIONS + query), list[entities.Conversation]
    )
    return found


def faces(conversation: entities.Conversation) -> list[str]:
    return sorted(account.acct for account in conversation.accounts)


async def test_a_thread_between_two_is_one_conversation_that_is_read(alice: App, bob: App) -> None:
    first = await direct(alice, "@bob hello")
    await post(alice, "@bob for everybody")
    [theirs] = await of(bob)
    assert (faces(theirs), theirs.unread) == (["alice"], True)
    assert theirs.last_status is not None and theirs.last_status.id == first.id
    read = held(await bob.post(f"{CONVERSATIONS}/{theirs.id}/read", {}), entities.Conversation)
    assert (read.id, read.unread) == (theirs.id, False)
    answer = await direct(bob, "@alice yes?", first.id)
    [mine] = await of(alice)
    assert mine.unread and mine.last_status is not None and mine.last_status.id == answer.id
    assert [one.unread for one in await of(bob)] == [False]
    back = held(await bob.post(f"{CONVERSATIONS}/{theirs.id}/unread", {}), entities.Conversation)
    assert back.unread


async def test_other_people_or_another_thread_are_another_conversation(
    instance: rig.Instance, browser: aiohttp.ClientSession, alice: App, bob: App
) -> None:
    carol = await App.of(instance, browser, "carol")
    one = await direct(alice, "@bob only you")
    await direct(alice, "@bob once more")
    await direct(alice, "@bob @carol both of you", one.id)
    await direct(alice, "a note to myself")
    found = await of(alice)
    assert [faces(each) for each in found] == [["alice"], ["bob", "carol"], ["bob"], ["bob"]]
    assert [faces(each) for each in await of(carol)] == [["alice", "bob"]]
    answer = await alice.get(f"{CONVERSATIONS}?limit=2")
    assert ids(answer) == [found[0].id, found[1].id]
    last = found[1].last_status
    assert last is not None and f"max_id={last.id}>" in answer.headers["Link"]
    assert [each.id for each in await of(alice, f"?max_id={last.id}")] == [
        found[2].id,
        found[3].id,
    ]


async def test_what_is_put_away_or_deleted_is_gone_and_comes_back(alice: App, bob: App) -> None:
    first = await direct(alice, "@bob hello")
    second = await direct(alice, "@bob are you there", first.id)
    [theirs] = await of(bob)
    for method, path in (("DELETE", theirs.id), ("POST", f"{theirs.id}/read")):
        assert (await alice.ask(method, f"{CONVERSATIONS}/{path}")).status == 404
    assert (await bob.ask("DELETE", f"{CONVERSATIONS}/{theirs.id}")).body == {}
    assert await of(bob) == []
    await alice.ask("DELETE", f"/api/v1/statuses/{second.id}")
    [mine] = await of(alice)
    assert mine.last_status is not None and mine.last_status.id == first.id
    await alice.ask("DELETE", f"/api/v1/statuses/{first.id}")
    assert await of(alice) == []
    await direct(bob, "@alice here I am")
    assert len(await of(alice)) == 1
