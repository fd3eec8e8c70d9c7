"""Ties that were cut many at once, as those who lost them hear of it."""

from __future__ import annotations

import aiohttp
import pytest
from sqlmodel import select

from fedi.api.mastodon import entities
from fedi.database.tables import Account, DomainRule, Severance
from fedi.social import domains, hiding, moderation
from tests import rig
from tests.api.apps import App
from tests.api.mastodon.apps import held
from tests.api.mastodon.streams import listening
from tests.social import people

THERE = "there.example"


@pytest.fixture
async def alice(instance: rig.Instance, browser: aiohttp.ClientSession) -> App:
    return await App.of(instance, browser, "alice")


@pytest.fixture
async def bob(instance: rig.Instance, browser: aiohttp.ClientSession) -> App:
    return await App.of(instance, browser, "bob")


async def told(app: App) -> list[tuple[str, str, int, int]]:
    """The events that an app hears of: kind, target, followers, following."""
    path = "types[]=severed_relationships"
    shown = held(await app.get(f"/api/v1/notifications?{path}"), list[entities.Notification])
    grouped = held(await app.get(f"/api/v2/notifications?{path}"), entities.GroupedNotifications)
    assert [one.event for one in grouped.notification_groups] == [one.event for one in shown]
    found = []
    for one in shown:
        assert one.account.id == str(app.account.id)
        event = one.event
        assert isinstance(event, entities.SeveranceEvent)
        found.append((event.type, event.target_name, event.followers_count, event.following_count))
    return found


async def test_a_domain_that_is_shut_out_or_hidden_takes_its_ties(
    instance: rig.Instance, alice: App, bob: App
) -> None:
    them = [await people.remote(instance.easel, name, THERE) for name in ("dan", "eve", "fay")]
    for remote in them:
        await people.follow(instance.easel, remote, alice.account)
    await people.follow(instance.easel, alice.account, them[0])
    await people.follow(instance.easel, bob.account, them[1])
    other = await people.remote(instance.easel, "gus", "other.example")
    await people.follow(instance.easel, bob.account, other)

    async with instance.easel.database.write() as tx:
        await hiding.add(tx, await tx.get_one(Account, bob.account.id), THERE)
    async with listening(bob, "user") as socket:
        await instance.run_jobs()
        heard = await socket.next()
    assert heard.event == "notification"
    assert heard.payload["event"]["target_name"] == THERE
    assert await told(bob) == [("user_domain_block", THERE, 0, 1)]
    assert await told(alice) == []

    async with instance.easel.database.write() as tx:
        rules = [DomainRule(domain=THERE, severity="suspend")]
        await domains.put(tx, rules, limited=False)
        await domains.put(tx, rules, limited=False)  # there is nothing left to lose
    assert await told(alice) == [("domain_block", THERE, 3, 1)]
    assert len(await told(bob)) == 1


async def test_many_ties_that_are_cut_in_parts_are_told_once(
    instance: rig.Instance, alice: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hiding, "BATCH", 2)
    for number in range(5):
        await people.follow(
            instance.easel, await people.remote(instance.easel, f"x{number}", THERE), alice.account
        )
    async with instance.easel.database.write() as tx:
        await hiding.add(tx, await tx.get_one(Account, alice.account.id), THERE)
        await hiding.add(tx, await tx.get_one(Account, alice.account.id), "empty.example")
    await instance.run_jobs()
    assert await told(alice) == [("user_domain_block", THERE, 5, 0)]


async def test_an_account_that_is_suspended_and_goes_takes_its_ties(
    instance: rig.Instance, alice: App, bob: App
) -> None:
    remote = await people.remote(instance.easel, "dan", THERE)
    await people.follow(instance.easel, remote, alice.account)
    await people.follow(instance.easel, bob.account, remote)
    await people.follow(instance.easel, bob.account, alice.account)

    async def act(account: Account, *, erase: bool = False) -> None:
        async with instance.easel.database.write() as tx:
            row = await tx.get_one(Account, account.id)
            if erase:
                await moderation.erase(tx, None, row)
            else:
                await moderation.act(tx, None, row, "suspend")

    await act(remote)
    handle = f"dan@{THERE}"
    assert await told(alice) == [("account_suspension", handle, 1, 0)]
    assert await told(bob) == []  # who is pardoned is still followed
    await act(remote, erase=True)
    assert await told(bob) == [("account_suspension", handle, 0, 1)]
    await act(alice.account)
    assert len(await told(bob)) == 1
    await act(alice.account, erase=True)
    assert (await told(bob))[0] == ("account_suspension", f"alice@{instance.domain}", 0, 1)
    async with instance.easel.database.read() as session:
        assert {row.account_id for row in (await session.exec(select(Severance))).all()} == {
            bob.account.id
        }
