"""Reports: looked after, settled, passed on, and what is done about whom they are about."""

from __future__ import annotations

from sqlmodel import select

from fedi.database.tables import Account, AccountWarning, Job, Report, Status
from fedi.social import rules
from tests.api.oauth.person import join
from tests.rig import Instance
from tests.web import hanging
from tests.web.admin.staff import appoint, done, press, report, row, signed_in
from tests.web.test_hostile import STRINGS


async def test_a_report_is_taken_left_settled_and_opened_again(instance: Instance) -> None:
    alice, bob = await join(instance), await join(instance, "bob")
    max_ = await appoint(instance)
    made = await report(instance, alice, bob, "He is rude.")
    page = f"/admin/reports/{made.id}"
    async with signed_in(instance) as visitor:
        seen = await visitor.get("/admin/reports")
        assert "He is rude." in seen.page.one("main").text
        assert (await press(visitor, page, f"{page}/take")).location == page
        assert (await row(instance, Report, made.id)).assigned_account_id == max_.id
        assert "@max" in (await visitor.get(page)).page.one("dl", _class="facts").text
        await press(visitor, page, f"{page}/leave")
        assert (await row(instance, Report, made.id)).assigned_account_id is None
        assert (await press(visitor, page, f"{page}/settle")).location == "/admin/reports"
        assert "Nothing is to be settled" in (await visitor.get("/admin/reports")).body
        settled = await visitor.get("/admin/reports?settled=1")
        assert "He is rude." in settled.page.one("main").text
        assert (await row(instance, Report, made.id)).resolved_by_id == max_.id
        await press(visitor, page, f"{page}/reopen")
        assert (await row(instance, Report, made.id)).resolved_at is None
    number = str(made.id)
    assert await done(instance) == [
        ("max", "report.assign_to_self", number),
        ("max", "report.unassign", number),
        ("max", "report.resolve", number),
        ("max", "report.reopen", number),
    ]


async def test_the_account_is_dealt_with_and_the_report_is_settled(instance: Instance) -> None:
    alice, bob = await join(instance), await join(instance, "bob")
    await appoint(instance)
    post = await hanging.hang(instance, bob, text="nasty words")
    made = await report(instance, alice, bob, "Look.", post)
    page = f"/admin/reports/{made.id}"
    async with signed_in(instance) as visitor:
        assert "nasty words" in (await visitor.get(page)).page.one("article").text
        seen = await press(visitor, page, f"{page}/act", action="nothing", words="kept")
        assert seen.status == 422 and "Choose what" in seen.page.one("p", role="alert").text
        assert seen.page.one("textarea", name="words").text == "kept"
        seen = await press(visitor, page, f"{page}/act", action="silence", words="Be kinder.")
        assert seen.location == "/admin/reports"
        again = await visitor.get(f"/admin/accounts/{bob.id}")
        assert "Be kinder." in again.body and "silenced" in again.body
    assert (await row(instance, Account, bob.id)).silenced_at is not None
    assert (await row(instance, Report, made.id)).resolved_at is not None
    async with instance.easel.database.read() as session:
        [told] = (await session.exec(select(AccountWarning))).all()
    assert (told.text, told.action, told.report_id) == ("Be kinder.", "silence", made.id)
    assert await done(instance) == [("max", "account.silence", "bob")]


async def test_a_post_is_taken_down_only_if_it_was_reported(instance: Instance) -> None:
    alice, bob = await join(instance), await join(instance, "bob")
    await appoint(instance)
    post = await hanging.publish(instance, bob, text="nasty", visibility="private")
    other = await hanging.publish(instance, bob, text="nice")
    made = await report(instance, alice, bob, "Look.", post)
    page = f"/admin/reports/{made.id}"
    async with signed_in(instance) as visitor:
        action = f"{page}/delete-post"
        assert (await press(visitor, page, action, post=str(other.id))).status == 404
        assert (await press(visitor, page, action)).status == 303
        assert (await row(instance, Status, post.id)).deleted_at is not None
        assert (await row(instance, Status, other.id)).deleted_at is None
        seen = await visitor.get(page)
        assert "1 post is gone already" in seen.page.text and not seen.page.all("article")
    assert await done(instance) == [("max", "status.delete", post.uri)]


async def test_their_server_is_told_once_and_nobody_else_is(instance: Instance) -> None:
    alice, bob = await join(instance), await join(instance, "bob")
    sam = await hanging.stranger(instance)
    await appoint(instance)
    near, far = await report(instance, alice, bob), await report(instance, alice, sam)
    async with signed_in(instance) as visitor:
        page = f"/admin/reports/{far.id}"
        assert (await press(visitor, page, f"{page}/forward")).status == 303
        seen = await visitor.get(page)
        assert "Was told" in seen.page.one("dl", _class="facts").text
        assert f"{page}/forward" not in seen.body
        key = seen.page.all("input", name="form_key")[0]["value"]
        for made, words in ((far, "was told already"), (near, "nobody else to tell")):
            seen = await visitor.post(f"/admin/reports/{made.id}/forward", {"form_key": key})
            assert seen.status == 422 and words in seen.page.one("p", role="alert").text
    async with instance.easel.database.read() as session:
        jobs = (await session.exec(select(Job).where(Job.kind == "federate"))).all()
    assert [job.payload["report_id"] for job in jobs if job.payload["what"] == "flag"] == [far.id]
    assert await done(instance) == [("max", "report.forward", str(far.id))]


async def test_a_report_is_sorted_anew(instance: Instance) -> None:
    alice, bob = await join(instance), await join(instance, "bob")
    await appoint(instance)
    async with instance.easel.database.write() as tx:
        rule = await rules.add(tx, "Be kind.")
    made = await report(instance, alice, bob)
    page = f"/admin/reports/{made.id}"
    async with signed_in(instance) as visitor:
        ticked = {f"rule-{rule.id}": "on"}
        await press(visitor, page, f"{page}/sort", category="violation", **ticked)
        found = await row(instance, Report, made.id)
        assert (found.category, found.rule_ids) == ("violation", [rule.id])
        assert "Be kind." in (await visitor.get(page)).page.one("dl", _class="facts").text
        for wrong in ({"category": "x"}, {"category": "violation", "rule-1": "on"}):
            assert (await press(visitor, page, f"{page}/sort", **wrong)).status == 422
        await press(visitor, page, f"{page}/sort", category="spam", **ticked)
        assert (await row(instance, Report, made.id)).rule_ids == []


async def test_who_may_do_as_much_is_not_judged(instance: Instance) -> None:
    alice = await join(instance)
    ada = await appoint(instance, "ada", "admin")
    await appoint(instance)
    post = await hanging.publish(instance, ada, text="mine")
    made = await report(instance, alice, ada, "Look.", post)
    page = f"/admin/reports/{made.id}"
    async with signed_in(instance) as visitor:
        for action, typed in (("act", {"action": "suspend"}), ("delete-post", {})):
            assert (await press(visitor, page, f"{page}/{action}", **typed)).status == 403
    assert (await row(instance, Account, ada.id)).suspended_at is None
    assert (await row(instance, Status, post.id)).deleted_at is None
    assert await done(instance) == []


async def test_whatever_was_written_is_shown_as_words(instance: Instance) -> None:
    alice = await join(instance, display_name=STRINGS[1])
    await appoint(instance)
    async with signed_in(instance) as visitor:
        for number, hostile in enumerate(STRINGS):
            sam = await hanging.stranger(instance, f"sam{number}", display_name=hostile)
            post = await hanging.receive(instance, sam, content=f"<p>x</p>{hostile}")
            made = await report(instance, alice, sam, hostile, post)
            for path in ("/admin/reports", f"/admin/reports/{made.id}",
                         f"/admin/accounts/{sam.id}"):  # fmt: skip
                page = (await visitor.get(path)).page.one("main")
                assert not page.all("script") and not page.all("iframe") and not page.all("math")
                for element in page.walk():
                    assert not any(name.startswith("on") for name in element.attributes), path
            words = (await visitor.get(f"/admin/reports/{made.id}")).page
            said = words.one("blockquote", _class="said-words").text
            assert said == " ".join(hostile.split()) or "\u202e" in hostile
