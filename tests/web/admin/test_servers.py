"""How other servers are doing, on a page: which fail and why, and trying them again."""

from __future__ import annotations

from datetime import timedelta

from tests.api.oauth.person import join
from tests.federation import seeing
from tests.federation.peer import Internet
from tests.federation.test_hosts import broken, followers, mended, row
from tests.rig import Instance
from tests.web.admin import stocking
from tests.web.admin.staff import appoint, done, press, signed_in

PAGE = "/admin/servers"


async def test_a_server_that_fails_is_seen_and_tried_again(
    instance: Instance, internet: Internet
) -> None:
    await appoint(instance, "ada", "admin")
    alice = await join(instance)
    host = internet.host("down")
    inboxes = await followers(instance, alice, host, 3)
    broken(internet, inboxes)
    await seeing.publish(instance, alice)
    await instance.run_jobs()
    assert (await row(instance, host)).failures
    async with signed_in(instance, "ada") as visitor:
        listed = (await visitor.get(PAGE)).page.one("main").text
        assert host in listed and "3 waiting" in listed and "answered 500" in listed
        seen = await visitor.get(f"{PAGE}?host={host.upper()}")
        told = seen.page.one("main").text
        assert "answered 500" in told and "Failing since" in told
        mended(internet)
        page = f"{PAGE}?host={host}"
        tried = await press(visitor, page, f"{PAGE}/retry")
        assert tried.status == 303
        instance.clock.advance(timedelta(seconds=3))
        await instance.run_jobs()
        assert {url for url, _, _ in internet.posted} == set(inboxes)
        assert (await row(instance, host)).failing_since is None
        assert "all hosts are well" in (await visitor.get(PAGE)).body
    assert await done(instance) == [("ada", "server.retry", host)]


async def test_those_in_trouble_come_first(instance: Instance) -> None:
    await appoint(instance, "ada", "admin")
    await stocking.neighbours(instance)
    await stocking.letters(instance)
    async with signed_in(instance, "ada") as visitor:
        seen = await visitor.get(PAGE)
        words = [badge.text for badge in seen.page.all("span", _class="badge-word")]
        assert sorted(words[:3]) == ["failing", "given up", "left alone"]
        assert words[3:] == ["not tried yet"] * 3 and "well.example" not in seen.body
        well = (await visitor.get(f"{PAGE}?host=well.example")).page.one("main").text
        assert "well" in well and "Failing since" not in well
        nothing = await visitor.get(f"{PAGE}?host=nobody.example")
        assert nothing.status == 200 and "Nothing is known" in nothing.body
        key = seen.page.all("input", name="form_key")[0]["value"]
        fields = {"form_key": key, "id": "nobody.example"}
        assert (await visitor.post(f"{PAGE}/retry", fields)).status == 404
    assert await done(instance) == []
