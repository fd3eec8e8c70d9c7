"""Notifications, their groups, policies and requests, over HTTP."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from sqlalchemy import update
from sqlmodel import col

from fedi.api.mastodon import entities
from fedi.database.tables import Account, Follow, Login, Marker, Status
from fedi.social import favourites, notifications, reactions, reblogs, reports, statuses
from fedi.social.statuses import Draft
from tests import rig
from tests.api.apps import App
from tests.api.mastodon.apps import held, ids
from tests.social import people

V1, V2 = "/api/v1/notifications", "/api/v2/notifications"
Notices = list[entities.Notification]


@pytest.fixture
async def alice(instance: rig.Instance, browser: aiohttp.ClientSession) -> App:
    return await App.of(instance, browser, "alice")


@pytest.fixture
async def bob(instance: rig.Instance, browser: aiohttp.ClientSession) -> App:
    return await App.of(instance, browser, "bob")


async def publish(app: App, text: str, **more: Any) -> Status:
    async with app.instance.easel.database.write() as tx:
        return await statuses.publish(tx, app.account, Draft(text=text, **more))


async def like(app: App, account: Account, status: Status) -> None:
    async with app.instance.easel.database.write() as tx:
        await favourites.add(tx, account, await tx.get_one(Status, status.id))


async def told(app: App, path: str = V1) -> Notices:
    found: Notices = held(await app.get(path), Notices)
    return found


async def grouped(app: App, path: str = V2) -> entities.GroupedNotifications:
    found: entities.GroupedNotifications = held(await app.get(path), entities.GroupedNotifications)
    return found


async def test_everything_is_told_in_words_that_apps_know(alice: App, bob: App) -> None:
    easel = alice.instance.easel
    status = await publish(alice, "a fox")
    await publish(bob, "@alice hello")
    far = await people.remote(easel, "far")
    async with easel.database.write() as tx:
        row = await tx.get_one(Status, status.id)
        await favourites.add(tx, bob.account, row)
        await reblogs.add(tx, bob.account, row)
        await reactions.add(tx, far, row, "🦊", uri=f"{far.uri}#1", url=None)
        await notifications.notify(tx, alice.account, alice.account, "painting_failed")
    await people.follow(easel, bob.account, alice.account)
    found = await told(alice)
    assert [one.type for one in found] == [
        "follow",
        "mention",
        "favourite",
        "reblog",
        "favourite",
        "mention",
    ]
    [news] = [one for one in found if one.account.acct == "alice"]
    assert isinstance(news.status, entities.Status)
    assert (news.status.visibility, "could not be painted" in news.status.content) == (
        "direct",
        True,
    )
    assert await told(bob) == []


async def test_a_page_is_cut_by_types_people_and_ids(alice: App, bob: App) -> None:
    carol = await App.of(alice.instance, alice.browser, "carol")
    status = await publish(alice, "a fox")
    for app in (bob, carol):
        await like(app, app.account, status)
        await publish(app, "@alice hello")
    kinds = [(one.account.acct, one.type) for one in await told(alice)]
    assert kinds == [
        ("carol", "mention"),
        ("carol", "favourite"),
        ("bob", "mention"),
        ("bob", "favourite"),
    ]
    for query, count in (
        ("types[]=mention", 2),
        ("types[]=mention&types[]=favourite", 4),
        ("exclude_types[]=mention", 2),
        ("types[]=mention&exclude_types[]=mention", 0),
        ("types[]=unheard_of", 0),
        (f"account_id={bob.account.id}", 2),
        ("account_id=x", 0),
        ("limit=3", 3),
    ):
        assert len(await told(alice, f"{V1}?{query}")) == count, query
    answer = await alice.get(f"{V1}?limit=3&types[]=mention&types[]=favourite")
    older, newer = (part.split(">")[0].strip(" <") for part in answer.headers["Link"].split(","))
    assert len(ids(await alice.get(older))) == 1
    assert ids(await alice.get(newer)) == []
    first = ids(await alice.get(V1))[0]
    assert (await alice.get(f"{V1}/{first}")).body["id"] == first
    assert (await bob.get(f"{V1}/{first}")).status == 404
    assert (await bob.post(f"{V1}/{first}/dismiss", {})).status == 404
    assert (await alice.post(f"{V1}/{first}/dismiss", {})).body == {}
    assert (await alice.post(f"{V1}/dismiss", {"id": first})).body == {}
    assert (await alice.get(f"{V1}/{first}")).status == 404
    assert len(await told(alice)) == 3
    assert (await alice.post(f"{V1}/clear", {})).body == {}
    assert await told(alice) == []


async def test_unread_ones_are_counted_from_the_marker(alice: App, bob: App) -> None:
    for n in range(3):
        await publish(bob, f"@alice {n}")
    assert (await alice.get(f"{V1}/unread_count")).body == {"count": 3}
    assert (await alice.get(f"{V1}/unread_count?limit=2")).body == {"count": 2}
    async with alice.instance.easel.database.write() as tx:
        tx.add(
            Marker(
                account_id=alice.account.id,
                timeline="notifications",
                last_read_id=int((await told(alice))[1].id),
                updated_at=tx.now,
            )
        )
    assert (await alice.get(f"{V1}/unread_count")).body == {"count": 1}
    assert (await alice.get(f"{V2}/unread_count")).body == {"count": 1}


async def test_what_was_said_by_who_is_gone_or_hidden_is_not_told(alice: App, bob: App) -> None:
    easel = alice.instance.easel
    said = await publish(bob, "@alice hello")
    await like(bob, bob.account, await publish(alice, "a fox"))
    assert len(await told(alice)) == 2
    async with easel.database.write() as tx:
        await statuses.delete(tx, await tx.get_one(Status, said.id))
    assert [one.type for one in await told(alice)] == ["favourite"]
    async with easel.database.write() as tx:
        await tx.execute(
            update(Account).where(col(Account.id) == bob.account.id).values(suspended_at=tx.now)
        )
    assert await told(alice) == []
    assert (await grouped(alice)).notification_groups == []


async def test_likes_of_a_post_are_one_group(alice: App, bob: App) -> None:
    easel = alice.instance.easel
    status, other = await publish(alice, "a fox"), await publish(alice, "a cat")
    fans = [await people.remote(easel, f"fan{n}") for n in range(10)]
    for fan in fans:
        await like(alice, fan, status)
    await like(alice, fans[0], other)
    await publish(bob, "@alice hello")
    page = await grouped(alice)
    mention, cat, fox = page.notification_groups
    assert [group.type for group in page.notification_groups] == [
        "mention",
        "favourite",
        "favourite",
    ]
    assert (fox.notifications_count, fox.status_id) == (10, str(status.id))
    assert fox.sample_account_ids == [str(fan.id) for fan in fans[:1:-1]]
    assert mention.group_key == f"ungrouped-{mention.most_recent_notification_id}"
    known = {one.id for one in page.accounts}
    assert {one for group in page.notification_groups for one in group.sample_account_ids} <= known
    assert {one.id for one in page.statuses} == {
        str(status.id),
        str(other.id),
        mention.status_id,
    }
    partial = await grouped(alice, f"{V2}?expand_accounts=partial_avatars")
    assert isinstance(partial.partial_accounts, list)
    assert len(partial.partial_accounts) == 7
    assert {one.id for one in partial.accounts} == {
        str(bob.account.id),
        str(fans[0].id),
        str(fans[9].id),
    }
    apart = await grouped(alice, f"{V2}?grouped_types[]=follow&limit=5")
    assert len(apart.notification_groups) == 5
    assert all(group.notifications_count == 1 for group in apart.notification_groups)
    one = await grouped(alice, f"{V2}/{fox.group_key}")
    assert [group.notifications_count for group in one.notification_groups] == [10]
    alone = await grouped(alice, f"{V2}/{mention.group_key}")
    assert [group.type for group in alone.notification_groups] == ["mention"]
    everybody = ids(await alice.get(f"{V2}/{fox.group_key}/accounts"))
    assert everybody == [str(fan.id) for fan in reversed(fans)]
    assert (await alice.get(f"{V2}/unread_count")).body == {"count": 3}
    assert (await alice.get(f"{V1}/unread_count")).body == {"count": 12}
    assert (await bob.get(f"{V2}/{fox.group_key}")).status == 404
    await alice.post(f"{V2}/{fox.group_key}/dismiss", {})
    assert (await alice.get(f"{V2}/{fox.group_key}")).status == 404
    assert len((await grouped(alice)).notification_groups) == 2
    assert cat.notifications_count == 1


async def test_groups_are_read_page_by_page(alice: App, bob: App) -> None:
    easel = alice.instance.easel
    posts = [await publish(alice, str(n)) for n in range(5)]
    fans = [await people.remote(easel, f"fan{n}") for n in range(3)]
    for status in posts:
        for fan in fans:
            await like(alice, fan, status)
    seen: list[Any] = []
    path = f"{V2}?limit=2"
    while True:
        answer = await alice.get(path)
        page = held(answer, entities.GroupedNotifications)
        if not page.notification_groups:
            break
        seen += [group.status_id for group in page.notification_groups]
        path = answer.headers["Link"].split(">")[0].strip("<")
    assert seen == [str(status.id) for status in reversed(posts)]
    oldest = (await told(alice))[-1].id
    forwards = await grouped(alice, f"{V2}?limit=2&min_id={oldest}")
    assert {group.status_id for group in forwards.notification_groups} == {
        str(posts[0].id),
        str(posts[1].id),
    }


async def test_who_asked_to_hear_of_each_post_does(alice: App, bob: App) -> None:
    easel = alice.instance.easel
    await people.follow(easel, bob.account, alice.account)
    await publish(alice, "unheard")
    async with easel.database.write() as tx:
        await tx.execute(
            update(Follow).where(col(Follow.account_id) == bob.account.id).values(notify=True)
        )
    first = await publish(alice, "heard")
    await publish(alice, "@bob named")
    await publish(alice, "a secret", visibility="direct")
    mine = await publish(bob, "what is it?")
    await publish(alice, "an answer to somebody", in_reply_to_id=mine.id)
    await publish(alice, "going on", in_reply_to_id=first.id, visibility="private")
    found = [one for one in await told(bob) if one.type == "status"]
    assert len(found) == 2
    assert isinstance(found[1].status, entities.Status)
    assert found[1].status.id == str(first.id)


async def test_a_policy_sets_strangers_aside(alice: App, bob: App) -> None:
    path = f"{V2}/policy"
    policy = held(await alice.get(path), entities.NotificationPolicy)
    assert (policy.for_not_following, policy.for_limited_accounts) == ("accept", "drop")
    policy = held(
        await alice.ask("PATCH", path, {"for_not_following": "filter"}),
        entities.NotificationPolicy,
    )
    assert policy.for_not_following == "filter"
    assert (await alice.ask("PATCH", path, {"for_not_following": "burn"})).status == 422
    friend = await App.of(alice.instance, alice.browser, "friend")
    await people.follow(alice.instance.easel, alice.account, friend.account)
    await publish(friend, "@alice hello")
    said = await publish(bob, "@alice hello stranger")
    assert [one.account.acct for one in await told(alice)] == ["friend"]
    assert len(await told(alice, f"{V1}?include_filtered=true")) == 2
    assert (await alice.get(f"{V1}/unread_count")).body == {"count": 1}
    policy = held(await alice.get(path), entities.NotificationPolicy)
    assert policy.summary == entities.PolicySummary(
        pending_requests_count=1, pending_notifications_count=1
    )
    requests = held(await alice.get(f"{V1}/requests"), list[entities.NotificationRequest])
    [request] = requests
    assert (request.account.acct, request.notifications_count) == ("bob", "1")
    assert isinstance(request.last_status, entities.Status)
    assert request.last_status.id == str(said.id)
    assert (await alice.get(f"{V1}/requests/{request.id}")).body["id"] == request.id
    assert (await bob.get(f"{V1}/requests/{request.id}")).status == 404
    assert (await bob.post(f"{V1}/requests/accept", {"id": [request.id]})).status == 404
    assert (await alice.post(f"{V1}/requests/{request.id}/accept", {})).body == {}
    assert (await alice.get(f"{V1}/requests/merged")).body == {"merged": True}
    assert {one.account.acct for one in await told(alice)} == {"friend", "bob"}
    await publish(bob, "@alice once more")
    assert len(await told(alice)) == 3  # let through from now on
    first = held(await alice.get(f"{V1}/policy"), entities.V1NotificationPolicy)
    assert (first.filter_not_following, first.filter_new_accounts) == (True, False)
    changed = await alice.ask("PATCH", f"{V1}/policy", {"filter_not_following": False})
    assert changed.body["filter_not_following"] is False


async def test_what_was_set_aside_can_be_turned_away(alice: App, bob: App) -> None:
    await alice.ask("PATCH", f"{V2}/policy", {"for_private_mentions": "filter"})
    await publish(bob, "@alice psst", visibility="direct")
    await publish(bob, "@alice hello")
    assert len(await told(alice)) == 1
    [request] = ids(await alice.get(f"{V1}/requests"))
    assert (await alice.post(f"{V1}/requests/dismiss", {"id": [request]})).body == {}
    assert ids(await alice.get(f"{V1}/requests")) == []
    assert len(await told(alice, f"{V1}?include_filtered=true")) == 1
    asked = await publish(alice, "@bob what is it?", visibility="direct")
    await publish(bob, "@alice this", visibility="direct", in_reply_to_id=asked.id)
    assert len(await told(alice)) == 2  # an answer comes through


async def test_each_rule_is_kept_to(alice: App, bob: App) -> None:
    clock = alice.instance.clock
    for rule in ("for_not_followers", "for_new_accounts"):
        await alice.ask("PATCH", f"{V2}/policy", {rule: "drop"})
        await publish(bob, f"@alice {rule}")
        assert await told(alice, f"{V1}?include_filtered=true") == []
        await alice.ask("PATCH", f"{V2}/policy", {rule: "accept"})
    await alice.ask("PATCH", f"{V2}/policy", {"for_not_followers": "filter"})
    await people.follow(alice.instance.easel, bob.account, alice.account)
    assert len(await told(alice)) == 0  # a follower of a moment
    clock.advance(timedelta(days=4))
    await publish(bob, "@alice after some days")
    assert len(await told(alice)) == 1
    await alice.ask(
        "PATCH", f"{V2}/policy", {"for_not_followers": "accept", "for_new_accounts": "drop"}
    )
    clock.advance(timedelta(days=31))
    await publish(bob, "@alice after a month")
    assert len(await told(alice)) == 2


async def test_staff_is_told_of_reports(alice: App, bob: App) -> None:
    async with alice.instance.easel.database.write() as tx:
        await tx.execute(
            update(Login).where(col(Login.account_id) == alice.account.id).values(role="moderator")
        )
        await reports.make(tx, bob.account, alice.account, "spam")
    [notice] = await told(alice)
    assert notice.type == "admin.report"
    assert isinstance(notice.report, entities.Report)
    assert (notice.report.comment, notice.report.target_account.acct) == ("spam", "alice")
    assert await told(bob) == []


async def test_scopes_are_kept_to(instance: rig.Instance, browser: aiohttp.ClientSession) -> None:
    reader = await App.of(instance, browser, "reader", "read:notifications")
    assert (await reader.get(V1)).status == 200
    assert (await reader.post(f"{V1}/clear", {})).status == 403
    writer = await App.of(instance, browser, "writer", "write:notifications")
    assert (await writer.get(V2)).status == 403
    assert (await writer.post(f"{V1}/clear", {})).status == 200
