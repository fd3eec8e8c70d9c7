"""Whom somebody blocks and mutes, as apps list them."""

from __future__ import annotations

from datetime import timedelta

import aiohttp

from fedi.api.mastodon import entities
from tests import rig
from tests.api.apps import App
from tests.api.mastodon.apps import held, ids
from tests.api.mastodon.test_timelines import link


async def test_who_is_blocked_and_muted_is_listed_by_when_that_was(
    alice: App, instance: rig.Instance, browser: aiohttp.ClientSession
) -> None:
    others = [await App.of(instance, browser, name) for name in ("bob", "carol", "dave")]
    named = [str(app.account.id) for app in others]
    for verb, path in (("block", "/api/v1/blocks"), ("mute", "/api/v1/mutes")):
        assert ids(await alice.get(path)) == []
        for id_ in named:
            await alice.post(f"/api/v1/accounts/{id_}/{verb}", {})
        first = await alice.get(f"{path}?limit=2")
        assert ids(first) == named[:0:-1]
        assert ids(await alice.get(link(first, "next"))) == named[:1]
        await alice.post(f"/api/v1/accounts/{named[0]}/un{verb}", {})
        assert ids(await alice.get(path)) == named[:0:-1]
        assert ids(await others[0].get(path)) == []


async def test_a_mute_is_listed_until_it_ends(alice: App, bob: App, instance: rig.Instance) -> None:
    await alice.post(f"/api/v1/accounts/{bob.account.id}/mute", {"duration": 60})
    [muted] = held(await alice.get("/api/v1/mutes"), list[entities.MutedAccount])
    assert muted.acct == "bob" and muted.mute_expires_at is not None
    instance.clock.advance(timedelta(seconds=61))
    assert ids(await alice.get("/api/v1/mutes")) == []
    await alice.post(f"/api/v1/accounts/{bob.account.id}/mute", {})
    [muted] = held(await alice.get("/api/v1/mutes"), list[entities.MutedAccount])
    assert muted.mute_expires_at is None
