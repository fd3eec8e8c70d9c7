"""Rules for other servers: made, changed and lifted on a page; lists, brought in and taken out."""

from __future__ import annotations

from fedi.database.tables import Account, DomainRule
from tests.rig import Instance
from tests.web import filling, hanging
from tests.web.admin.staff import appoint, done, press, row, signed_in
from tests.web.test_hostile import STRINGS

PAGE = "/admin/domains"


async def test_a_rule_is_made_changed_and_lifted(instance: Instance) -> None:
    sam = await hanging.stranger(instance)
    await appoint(instance, "ada", "admin")
    domain = "elsewhere.example"
    async with signed_in(instance, "ada") as visitor:
        for wrong in ({"domain": "<b>"}, {"domain": instance.domain},
                      {"domain": domain, "severity": "x"},
                      {"domain": domain, "severity": "none"}):  # fmt: skip
            seen = await press(visitor, PAGE, f"{PAGE}/put", private_comment="kept", **wrong)
            assert seen.status == 422 and seen.page.one("p", role="alert")
            assert seen.page.one("input", name="private_comment")["value"] == "kept"
        typed = {"domain": domain, "severity": "silence", "private_comment": STRINGS[1]}
        await press(visitor, PAGE, f"{PAGE}/put", **typed)
        assert (await row(instance, Account, sam.id)).silenced_at is not None
        seen = await visitor.get(f"{PAGE}?change={domain}")
        assert seen.page.one("input", name="private_comment")["value"] == STRINGS[1]
        await press(visitor, f"{PAGE}?change={domain}", f"{PAGE}/put", severity="suspend")
        found = await row(instance, DomainRule, domain)
        assert (found.severity, found.private_comment) == ("suspend", STRINGS[1])
        assert domain in (await visitor.get(f"{PAGE}?q=where")).page.one("main").text
        assert "no rule like that" in (await visitor.get(f"{PAGE}?q=%25")).body
        await press(visitor, PAGE, f"{PAGE}/lift")
        assert await row(instance, DomainRule, domain) is None
    assert await done(instance) == [
        ("ada", "domain.block", domain),
        ("ada", "domain.block", domain),
        ("ada", "domain.unblock", domain),
    ]


async def test_lists_are_brought_in_and_taken_out(instance: Instance) -> None:
    await appoint(instance, "ada", "admin")
    listed = b"#domain,#severity,#public_comment\nspam.example,suspend,Spam\nb d,suspend,\n"
    path = f"{PAGE}/import"
    async with signed_in(instance, "ada") as visitor:
        seen = await visitor.get(PAGE)
        for wrong in (b"", b"\xff\xfe\xff", b"\n\n"):
            refused = await filling.send(visitor, seen, path, {"list": wrong})
            assert refused.status == 422 and refused.page.one("p", role="alert")
        told = await filling.send(visitor, seen, path, {"list": listed})
        words = told.page.one("div", role="status").text
        assert told.status == 200 and "1 rule made" in words and "Line 3" in words
        taken = await visitor.get(f"{PAGE}/export")
        assert taken.headers["Content-Type"].startswith("text/csv")
        assert "spam.example,suspend,false,false,Spam,false" in taken.body
    assert await done(instance) == [("ada", "domain.block", "spam.example")]
