"""What people do in a real browser, on a phone and on a desktop, with our scripts and without: they
boost, write with pictures, post later, report and block; and somebody moderates."""

from __future__ import annotations

from typing import Any

import pytest

from fedi.database.tables import Account
from fedi.social import follows, scheduling
from fedi.social.paging import Page
from tests.api.oauth.person import join
from tests.rig import Instance
from tests.web import hanging
from tests.web.admin import staff
from tests.web.test_browser import chromium
from tests.web.test_signed_in_browser import sign_in, window

__all__ = ["chromium"]

pytestmark = pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)


@pytest.mark.parametrize("scripts", [True, False])
@pytest.mark.parametrize("width", [390, 1280])
async def test_one_boosts_writes_posts_later_reports_and_blocks_and_somebody_moderates(
    instance: Instance, chromium: Any, scripts: bool, width: int
) -> None:
    alice, bob = await join(instance), await join(instance, "bob")
    await staff.appoint(instance)
    post = await hanging.hang(instance, bob, text="Look at this")
    options = {
        "viewport": {"width": width, "height": 844},
        "java_script_enabled": scripts,
        "timezone_id": "America/New_York",
    }
    async with window(chromium, instance, **options) as page:
        await page.goto(f"{instance.url}/local?view=posts")
        await page.click(f"#p-{post.id} button.boost")
        await page.wait_for_selector(f"#p-{post.id} button.boost[aria-pressed=true]")
        await page.goto(f"{instance.url}/messages/new?to=%40bob")
        await page.fill("[name=words]", "For you")
        await page.click("summary:has-text('Add pictures')")
        picture = {"name": "a.png", "mimeType": "image/png", "buffer": hanging.png()}
        await page.set_input_files("[name=picture-1]", files=[picture])
        await page.fill("[name=alt-1]", "A calm sea")
        await page.click("button:has-text('Send')")
        await page.wait_for_selector(".posts img[alt='A calm sea']")
        await page.goto(f"{instance.url}/compose")
        await page.fill("[name=words]", "Later")
        await page.click("summary:has-text('Post it later')")
        await page.fill("[name=when]", f"{instance.clock.now().year + 1}-07-01T12:00")
        await page.click("main form button.strong")
        await page.wait_for_selector(".expected li:has-text('Later')")
        # In July New York is four hours behind, whatever it is now; without a script it is UTC.
        assert ("12:00 PM" if scripts else "12:00 UTC") in await page.inner_text(".expected time")
        await page.click(".expected a:has-text('Change')")
        await page.fill("[name=words]", "Later, and better said")
        await page.select_option("[name=audience]", "private")
        await page.click("button:has-text('Save')")
        await page.wait_for_selector(".expected li:has-text('better said')")
        await page.goto(f"{instance.url}/report?post={post.id}")
        await page.click(".look >> nth=0")
        await page.fill("[name=comment]", "He shouts.")
        await page.click("main form button.strong")
        await page.wait_for_selector("main:has-text('Thank you')")
        await page.goto(f"{instance.url}/@bob")
        await page.click(".ties > button:has-text('More')")
        await page.click(f"form[action='/people/{bob.id}/block'] button")
        await page.wait_for_selector(f"form[action='/people/{bob.id}/unblock']")
    async with window(chromium, instance, "max", **options) as page:
        await page.goto(f"{instance.url}/admin/reports")
        await page.click("main a:has-text('bob') >> nth=0")
        assert "He shouts." in await page.inner_text("main")
        await page.select_option("[name=action]", "suspend")
        await page.click("button:has-text('Do it and settle')")
        await page.wait_for_selector("main:has-text('Nothing is to be settled')")
    async with instance.easel.database.read() as session:
        relation = await follows.relationship(session, alice, bob)
        [later] = await scheduling.of_account(session, alice, Page(10))
        suspended = (await session.get_one(Account, bob.id)).suspended_at
    assert later.scheduled_at.hour == (16 if scripts else 12)
    assert later.draft["visibility"] == "private"
    assert relation.blocking and suspended is not None


async def test_typed_words_stay_until_they_are_sent_for_who_typed_them_alone(
    instance: Instance, chromium: Any
) -> None:
    await join(instance)
    bob = await join(instance, "bob")
    post = await hanging.hang(instance, bob, text="Look at this")
    reply = f"/compose?reply_to={post.id}"

    async with window(chromium, instance, viewport={"width": 390, "height": 844}) as page:

        async def typed(path: str, field: str = "words") -> str:
            """What stands in a field of a page that is come to from elsewhere."""
            await page.goto(f"{instance.url}/about")
            await page.goto(instance.url + path)
            return str(await page.input_value(f"main [name={field}]"))

        async def held() -> str:
            return str(await page.evaluate("Object.values(localStorage).join()"))

        assert await typed("/compose") == ""
        await page.fill("[name=words]", "A quiet thought")
        await page.select_option("[name=audience]", "private")
        await page.click("summary:has-text('Ask something')")
        await page.fill("[name=answer-1]", "Why?")
        # A reply is no post of its own, and one that was refused is not lost either.
        assert await typed(reply) == "@bob "
        await page.fill("[name=words]", "@bob I see it")
        await page.click("summary:has-text('Post it later')")
        await page.fill("[name=when]", "2001-01-01T12:00")
        await page.click("main form button.strong")
        await page.wait_for_selector("main .trouble")
        assert await typed("/compose") == "A quiet thought"
        assert await page.input_value("[name=audience]") == "private"
        assert await page.is_visible("[name=answer-1]")
        assert await typed(reply) == "@bob I see it"
        assert await page.is_visible("[name=when]")
        await page.fill("[name=when]", "")
        await page.click("main form button.strong")
        await page.wait_for_url("**/@alice/*")
        await page.wait_for_function("!location.search")  # the address is that of the post again
        assert "I see it" not in await held() and "A quiet thought" in await held()
        assert await typed(reply) == "@bob "

        assert await typed("/messages/new?to=%40bob") == ""
        await page.fill("[name=words]", "Only for you")
        assert await typed("/messages/new") == ""
        assert await typed("/messages/new?to=%40bob") == "Only for you"
        await page.click("button:has-text('Send')")
        await page.wait_for_selector(".posts:has-text('Only for you')")
        await page.wait_for_function("!location.search")
        assert "Only for you" not in await held()
        talk = page.url.removeprefix(instance.url)
        # What never arrived was not sent, whatever this browser believed.
        await page.fill("[name=words]", "One more")
        await page.route(f"**{talk}", lambda route: route.abort())
        await page.click("button:has-text('Send')")
        await page.wait_for_url("chrome-error://**")
        await page.unroute(f"**{talk}")
        # Nor does what is sent from elsewhere take it along.
        assert await typed("/messages/new?to=%40bob") == ""
        await page.fill("[name=words]", "Another")
        await page.click("button:has-text('Send')")
        await page.wait_for_selector(".posts:has-text('Another')")
        await page.wait_for_function("!location.search")
        assert await typed(talk) == "One more" and "Another" not in await held()

        # Whose session ended without them leaves words behind, and nobody else sees them.
        await page.context.clear_cookies()
        await page.goto(f"{instance.url}/sign-in")
        await sign_in(page, "bob")
        assert "One more" in await held()
        assert await typed("/compose") == "" and await held() == ""
        await page.fill("[name=words]", "Of Bob")
        await page.click(".you button")
        await page.click(".more button:has-text('Sign out')")
        await page.wait_for_url(f"{instance.url}/")
        assert await held() == ""
