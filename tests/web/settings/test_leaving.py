"""Moving here and away, and deleting an account, on a page."""

from __future__ import annotations

from fedi.database.tables import Account
from fedi.social import follows
from fedi.social.sessions import FRESH
from tests.api.oauth.person import PASSWORD, at, join
from tests.rig import Instance
from tests.web import hanging
from tests.web.filling import filled, form_of, send
from tests.web.test_hostile import STRINGS

HERE = "/settings/leaving"


async def row(instance: Instance, account: Account) -> Account:
    async with instance.easel.database.read() as session:
        return await session.get_one(Account, account.id)


async def test_an_account_moves_to_who_names_it_and_comes_back(instance: Instance) -> None:
    old, new = await join(instance, "old"), await join(instance, "new")
    fan = await join(instance, "fan")
    async with instance.easel.database.write() as tx:
        await follows.request(tx, fan, old)
    name, move = f"{HERE}/aliases", f"{HERE}/move"
    async with at(instance) as visitor:
        await visitor.sign_in("old")
        seen = await visitor.get(HERE)
        for typed in (
            {"whom": " ", "password": PASSWORD},
            {"whom": "@new", "password": "wrong"},
            {"whom": "@new", "password": PASSWORD},  # does not name it yet
            *({"whom": hostile, "password": PASSWORD} for hostile in STRINGS[:3]),
        ):
            refused = await send(visitor, seen, move, **typed)
            assert refused.status in {404, 422}, typed
            assert refused.page.one("p", role="alert").text.endswith(".")
            assert filled(form_of(refused, move))["whom"] == typed["whom"]
    async with at(instance) as visitor:
        await visitor.sign_in("new")
        seen = await send(visitor, await visitor.get(HERE), name, other="@nobody")
        assert seen.status == 404 and filled(form_of(seen, name))["other"] == "@nobody"
        seen = await send(visitor, await visitor.get(HERE), name, other="@old")
        assert (seen.status, seen.location) == (303, f"{HERE}?kept=1")
        assert (await row(instance, new)).also_known_as == [old.uri]
    async with at(instance) as visitor:
        await visitor.sign_in("old")
        seen = await send(visitor, await visitor.get(HERE), move, whom="@new", password=PASSWORD)
        assert seen.status == 303
        assert (await row(instance, old)).moved_to_uri == new.uri
        async with instance.easel.database.read() as session:
            assert (await follows.relationship(session, fan, new)).following
        seen = await visitor.get(HERE)
        assert "@new" in seen.page.one("main").text
        assert not seen.page.all("form", action=move)
        assert (await send(visitor, seen, f"{HERE}/back")).status == 303
        assert (await row(instance, old)).moved_to_uri is None
    async with at(instance) as visitor:
        await visitor.sign_in("new")
        await send(visitor, await visitor.get(HERE), f"{name}/remove")
        assert (await row(instance, new)).also_known_as == []


async def test_an_account_is_deleted_by_who_is_sure_and_knows_the_password(
    instance: Instance,
) -> None:
    alice = await join(instance)
    post = await hanging.publish(instance, alice, text="hello")
    delete = f"{HERE}/delete"
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        seen = await visitor.get(HERE)
        for typed in (
            {"name": "bob", "password": PASSWORD},
            {"name": "alice", "password": "wrong"},
            {"name": "", "password": PASSWORD},
        ):
            refused = await send(visitor, seen, delete, **typed)
            assert refused.status == 422 and refused.page.one("p", role="alert")
            assert filled(form_of(refused, delete))["name"] == typed["name"]
            assert PASSWORD not in refused.body
        key = filled(form_of(seen, delete))["form_key"]
        assert (await visitor.post(delete, {"name": "alice", "password": PASSWORD})).status == 403
        # Who signed in long ago is asked to sign in again.
        instance.clock.advance(FRESH)
        assert not (await visitor.get(HERE)).page.all("form", action=delete)
        late = await visitor.post(delete, {"form_key": key, "name": "alice", "password": PASSWORD})
        assert late.location.startswith("/sign-in?") and "again=1" in late.location
        assert (await row(instance, alice)).deleted_at is None
        await visitor.sign_in("alice", path=f"/sign-in?next={HERE}&again=1")
        seen = await visitor.get(HERE)
        gone = await send(visitor, seen, delete, name="@alice", password=PASSWORD)
        assert (gone.status, gone.location) == (303, "/")
        assert (await visitor.get("/home")).location == "/sign-in?next=/home"
        assert (await visitor.get("/@alice")).status == 410
        assert (await visitor.get(f"/@alice/{post.id}")).status == 410
        assert (await visitor.sign_in("alice")).status == 403
    assert (await row(instance, alice)).deleted_at is not None
