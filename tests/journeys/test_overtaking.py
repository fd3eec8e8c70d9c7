"""What comes late must not undo what came after it: a server was down for the first word, and
heard the second one first."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest

from fedi.clock import FakeClock
from fedi.social import favourites, reblogs, statuses
from fedi.social.statuses import Draft
from tests import rig
from tests.journeys.people import Person
from tests.journeys.test_two_servers import settle
from tests.rig import Instance

Browser = aiohttp.ClientSession


class Elsewhere:
    """A second server, which is up only while it is entered."""

    def __init__(self, folder: Path, database: str, clock: FakeClock) -> None:
        self._folder, self._database, self._clock = folder, database, clock
        with rig.free_socket() as sock:
            self._port = int(sock.getsockname()[1])

    def up(self) -> AbstractAsyncContextManager[Instance]:
        return rig.serve_instance(
            self._folder,
            self._database,
            name="easel-b",
            clock=self._clock,
            sock=rig.socket_on(self._port),
        )


@pytest.fixture
async def here(
    new_database: rig.NewDatabase, tmp_path: Path, clock: FakeClock
) -> AsyncIterator[Instance]:
    async with rig.serve_instance(tmp_path / "a", new_database(), clock=clock) as instance:
        yield instance


@pytest.fixture
def elsewhere(new_database: rig.NewDatabase, tmp_path: Path, clock: FakeClock) -> Elsewhere:
    return Elsewhere(tmp_path / "b", new_database(), clock)


async def hours_pass(clock: FakeClock, *instances: Instance) -> None:
    """Time for everything that waits to be tried again."""
    for _ in range(6):
        await settle(*instances)
        clock.advance(timedelta(hours=1))
    await settle(*instances)


async def edit(author: Person, uri: str, text: str) -> None:
    async with author.instance.easel.database.write() as tx:
        account = await author.account()
        status = await statuses.load_by_uri(tx, account, uri)
        assert status is not None
        await statuses.edit(tx, account, status, Draft(text=text))


async def met(here: Instance, there: Instance) -> tuple[Person, Person]:
    alice, bob = await Person.join(here, "alice"), await Person.join(there, "bob")
    await bob.follow(alice)
    await settle(here, there)
    return alice, bob


async def test_an_edit_stays_though_its_post_comes_later(
    here: Instance, elsewhere: Elsewhere, clock: FakeClock, browser: Browser
) -> None:
    async with elsewhere.up() as there:
        alice, bob = await met(here, there)
    uri = await alice.post(browser, "tyop")
    await settle(here)
    clock.advance(timedelta(seconds=10))
    async with elsewhere.up() as there:
        bob.instance = there
        await edit(alice, uri, "mended")
        await settle(here, there)
        await hours_pass(clock, here, there)
        seen = await bob.status(uri)
        assert seen is not None and "mended" in seen.content and "tyop" not in seen.content
        assert await bob.home_uris() == [uri]


async def test_two_edits_in_one_second_both_arrive(
    two_instances: tuple[Instance, Instance], browser: Browser
) -> None:
    alice, bob = await met(*two_instances)
    uri = await alice.post(browser, "one")
    await settle(*two_instances)
    alice.instance.clock.advance(timedelta(minutes=1))
    for word in ("two", "three"):
        await edit(alice, uri, word)
        await settle(*two_instances)
        seen = await bob.status(uri)
        assert seen is not None and word in seen.content


async def test_what_was_deleted_before_it_came_never_comes(
    here: Instance, elsewhere: Elsewhere, clock: FakeClock, browser: Browser
) -> None:
    async with elsewhere.up() as there:
        alice, bob = await met(here, there)
    uri = await alice.post(browser, "never mind")
    await settle(here)
    async with elsewhere.up() as there:
        bob.instance = there
        async with here.easel.database.write() as tx:
            status = await statuses.load_by_uri(tx, await alice.account(), uri)
            assert status is not None
            await statuses.delete(tx, status)
        await hours_pass(clock, here, there)
        assert await bob.status(uri) is None
        assert await bob.home_uris() == []


async def test_who_changed_their_mind_follows_nobody(
    here: Instance, elsewhere: Elsewhere, clock: FakeClock
) -> None:
    async with elsewhere.up() as there:
        alice, bob = await Person.join(here, "alice"), await Person.join(there, "bob")
        await alice.knows(bob)
    await alice.follow(bob)
    await settle(here)
    async with elsewhere.up() as there:
        bob.instance = there
        await alice.unfollow(bob)
        await hours_pass(clock, here, there)
        assert (await bob.account()).followers_count == 0
        assert (await alice.account()).following_count == 0


async def test_a_like_and_a_boost_that_were_taken_back_do_not_come_back(
    here: Instance, elsewhere: Elsewhere, clock: FakeClock, browser: Browser
) -> None:
    async with elsewhere.up() as there:
        alice, bob = await Person.join(here, "alice"), await Person.join(there, "bob")
        await alice.follow(bob)
        await settle(here, there)
        uri = await bob.post(browser, "look")
        await settle(here, there)
    async with here.easel.database.write() as tx:
        status = await statuses.load_by_uri(tx, None, uri)
        assert status is not None
        await favourites.add(tx, await alice.account(), status)
        await reblogs.add(tx, await alice.account(), status)
    await settle(here)
    async with elsewhere.up() as there:
        bob.instance = there
        async with here.easel.database.write() as tx:
            await favourites.remove(tx, await alice.account(), status)
            await reblogs.remove(tx, await alice.account(), status)
        await hours_pass(clock, here, there)
        seen = await bob.status(uri)
        assert seen is not None
        assert (seen.favourites_count, seen.reblogs_count) == (0, 0)


async def test_a_post_that_comes_before_the_answer_to_a_follow_is_not_lost(
    here: Instance, elsewhere: Elsewhere, clock: FakeClock, browser: Browser
) -> None:
    """The server of who follows is away when the Accept is sent, and back for the post."""
    async with elsewhere.up() as there:
        alice, bob = await Person.join(here, "alice"), await Person.join(there, "bob")
        await alice.knows(bob)
        await bob.follow(alice)
        await there.run_jobs()
    await settle(here)
    async with elsewhere.up() as there:
        bob.instance = there
        uri = await alice.post(browser, "welcome")
        await hours_pass(clock, here, there)
        assert (await bob.account()).following_count == 1
        assert await bob.home_uris() == [uri]
