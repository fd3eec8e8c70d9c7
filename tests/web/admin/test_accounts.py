"""Accounts: found, let in, dealt with, and all that taken back."""

from __future__ import annotations

import pytest
from sqlmodel import select

from fedi.database.tables import Account, AccountWarning, Invite, Job, Login
from fedi.web.views.audit import DEEDS
from tests.api.oauth.person import Person, join
from tests.rig import Instance
from tests.web import hanging
from tests.web.admin.staff import appoint, done, press, row, signed_in, waiting


async def found(visitor: Person, query: str) -> list[str]:
    page = (await visitor.get(f"/admin/accounts?{query}")).page
    return sorted(one.text.split()[-1] for one in page.one("div", _class="room").all("li")
                  for one in one.all("a"))  # fmt: skip


async def test_accounts_are_found(instance: Instance) -> None:
    await join(instance, display_name="Alice Marlowe", email="al@mail.example")
    await join(instance, "bob", display_name="100%")
    await hanging.stranger(instance)
    await waiting(instance)
    await appoint(instance)
    here, sam = f"@{instance.domain}", "@sam@elsewhere.example"
    async with signed_in(instance) as visitor:
        for query, names in (
            ("q=ali", [f"@alice{here}"]),
            ("q=@alice", [f"@alice{here}"]),
            ("q=ALICE+mar", [f"@alice{here}"]),
            ("q=al@mail", [f"@alice{here}"]),
            ("q=@sam@elsewhere.example", [sam]),
            ("q=100%25", [f"@bob{here}"]),
            ("q=%25", []),
            ("q=%00", sorted([f"@{n}{here}" for n in ("alice", "bob", "max", "newbie")] + [sam])),
            ("where=elsewhere", [sam]),
            ("state=pending", [f"@newbie{here}"]),
            ("state=staff", [f"@max{here}"]),
            ("where=here&state=active&q=b", [f"@bob{here}"]),
            ("state=nonsense&where=nowhere&q=bo", [f"@bob{here}"]),
        ):
            assert await found(visitor, query) == names, query


async def test_many_accounts_are_paged(instance: Instance) -> None:
    await appoint(instance)
    for number in range(45):
        await hanging.stranger(instance, f"sam{number:02}")
    async with signed_in(instance) as visitor:
        first = await visitor.get("/admin/accounts?where=elsewhere&q=sam")
        older = first.page.one("a", rel="next")["href"]
        assert "where=elsewhere" in older and "q=sam" in older
        names = await found(visitor, "where=elsewhere&q=sam")
        names += await found(visitor, older.partition("?")[2])
        assert len(set(names)) == len(names) == 45


@pytest.mark.parametrize(
    ("action", "undoing", "column"),
    [
        ("sensitive", "unsensitive", "sensitized_at"),
        ("silence", "unsilence", "silenced_at"),
        ("suspend", "unsuspend", "suspended_at"),
        ("disable", "enable", "disabled_at"),
    ],
)
async def test_what_is_done_to_somebody_can_be_taken_back(
    instance: Instance, action: str, undoing: str, column: str
) -> None:
    bob = await join(instance, "bob", email="bob@mail.example")
    await appoint(instance)
    page = f"/admin/accounts/{bob.id}"
    kind = Login if column == "disabled_at" else Account
    async with signed_in(instance) as visitor:
        seen = await press(visitor, page, f"{page}/act", action=action, words="So it is.")
        assert seen.location == page
        assert getattr(await row(instance, kind, bob.id), column) is not None
        seen = await visitor.get(page)
        assert "So it is." in seen.body
        assert f"{DEEDS[f'account.{action}']} bob" in seen.page.one("main").text
        assert (await press(visitor, page, f"{page}/undo", what=undoing)).location == page
        assert getattr(await row(instance, kind, bob.id), column) is None
        key = seen.page.all("input", name="form_key")[0]["value"]
        seen = await visitor.post(f"{page}/undo", {"form_key": key, "what": "unmake"})
        assert seen.status == 422
    names = [name for _, name, target in await done(instance) if target == "bob"]
    assert names == [f"account.{action}", f"account.{undoing}"]


async def test_a_warning_says_something_and_is_mailed_if_that_is_wished(
    instance: Instance,
) -> None:
    bob = await join(instance, "bob", email="bob@mail.example")
    await appoint(instance)
    page = f"/admin/accounts/{bob.id}"
    async with signed_in(instance) as visitor:
        seen = await press(visitor, page, f"{page}/act", action="none", words="  ")
        assert seen.status == 422 and "Say what" in seen.page.one("p", role="alert").text
        await press(visitor, page, f"{page}/act", action="none", words="By mail.")
        fields = {"action": "none", "words": "Without."}
        key = (await visitor.get(page)).page.all("input", name="form_key")[0]["value"]
        await visitor.post(f"{page}/act", fields | {"form_key": key})
    async with instance.easel.database.read() as session:
        told = (await session.exec(select(AccountWarning.text))).all()
        mailed = [job for job in (await session.exec(select(Job))).all()
                  if "warning_id" in job.payload]  # fmt: skip
    assert sorted(told) == ["By mail.", "Without."] and len(mailed) == 1


async def test_an_account_is_deleted_only_when_suspended_and_named(instance: Instance) -> None:
    bob = await join(instance, "bob")
    await appoint(instance)
    page = f"/admin/accounts/{bob.id}"
    async with signed_in(instance) as visitor:
        seen = await visitor.get(page)
        assert f"{page}/delete" not in seen.body
        key = seen.page.all("input", name="form_key")[0]["value"]
        seen = await visitor.post(f"{page}/delete", {"form_key": key, "name": "bob"})
        assert seen.status == 403 and (await row(instance, Account, bob.id)).deleted_at is None
        await press(visitor, page, f"{page}/act", action="suspend")
        assert (await press(visitor, page, f"{page}/delete", name="bobby")).status == 422
        assert (await row(instance, Account, bob.id)).deleted_at is None
        assert (await press(visitor, page, f"{page}/delete", name="@bob")).status == 303
    await instance.run_jobs()
    assert (await row(instance, Account, bob.id)).deleted_at is not None
    assert ("max", "account.delete", "bob") in await done(instance)


async def test_nobody_judges_themselves_or_who_may_do_as_much(instance: Instance) -> None:
    max_, mia = await appoint(instance), await appoint(instance, "mia")
    ada = await appoint(instance, "ada", "admin")
    async with signed_in(instance) as visitor:
        key = (await visitor.get("/admin")).page.all("input", name="form_key")[0]["value"]
        for one in (max_, mia, ada):
            for path, typed in (("act", {"action": "suspend"}), ("undo", {"what": "unsilence"}),
                                ("delete", {"name": one.username})):  # fmt: skip
                address = f"/admin/accounts/{one.id}/{path}"
                assert (await visitor.post(address, {"form_key": key, **typed})).status == 403
        assert "This is you" in (await visitor.get(f"/admin/accounts/{max_.id}")).body
    assert await done(instance) == []


async def test_who_asks_is_let_in_or_turned_away(instance: Instance) -> None:
    carol, dora = await waiting(instance, "carol"), await waiting(instance, "dora", "<b>I</b> ask.")
    await appoint(instance)
    page = "/admin/joining"
    async with signed_in(instance) as visitor:
        words = (await visitor.get(page)).page.one("main").text
        assert "I paint." in words and "<b>I</b> ask." in words and "carol@mail.example" in words
        await press(visitor, page, f"/admin/accounts/{carol.id}/approve")
        await press(visitor, page, f"/admin/accounts/{dora.id}/reject")
        assert "Nobody waits" in (await visitor.get(page)).body
        key = (await visitor.get(page)).page.all("input", name="form_key")[0]["value"]
        again = await visitor.post(f"/admin/accounts/{carol.id}/reject", {"form_key": key})
        assert again.status == 403 and "does not wait" in again.body
    assert (await row(instance, Login, carol.id)).approved_at is not None
    assert (await row(instance, Account, carol.id)).suspended_at is None
    assert await row(instance, Account, dora.id) is None
    assert await done(instance) == [
        ("max", "account.approve", "carol"),
        ("max", "account.reject", "dora"),
    ]


async def test_invitations_are_made_and_revoked(instance: Instance) -> None:
    await appoint(instance)
    page = "/admin/joining"
    async with signed_in(instance) as visitor:
        for wrong in ({"uses": "0"}, {"uses": "many"}, {"days": "99999"}, {"uses": "-1"}):
            seen = await press(visitor, page, f"{page}/invite", comment="Bob", **wrong)
            assert seen.status == 422 and seen.page.one("p", role="alert")
            assert seen.page.one("input", name="comment")["value"] == "Bob"
        await press(visitor, page, f"{page}/invite", uses="3", days="7", comment="Bob")
        await press(visitor, page, f"{page}/invite", uses="", days="")
        async with instance.easel.database.read() as session:
            first, second = (await session.exec(select(Invite).order_by(Invite.id))).all()  # type: ignore[arg-type]
        assert (first.max_uses, first.comment, second.max_uses) == (3, "Bob", None)
        assert second.expires_at is None and first.expires_at is not None
        address = f"{instance.url}/sign-up?invite={first.code}"
        assert address in (await visitor.get(page)).body
        await press(visitor, page, f"{page}/revoke", id=first.code)
        assert address not in (await visitor.get(page)).body
        assert (await press(visitor, page, f"{page}/revoke", id="nothing")).status == 404
    assert await done(instance) == [
        ("max", "invite.create", first.code),
        ("max", "invite.create", second.code),
        ("max", "invite.revoke", first.code),
    ]
