"""Those who run an instance, in a real browser on a phone and then on a desktop, and whom they
look after: who joins, what is held and refused, what everybody is told, and who goes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fedi.clock import FakeClock
from tests.api.oauth.person import PASSWORD, join
from tests.mailbox import Mailbox
from tests.rig import NewDatabase
from tests.studio.test_reviews import judged, painted
from tests.web import hanging
from tests.web.admin import stocking
from tests.web.admin.staff import guarded
from tests.web.desk import Desk, desk, file
from tests.web.test_browser import chromium

__all__ = ["chromium"]

pytestmark = pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)

DONE = (  # as the log tells it, the last first
    "Lifted the suspension of mallory",
    "Suspended mallory",
    "Silenced mallory",
    "Warned mallory",
    "Added the emoji :brush:",
    "Announced",
    "Approved as a trend the hashtag #fog",
    "Changed the setting trends.review",
    "Made a rule for worse.example",
    "Made a rule for spam.example",
    "Made a rule for elsewhere.example",
    "Approved the picture",
    "Changed the setting painting.blocked_words",
    "Changed the setting instance.name",
    "Made the invitation",
    "Let in newbie",
)


async def test_somebody_runs_a_place(
    new_database: NewDatabase,
    tmp_path: Path,
    clock: FakeClock,
    mailbox: Mailbox,
    chromium: Any,
) -> None:
    async with (
        guarded(tmp_path, new_database, clock, mailbox) as instance,
        desk(chromium, instance, "ada", width=390) as ada,
        desk(chromium, instance, width=390) as guest,
    ):
        await _let_in(ada, guest, mailbox)
        await _make(ada, guest)
        for one in (ada, guest):
            await one.page.set_viewport_size({"width": 1280, "height": 844})
        await _tell(ada, guest)
        await _send_away(ada, guest)
        told = " ".join((await ada.open("/admin/log")).split())
    places = [told.find(words) for words in DONE]
    assert -1 not in places and places == sorted(places), told


async def _let_in(ada: Desk, guest: Desk, mailbox: Mailbox) -> None:
    """One asks to be let in, another has an invitation."""

    async def sign_up(name: str, path: str, **more: str) -> str:
        await guest.open(path)
        email = f"{name}@mail.example"
        typed = {"username": name, "email": email, "password": PASSWORD, "agreement": True}
        assert "Look into your mail" in await guest.send("/sign-up", **typed, **more)
        await guest.instance.run_jobs()
        await guest.open(mailbox.take(email).link("/confirm-email"))
        return await guest.send("/confirm-email")

    said = await sign_up("newbie", "/sign-up", reason="I paint fog.")
    assert "A moderator looks at your request" in said
    assert "I paint fog." in await ada.open("/admin/joining")
    await ada.page.click("button:has-text('Let them in')")
    await ada.page.wait_for_selector("main:has-text('Nobody waits')")
    await ada.open("/admin/joining")
    await ada.send("/admin/joining/invite", uses="1", days="7", comment="For a friend")
    invitation = await ada.page.inner_text(".copied")
    await ada.instance.run_jobs()
    mailbox.mails.clear()
    await sign_up("friend", invitation.removeprefix(ada.instance.url))
    assert "Used 1 of 1" in await ada.open("/admin/joining")
    for name in ("newbie", "friend"):
        await guest.sign_in(name)
        assert guest.page.url == f"{guest.instance.url}/home"
        await guest.sign_out()


async def _make(ada: Desk, guest: Desk) -> None:
    """What is painted is held or refused, by settings that hold at once."""
    instance, settings = ada.instance, "/admin/settings"
    alice = await join(instance)
    await guest.sign_in("alice")
    await ada.open(settings)
    named = await ada.send(f"{settings}/instance", **{"instance.name": "The wall"})
    assert "Kept." in named
    await ada.send(f"{settings}/painting", **{"painting.blocked_words": "gun"})
    held = await painted(instance, alice, judged(0.7), "review", prompt="a tower in fog")
    assert "A moderator looks at it" in await guest.open(f"/studio/{held.id}")
    assert "a tower in fog" in await ada.open("/admin/pictures")
    await ada.page.click("summary:has-text('Look at it')")
    await ada.page.wait_for_function("[...document.images].some((one) => one.naturalWidth)")
    await ada.send(f"/admin/pictures/{held.id}/approve", sensitive="")
    assert "A moderator looks at it" not in await guest.open(f"/studio/{held.id}")
    assert await guest.page.is_visible(".frame .picture")
    await guest.open("/studio")
    assert "The wall" in await guest.page.title()
    said = await guest.send("/studio", "Paint", prompt="a gun on a table")
    assert await guest.page.is_visible("main .trouble"), said
    assert await guest.page.input_value("#prompt") == "a gun on a table"


async def _tell(ada: Desk, guest: Desk) -> None:
    """Other servers, what trends, what everybody is told, and a small picture for words."""
    instance, domains = ada.instance, "/admin/domains"
    await ada.open(domains)
    await ada.send(f"{domains}/put", domain="elsewhere.example", severity="silence")
    listed = b"#domain,#severity\nspam.example,suspend\nworse.example,suspend\n"
    brought = file("blocks.csv", listed, "text/csv")
    assert "2 rules made" in await ada.send(f"{domains}/import", list=brought)
    async with ada.page.expect_download() as taken:
        await ada.page.click("a:has-text('Take all rules out')")
    rules = Path(await (await taken.value).path()).read_text()
    assert "elsewhere.example,silence" in rules and "spam.example,suspend" in rules

    await stocking.trends(instance)
    assert "#fog" in await guest.open("/explore")
    await ada.open("/admin/settings")
    await ada.send("/admin/settings/trends", **{"trends.review": True})
    assert "#fog" not in await guest.open("/explore")
    await ada.open("/admin/trends?kind=tag")
    await ada.page.click("button:has-text('Approve')")
    await ada.page.wait_for_selector("main:has-text('approved')")
    assert "#fog" in await guest.open("/explore")

    await ada.open("/admin/announcements")
    await ada.send(
        "/admin/announcements/publish", words="**Down** tonight.", ends="2099-01-01T00:00"
    )
    assert "Down tonight." in await guest.open("/home")
    assert "Down tonight." not in await guest.send(
        await guest.page.get_attribute("form[action^='/announcements/']", "action")
    )
    await ada.open("/admin/emoji")
    brush = file("brush.png", hanging.png(32, 32))
    assert ":brush:" in await ada.send("/admin/emoji/add", shortcode="brush", picture=brush)
    await guest.open("/compose")
    await guest.send("/compose", words="Look: :brush:")
    assert await guest.page.is_visible("main img[alt=':brush:']")


async def _send_away(ada: Desk, guest: Desk) -> None:
    """Somebody is warned, then seen by fewer, then by nobody; and comes back."""
    mallory = await join(ada.instance, "mallory")
    await hanging.hang(ada.instance, mallory, text="Buy this")
    act, local = f"/admin/accounts/{mallory.id}/act", "/local?view=posts"
    await ada.open("/admin/accounts?q=mallory")
    await ada.follow("@mallory")
    await ada.send(act, action="none", words="Please stop.")
    assert "Please stop." in await ada.said()
    await guest.sign_out()
    await guest.sign_in("mallory")
    assert "Please stop." in await guest.open("/notifications")
    await guest.sign_out()
    await guest.sign_in("alice")
    assert "Buy this" in await guest.open(local)
    assert "ilenced" in await ada.send(act, action="silence", words="")
    assert "Buy this" not in await guest.open(local)
    assert "Buy this" in await guest.open("/@mallory/posts")
    await ada.send(act, action="suspend", words="")
    assert "Buy this" not in await guest.open("/@mallory/posts")
    await ada.send(f"/admin/accounts/{mallory.id}/undo", "Show them again")
    assert "Buy this" in await guest.open("/@mallory/posts")
