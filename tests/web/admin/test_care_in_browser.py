"""Those who look after an instance, in a real browser on a phone and then on a desktop: reports
from here and from elsewhere, who may not come, what is refused and taken back, and the machines."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from fedi.clock import FakeClock
from fedi.database import marks
from fedi.database.tables import Account, Status
from fedi.studio import orphans, stock
from tests.api.oauth.person import PASSWORD, join
from tests.federation import seeing
from tests.federation.peer import Internet, Person
from tests.federation.test_hosts import broken, followers, mended, row
from tests.mailbox import Mailbox
from tests.pulling import PATIENCE_S, TINY, open_hub
from tests.rig import Instance, NewDatabase
from tests.studio.asking import ask
from tests.studio.queueing import painter, take
from tests.studio.test_reviews import judged, painted
from tests.web import hanging
from tests.web.admin import stocking, test_jobs
from tests.web.admin.staff import appoint, guarded, report, waiting
from tests.web.admin.test_jobs import kinds
from tests.web.admin.test_models import painting_here
from tests.web.admin.test_storage import keep
from tests.web.desk import Desk, desk, file
from tests.web.test_browser import chromium

__all__ = ["chromium", "kinds"]

pytestmark = pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)

DESKTOP = {"width": 1280, "height": 844}
FEDERATED = "/federated?view=posts"


async def test_somebody_looks_after_people(
    new_database: NewDatabase,
    tmp_path: Path,
    clock: FakeClock,
    mailbox: Mailbox,
    internet: Internet,
    chromium: Any,
) -> None:
    async with guarded(tmp_path, new_database, clock, mailbox) as instance:
        alice = await join(instance)
        async with (
            desk(chromium, instance, "ada", width=390) as ada,
            desk(chromium, instance, "alice", width=390) as guest,
            desk(chromium, instance, width=390) as nobody,
        ):
            await _settle(ada, guest, alice, internet)
            await _turn_away(ada, nobody)
            for one in (ada, guest, nobody):
                await one.page.set_viewport_size(DESKTOP)
            await _refuse(ada, guest, alice)
            await _take_back(ada, guest)
            await _delete(ada, nobody)
            await ada.open("/admin/log")
            done = await ada.send("/admin/log", by="ada", about="mallory")
            assert "Deleted" in done and "Refused" not in done


async def _settle(ada: Desk, guest: Desk, alice: Account, internet: Internet) -> None:
    """Reports of somebody elsewhere, and from there: passed on, looked after, settled."""
    instance = ada.instance
    sam = internet.person("sam")
    theirs = await _heard(instance, sam, alice)
    await guest.open(f"/report?post={theirs.id}")
    typed = {"category": "spam", "comment": "He sells things.", "forward": True}
    assert "Thank you" in await guest.send("/report", **typed)
    await instance.run_jobs()
    assert [one["content"] for one in _flags(internet, sam)] == ["He sells things."]
    told = await report(instance, alice, await seeing.known(instance, sam.uri), "He shouts.")
    await ada.open(f"/admin/reports/{told.id}")
    assert "Was told" in await ada.send(f"/admin/reports/{told.id}/forward")
    await instance.run_jobs()
    assert len(_flags(internet, sam)) == 2

    post = await hanging.hang(instance, alice, text="Nasty words")
    flag = sam.activity("Flag", [alice.uri, post.uri], content="She is rude.")
    await sam.does(instance, flag)
    listed = await ada.open("/admin/reports")
    assert all(words in listed for words in ("sells things", "shouts", "She is rude."))
    assert "Nasty words" in await ada.follow("@alice")
    page = ada.page.url.removeprefix(instance.url)
    assert "@ada" in await ada.send(f"{page}/take")
    await ada.page.click("summary:has-text('Delete this post')")
    assert "1 post is gone already" in await ada.send(f"{page}/delete-post")
    answer = await guest.page.goto(hanging.address(instance, post))
    assert answer.status in {404, 410}
    assert "She is rude." not in await ada.send(f"{page}/settle")
    await ada.open("/admin/reports?settled=1")
    assert "by @ada" in await ada.follow("@alice")
    await ada.send(f"{page}/reopen")
    assert "She is rude." in await ada.open("/admin/reports")


async def _heard(instance: Instance, sam: Person, alice: Account) -> Status:
    """What somebody elsewhere said to alice."""
    mention = {"type": "Mention", "href": alice.uri, "name": "@alice"}
    note = sam.note("<p>@alice buy this</p>", cc=[alice.uri], tag=[mention])
    await sam.does(instance, sam.create(note))
    found = await seeing.status(instance, note["id"])
    assert found is not None
    return found


def _flags(internet: Internet, sam: Person) -> list[dict[str, Any]]:
    return [one for one in internet.got(sam.inbox) if one["type"] == "Flag"]


async def _turn_away(ada: Desk, nobody: Desk) -> None:
    """Who asks to be let in, an invitation, and addresses that nobody may come from."""

    async def join_as(email: str) -> str:
        await nobody.open("/sign-up")
        typed = {"username": "newbie", "email": email, "password": PASSWORD, "agreement": True}
        return await nobody.send("/sign-up", **typed, reason="I paint fog.")

    who = await waiting(ada.instance, "eve", "Let me in.")
    assert "Let me in." in await ada.open("/admin/joining")
    assert "Nobody waits" in await ada.send(f"/admin/accounts/{who.id}/reject")
    await ada.open("/admin/joining")
    await ada.send("/admin/joining/invite", uses="3")
    invitation = (await ada.page.inner_text(".copied")).removeprefix(ada.instance.url)
    await nobody.open(invitation)
    assert not await nobody.page.is_visible("[name=reason]")
    await ada.send("/admin/joining/revoke")
    await nobody.open(invitation)
    assert await nobody.page.is_visible("[name=reason]")  # as whoever comes without

    barred, email = "/admin/barred", "newbie@spam.example"
    for place, typed in (
        ("domains", {"domain": "spam.example"}),
        ("emails", {"email": email}),
        ("networks", {"ip": "127.0.0.0/8", "severity": "sign_up_block"}),
    ):
        await ada.open(barred)
        await ada.send(f"{barred}/{place}", **typed)
        said = await join_as(email)
        assert await nobody.page.is_visible("main .trouble"), said
        await ada.send(f"{barred}/{place}/lift")
        assert not await ada.page.locator(f"#{place} ul").count()
    assert "Look into your mail" in await join_as(email)


async def _refuse(ada: Desk, guest: Desk, alice: Account) -> None:
    """A picture that is held, what trends, and a server of which nobody is to hear."""
    instance, domains = ada.instance, "/admin/domains"
    held = await painted(instance, alice, judged(0.7), "review", prompt="a tower in fog")
    await ada.open("/admin/pictures")
    said = await ada.send(f"/admin/pictures/{held.id}/refuse", reason="Too much skin.")
    assert "No picture waits" in said
    assert "Too much skin." in await guest.open(f"/studio/{held.id}")

    await stocking.trends(instance)
    assert "#fog" in await guest.open("/explore")
    await ada.open("/admin/trends?kind=tag")
    await ada.page.click("button:has-text('Reject')")
    await ada.page.wait_for_selector("main:has-text('rejected')")
    assert "#fog" not in await guest.open("/explore")

    sam = await hanging.stranger(instance, "nell")
    await hanging.receive(instance, sam, content="<p>From elsewhere</p>")
    assert "From elsewhere" in await guest.open(FEDERATED)
    await ada.open(domains)
    await ada.send(f"{domains}/put", domain=sam.domain, severity="suspend")
    assert "From elsewhere" not in await guest.open(FEDERATED)
    await ada.open(domains)
    assert "There is no rule" in await ada.send(f"{domains}/lift")
    assert "From elsewhere" in await guest.open(FEDERATED)


async def _take_back(ada: Desk, guest: Desk) -> None:
    """A rule, an announcement and an emoji: what everybody sees, until it is taken back."""
    brush = file("brush.png", hanging.png(32, 32))
    for page, deeds, typed, seen, sign in (
        ("rules", ("add", "remove"), {"words": "Be kind."}, "/about", "text=Be kind."),
        (
            "announcements",
            ("publish", "remove"),
            {"words": "Down tonight."},
            "/home",
            "text=Down tonight.",
        ),
    ):
        await ada.open(f"/admin/{page}")
        await ada.send(f"/admin/{page}/{deeds[0]}", **typed)
        await guest.open(seen)
        assert await guest.page.is_visible(f"main >> {sign}")
        await ada.send(f"/admin/{page}/{deeds[1]}")
        await guest.open(seen)
        assert not await guest.page.is_visible(f"main >> {sign}")
    await ada.open("/admin/emoji")
    for deed, typed in (("add", {"shortcode": "brush", "picture": brush}), ("remove", {})):
        await ada.send(f"/admin/emoji/{deed}", **typed)
        await guest.open("/compose")
        await guest.send("/compose", words=f"{deed} :brush:")
        there = await guest.page.locator("main img[alt=':brush:']").count()
        assert there == (deed == "add")


async def _delete(ada: Desk, nobody: Desk) -> None:
    """Somebody's account, for good, once they were suspended."""
    mallory = await join(ada.instance, "mallory")
    await ada.open("/admin/accounts")
    await ada.send("/admin/accounts", q="mallory")
    await ada.follow("@mallory")
    await ada.send(f"/admin/accounts/{mallory.id}/act", action="suspend")
    await ada.page.click("summary:has-text('Delete the account')")
    await ada.send(f"/admin/accounts/{mallory.id}/delete", name="@mallory")
    answer = await nobody.page.goto(f"{ada.instance.url}/@mallory")
    assert answer.status in {404, 410}


async def test_somebody_looks_after_the_machines(
    instance: Instance, internet: Internet, chromium: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await appoint(instance, "ada", "admin")
    alice = await join(instance)
    key = await keep(instance, "f", 7_000_000)
    left = "cd/" + "0" * 30 + ".png"
    await instance.easel.storage.put(left, b"left")
    instance.clock.advance(orphans.AGE + timedelta(hours=1))
    async with (
        desk(chromium, instance, "ada", width=390) as ada,
        desk(chromium, instance, "alice", width=390) as guest,
    ):
        await _stop(ada, guest, alice)
        await _try_again(ada, alice, internet)
        await ada.page.set_viewport_size(DESKTOP)
        await test_jobs.given_up(instance, "knock", "ring")
        assert "jobs were given up" in await ada.open("/admin")
        await ada.follow("jobs were given up")
        monkeypatch.setattr(test_jobs, "open_now", True)
        await ada.page.click("li:has-text('nobody opened') button:has-text('Retry')")
        await ada.page.wait_for_selector("#dead:not(:has-text('nobody opened'))")
        await instance.run_jobs()
        assert "nobody heard" in await ada.open("/admin/jobs")
        await ada.page.click("li:has-text('nobody heard') button:has-text('Drop')")
        await ada.page.wait_for_selector("#dead:has-text('Nothing was given up')")

        assert "7.0 MB" in await ada.open("/admin/storage")
        assert "7.0 MB" not in await ada.send("/admin/storage/prune", mb="0")
        await ada.send("/admin/storage/sweep")
        await instance.run_jobs()
    assert not {key, left} & {one.key for one in await instance.easel.storage.page("", 100)}


async def _stop(ada: Desk, guest: Desk, alice: Account) -> None:
    """A picture that is being painted, and then the painter."""
    instance, queue = ada.instance, "/admin/queue"
    garage = await painter(instance.easel, "garage")
    asked = await ask(instance.easel, alice)
    assert await take(instance.easel, garage) is not None
    said = await ada.open(queue)
    assert "garage" in said and "1 in hand" in said
    assert "Nothing is being painted" in await ada.send(f"{queue}/{asked.id}/stop")
    await guest.open(f"/studio/{asked.id}")
    assert await guest.page.is_visible("#scene[data-state=cancelled]")
    await ada.page.click("summary:has-text('Shut it out')")
    assert "garage" not in await ada.send(f"{queue}/shut-out")


async def _try_again(ada: Desk, alice: Account, internet: Internet) -> None:
    """A server that did not answer, and that does now."""
    instance, host = ada.instance, internet.host("down")
    inboxes = await followers(instance, alice, host, 2)
    broken(internet, inboxes)
    await seeing.publish(instance, alice)
    await instance.run_jobs()
    assert (await row(instance, host)).failures
    assert "answered 500" in await ada.open("/admin/servers")
    assert "Failing since" in await ada.follow(host)
    mended(internet)
    await ada.send("/admin/servers/retry")
    instance.clock.advance(timedelta(seconds=3))
    await instance.run_jobs()
    assert {url for url, _, _ in internet.posted} == {*inboxes}
    assert "all hosts are well" in await ada.open("/admin/servers")


async def test_somebody_fetches_a_model_paints_with_it_and_removes_it(
    new_database: NewDatabase,
    tmp_path: Path,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
    chromium: Any,
) -> None:
    """How one is stopped and gone on with, `tests/journeys/test_first_run.py` sees."""
    models = "/admin/models"
    here, tiny = "section:has(h2:text-is('Here'))", f"li:has-text('{TINY}')"
    with open_hub(tmp_path, monkeypatch, TINY):
        async with (
            painting_here(new_database, tmp_path, clock) as instance,
            desk(chromium, instance, "ada", width=390) as ada,
        ):
            ada.page.set_default_timeout(PATIENCE_S * 1000)
            await ada.open(models)
            await ada.send(f"{models}/pull", "Fetch it", id=TINY)
            await ada.page.wait_for_selector(f"{here} {tiny}")  # nobody loads the page again
            await ada.page.set_viewport_size(DESKTOP)
            await ada.page.click(f"{here} {tiny} button:has-text('Paint with it')")
            await ada.page.wait_for_selector(f"{here} {tiny} .badge-word:text-is('paints')")
            assert instance.easel.settings.painting.model == TINY
            assert not await ada.page.locator(f"{tiny} summary:has-text('Remove')").count()
            others = f"{here} li:not(:has-text('{TINY}'))"
            await ada.page.click(f"{others} button:has-text('Paint with it')")
            await ada.page.click(f"{here} {tiny} summary:has-text('Remove')")
            # What comes anew in the meantime folds nothing again.
            await ada.page.evaluate("document.getElementById('models').dataset.old = ''")
            async with instance.easel.database.write() as tx:
                await marks.change(tx, stock.MARK)
            await ada.page.wait_for_selector("#models:not([data-old])")
            assert await ada.page.is_visible(f"{tiny} button:has-text('Remove')")
            assert TINY not in await ada.send(f"{models}/remove")
