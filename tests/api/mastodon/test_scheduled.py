"""Statuses for later."""

from __future__ import annotations

from datetime import timedelta

import aiohttp
import pytest
from sqlmodel import col, select

from fedi.api.mastodon import entities
from fedi.clock import FakeClock
from fedi.database.tables import Account, Painting
from fedi.social import moderation, scheduling
from fedi.social import statuses as social_statuses
from tests import rig
from tests.api.apps import App
from tests.api.mastodon.apps import held, ids, post
from tests.api.mastodon.test_timelines import upload
from tests.federation import seeing

STATUSES, SCHEDULED = "/api/v1/statuses", "/api/v1/scheduled_statuses"


@pytest.fixture
async def alice(instance: rig.Instance, browser: aiohttp.ClientSession) -> App:
    return await App.of(instance, browser, "alice")


def in_(clock: FakeClock, **time: float) -> str:
    return entities.moment(clock.now() + timedelta(**time))


async def later(app: App, when: str, **more: object) -> entities.ScheduledStatus:
    answer = await app.post(STATUSES, {"status": "later", "scheduled_at": when, **more})
    found: entities.ScheduledStatus = held(answer, entities.ScheduledStatus)
    return found


async def posted(app: App) -> list[str]:
    found = (await app.get(f"/api/v1/accounts/{app.account.id}/statuses")).body
    return [status["content"] for status in found]


async def test_it_is_published_when_it_is_time_and_once(
    instance: rig.Instance, alice: App, clock: FakeClock
) -> None:
    picture = (await upload(alice, description="a boat")).body["id"]
    poll = {"options": ["a", "b"], "expires_in": 600}
    made = await later(
        alice, in_(clock, hours=1), media_ids=[picture], spoiler_text="sh", poll=poll
    )
    assert (made.params.text, made.params.spoiler_text) == ("later", "sh")
    assert made.params.poll is not None and made.params.poll.options == ["a", "b"]
    assert [medium.id for medium in made.media_attachments] == [picture]
    assert held(await alice.get(f"{SCHEDULED}/{made.id}"), entities.ScheduledStatus) == made
    await instance.run_jobs()
    assert await posted(alice) == []
    clock.advance(timedelta(hours=1))
    await instance.run_jobs()
    [status] = held(
        await alice.get(f"/api/v1/accounts/{alice.account.id}/statuses"), list[entities.Status]
    )
    assert (status.spoiler_text, status.media_attachments[0].id) == ("sh", picture)
    assert status.poll is not None and status.poll.expires_at == in_(clock, minutes=10)
    assert (await alice.get(SCHEDULED)).body == []
    await instance.run_jobs()
    assert len(await posted(alice)) == 1


async def test_it_is_put_off_and_taken_back(
    instance: rig.Instance, alice: App, clock: FakeClock, browser: aiohttp.ClientSession
) -> None:
    bob = await App.of(instance, browser, "bob")
    one, two = await later(alice, in_(clock, hours=1)), await later(alice, in_(clock, hours=1))
    assert ids(await alice.get(SCHEDULED)) == [two.id, one.id]
    assert ids(await alice.get(f"{SCHEDULED}?limit=1&max_id={two.id}")) == [one.id]
    for method in ("GET", "PUT", "DELETE"):
        asked = {"scheduled_at": in_(clock, hours=2)} if method == "PUT" else None
        assert (await bob.ask(method, f"{SCHEDULED}/{one.id}", asked)).status == 404
    moved = await alice.ask("PUT", f"{SCHEDULED}/{one.id}", {"scheduled_at": in_(clock, hours=3)})
    assert held(moved, entities.ScheduledStatus).scheduled_at == in_(clock, hours=3)
    assert (await alice.ask("DELETE", f"{SCHEDULED}/{two.id}")).body == {}
    clock.advance(timedelta(hours=2))
    await instance.run_jobs()
    assert await posted(alice) == []
    clock.advance(timedelta(hours=1))
    await instance.run_jobs()
    assert len(await posted(alice)) == 1


async def test_what_is_too_soon_or_no_time_is_refused(alice: App, clock: FakeClock) -> None:
    for when in (in_(clock, minutes=4), "soon", "9999-12-31T23:59:59Z", in_(clock, days=9999)):
        answer = await alice.post(STATUSES, {"status": "x", "scheduled_at": when})
        assert answer.status == 422, when
    early = await alice.post(STATUSES, {"status": "x", "scheduled_at": in_(clock, minutes=1)})
    assert early.error == f"Validation failed: {scheduling.TOO_SOON}"
    empty = {"status": "", "scheduled_at": in_(clock, hours=1)}
    assert (await alice.post(STATUSES, empty)).status == 422
    past = await alice.post(STATUSES, {"status": "at once", "scheduled_at": in_(clock, hours=-1)})
    assert "at once" in held(past, entities.Status).content


async def test_asked_for_twice_it_is_kept_once(alice: App, clock: FakeClock) -> None:
    asked = {"status": "x", "scheduled_at": in_(clock, hours=1)}
    headers = {"Idempotency-Key": "one"}
    first, second = [await alice.post(STATUSES, asked, headers=headers) for _ in range(2)]
    assert first.body == second.body
    assert ids(await alice.get(SCHEDULED)) == [first.body["id"]]
    picture = (await upload(alice)).body["id"]
    await later(alice, in_(clock, hours=1), media_ids=[picture])
    twice = {"status": "y", "scheduled_at": in_(clock, hours=1), "media_ids": [picture]}
    assert (await alice.post(STATUSES, twice)).status == 422


async def test_what_can_no_longer_be_published_is_kept_and_its_author_told(
    instance: rig.Instance, alice: App, clock: FakeClock
) -> None:
    parent = await post(alice, "answer me")
    made = await later(alice, in_(clock, hours=1), in_reply_to_id=parent.id)
    async with instance.easel.database.write() as tx:
        status = await social_statuses.load(tx, alice.account, int(parent.id))
        assert status is not None
        await social_statuses.delete(tx, status)
    clock.advance(timedelta(hours=1))
    await instance.run_jobs()
    assert await posted(alice) == []
    assert await seeing.notices(instance, alice.account) == ["scheduled_failed"]
    assert ids(await alice.get(SCHEDULED)) == [made.id]
    await instance.run_jobs()
    assert await seeing.notices(instance, alice.account) == ["scheduled_failed"]


async def test_who_is_locked_publishes_nothing(
    instance: rig.Instance, alice: App, clock: FakeClock
) -> None:
    made = await later(alice, in_(clock, hours=1))
    async with instance.easel.database.write() as tx:
        await moderation.act(tx, None, await tx.get_one(Account, alice.account.id), "disable")
    clock.advance(timedelta(hours=1))
    await instance.run_jobs()
    async with instance.easel.database.write() as tx:
        row = await scheduling.find(tx, alice.account, int(made.id))
        assert row.error == "A moderator has locked this account."
        await moderation.undo(tx, None, await tx.get_one(Account, alice.account.id), "enable")
    assert await posted(alice) == []
    moved = await alice.ask("PUT", f"{SCHEDULED}/{made.id}", {"scheduled_at": in_(clock, hours=1)})
    assert moved.status == 200
    clock.advance(timedelta(hours=1))
    await instance.run_jobs()
    assert len(await posted(alice)) == 1


async def test_one_account_keeps_only_so_many_for_a_day(alice: App, clock: FakeClock) -> None:
    for _ in range(scheduling.MAX_A_DAY):
        await later(alice, in_(clock, days=3))
    more = {"status": "x", "scheduled_at": in_(clock, days=3)}
    assert (await alice.post(STATUSES, more)).status == 422
    await later(alice, in_(clock, days=5))


async def test_a_picture_that_is_asked_for_is_painted_meanwhile(
    instance: rig.Instance, alice: App, clock: FakeClock
) -> None:
    async def asked() -> list[tuple[str, str]]:
        async with instance.easel.database.read() as session:
            rows = (await session.exec(select(Painting).order_by(col(Painting.id)))).all()
        return [(row.state, (row.draft or {})["scheduled_at"]) for row in rows]

    async def ask(key: str) -> entities.ScheduledStatus:
        said = {"status": "/imagine a boat\nAhoy", "scheduled_at": in_(clock, hours=1)}
        answer = await alice.post(STATUSES, said, headers={"Idempotency-Key": key})
        found: entities.ScheduledStatus = held(answer, entities.ScheduledStatus)
        return found

    made = await ask("one")
    assert await ask("one") == made and made.params.text.startswith("/imagine")
    [(state, before)] = await asked()
    moved = await alice.ask("PUT", f"{SCHEDULED}/{made.id}", {"scheduled_at": in_(clock, hours=2)})
    assert moved.status == 200
    [(_, after)] = await asked()
    assert state == "queued" and after > before
    assert (await alice.ask("DELETE", f"{SCHEDULED}/{made.id}")).body == {}
    assert [state for state, _ in await asked()] == ["cancelled"]
    wrong = {"status": "/imagine a boat --ar wide", "scheduled_at": in_(clock, hours=1)}
    assert (await alice.post(STATUSES, wrong)).status == 422
