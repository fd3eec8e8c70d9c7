"""Hosts in trouble: left alone, tried again by one delivery, rested after a week, revived."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from sqlalchemy import delete, insert
from sqlmodel import select
from typer.testing import CliRunner

from fedi.cli import app, context
from fedi.database.tables import Account, DomainRule, PeerHost
from fedi.federation import hosts, incoming, written_hosts
from fedi.social import accounts, domains, follows, remote_accounts
from tests import rig
from tests.federation import peer, seeing
from tests.federation.peer import Internet, Person
from tests.rig import Instance

MINUTE = timedelta(minutes=1)


async def followers(
    instance: Instance, alice: Account, host: str, count: int, first: int = 0
) -> list[str]:
    """So many people of a host follow alice; their inboxes."""
    inboxes = []
    async with instance.easel.database.write() as tx:
        for n in range(first, first + count):
            uri = f"http://{host}/users/f{n}"
            follower = await remote_accounts.save_remote(
                tx,
                remote_accounts.RemoteAccount(
                    uri=uri, username=f"f{n}", domain=host, inbox_uri=f"{uri}/inbox"
                ),
            )
            await follows.receive(tx, follower, alice, f"{uri}/follow")
            inboxes.append(f"{uri}/inbox")
    await instance.run_jobs()
    return inboxes


def broken(internet: Internet, inboxes: list[str], status: int = 500, times: int = 99) -> None:
    for inbox in inboxes:
        internet.answer(inbox, *[status] * times)


def mended(internet: Internet) -> None:
    internet.answers.clear()
    internet.posted.clear()


async def row(instance: Instance, host: str) -> PeerHost:
    """What is written down of a host; what only the process knows is written first."""
    async with instance.easel.database.write() as tx:
        await hosts.save(instance.easel, tx, True)
    async with instance.easel.database.read() as session:
        found = await session.get(PeerHost, host)
    assert found is not None
    return found


async def ready(instance: Instance) -> int:
    return len([job for job in await seeing.jobs(instance) if job.state == "ready"])


async def test_a_host_that_fails_again_and_again_is_left_alone(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    host = internet.host("down")
    inboxes = await followers(instance, alice, host, 30)
    fine = await followers(instance, alice, internet.host("fine"), 30, 100)
    internet.posted.clear()
    broken(internet, inboxes)
    await seeing.publish(instance, alice)
    await instance.run_jobs()
    tried = [url for url, _, _ in internet.posted if host in url]
    assert hosts.FAILURES <= len(tried) < hosts.FAILURES + 4  # 4: those that were under way
    assert {url for url, _, _ in internet.posted if host not in url} == set(fine)
    waiting = await seeing.jobs(instance)
    assert sorted(job.attempts for job in waiting) == [0] * (30 - len(tried)) + [1] * len(tried)
    known = await row(instance, host)
    assert known.failures >= hosts.FAILURES and known.open_until is not None
    assert "500" in known.error and known.failing_since == instance.clock.now()


async def test_one_delivery_goes_ahead_and_the_others_follow_it(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    host = internet.host("down")
    inboxes = await followers(instance, alice, host, 30)
    broken(internet, inboxes)
    await seeing.publish(instance, alice)
    await instance.run_jobs()
    internet.posted.clear()
    until = (await row(instance, host)).open_until
    assert until is not None
    instance.clock.advance(until - instance.clock.now())
    await instance.run_jobs()
    assert len(internet.posted) == 1  # and it failed: the time grows
    later = (await row(instance, host)).open_until
    assert later is not None and later - instance.clock.now() > 1.5 * MINUTE
    mended(internet)
    instance.clock.advance(later - instance.clock.now())
    await instance.run_jobs()
    assert len(internet.posted) == 1  # it got through
    assert (await row(instance, host)).open_until is None
    instance.clock.advance(hosts.PROBE)
    await instance.run_jobs()
    instance.clock.advance(5 * MINUTE)  # those that had been tried have waits of their own
    await instance.run_jobs()
    assert {url for url, _, _ in internet.posted} == set(inboxes)
    assert await seeing.jobs(instance) == []


async def test_a_host_that_refuses_one_person_is_well(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    host = internet.host("strict")
    inboxes = await followers(instance, alice, host, 20)
    broken(internet, inboxes[:12], 403)
    internet.posted.clear()
    await seeing.publish(instance, alice)
    await instance.run_jobs()
    assert len(internet.posted) == 20
    assert (await row(instance, host)).failures == 0


@pytest.mark.parametrize("status", [429, 503])
async def test_a_host_that_is_busy_gets_nothing_at_all_until_it_asked_to(
    instance: Instance, internet: Internet, alice: Account, status: int
) -> None:
    inboxes = await followers(instance, alice, internet.host("busy"), 20)
    for inbox in inboxes:
        internet.answer(inbox, status, **{"Retry-After": "7200"})
    internet.posted.clear()
    await seeing.publish(instance, alice)
    await instance.run_jobs()
    assert len(internet.posted) <= 4  # those that were under way when the first was answered
    mended(internet)
    instance.clock.advance(timedelta(minutes=119))
    await instance.run_jobs()
    assert internet.posted == []
    instance.clock.advance(timedelta(minutes=2))
    await instance.run_jobs()
    instance.clock.advance(timedelta(hours=1))
    await instance.run_jobs()
    assert {url for url, _, _ in internet.posted} == set(inboxes)


async def dead_for_a_week(
    instance: Instance, internet: Internet, alice: Account, bob: Person
) -> None:
    await bob.does(instance, bob.activity("Follow", alice.uri))
    broken(internet, [bob.inbox], times=999)
    for _ in range(8):
        await seeing.publish(instance, alice)
        await instance.run_jobs()
        instance.clock.advance(timedelta(days=1))
    await instance.run_jobs()
    assert (await row(instance, bob.host)).rested_at is not None
    mended(internet)


async def test_a_host_that_is_dead_for_a_week_is_rested_and_its_first_word_revives_it(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    bob = internet.person("bob", "dead")
    await dead_for_a_week(instance, internet, alice, bob)
    instance.clock.advance(timedelta(days=2))
    await instance.run_jobs()
    assert internet.posted == []  # what waited ends quietly
    assert await ready(instance) == 0
    await seeing.publish(instance, alice, "nobody hears this")
    await instance.run_jobs()
    assert (internet.posted, await ready(instance)) == ([], 0)
    await bob.does(instance, bob.create(bob.note()))
    assert (await row(instance, bob.host)).rested_at is None
    await seeing.publish(instance, alice, "hello again")
    await instance.run_jobs()
    [said] = internet.got(bob.inbox)
    assert "hello again" in said["object"]["content"]


@pytest.mark.parametrize("what", ["Follow", "answer"])
async def test_the_first_word_of_a_host_that_rested_is_answered(
    instance: Instance, internet: Internet, alice: Account, what: str
) -> None:
    """Although that it is back was not written down yet when the answer is made."""
    bob, carol = internet.person("bob", "dead"), internet.person("carol", "dead")
    await dead_for_a_week(instance, internet, alice, bob)
    if what == "Follow":
        await carol.does(instance, carol.activity("Follow", alice.uri))
        assert [said["type"] for said in internet.got(carol.inbox)] == ["Accept"]
        return
    await bob.does(instance, bob.create(bob.note("I am back", to=[alice.uri])))
    await seeing.publish(instance, alice, "welcome")
    await instance.run_jobs()
    assert ["welcome" in said["object"]["content"] for said in internet.got(bob.inbox)] == [True]


@pytest.mark.parametrize("inbox", ["inbox.dead", "elsewhere"])
async def test_whose_inbox_is_on_another_host_of_their_domain_revives_it(
    instance: Instance, internet: Internet, alice: Account, inbox: str
) -> None:
    """And nobody else's, by saying that it is theirs."""
    bob, carol = internet.person("bob", inbox), internet.person("carol", "dead")
    internet.show(carol.uri, carol.document(inbox=bob.inbox))
    await dead_for_a_week(instance, internet, alice, bob)
    await carol.does(instance, carol.activity("Follow", alice.uri))
    accepted = [said["type"] for said in internet.got(bob.inbox)]
    rests = (await row(instance, bob.host)).rested_at is not None
    assert (accepted, rests) == (([], True) if inbox == "elsewhere" else (["Accept"], False))


async def test_what_is_forged_in_its_name_revives_nobody(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    bob = internet.person("bob", "dead")
    await dead_for_a_week(instance, internet, alice, bob)
    status, _ = await bob.post(instance, b'{"type": "Like"', sent=b"other")
    assert status == 400
    forged = bob.activity("Like", alice.uri)
    mallory = internet.person("mallory", "elsewhere")
    bob.key = mallory.key
    assert await bob.send(instance, forged) == 401
    assert (await row(instance, bob.host)).rested_at is not None


async def test_another_process_knows_who_is_left_alone(
    instance: Instance, internet: Internet, alice: Account, tmp_path: Path
) -> None:
    host = internet.host("down")
    broken(internet, await followers(instance, alice, host, 10))
    database = instance.easel.settings.database.url
    async with rig.opened(rig.settings_for(tmp_path, database), instance.clock) as other:
        assert (await hosts.of(other)).wait(host) is None
        await seeing.publish(instance, alice)
        await instance.run_jobs()
        assert (await row(instance, host)).open_until is not None
        instance.clock.advance(timedelta(seconds=3))

        async def told() -> bool:
            return (await hosts.of(other)).wait(host) is not None

        await rig.until(told)


async def test_health_is_written_in_batches(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    await followers(instance, alice, internet.host("fine"), 3)

    async def written() -> int:
        async with instance.easel.database.read() as session:
            return len((await session.exec(select(PeerHost))).all())

    await followers(instance, alice, internet.host("new"), 3, 50)
    assert await written() == 0
    instance.clock.advance(hosts.SAVE_EVERY)
    await instance.run_jobs()
    assert await written() == 2


class Hanging(web.StreamResponse):
    """Says nothing until it is let go."""

    def __init__(self, released: asyncio.Event) -> None:
        super().__init__()
        self._released = released

    async def prepare(self, request: web.BaseRequest) -> Any:
        await self._released.wait()
        raise ConnectionResetError


async def test_many_hosts_that_hang_do_not_get_all_the_slots(
    new_database: rig.NewDatabase, tmp_path: Path, internet: Internet
) -> None:
    """Forty of them, before each has failed often enough to be left alone: who answered lately
    gets the next post when the first of them have been given up."""
    slots, released = 8, asyncio.Event()
    async with rig.serve_instance(
        tmp_path,
        new_database(),
        clock=internet.clock,
        federation={"deliveries_at_once": slots, "timeout_s": 1.5},
    ) as instance:
        async with instance.easel.database.write() as tx:
            alice = await accounts.create_local(tx, "alice")
        for n in range(40):
            [inbox] = await followers(instance, alice, internet.host(f"h{n:02}"), 1)
            internet.answers[inbox] = [lambda _: Hanging(released)] * 9
        instance.clock.advance(hosts.ANSWERS_FOR)
        [fine] = await followers(instance, alice, internet.host("zzz"), 1)
        internet.posted.clear()
        await seeing.publish(instance, alice, "to all")
        running = asyncio.create_task(instance.run_jobs())
        try:
            await rig.until(lambda: internet.got(fine), seconds=60)
            assert len(internet.posted) < 20  # the others are not even tried yet
        finally:
            released.set()
            await running
        # nobody is forgotten
        internet.answers.clear()
        for _ in range(20):
            instance.clock.advance(2 * MINUTE)
            await instance.run_jobs()
        assert len({url for url, _, _ in internet.posted}) == 41
        assert await seeing.jobs(instance) == []


async def test_a_wildcard_of_names_does_not_fill_the_memory(instance: Instance) -> None:
    known = await hosts.of(instance.easel)
    for n in range(hosts.KEPT + 500):
        known.failed(f"n{n}.evil.example", "down")
    assert len(known) == hosts.KEPT
    async with instance.easel.database.write() as tx:
        await known.save(tx, at_once=True)


async def test_a_wildcard_of_names_does_not_fill_the_table(
    instance: Instance, internet: Internet, alice: Account, tmp_path: Path
) -> None:
    """The oldest go; those stay who have to do with somebody here, or have a rule."""
    long_ago = instance.clock.now() - timedelta(days=80)
    follower = internet.person("bob", "follower")
    await follower.does(instance, follower.activity("Follow", alice.uri))
    followed = internet.person("carol", "followed")
    await seeing.follow(instance, alice, followed.uri)
    split = internet.person("dave", "split", webfinger=f"dave@{internet.host('vanity')}")
    internet.fingers[f"dave@{internet.host('vanity')}"] = lambda _: web.json_response(
        {
            "subject": f"acct:dave@{internet.host('vanity')}",
            "links": [{"rel": "self", "type": peer.ACTIVITY_JSON, "href": split.uri}],
        },
        content_type=peer.JRD_JSON,
    )
    await split.does(instance, split.activity("Follow", alice.uri))
    assert (await seeing.known(instance, split.uri)).domain == internet.host("vanity")
    ruled, fresh = internet.host("ruled"), internet.host("fresh")
    needed = {person.host for person in (follower, followed, split)} | {ruled}
    async with instance.easel.database.write() as tx:
        await hosts.save(instance.easel, tx, True)
        await domains.put(tx, [DomainRule(domain=ruled, created_at=tx.now)], limited=False)
        await tx.execute(delete(PeerHost))
        names = [*needed, *(f"n{n}.evil.example" for n in range(written_hosts.MAX_ROWS + 200))]
        ages = {name: 2 * MINUTE for name in needed} | {names[-1]: MINUTE}  # the oldest of all
        rows = [
            {"host": name, "first_seen_at": long_ago - ages.get(name, timedelta())}
            for name in names
        ]
        for start in range(0, len(rows), 5_000):
            await tx.execute(insert(PeerHost), rows[start : start + 5_000])
    settings = rig.settings_for(tmp_path, instance.easel.settings.database.url)
    async with rig.opened(settings, instance.clock) as started:  # the next process
        (await hosts.of(started)).seen(fresh)
        async with started.database.write() as tx:
            await hosts.save(started, tx, True)
    async with instance.easel.database.read() as session:
        kept = set((await session.exec(select(PeerHost.host))).all())
    assert len(kept) == written_hosts.MAX_ROWS
    assert kept >= needed | {fresh}
    assert names[-1] not in kept


@pytest.fixture
def command(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> Iterator[CliRunner]:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(context, "settings", lambda: instance.easel.settings)
    yield CliRunner()


def easel(command: CliRunner, *arguments: str) -> str:
    result = command.invoke(app, arguments)
    assert result.exit_code == 0, result.output
    return result.output


async def test_the_command_line_tells_health_and_tries_again(
    instance: Instance, internet: Internet, alice: Account, command: CliRunner
) -> None:
    host = internet.host("down")
    inboxes = await followers(instance, alice, host, 12)
    broken(internet, inboxes)
    await seeing.publish(instance, alice)
    await instance.run_jobs()
    known = await row(instance, host)
    shown = await asyncio.to_thread(easel, command, "federation")
    assert host in shown and "12" in shown and "answered 500" in shown
    assert f"{known.failing_since:%Y-%m-%d %H:%M}" in shown
    shown = await asyncio.to_thread(easel, command, "federation", "host", host)
    assert "left alone until" in shown and "12" in shown
    mended(internet)
    shown = await asyncio.to_thread(easel, command, "federation", "retry", host)
    assert "12 deliveries" in shown
    # The command looked at the wall clock, which has gone on.
    behind = datetime.now(UTC) - instance.clock.now()
    instance.clock.advance(max(behind, timedelta()) + timedelta(seconds=3))
    await instance.run_jobs()
    assert {url for url, _, _ in internet.posted} == set(inboxes)


async def test_a_host_that_lets_us_wait_holds_up_nobody_elses_activities(
    new_database: rig.NewDatabase, tmp_path: Path, internet: Internet
) -> None:
    """Each of its many actors must be asked for; what others send is done meanwhile."""
    answering = asyncio.Event()
    async with rig.serve_instance(
        tmp_path, new_database(), clock=internet.clock, federation={"timeout_s": 120}
    ) as instance:
        async with instance.easel.database.write() as tx:
            alice = await accounts.create_local(tx, "alice")
        slow = [internet.person(f"s{n}", "aaa") for n in range(incoming.AT_ONCE + 6)]
        for person in slow:
            assert await person.send(instance, person.activity("Follow", alice.uri)) == 202
        internet.hold = ("aaa.", answering)
        instance.clock.advance(timedelta(minutes=2))  # what was read for their keys is forgotten
        bob = internet.person("bob", "zzz")
        assert await bob.send(instance, bob.activity("Follow", alice.uri)) == 202
        running = asyncio.create_task(instance.run_jobs())

        async def followed() -> bool:
            return await seeing.followers(instance, alice) == [bob.uri]

        try:
            await rig.until(followed, seconds=60)
        finally:
            answering.set()
            await running
