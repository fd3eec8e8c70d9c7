"""Two whole servers on loopback, and what people on them do to each other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest

from activitypub.context import ACTIVITY_JSON
from fedi.clock import FakeClock
from fedi.social import blocks, favourites, follows, reblogs, statuses
from fedi.social.errors import NotAllowed
from fedi.social.statuses import Draft
from tests import rig
from tests.journeys.people import Person
from tests.rig import Instance

Browser = aiohttp.ClientSession


async def settle(*instances: Instance) -> None:
    """Let every server do its jobs until none has anything left to do."""
    while sum([await instance.run_jobs() for instance in instances]):
        pass


@pytest.fixture
async def people(
    two_instances: tuple[Instance, Instance],
) -> AsyncIterator[tuple[Person, Person]]:
    """alice on the first server, and bob on the second, who follows her."""
    a, b = two_instances
    alice, bob = await Person.join(a, "alice"), await Person.join(b, "bob")
    await bob.follow(alice)
    await settle(a, b)
    yield alice, bob


async def both_settle(*people: Person) -> None:
    await settle(*{id(person.instance): person.instance for person in people}.values())


async def test_a_follow_is_accepted_and_both_servers_know_it(
    people: tuple[Person, Person],
) -> None:
    alice, bob = people
    assert (await alice.account()).followers_count == 1
    assert (await bob.account()).following_count == 1
    assert await alice.notifications() == ["follow"]
    there = await bob.knows(alice)
    assert there.acct == alice.acct
    assert there.display_name == (await alice.account()).display_name


async def test_a_post_arrives_in_the_followers_home(
    people: tuple[Person, Person], browser: Browser
) -> None:
    alice, bob = people
    uri = await alice.post(browser, "hello out there")
    await both_settle(alice, bob)
    [post] = await bob.home()
    assert post.status.uri == uri
    assert "hello out there" in post.status.content
    assert post.account.acct == alice.acct
    assert post.status.visibility == "public"


async def test_after_unfollowing_nothing_arrives_any_more(
    people: tuple[Person, Person], browser: Browser
) -> None:
    alice, bob = people
    await alice.post(browser, "before")
    await both_settle(alice, bob)
    await bob.unfollow(alice)
    await both_settle(alice, bob)
    assert (await alice.account()).followers_count == 0
    uri = await alice.post(browser, "after")
    await both_settle(alice, bob)
    assert await bob.home() == []
    assert await bob.status(uri) is None


async def test_an_edit_arrives(people: tuple[Person, Person], browser: Browser) -> None:
    alice, bob = people
    uri = await alice.post(browser, "tyop")
    await both_settle(alice, bob)
    alice.instance.clock.advance(timedelta(minutes=1))
    async with alice.instance.easel.database.write() as tx:
        account = await alice.account()
        status = await statuses.load_by_uri(tx, account, uri)
        assert status is not None
        await statuses.edit(tx, account, status, Draft(text="typo, mended"))
    await both_settle(alice, bob)
    seen = await bob.status(uri)
    assert seen is not None
    assert "typo, mended" in seen.content
    assert seen.edited_at is not None
    assert len(await bob.home()) == 1


async def test_a_deleted_post_is_gone_everywhere(
    people: tuple[Person, Person], browser: Browser
) -> None:
    alice, bob = people
    uri = await alice.post(browser, "never mind")
    await both_settle(alice, bob)
    async with alice.instance.easel.database.write() as tx:
        status = await statuses.load_by_uri(tx, await alice.account(), uri)
        assert status is not None
        await statuses.delete(tx, status)
    await both_settle(alice, bob)
    assert await bob.status(uri) is None
    assert await bob.home() == []
    async with browser.get(uri, headers={"Accept": ACTIVITY_JSON}) as answer:
        assert answer.status == 410
        assert (await answer.json(content_type=None))["type"] == "Tombstone"


async def test_a_boost_a_like_and_a_reply_come_back_to_the_author(
    people: tuple[Person, Person], browser: Browser
) -> None:
    alice, bob = people
    uri = await alice.post(browser, "look")
    await both_settle(alice, bob)
    account = await bob.account()
    async with bob.instance.easel.database.write() as tx:
        seen = await statuses.load_by_uri(tx, account, uri)
        assert seen is not None
        await favourites.add(tx, account, seen)
        boost = await reblogs.add(tx, account, seen)
        await statuses.publish(
            tx, account, Draft(text=f"@{alice.acct} lovely", in_reply_to_id=seen.id)
        )
    await both_settle(alice, bob)
    mine = await alice.status(uri)
    assert mine is not None
    assert (mine.favourites_count, mine.reblogs_count, mine.replies_count) == (1, 1, 1)
    assert await alice.notifications() == ["favourite", "follow", "mention", "reblog"]

    async with bob.instance.easel.database.write() as tx:
        seen = await statuses.load_by_uri(tx, account, uri)
        assert seen is not None
        await favourites.remove(tx, account, seen)
        await reblogs.remove(tx, account, seen)
    await both_settle(alice, bob)
    mine = await alice.status(uri)
    assert mine is not None
    assert (mine.favourites_count, mine.reblogs_count) == (0, 0)
    assert await alice.status(boost.uri) is None


async def test_a_blocked_follower_gets_nothing_more_and_cannot_read(
    people: tuple[Person, Person], browser: Browser
) -> None:
    alice, bob = people
    async with alice.instance.easel.database.write() as tx:
        await blocks.add(tx, await alice.account(), await alice.knows(bob))
    await both_settle(alice, bob)
    assert (await alice.account()).followers_count == 0
    assert (await bob.account()).following_count == 0
    uri = await alice.post(browser, "not for bob")
    await both_settle(alice, bob)
    assert await bob.home() == []
    # A block binds bob's own server too, which knows of it.
    with pytest.raises(NotAllowed):
        await bob.follow(alice)
    await both_settle(alice, bob)
    assert (await alice.account()).followers_count == 0
    assert await bob.status(uri) is None


async def test_a_followers_only_post_reaches_followers_and_nobody_else(
    people: tuple[Person, Person], browser: Browser
) -> None:
    alice, bob = people
    carol = await Person.join(bob.instance, "carol")
    uri = await alice.post(browser, "between us", to=[f"{alice.uri}/followers"], cc=[])
    await both_settle(alice, bob)
    assert await bob.home_uris() == [uri]
    assert await carol.status(uri) is None
    for headers in ({"Accept": ACTIVITY_JSON}, {"Accept": "text/html"}):
        async with browser.get(uri, headers=headers) as answer:
            hidden = answer.status, (await answer.read()).replace(uri.encode(), b"")
        missing = uri.rsplit("/", 1)[0] + "/1"
        async with browser.get(missing, headers=headers) as answer:
            nothing = answer.status, (await answer.read()).replace(missing.encode(), b"")
        assert hidden == nothing
        assert hidden[0] == 404
    async with browser.get(f"{alice.uri}/outbox?page=true") as answer:
        assert "between us" not in await answer.text()


async def test_a_locked_account_accepts_by_hand(
    two_instances: tuple[Instance, Instance], browser: Browser
) -> None:
    a, b = two_instances
    alice, bob = await Person.join(a, "alice"), await Person.join(b, "bob")
    async with a.easel.database.write() as tx:
        account = await alice.account()
        account.locked = True
        tx.add(account)
    await bob.follow(alice)
    await settle(a, b)
    assert (await alice.account()).followers_count == 0
    assert await alice.notifications() == ["follow_request"]
    async with a.easel.database.write() as tx:
        [request] = await follows.requests(tx, await alice.account())
        await follows.accept(tx, request)
    await settle(a, b)
    assert (await bob.account()).following_count == 1
    await alice.post(browser, "welcome")
    await settle(a, b)
    assert len(await bob.home()) == 1


async def test_a_server_that_was_down_for_a_day_gets_everything(
    new_database: rig.NewDatabase, tmp_path: Path, clock: FakeClock, browser: Browser
) -> None:
    database_b = new_database()
    async with rig.serve_instance(tmp_path / "a", new_database(), name="easel-a", clock=clock) as a:
        sock = rig.free_socket()
        port = sock.getsockname()[1]
        alice = await Person.join(a, "alice")
        async with rig.serve_instance(
            tmp_path / "b", database_b, name="easel-b", clock=clock, sock=sock
        ) as b:
            bob = await Person.join(b, "bob")
            await bob.follow(alice)
            await settle(a, b)
        uris = []
        for hour in range(24):
            uris.append(await alice.post(browser, f"hour {hour}"))
            await settle(a)
            clock.advance(timedelta(hours=1))
        async with rig.serve_instance(
            tmp_path / "b", database_b, name="easel-b", clock=clock, sock=rig.socket_on(port)
        ) as b:
            bob.instance = b
            for _ in range(24):
                await settle(a, b)
                clock.advance(timedelta(hours=1))
            async with b.easel.database.read() as session:
                for uri in uris:
                    assert await statuses.load_by_uri(session, None, uri) is not None, uri
            assert len(await bob.home_uris()) == 24
