"""Rules, announcements, emoji, and who may not come: made and taken back on pages."""

from __future__ import annotations

from sqlmodel import select

from fedi.database.tables import CanonicalEmailBlock, CustomEmoji, EmailDomainBlock, IpBlock, Rule
from fedi.social import announcements, email_addresses
from tests.api.oauth.person import Person
from tests.rig import Instance
from tests.web import filling, hanging
from tests.web.admin.staff import appoint, done, press, signed_in
from tests.web.test_hostile import STRINGS


async def complaint(visitor: Person, page: str, path: str, /, **typed: str) -> str:
    seen = await press(visitor, page, path, **typed)
    assert seen.status == 422, (path, typed, seen.status)
    return seen.page.one("p", role="alert").text


async def test_rules_are_made_and_taken_back(instance: Instance) -> None:
    await appoint(instance, "ada", "admin")
    page = "/admin/rules"
    async with signed_in(instance, "ada") as visitor:
        assert "says something" in await complaint(visitor, page, f"{page}/add", words=" ")
        for words in ("Be kind.", "Say what is AI.", STRINGS[0]):
            await press(visitor, page, f"{page}/add", words=words, more="More.")
        shown = (await visitor.get(page)).page.one("ol")
        assert [one.text for one in shown.all("b")] == ["Be kind.", "Say what is AI.", STRINGS[0]]
        async with instance.easel.database.read() as session:
            rule = (await session.exec(select(Rule).where(Rule.text == "Say what is AI."))).one()
        for status in (303, 404):  # the second time it is gone
            key = (await visitor.get(page)).page.all("input", name="form_key")[0]["value"]
            fields = {"form_key": key, "id": str(rule.id)}
            assert (await visitor.post(f"{page}/remove", fields)).status == status
        shown = (await visitor.get(page)).page.one("ol")
        assert [one.text for one in shown.all("b")] == ["Be kind.", STRINGS[0]]
    assert await done(instance) == [
        ("ada", "rule.add", "Be kind."),
        ("ada", "rule.add", "Say what is AI."),
        ("ada", "rule.add", STRINGS[0]),
        ("ada", "rule.remove", "Say what is AI."),
    ]


async def test_all_are_told_something(instance: Instance) -> None:
    await appoint(instance, "ada", "admin")
    page = "/admin/announcements"
    async with signed_in(instance, "ada") as visitor:
        path = f"{page}/publish"
        for wrong in ({"words": " "}, {"words": "x", "ends": "soon"},
                      {"words": "x", "ends": "1999-01-01T00:00"}):  # fmt: skip
            assert await complaint(visitor, page, path, **wrong)
        await press(visitor, page, path, words=f"**Down** tonight {STRINGS[0]}")
        main = (await visitor.get(page)).page.one("main")
        assert main.one("strong").text == "Down" and not main.all("script")
        async with instance.easel.database.read() as session:
            [row] = await announcements.listed(session)
        assert (await press(visitor, page, f"{page}/remove")).status == 303
        assert "Nothing is announced" in (await visitor.get(page)).body
    names = [(action, target) for _, action, target in await done(instance)]
    assert names == [(f"announcement.{what}", str(row.id)) for what in ("publish", "remove")]


async def test_emoji_are_added_and_taken_away(instance: Instance) -> None:
    await appoint(instance, "ada", "admin")
    page, path = "/admin/emoji", "/admin/emoji/add"
    async with signed_in(instance, "ada") as visitor:
        seen = await visitor.get(page)
        for typed, files, words in (
            ({"shortcode": "a b"}, {"picture": hanging.png()}, "A shortcode is"),
            ({"shortcode": "easel"}, {}, "Choose a picture"),
            ({"shortcode": "easel"}, {"picture": b"<svg onload=alert(1)>"}, ""),
            ({"shortcode": "easel"}, {"picture": hanging.png(300, 300)}, "256"),
        ):
            refused = await filling.send(visitor, seen, path, files, **typed)
            assert refused.status == 422, typed
            assert words in refused.page.one("p", role="alert").text
        files = {"picture": hanging.png(32, 32)}
        made = await filling.send(visitor, seen, path, files, shortcode=":easel:", category="Us")
        assert made.status == 303
        image = (await visitor.get(page)).page.one("div", _class="room").one("img")
        async with visitor.session.get(instance.url + image["src"]) as answer:
            assert answer.status == 200
        assert (await press(visitor, page, f"{page}/remove")).status == 303
    async with instance.easel.database.read() as session:
        [emoji] = (await session.exec(select(CustomEmoji))).all()
    assert (emoji.shortcode, emoji.category) == ("easel", "Us") and emoji.removed_at is not None
    assert await done(instance) == [
        ("ada", "emoji.add", ":easel:"),
        ("ada", "emoji.remove", ":easel:"),
    ]


async def test_networks_and_addresses_are_barred_and_let_in_again(instance: Instance) -> None:
    await appoint(instance, "ada", "admin")
    page = "/admin/barred"
    async with signed_in(instance, "ada") as visitor:
        for kind, wrong in (
            ("networks", {"ip": "here"}),
            ("networks", {"ip": "0.0.0.0/0"}),
            ("networks", {"ip": "192.0.2.1", "severity": "all"}),
            ("networks", {"ip": "192.0.2.1", "days": "5"}),
            ("domains", {"domain": "<b>"}),
            ("emails", {"email": "nobody"}),
        ):
            assert await complaint(visitor, page, f"{page}/{kind}", **wrong)
        typed = {"ip": "192.0.2.9/24", "severity": "sign_up_block", "comment": STRINGS[1]}
        await press(visitor, page, f"{page}/networks", **typed)
        assert "already" in await complaint(visitor, page, f"{page}/networks", **typed)
        await press(visitor, page, f"{page}/domains", domain="spam.example")
        await press(visitor, page, f"{page}/emails", email="A.b+c@mail.example")
        main = (await visitor.get(page)).page.one("main")
        assert "192.0.2.0/24" in main.text and "spam.example" in main.text
        assert email_addresses.fingerprint("ab@mail.example") in main.text
        assert not main.one("section", id="networks").all("img")
        for kind in ("networks", "domains", "emails"):
            assert (await press(visitor, page, f"{page}/{kind}/lift")).status == 303
    async with instance.easel.database.read() as session:
        for table in (IpBlock, EmailDomainBlock, CanonicalEmailBlock):
            assert not (await session.exec(select(table))).all()
    assert [action for _, action, _ in await done(instance)] == [
        "network.block", "email_domain.block", "email.block",
        "network.unblock", "email_domain.unblock", "email.unblock",
    ]  # fmt: skip
