"""The pages of those who run an instance as no address shows them, in a real browser: forms that
were refused, with what was typed, and what came of those that were not.

The screenshots lie in `.artefacts/pages/` afterwards, for people to look at.
"""

from __future__ import annotations

from typing import Any

import pytest

from fedi.database.tables import DomainRule
from fedi.social import domains, rules
from tests.api.oauth.person import join
from tests.rig import Instance
from tests.web import hanging
from tests.web.admin import stocking
from tests.web.admin.staff import appoint, report
from tests.web.desk import Desk, desk, file
from tests.web.looking import Looker, refused
from tests.web.test_browser import chromium

__all__ = ["chromium"]

# What a browser does is the same on every database.
pytestmark = [
    pytest.mark.long,
    pytest.mark.parametrize("new_database", ["sqlite"], indirect=True),
]
WHY = "They send the same advertisement to everybody, several times a day, from new accounts."
LISTED = f"""#domain,#severity,#public_comment
spam.example,suspend,Spam
b d,suspend,
<{"long" * 40}>,suspend,
worse.example,shout,
""".encode()


async def unkept(at: Desk, action: str, field: str = "", /, **typed: Any) -> None:
    """Send a form that is refused: it says so itself, and one is led there.

    Args:
        field: to which the complaint is due.
    """
    await refused(at, action, **typed)
    form = at.page.locator(f"form[action='{action}']", has=at.page.locator(".trouble"))
    await form.locator(".trouble:focus").wait_for()
    assert await at.page.locator("main .trouble").count() == 1
    if field:
        marked = form.locator("[aria-invalid=true]")
        assert await marked.get_attribute("name") == field
        assert await marked.get_attribute("aria-describedby") == "trouble"
    for name, value in typed.items():
        if isinstance(value, str):
            assert await form.locator(f"[name='{name}']").input_value() == value, name


async def test_forms_of_staff_that_were_refused_or_done(instance: Instance, chromium: Any) -> None:
    ada = await appoint(instance, "ada", "admin")
    async with instance.easel.database.write() as tx:
        rule = DomainRule(domain="elsewhere.example", severity="silence", private_comment=WHY)
        await domains.decide(tx, ada, [rule], limited=False)
    async with desk(chromium, instance, "ada") as at:
        look = Looker(at.page)
        await look_at_domains(at, look)
        await look_at_the_house(at, look)
        await look_at_a_report(at, look)
        await look_at_an_account(at, look)


async def look_at_domains(at: Desk, look: Looker) -> None:
    page = "/admin/domains"
    await at.open(page)
    await at.follow("Change")
    assert at.page.url.endswith("?change=elsewhere.example#rule")
    await look.at("staff-domain-changing")
    await unkept(at, f"{page}/put", severity="none", public_comment=WHY)
    assert await at.page.inner_text("#rule h2") == "Change a rule"
    assert await at.page.input_value("[name=private_comment]") == WHY
    await look.at("staff-domain-refused")
    await at.send(f"{page}/put", reject_media=True)
    await unkept(at, f"{page}/put", "domain", domain="no domain", public_comment=WHY)
    await unkept(at, f"{page}/import", "list", list=file("a.csv", b"\xff", "text/csv"))
    said = await at.send(f"{page}/import", list=file("a.csv", LISTED, "text/csv"))
    assert "1 rule made. 3 lines were left out:" in said
    await look.at("staff-list-brought")


async def look_at_the_house(at: Desk, look: Looker) -> None:
    await at.open("/admin/announcements")
    ends = "2001-01-01T00:00"
    await unkept(at, "/admin/announcements/publish", "ends", words="**Down** tonight.", ends=ends)
    await look.at("staff-announcement-refused")
    await at.open("/admin/emoji")
    brush = file("brush.png", b"no picture")
    await unkept(at, "/admin/emoji/add", "picture", shortcode="brush", picture=brush)
    await look.at("staff-emoji-refused")
    await at.open("/admin/joining")
    path = "/admin/joining/invite"
    await unkept(at, path, "days", uses="3", days="99999", comment="For a friend")
    await look.at("staff-invitation-refused")
    await at.send(path, days="7")
    await look.at("staff-invitation-made")
    await at.open("/admin/rules")
    await unkept(at, "/admin/rules/add", "words", words=" ", more=WHY)
    await at.open("/admin/barred")
    await unkept(at, "/admin/barred/networks", "ip", ip="somewhere", comment=WHY)
    await look.at("staff-network-refused")

    await at.open("/admin/settings")
    typed = {"painting.max_steps": "many", "painting.max_waiting": "-3",
             "painting.blocked_words": "gun\nbomb"}  # fmt: skip
    form = "/admin/settings/painting"
    await refused(at, form, **typed)
    await at.page.wait_for_selector(f"form[action='{form}'] .trouble:focus")
    complaints = await at.page.locator(".under .trouble").all_inner_texts()
    assert complaints == ["Must be a whole number.", "Must be at least 1."]
    for name, value in typed.items():
        assert await at.page.input_value(f"[name='{name}']") == value
    await look.at("staff-settings-refused")
    await at.send(form, **{"painting.max_steps": "30", "painting.max_waiting": "3"})
    await at.page.wait_for_selector("#painting .kept")

    await stocking.letters(at.instance)
    await at.open("/admin/jobs?kind=deliver")
    await at.page.click("text=All of them at once")
    await at.send("/admin/jobs/retry", "Retry all")
    assert await at.page.inner_text("#dead p") == "Nothing was given up."
    await look.at("staff-letters-retried")


async def look_at_a_report(at: Desk, look: Looker) -> None:
    instance = at.instance
    alice, bob = await join(instance), await join(instance, "bob", display_name="Bob Okafor")
    post = await hanging.hang(instance, bob, text="Buy this #fog")
    async with instance.easel.database.write() as tx:
        rule = await rules.add(tx, "Be kind.", "Nobody likes a bully.")
    made = await report(instance, alice, bob, "He sells what is not his.", post)
    page = f"/admin/reports/{made.id}"
    await at.open(page)
    await at.page.evaluate("document.querySelector('[name=action] option').value = 'nothing'")
    await unkept(at, f"{page}/act", words="Please sell only what is yours.", mail=False)
    assert not await at.page.is_checked("[name=mail]")
    await look.at("staff-report-refused")
    await at.page.click("summary:has-text('Say better')")
    await at.send(f"{page}/sort", category="violation", **{f"rule-{rule.id}": True})
    await at.send(f"{page}/act", action="none", words=WHY)
    await at.open(page)
    await look.at("staff-report-settled")
    assert await at.page.is_visible("button:has-text('Open it again')")


async def look_at_an_account(at: Desk, look: Looker) -> None:
    await at.open("/admin/accounts?q=bob")
    await at.follow("@bob")
    page = at.page.url.removeprefix(at.instance.url)
    await unkept(at, f"{page}/act", "words", action="none", words=" ")
    await at.send(f"{page}/act", action="silence", words=WHY)
    await at.send(f"{page}/act", action="suspend", words=WHY)
    await look.at("staff-account-suspended")
    await at.page.click("summary:has-text('Delete the account')")
    await unkept(at, f"{page}/delete", "name", name="bobby")
    await look.at("staff-delete-refused")
