"""Posts that quote others, over HTTP."""

from __future__ import annotations

import aiohttp
import pytest

from activitypub.context import ACTIVITY_JSON
from fedi.api.mastodon import entities
from tests import rig
from tests.api.apps import App
from tests.api.mastodon.apps import held, ids, post
from tests.api.mastodon.streams import listening
from tests.federation import seeing

STATUSES = "/api/v1/statuses"


@pytest.fixture
async def alice(instance: rig.Instance, browser: aiohttp.ClientSession) -> App:
    return await App.of(instance, browser, "alice")


@pytest.fixture
async def bob(instance: rig.Instance, browser: aiohttp.ClientSession) -> App:
    return await App.of(instance, browser, "bob")


async def quote(app: App, quoted: entities.Status, **more: object) -> entities.Status:
    return await post(app, "look at this", quoted_status_id=quoted.id, **more)


async def test_a_quote_is_shown_counted_listed_and_taken_back(
    instance: rig.Instance, alice: App, bob: App
) -> None:
    quoted = await post(alice, "quote me")
    made = await quote(bob, quoted)
    assert made.quote is not None and made.quote.state == "accepted"
    assert isinstance(made.quote.quoted_status, entities.Status)
    assert made.quote.quoted_status.id == quoted.id
    assert await seeing.notices(instance, alice.account) == ["quote"]
    shown = held(await alice.get(f"{STATUSES}/{quoted.id}"), entities.Status)
    assert shown.quotes_count == 1
    secret = await quote(bob, quoted, visibility="private")
    assert ids(await bob.get(f"{STATUSES}/{quoted.id}/quotes")) == [secret.id, made.id]
    assert ids(await alice.get(f"{STATUSES}/{quoted.id}/quotes")) == [made.id]
    async with bob.browser.get(made.uri, headers={"Accept": ACTIVITY_JSON}) as answer:
        document = await answer.json(content_type=None)
    assert document["quote"] == quoted.uri
    async with bob.browser.get(
        document["quoteAuthorization"], headers={"Accept": ACTIVITY_JSON}
    ) as answer:
        stamp = await answer.json(content_type=None)
    assert (stamp["interactingObject"], stamp["interactionTarget"]) == (made.uri, quoted.uri)
    path = f"{STATUSES}/{quoted.id}/quotes/{made.id}/revoke"
    assert (await bob.post(path, {})).status == 404
    revoked = held(await alice.post(path, {}), entities.Status)
    assert revoked.quote is not None and revoked.quote.state == "revoked"
    assert ids(await alice.get(f"{STATUSES}/{quoted.id}/quotes")) == []
    assert (await alice.post(f"{STATUSES}/{quoted.id}/quotes/7/revoke", {})).status == 404
    await instance.run_jobs()
    async with bob.browser.get(made.uri, headers={"Accept": ACTIVITY_JSON}) as answer:
        assert "quoteAuthorization" not in await answer.json(content_type=None)


async def test_who_quotes_hears_of_an_edit_by_their_own_post(alice: App, bob: App) -> None:
    quoted = await post(alice, "before")
    made = await quote(bob, quoted)
    own = await quote(alice, quoted)  # nobody hears of themselves
    async with listening(bob, "user") as socket:
        await alice.ask("PUT", f"{STATUSES}/{quoted.id}", {"status": "after"})
        heard = await socket.next()
    told = heard.payload
    assert (told["type"], told["status"]["id"]) == ("quoted_update", made.id)
    [listed] = held(await bob.get("/api/v1/notifications"), list[entities.Notification])
    assert listed.type == "quoted_update" and listed.account.acct == "alice"
    assert isinstance(listed.status, entities.Status) and listed.status.id == made.id
    grouped = held(await bob.get("/api/v2/notifications"), entities.GroupedNotifications)
    [group] = grouped.notification_groups
    assert (group.type, group.status_id, group.notifications_count) == (
        "quoted_update", made.id, 1,
    )  # fmt: skip
    assert ids(await alice.get("/api/v1/notifications?types[]=quoted_update")) == []
    await alice.post(f"{STATUSES}/{quoted.id}/quotes/{made.id}/revoke", {})
    await bob.post("/api/v1/notifications/clear", {})
    await alice.ask("PUT", f"{STATUSES}/{quoted.id}", {"status": "once more"})
    assert ids(await bob.get("/api/v1/notifications")) == []
    assert own.quote is not None


async def test_who_may_not_quote_does_not(alice: App, bob: App) -> None:
    nobody = await post(alice, "not me", quote_approval_policy="nobody")
    followers = await post(alice, "my followers", quote_approval_policy="followers")
    private = await post(alice, "sh @bob", visibility="private")
    open_ = await post(alice, "all")
    for quoted, status in ((nobody, 403), (followers, 403), (private, 403)):
        answer = await bob.post(STATUSES, {"status": "x", "quoted_status_id": quoted.id})
        assert answer.status == status, quoted.content
    for missing in ("7", "seven"):
        answer = await bob.post(STATUSES, {"status": "x", "quoted_status_id": missing})
        assert answer.status == 404
    await bob.post(f"/api/v1/accounts/{alice.account.id}/follow", {})
    assert (await quote(bob, followers)).quote is not None
    assert (await quote(alice, nobody)).quote is not None
    own = await quote(alice, private, visibility="private")
    assert own.quote is not None and own.quote.state == "accepted"
    public = {"status": "x", "quoted_status_id": private.id}
    assert (await alice.post(STATUSES, public)).status == 403
    await bob.post(f"/api/v1/accounts/{alice.account.id}/block", {})
    answer = await bob.post(STATUSES, {"status": "x", "quoted_status_id": open_.id})
    assert answer.status in {403, 404}


async def test_a_quote_of_a_boost_is_one_of_what_was_boosted(alice: App, bob: App) -> None:
    quoted = await post(alice, "boost me")
    boost = held(await bob.post(f"{STATUSES}/{quoted.id}/reblog", {}), entities.Status)
    made = await quote(bob, boost)
    assert made.quote is not None and isinstance(made.quote.quoted_status, entities.Status)
    assert made.quote.quoted_status.id == quoted.id
