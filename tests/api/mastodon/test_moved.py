"""An account that moves from one server to another, as apps on both see it."""

from __future__ import annotations

import aiohttp

from fedi.api.mastodon import entities
from fedi.database.tables import Account
from fedi.federation import moving, remote
from fedi.social import blocks, moves, mutes
from tests import rig
from tests.api.apps import App
from tests.api.mastodon.apps import held, post

ACCOUNTS = "/api/v1/accounts"


async def settle(*instances: rig.Instance) -> None:
    for _ in range(3):
        for instance in instances:
            await instance.run_jobs()


async def known(app: App, other: App) -> Account:
    return await remote.resolve(app.instance.easel, other.account.uri)


async def relation(app: App, other: Account) -> entities.Relationship:
    answer = await app.get(f"{ACCOUNTS}/relationships?id[]={other.id}")
    [found] = held(answer, list[entities.Relationship])
    return found  # type: ignore[no-any-return]


async def test_somebody_moves_and_their_ties_go_with_them(
    two_instances: tuple[rig.Instance, rig.Instance], browser: aiohttp.ClientSession
) -> None:
    here, there = two_instances
    old, new = await App.of(here, browser, "alice"), await App.of(there, browser, "alice")
    fan, foe, quiet = [await App.of(there, browser, name) for name in ("fan", "foe", "quiet")]
    before = await known(fan, old)
    wanted = {"reblogs": False, "notify": True, "languages": ["de"]}
    await fan.post(f"{ACCOUNTS}/{before.id}/follow", wanted)
    await fan.post(f"{ACCOUNTS}/{before.id}/note", {"comment": "paints clouds"})
    async with there.easel.database.write() as tx:
        await blocks.add(tx, foe.account, before)
        await mutes.add(tx, quiet.account, before, notifications=False)
    await settle(here, there)

    await moving.alias(there.easel, new.account.id, f"alice@{here.domain}")
    await moving.move(here.easel, old.account.id, f"alice@{there.domain}")
    await settle(here, there)

    tie = await relation(fan, new.account)
    assert tie.following and tie.notifying and not tie.showing_reblogs
    assert (tie.languages, tie.note) == (["de"], "paints clouds")
    assert not (await relation(fan, before)).following
    assert (await relation(foe, new.account)).blocking
    muted = await relation(quiet, new.account)
    assert muted.muting and not muted.muting_notifications

    # Apps on either server are told where they are now.
    for app, account in ((fan, before), (old, old.account)):
        shown = held(await app.get(f"{ACCOUNTS}/{account.id}"), entities.Account)
        assert isinstance(shown.moved, entities.Account) and shown.moved.username == "alice"
        assert shown.moved.uri == new.account.uri


async def test_who_has_moved_away_does_nothing_here_until_they_are_back(
    two_instances: tuple[rig.Instance, rig.Instance], browser: aiohttp.ClientSession
) -> None:
    here, there = two_instances
    old, new = await App.of(here, browser, "alice"), await App.of(there, browser, "alice")
    bob = await App.of(here, browser, "bob")
    status = await post(bob, "hi")
    await moving.alias(there.easel, new.account.id, f"alice@{here.domain}")
    await moving.move(here.easel, old.account.id, f"alice@{there.domain}")
    for path, asked in (
        ("/api/v1/statuses", {"status": "x"}),
        (f"/api/v1/statuses/{status.id}/favourite", {}),
        (f"/api/v1/statuses/{status.id}/reblog", {}),
        (f"{ACCOUNTS}/{bob.account.id}/follow", {}),
    ):
        answer = await old.post(path, asked)
        assert answer.status == 403 and answer.error == "This account has moved away.", path
    assert (await old.get("/api/v1/timelines/home")).status == 200
    refused = await bob.post(f"{ACCOUNTS}/{old.account.id}/follow", {})
    assert refused.status == 403 and refused.error == "That account has moved away."

    async with here.easel.database.write() as tx:
        await moves.come_back(tx, await tx.get_one(Account, old.account.id))
    assert (await post(old, "back")).account.moved is entities.UNSET
    followed = await bob.post(f"{ACCOUNTS}/{old.account.id}/follow", {})
    assert held(followed, entities.Relationship).following
