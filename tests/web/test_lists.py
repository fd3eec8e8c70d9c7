"""Lists: made, called, filled, read and deleted on pages."""

from __future__ import annotations

from fedi.database.tables import Account, UserList
from fedi.social import follows, lists
from tests.api.oauth.person import at, join
from tests.rig import Instance
from tests.web import hanging
from tests.web.filling import filled, form_of, send
from tests.web.test_hostile import STRINGS


async def members(instance: Instance, row: UserList) -> list[str]:
    async with instance.easel.database.read() as session:
        return [member.acct for _, member in await lists.members(session, row, None)]


async def of(instance: Instance, account: Account) -> list[UserList]:
    async with instance.easel.database.read() as session:
        return list(await lists.of_account(session, account))


async def test_a_list_is_made_filled_read_changed_and_deleted(instance: Instance) -> None:
    alice, bob = await join(instance), await join(instance, "bob")
    sam = await hanging.stranger(instance)
    async with instance.easel.database.write() as tx:
        await follows.request(tx, alice, bob)
        await follows.accept(tx, await follows.request(tx, alice, sam))
    await hanging.publish(instance, bob, text="from the list")
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        seen = await send(visitor, await visitor.get("/lists"), "/lists", title=STRINGS[0])
        [row] = await of(instance, alice)
        page = f"/lists/{row.id}/arrange"
        assert (seen.status, seen.location) == (303, page)
        seen = await visitor.get(page)
        proposed = {one["value"] for one in seen.page.one("datalist").all("option")}
        assert proposed == {"@bob", f"@{sam.acct}"}
        add = f"/lists/{row.id}/add"
        for handle in ("@bob", sam.acct, f"bob@{instance.domain}"):
            assert (await send(visitor, seen, add, who=handle)).location == page
        assert sorted(await members(instance, row)) == ["bob", sam.acct]
        assert "from the list" in (await visitor.get(f"/lists/{row.id}?view=posts")).page.text
        seen = await visitor.get(page)
        await send(visitor, seen, f"/lists/{row.id}/take", id=str(sam.id))
        assert await members(instance, row) == ["bob"]
        seen = await send(visitor, seen, page, title="Fog", answers="none", exclusive="1")
        assert seen.location == f"{page}?kept=1"
        [row] = await of(instance, alice)
        assert (row.title, row.replies_policy, row.exclusive) == ("Fog", "none", True)
        assert "Kept" in (await visitor.get(seen.location)).page.text
        # From the page of somebody, too.
        assert (await visitor.get("/@bob")).page.one("a", href=f"/people/{bob.id}/lists")
        theirs = f"/people/{sam.id}/lists"
        seen = await send(visitor, await visitor.get(theirs), f"/lists/{row.id}/put")
        assert seen.location == theirs and len(await members(instance, row)) == 2
        await send(visitor, await visitor.get(theirs), f"/lists/{row.id}/take")
        assert await members(instance, row) == ["bob"]
        seen = await send(visitor, await visitor.get(page), f"/lists/{row.id}/delete")
        assert seen.location == "/lists" and await of(instance, alice) == []


async def test_what_cannot_be_is_refused_and_what_was_typed_stays(instance: Instance) -> None:
    alice = await join(instance)
    await join(instance, "bob")
    mallory = await join(instance, "mallory")
    async with instance.easel.database.write() as tx:
        row = await lists.create(tx, alice, "Mine")
    page, add = f"/lists/{row.id}/arrange", f"/lists/{row.id}/add"
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        seen = await visitor.get("/lists")
        for title in (" ", "x" * 257):
            refused = await send(visitor, seen, "/lists", title=title)
            assert refused.status == 422 and refused.page.one("p", role="alert")
            assert filled(form_of(refused, "/lists"))["title"] == title
        seen = await visitor.get(page)
        for who in ("@bob", "@nobody@nowhere.example", *STRINGS[:4]):
            refused = await send(visitor, seen, add, who=who)
            assert refused.status == 422, who
            assert "follow" in refused.page.one("p", role="alert").text
            assert filled(form_of(refused, add))["who"] == who
        refused = await send(visitor, seen, page, title="Other", answers="some")
        assert refused.status == 422 and filled(form_of(refused, page))["title"] == "Other"
        assert (await visitor.post(add, {"who": "@bob"})).status == 403
        assert (await visitor.get("/people/1/lists")).status == 404
    async with at(instance) as visitor:
        await visitor.sign_in("mallory")
        key = (await visitor.get("/lists")).page.all("input", name="form_key")[0]["value"]
        fields = {"form_key": key, "id": str(mallory.id), "who": "@mallory", "title": "Theirs"}
        assert (await visitor.get(page)).status == 404
        for action in (page, add, f"/lists/{row.id}/put", f"/lists/{row.id}/take",
                       f"/lists/{row.id}/delete", f"/lists/{10**30}/delete"):  # fmt: skip
            assert (await visitor.post(action, fields)).status == 404, action
    assert [one.title for one in await of(instance, alice)] == ["Mine"]
