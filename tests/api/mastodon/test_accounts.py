"""People, and what they are to each other."""

from __future__ import annotations

import aiohttp
import pytest

from fedi.api.mastodon import entities
from fedi.social import accounts
from tests import rig
from tests.api.apps import App
from tests.api.mastodon.apps import held, ids, nobody, post

ACCOUNTS = "/api/v1/accounts"


@pytest.fixture
async def alice(instance: rig.Instance, browser: aiohttp.ClientSession) -> App:
    return await App.of(instance, browser, "alice")


@pytest.fixture
async def bob(instance: rig.Instance, browser: aiohttp.ClientSession) -> App:
    return await App.of(instance, browser, "bob")


def path(app: App, end: str = "") -> str:
    return f"{ACCOUNTS}/{app.account.id}{end}"


async def relation(app: App, other: App) -> entities.Relationship:
    answer = await app.get(f"{ACCOUNTS}/relationships?id[]={other.account.id}")
    [found] = held(answer, list[entities.Relationship])
    return found  # type: ignore[no-any-return]


async def test_somebody_is_found_by_id_and_by_handle(
    alice: App, instance: rig.Instance, browser: aiohttp.ClientSession
) -> None:
    anybody = nobody(instance, browser, alice)
    found = held(await anybody.get(path(alice)), entities.Account)
    assert (found.acct, found.url, found.uri) == ("alice", alice.account.url, alice.account.uri)
    for acct in ("alice", "@ALICE", f"alice@{instance.domain}"):
        assert (await anybody.get(f"{ACCOUNTS}/lookup?acct={acct}")).body["id"] == found.id
    assert ids(await anybody.get(f"{ACCOUNTS}?id[]={found.id}&id[]=1&id[]=x")) == [found.id]
    for nowhere in (f"{ACCOUNTS}/1", f"{ACCOUNTS}/alice", f"{ACCOUNTS}/{'9' * 30}"):
        assert (await anybody.get(nowhere)).error == "Record not found"
    assert (await anybody.get(f"{ACCOUNTS}/lookup?acct=nobody")).status == 404
    assert (await anybody.get(f"{ACCOUNTS}/lookup")).status == 422


async def test_who_is_gone_or_hidden_is_not_found(
    alice: App, bob: App, instance: rig.Instance
) -> None:
    async with instance.easel.database.write() as tx:
        account = await tx.get_one(type(bob.account), bob.account.id)
        account.suspended_at = tx.now
        tx.add(account)
        actor = await accounts.instance_actor(tx)
        assert actor is not None
    for who in (bob.account.id, actor.id):
        for end in ("", "/statuses", "/followers", "/following"):
            assert (await alice.get(f"{ACCOUNTS}/{who}{end}")).status == 404
        assert (await alice.post(f"{ACCOUNTS}/{who}/follow", {})).status == 404
        assert (await alice.get(f"{ACCOUNTS}/relationships?id[]={who}")).body == []
    assert (await alice.get(f"{ACCOUNTS}/lookup?acct=bob")).status == 404


async def test_ties_are_made_and_cut(alice: App, bob: App) -> None:
    followed = held(await alice.post(path(bob, "/follow"), {"notify": True}), entities.Relationship)
    assert followed.following and followed.showing_reblogs and followed.notifying
    assert (await relation(bob, alice)).followed_by
    assert ids(await alice.get(path(bob, "/followers"))) == [str(alice.account.id)]
    assert ids(await bob.get(path(alice, "/following"))) == [str(bob.account.id)]
    changed = held(
        await alice.post(path(bob, "/follow"), {"reblogs": False, "languages": ["en"]}),
        entities.Relationship,
    )
    assert (changed.showing_reblogs, changed.notifying) == (False, True)
    assert changed.languages == ["en"]
    noted = held(
        await alice.post(path(bob, "/note"), {"comment": "paints boats"}), entities.Relationship
    )
    assert noted.note == "paints boats" and (await relation(bob, alice)).note == ""
    held(await bob.post(path(alice, "/remove_from_followers"), {}), entities.Relationship)
    assert not (await relation(alice, bob)).following
    await alice.post(path(bob, "/follow"), {})
    blocked = held(await bob.post(path(alice, "/block"), {}), entities.Relationship)
    assert blocked.blocking and not blocked.followed_by
    assert (await relation(alice, bob)).blocked_by
    assert (await alice.post(path(bob, "/follow"), {})).status == 403
    await bob.post(path(alice, "/unblock"), {})
    await alice.post(path(bob, "/follow"), {})
    gone = held(await alice.post(path(bob, "/unfollow"), {}), entities.Relationship)
    assert not gone.following and not gone.showing_reblogs
    for verb in ("follow", "block", "mute"):
        assert (await alice.post(path(alice, f"/{verb}"), {})).status == 422


async def test_a_locked_account_is_asked(alice: App, bob: App, instance: rig.Instance) -> None:
    async with instance.easel.database.write() as tx:
        account = await tx.get_one(type(bob.account), bob.account.id)
        account.locked = True
        tx.add(account)
    asked = held(await alice.post(path(bob, "/follow"), {}), entities.Relationship)
    assert asked.requested and not asked.following
    assert (await relation(bob, alice)).requested_by
    verified = await bob.get(f"{ACCOUNTS}/verify_credentials")
    assert verified.body["source"]["follow_requests_count"] == 1


async def test_who_hides_their_ties_shows_them_to_nobody_else(
    alice: App, bob: App, instance: rig.Instance
) -> None:
    await alice.post(path(bob, "/follow"), {})
    async with instance.easel.database.write() as tx:
        account = await tx.get_one(type(bob.account), bob.account.id)
        account.hide_collections = True
        tx.add(account)
    assert ids(await alice.get(path(bob, "/followers"))) == []
    assert ids(await bob.get(path(bob, "/followers"))) == [str(alice.account.id)]


async def test_who_is_blocked_is_not_shown_the_ties_of_who_blocks_them(
    alice: App, bob: App, instance: rig.Instance, browser: aiohttp.ClientSession
) -> None:
    carol = await App.of(instance, browser, "carol")
    await bob.post(path(carol, "/follow"), {})
    await carol.post(path(bob, "/follow"), {})
    for end in ("/followers", "/following"):
        assert ids(await alice.get(path(bob, end))) == [str(carol.account.id)]
    await bob.post(path(alice, "/block"), {})
    for end in ("/followers", "/following"):
        assert ids(await alice.get(path(bob, end))) == []
        assert ids(await carol.get(path(bob, end))) == [str(carol.account.id)]


async def test_what_somebody_posted_can_be_narrowed(alice: App, bob: App) -> None:
    own = await post(alice, "own")
    theirs = await post(bob, "theirs")
    answer = await post(alice, "answer", in_reply_to_id=theirs.id)
    boost = (await alice.post(f"/api/v1/statuses/{theirs.id}/reblog", {})).body["id"]
    listed = path(alice, "/statuses")
    assert ids(await bob.get(listed)) == [boost, answer.id, own.id]
    assert ids(await bob.get(f"{listed}?exclude_reblogs=true")) == [answer.id, own.id]
    assert ids(await bob.get(f"{listed}?exclude_replies=true")) == [boost, own.id]


async def test_an_app_may_only_what_it_was_given(
    alice: App, bob: App, instance: rig.Instance, browser: aiohttp.ClientSession
) -> None:
    reader = await App.of(instance, browser, "alice", "read")
    made = await post(bob, "x")
    for ask in (
        reader.post(path(bob, "/follow"), {}),
        reader.post("/api/v1/statuses", {"status": "x"}),
        reader.post(f"/api/v1/statuses/{made.id}/favourite", {}),
        reader.ask("DELETE", f"/api/v1/statuses/{made.id}"),
        reader.post("/api/v1/markers", {}),
    ):
        answer = await ask
        assert answer.status == 403 and answer.error
