"""Posts for later: what becomes of them when several hands reach for one, and of what they say."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlmodel import select

from fedi.database.tables import Account, ScheduledStatus
from fedi.studio import scheduled
from tests.api.oauth.person import Person, at, join
from tests.rig import Instance, somebody_waits
from tests.web.filling import filled, form_of, send
from tests.web.test_studio import ask, at_work, number, paint, paintings_of, posts_of


def tomorrow(instance: Instance) -> str:
    return (instance.clock.now() + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")


async def later(visitor: Person, words: str) -> str:
    """Write a post for tomorrow. Where it is moved, posted and taken back."""
    seen, when = await visitor.get("/compose"), tomorrow(visitor.instance)
    sent = await send(visitor, seen, "/compose", words=words, audience="public", when=when)
    assert sent.status == 303, sent.page.text
    newest = (await visitor.get("/scheduled")).page.one("ul", _class="expected").all("li")[0]
    return newest.all("form")[0]["action"].rpartition("/")[0]


async def test_what_is_being_posted_is_not_posted_moved_or_taken_back_besides(
    instance: Instance,
) -> None:
    database = instance.easel.database
    alice = await join(instance)
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        for words in ("plain", "/imagine a fox"):
            for deed in ("now", "move", "away"):
                path = await later(visitor, words)
                fields = filled(form_of(await visitor.get("/scheduled"), f"{path}/{deed}"))
                async with database.write() as tx:
                    author = await tx.get_one(Account, alice.id)
                    held = await scheduled.hold(tx, author, int(path.rpartition("/")[2]))
                    await scheduled.carry_out(tx, instance.easel.settings.painting, author, held)
                    await tx.flush()
                    late = asyncio.create_task(visitor.post(f"{path}/{deed}", fields))
                    await somebody_waits(database)
                assert (await late).status == 404, deed
        assert "Nothing waits" in (await visitor.get("/scheduled")).page.text
    assert [one.source for one in await posts_of(instance)] == ["plain"] * 3
    assert [one.recipe["prompt"] for one in await paintings_of(instance)] == ["a fox"] * 3


@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)
async def test_what_is_painted_is_not_painted_again_when_it_is_time(instance: Instance) -> None:
    words = "/imagine a fox\nThat is how I asked for it."
    async with at_work(instance) as (visitor, hand):
        when = tomorrow(instance)
        before = await ask(visitor, prompt="a fox", text=words, post="later", when=when)
        await paint(instance, hand, number(before))
        by_hand = await ask(visitor, prompt="a hen")
        await paint(instance, hand, number(by_hand))
        seen, action = await visitor.get(by_hand.location), f"{by_hand.location}/post"
        assert (await send(visitor, seen, action, when=when, text=words)).status == 303
        instance.clock.advance(timedelta(days=1))
        await instance.run_jobs()
    assert [one.source for one in await posts_of(instance)] == [words] * 2
    assert [one.recipe["prompt"] for one in await paintings_of(instance)] == ["a fox", "a hen"]


@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)
async def test_what_could_not_be_asked_for_now_is_refused_now(instance: Instance) -> None:
    await join(instance)
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        seen = await visitor.get("/compose")
        poll = {"answer-1": "Yes", "answer-2": "No"}
        for wrong in (
            {"words": "/imagine a fox --colour red"},
            {"words": "/imagine"},
            {"words": "/imagine a fox", **poll},
        ):
            typed = {**wrong, "audience": "public", "when": tomorrow(instance)}
            refused = await send(visitor, seen, "/compose", **typed)
            assert refused.status == 422 and refused.page.one("p", role="alert").text, wrong
    async with instance.easel.database.read() as session:
        assert (await session.exec(select(ScheduledStatus))).all() == []


@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)
async def test_who_comes_too_late_is_told_so_among_the_others(instance: Instance) -> None:
    await join(instance)
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        gone, left = [await later(visitor, words) for words in ("one", "two")]
        page = await visitor.get("/scheduled")
        assert (await send(visitor, page, f"{gone}/away")).status == 303
        for deed in ("now", "move"):
            late = await send(visitor, page, f"{gone}/{deed}", when=tomorrow(instance))
            assert late.status == 404 and late.page.one("p", role="alert").text
            assert form_of(late, f"{left}/now")
