"""What is discovered and searched leaves out the domains that the viewer hides."""

from __future__ import annotations

from typing import Any

import aiohttp

from fedi.database.tables import Account
from fedi.social import favourites, hiding
from fedi.social.remote_accounts import save_remote
from tests import rig
from tests.api.apps import App
from tests.social import people
from tests.social.trends.acting import settle

THERE, BELOW = "there.example", "sub.there.example"


async def somebody(instance: rig.Instance, name: str, domain: str) -> Account:
    described = people.described(name, domain, discoverable=True, indexable=True)
    async with instance.easel.database.write() as tx:
        return await save_remote(tx, described)


async def seen(app: App) -> dict[str, Any]:
    """The domains that each of the ways shows."""

    async def people_of(path: str, at: str = "") -> set[str]:
        found = (await app.get(path)).body
        return {one["acct"].partition("@")[2] for one in (found[at] if at else found)} - {""}

    async def posts_of(path: str, at: str = "") -> set[str]:
        found = (await app.get(path)).body
        rows = found[at] if at else found
        return {one["account"]["acct"].partition("@")[2] for one in rows}

    return {
        "suggestions": await people_of("/api/v1/suggestions"),
        "directory": await people_of("/api/v1/directory"),
        "accounts": await people_of("/api/v1/accounts/search?q=mira"),
        "people": await people_of("/api/v2/search?q=mira", "accounts"),
        "posts": await posts_of("/api/v2/search?q=lighthouse", "statuses"),
        "trends": await posts_of("/api/v1/trends/statuses"),
    }


async def test_no_way_shows_what_is_hidden(
    instance: rig.Instance, browser: aiohttp.ClientSession
) -> None:
    alice = await App.of(instance, browser, "alice")
    bob = await App.of(instance, browser, "bob")
    carol = await people.local(instance.easel, "carol", discoverable=True)
    dora = await people.local(instance.easel, "dora", discoverable=True)
    await people.follow(instance.easel, alice.account, carol)
    await people.follow(instance.easel, bob.account, carol)
    for number, domain in enumerate((THERE, BELOW)):
        mira = await somebody(instance, f"mira{number}", domain)
        await people.follow(instance.easel, carol, mira)
        posted = await people.receive(instance.easel, mira, content="<p>a lighthouse</p>")
        assert posted is not None
        async with instance.easel.database.write() as tx:
            await favourites.add(tx, carol, posted)
            await favourites.add(tx, dora, posted)
            if not number:  # what one likes is found by that, too, unless it is hidden
                await favourites.add(tx, alice.account, posted)
    await settle(instance.easel)
    everything = await seen(bob)
    assert everything == {key: {THERE, BELOW} for key in everything}
    async with instance.easel.database.write() as tx:
        await hiding.add(tx, await tx.get_one(Account, alice.account.id), THERE)
    await instance.run_jobs()
    left = await seen(alice)
    assert left == {key: {BELOW} for key in left}
    assert await seen(bob) == everything
    nobody = App(instance, browser, alice.account, None)
    assert (await nobody.get("/api/v1/directory")).status == 200
