"""Trends that moderators judge, hashtags, and how the instance is doing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from fedi.api.mastodon import entities
from tests import rig
from tests.api.apps import App
from tests.api.mastodon.apps import held, post
from tests.social.trends.acting import settle

ADMIN = "/api/v1/admin"


async def test_what_trends_is_judged_and_then_shown_or_not(
    instance: rig.Instance, ada: App, alice: App, bob: App
) -> None:
    first = await post(alice, "Look https://news.example/fog #fog")
    await post(bob, "And https://news.example/fog #fog")
    for app in (ada, bob):
        await app.post(f"/api/v1/statuses/{first.id}/favourite")
    await settle(instance.easel)
    for kind in ("tags", "statuses", "links"):
        path, shown = f"{ADMIN}/trends/{kind}", f"/api/v1/trends/{kind}"
        [one] = (await ada.get(path)).body
        assert one["requires_review"] is False
        assert len((await alice.get(shown)).body) == 1
        assert (await ada.post(f"{path}/{one['id']}/reject")).status == 200
        assert (await alice.get(shown)).body == [] and len((await ada.get(path)).body) == 1
        assert (await ada.post(f"{path}/{one['id']}/approve")).status == 200
        assert len((await alice.get(shown)).body) == 1
        assert (await ada.post(f"{path}/7/approve")).status == 404
    direct = await post(alice, "@bob psst", visibility="direct")
    hidden = await ada.post(f"{ADMIN}/trends/statuses/{direct.id}/approve")
    assert hidden.status == 404


async def test_hashtags_are_listed_and_changed(ada: App, alice: App) -> None:
    await post(alice, "Look #fogbow")
    [tag] = held(await ada.get(f"{ADMIN}/tags"), list[entities.AdminTag])
    assert (tag.name, tag.trendable, tag.usable) == ("fogbow", True, True)
    path = f"{ADMIN}/tags/{tag.id}"
    changed = await ada.ask("PUT", path, {"display_name": "FogBow", "trendable": False})
    found = held(changed, entities.AdminTag)
    assert (found.name, found.trendable) == ("FogBow", False)
    assert held(await ada.get(path), entities.AdminTag) == found
    assert (await ada.ask("PUT", path, {"display_name": "other"})).status == 422


async def test_what_happened_is_counted_by_the_day(
    instance: rig.Instance, ada: App, alice: App, bob: App
) -> None:
    first = await post(alice, "Look #fog")
    await bob.post(f"/api/v1/statuses/{first.id}/favourite")
    today = instance.clock.now().date()
    instance.clock.advance(timedelta(days=1))
    second = await post(bob, "And #fog")
    tag = (await ada.get(f"{ADMIN}/tags")).body[0]["id"]
    asked: dict[str, Any] = {
        "keys": ["new_users", "active_users", "interactions", "opened_reports", "tag_uses", "?"],
        "start_at": today.isoformat(),
        "end_at": (today + timedelta(days=1)).isoformat(),
        "tag_uses": {"id": tag},
    }
    found = held(await ada.post(f"{ADMIN}/measures", asked), list[entities.AdminMeasure])
    told = {one.key: (one.total, [day.value for day in one.data]) for one in found}
    assert told == {
        "new_users": ("3", ["3", "0"]),
        "active_users": ("2", ["1", "1"]),
        "interactions": ("1", ["1", "0"]),
        "opened_reports": ("0", ["0", "0"]),
        "tag_uses": ("2", ["1", "1"]),
    }
    assert second.id > first.id
    for wrong in (
        {"start_at": "x"},
        {"end_at": "1990-01-01"},
        {"start_at": "0001-01-01", "end_at": "0001-01-02"},
        {"end_at": "9999-12-31"},
        {"start_at": ""},
    ):
        for path in ("measures", "dimensions", "retention"):
            assert (await ada.post(f"{ADMIN}/{path}", asked | wrong)).status == 422, wrong


async def test_what_most_of_it_is_and_who_stays(
    instance: rig.Instance, ada: App, alice: App, bob: App
) -> None:
    await post(alice, "Look #fog", language="en")
    today = instance.clock.now().date()
    instance.clock.advance(timedelta(days=1))
    await post(alice, "And", language="de")
    tag = (await ada.get(f"{ADMIN}/tags")).body[0]["id"]
    span = {
        "start_at": today.isoformat(),
        "end_at": (today + timedelta(days=1)).isoformat(),
    }
    asked: dict[str, Any] = span | {
        "keys": ["tag_languages", "servers", "languages", "software_versions", "?"],
        "tag_languages": {"id": tag},
    }
    found = held(await ada.post(f"{ADMIN}/dimensions", asked), list[entities.AdminDimension])
    told = {one.key: [(line.key, line.value) for line in one.data] for one in found}
    assert told["tag_languages"] == [("en", "1")] and told["servers"] == []
    assert told.keys() == {"tag_languages", "servers", "languages", "software_versions"}
    answer = await ada.post(f"{ADMIN}/retention", span | {"frequency": "day"})
    cohorts = held(answer, list[entities.AdminCohort])
    [first, second] = cohorts
    assert [data.value for data in first.data] == ["1", "1"]
    assert first.data[0].rate == 1 / 3 and [data.value for data in second.data] == ["0"]
    months = await ada.post(f"{ADMIN}/retention", span | {"frequency": "month"})
    assert months.status == 200
