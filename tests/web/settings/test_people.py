"""Followers, followed, muted, blocked, hidden, and who waits: seen and changed on pages."""

from __future__ import annotations

import pytest

from fedi.database.tables import Account
from fedi.social import (
    blocks,
    followed_tags,
    follows,
    hiding,
    mutes,
    notification_policies,
    relationships,
)
from fedi.web.settings import people
from tests.api.oauth.person import Person, Seen, at, join
from tests.rig import Instance
from tests.web import hanging
from tests.web.filling import filled, form_of, send
from tests.web.test_hostile import STRINGS


async def relation(instance: Instance, one: Account, other: Account) -> relationships.Relation:
    async with instance.easel.database.read() as session:
        return (await relationships.of(session, one, [other.id]))[other.id]


async def press(visitor: Person, page: str, path: str, **typed: str) -> Seen:
    """Press a button of a page; it leads back there."""
    seen = await send(visitor, await visitor.get(page), path, **typed)
    assert (seen.status, seen.location) == (303, page)
    return await visitor.get(page)


async def test_people_are_taken_off_each_page_by_its_button(instance: Instance) -> None:
    alice, bob = await join(instance), await join(instance, "bob", display_name=STRINGS[0])
    async with instance.easel.database.write() as tx:
        await follows.request(tx, bob, alice)
        await follows.request(tx, alice, bob)
        await mutes.add(tx, alice, bob)
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        for name, tie in (("followers", "reject"), ("following", "unfollow"), ("muted", "unmute")):
            page = f"/settings/{name}"
            seen = await visitor.get(page)
            assert STRINGS[0] in seen.page.one("ul", _class="rows").text
            assert not seen.page.one("main").all("script")
            seen = await press(visitor, page, f"/people/{bob.id}/{tie}")
            assert "@bob" not in seen.page.one("main").text
        now = await relation(instance, alice, bob)
        assert not (now.following or now.followed_by or now.muting)
        async with instance.easel.database.write() as tx:
            await blocks.add(tx, alice, bob)
        seen = await press(visitor, "/settings/blocked", f"/people/{bob.id}/unblock")
        assert not (await relation(instance, alice, bob)).blocking
    async with at(instance) as nobody:
        for name in ("followers", "muted", "domains", "requests", "filters"):
            assert (await nobody.get(f"/settings/{name}")).location.startswith("/sign-in?next=")


async def test_long_listings_have_pages(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people, "LENGTH", 2)
    alice = await join(instance)
    for name in ("sam1", "sam2", "sam3"):
        sam = await hanging.stranger(instance, name)
        async with instance.easel.database.write() as tx:
            await mutes.add(tx, alice, sam)
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        seen = await visitor.get("/settings/muted")
        assert len(seen.page.one("ul", _class="rows").all("li")) == 2
        seen = await visitor.get(seen.page.one("a", rel="next")["href"])
        assert "sam1" in seen.page.one("ul", _class="rows").text
        assert not seen.page.all("a", rel="next")
        assert (await visitor.get("/settings/muted?max_id=x")).status == 400


async def test_who_waits_is_let_in_refused_and_heard_of(instance: Instance) -> None:
    alice, bob = await join(instance), await join(instance, "bob")
    carol = await join(instance, "carol")
    async with instance.easel.database.write() as tx:
        row = await tx.get_one(Account, alice.id)
        row.locked = True
        tx.add(row)
        await follows.request(tx, bob, row)
        await follows.request(tx, carol, row)
        await notification_policies.change(tx, alice, {"for_not_following": "filter"})
    await hanging.publish(instance, carol, text="@alice hello")
    await instance.run_jobs()
    page = "/settings/requests"
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        await press(visitor, page, f"/people/{bob.id}/accept")
        seen = await press(visitor, page, f"/people/{carol.id}/reject")
        assert (await relation(instance, bob, alice)).following
        assert not (await relation(instance, carol, alice)).requested
        assert "1 notification" in seen.page.one("main").text
        assert "hello" not in (await visitor.get("/notifications")).page.text
        [number] = [
            entry["value"] for entry in form_of(seen, f"{page}/hear").all("input", name="id")
        ]
        seen = await press(visitor, page, f"{page}/hear")
        assert "Nothing waits" in seen.page.one("main").text
        assert "hello" in (await visitor.get("/notifications")).page.text
        key = seen.page.all("input", name="form_key")[0]["value"]
        for path, status in ((f"{page}/hear", 404), (f"{page}/burn", 404)):
            assert (await visitor.post(path, {"form_key": key, "id": number})).status == status
        assert (await visitor.post(f"{page}/hear", {"form_key": key, "id": "x"})).status == 400


async def test_servers_are_hidden_and_shown_again(instance: Instance) -> None:
    alice = await join(instance)
    page = "/settings/domains"

    async def hidden() -> list[str]:
        async with instance.easel.database.read() as session:
            return await hiding.of_account(session, alice)

    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        seen = await press(visitor, page, page, domain=" Other.Example ")
        assert await hidden() == ["other.example"]
        assert "other.example" in seen.page.one("ul", _class="rows").text
        for wrong in (*STRINGS[:8], instance.domain):
            refused = await send(visitor, seen, page, domain=wrong)
            assert refused.status == 422, wrong
            assert refused.page.one("p", role="alert").text.endswith(".")
            assert filled(form_of(refused, page))["domain"] == wrong
        await press(visitor, page, f"{page}/show")
        assert await hidden() == []
        assert (await visitor.post(page, {"domain": "other.example"})).status == 403


async def test_hashtags_are_followed_and_unfollowed(instance: Instance) -> None:
    alice = await join(instance)
    page = "/settings/tags"
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        await press(visitor, page, page, tag=" #MorningFog ")
        seen = await press(visitor, page, page, tag="猫")
        rows = seen.page.one("ul", _class="rows")
        assert [link["href"] for link in rows.all("a")] == ["/tags/%E7%8C%AB", "/tags/morningfog"]
        assert "#MorningFog" in rows.text
        for wrong in (*STRINGS[:4], "two words", "12", ""):
            refused = await send(visitor, seen, page, tag=wrong)
            assert refused.status == 422, wrong
            assert refused.page.one("p", role="alert").text.endswith(".")
            assert filled(form_of(refused, page))["tag"] == wrong
        await press(visitor, page, f"{page}/unfollow")
        async with instance.easel.database.read() as session:
            assert await followed_tags.is_followed(session, alice, "morningfog")
            assert not await followed_tags.is_followed(session, alice, "猫")
        assert (await visitor.post(page, {"tag": "fog"})).status == 403
