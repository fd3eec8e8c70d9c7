"""Hosts that nobody here ever heard of: some at a time (attack 53), and nobody else is harmed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from fedi.database.tables import Account
from fedi.federation import newcomers, remote
from fedi.social import accounts
from tests import rig
from tests.federation import seeing
from tests.federation.peer import AS2, Internet, Person
from tests.rig import Instance

A_MINUTE = 10
AT_ONCE = newcomers.BURST * A_MINUTE
OF_ONE_DOMAIN = AT_ONCE // newcomers.SHARE

MINUTE = timedelta(minutes=1)


@pytest.fixture
async def instance(
    new_database: rig.NewDatabase, tmp_path: Path, internet: Internet
) -> AsyncIterator[Instance]:
    """An instance that meets few new hosts at once."""
    async with rig.serve_instance(
        tmp_path, new_database(), clock=internet.clock, federation=_settings()
    ) as instance:
        yield instance


def _settings() -> dict[str, object]:
    return {"new_hosts_per_minute": A_MINUTE}


async def answer(instance: Instance, person: Person, alice: Account) -> tuple[int, str | None]:
    """What somebody's Follow is answered: the status, and when to come again."""
    url = f"{instance.url}/inbox"
    body = json.dumps(person.activity("Follow", alice.uri)).encode()
    headers = {**person.signature("POST", url, body), "Content-Type": "application/activity+json"}
    async with rig.open_browser() as browser, browser.post(url, data=body, headers=headers) as got:
        return got.status, got.headers.get("Retry-After")


async def crowd(
    instance: Instance, internet: Internet, alice: Account, names: list[str]
) -> list[Person]:
    """Somebody of each of these hosts follows alice; those who were taken."""
    taken = []
    for name in names:
        person = internet.person("mallory", name)
        if (await answer(instance, person, alice))[0] == 202:
            taken.append(person)
    return taken


async def test_so_many_new_hosts_come_at_once_and_the_others_later(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    bob = internet.person("bob")
    await bob.does(instance, bob.activity("Follow", alice.uri))
    taken = await crowd(instance, internet, alice, [f"h{n}" for n in range(AT_ONCE + 10)])
    assert len(taken) == AT_ONCE - 1  # bob was one
    late = internet.person("late", "late")
    status, wait = await answer(instance, late, alice)
    assert (status, wait) == (503, str(newcomers.RETRY_AFTER_S))
    assert wait is not None
    assert not [url for url in internet.asked if late.host in url]  # not even asked for the key
    assert (await answer(instance, bob, alice))[0] == 202  # who is known is not counted
    assert (await answer(instance, taken[0], alice))[0] == 202
    instance.clock.advance(timedelta(seconds=int(wait)))
    assert (await answer(instance, late, alice))[0] == 202
    more = await crowd(instance, internet, alice, [f"i{n}" for n in range(A_MINUTE + 10)])
    assert len(more) == A_MINUTE - 1


async def test_one_domain_takes_no_more_than_its_share(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    """However deep its names are, and on whatever ports."""
    names = [f"a{n}.wild" if n % 2 else f"x.b{n}.wild" for n in range(3 * OF_ONE_DOMAIN)]
    assert len(await crowd(instance, internet, alice, names)) == OF_ONE_DOMAIN
    honest = internet.person("honest", "honest.fine")
    assert (await answer(instance, honest, alice))[0] == 202


async def test_who_is_known_is_known_after_a_restart(
    new_database: rig.NewDatabase, tmp_path: Path, internet: Internet
) -> None:
    database = new_database()
    sock = rig.free_socket()
    port = sock.getsockname()[1]
    bob, carol = internet.person("bob"), internet.person("carol", "other")
    async with rig.serve_instance(
        tmp_path, database, clock=internet.clock, sock=sock, federation=_settings()
    ) as instance:
        async with instance.easel.database.write() as tx:
            alice = await accounts.create_local(tx, "alice")
        await bob.does(instance, bob.activity("Follow", alice.uri))
        await remote.resolve(instance.easel, carol.uri)  # nobody of there ever spoke to us
    async with rig.serve_instance(
        tmp_path, database, clock=internet.clock, sock=rig.socket_on(port), federation=_settings()
    ) as instance:
        await crowd(instance, internet, alice, [f"h{n}" for n in range(AT_ONCE + 1)])
        for person in (bob, carol):
            assert (await answer(instance, person, alice))[0] == 202


async def test_whom_somebody_here_asks_for_is_not_counted(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    await crowd(instance, internet, alice, [f"h{n}" for n in range(AT_ONCE)])
    for n, name in enumerate(("carol", "dave")):
        person = internet.person(name, name)
        found = await remote.resolve(instance.easel, (person.uri, person.handle)[n])
        assert found.uri == person.uri
        assert (await answer(instance, person, alice))[0] == 202


async def test_what_a_known_host_leads_to_is_counted_and_comes_later(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    """Posts of hosts that are new here, boosted by somebody whom alice follows."""
    bob = internet.person("bob")
    await seeing.befriend(instance, alice, bob)
    await crowd(instance, internet, alice, [f"h{n}" for n in range(AT_ONCE)])
    carol = internet.person("carol", "third")
    note = carol.note("<p>hello</p>")
    internet.show(note["id"], {"@context": AS2, **note})
    await bob.does(instance, bob.activity("Announce", note["id"]))
    assert internet.asked[note["id"]] == 0
    instance.clock.advance(2 * MINUTE)
    await instance.run_jobs()
    assert await seeing.status(instance, note["id"]) is not None


async def test_what_is_sent_on_from_new_hosts_is_counted(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    """One known sender brings what others are to have said, each on a host of its own."""
    bob = internet.person("bob")
    await bob.does(instance, bob.activity("Follow", alice.uri))
    await crowd(instance, internet, alice, [f"h{n}" for n in range(AT_ONCE)])
    carol = internet.person("carol", "third")
    said = carol.activity("Like", alice.uri)
    internet.show(said["id"], said)
    assert await bob.send(instance, said) == 503
    assert internet.asked[said["id"]] == 0
    instance.clock.advance(MINUTE)
    assert await bob.send(instance, said) == 202


async def test_who_is_new_reads_what_is_public_like_anybody(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    await crowd(instance, internet, alice, [f"h{n}" for n in range(AT_ONCE)])
    late = internet.person("late", "late")
    uri = await seeing.publish(instance, alice)
    assert (await late.get(uri))[0] == 200
    secret = await seeing.publish(instance, alice, visibility="private")
    for hidden in (secret, f"{alice.uri}/statuses/12345"):  # perhaps theirs to read, later
        status, said = await late.get(hidden)
        assert status == 503 and said["error"]
    assert not [url for url in internet.asked if late.host in url]
    async with instance.easel.database.read() as session:
        query = select(Account.id).where(Account.uri == late.uri)
        assert (await session.exec(query)).first() is None
