"""The settings that need no restart: on a page, by a command, in every process."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from fedi import adjustments
from fedi.clock import FakeClock
from fedi.database.tables import AuditEntry, Setting
from fedi.runtime import Easel
from fedi.settings import Settings
from fedi.social import adjusting
from fedi.web.views import adjustments as views
from tests import rig
from tests.api.oauth.person import at
from tests.rig import Instance
from tests.web.admin.staff import appoint, done, press, signed_in

PAGE = "/admin/settings"


def test_every_setting_that_can_be_changed_is_on_the_page_once() -> None:
    shown = views.sections(Settings(), Settings())
    names = [one.name for part in shown for one in part.entries]
    assert len(names) == len(set(names))
    assert set(names) == set(adjustments.names()) - views.ELSEWHERE == set(views.LABELS)


async def test_what_is_kept_holds_at_once_and_is_written_down(instance: Instance) -> None:
    await appoint(instance, "ada", "admin")
    async with signed_in(instance, "ada") as visitor:
        kept = await press(
            visitor,
            PAGE,
            f"{PAGE}/instance",
            **{"instance.name": "The wall", "instance.training_crawlers": "1"},
        )
        assert kept.status == 303 and kept.location == f"{PAGE}?kept=instance#instance"
        seen = await visitor.get(kept.location)
        assert seen.page.one("p", _class="kept").text == "Kept."
        joining = {"registrations.mode": "invite", "registrations.reserved_names": "Bob\r\n\r\neve"}
        assert (await press(visitor, PAGE, f"{PAGE}/registrations", **joining)).status == 303
    settings = instance.easel.settings
    assert settings.registrations.reserved_names == ["bob", "eve"]
    async with at(instance) as stranger:
        assert "The wall" in (await stranger.get("/about")).body
        crawlers = (await stranger.get("/robots.txt")).body
        assert "GPTBot" not in crawlers
        said = json.loads((await stranger.get("/api/v2/instance")).body)
        assert said["title"] == "The wall"
    async with instance.easel.database.write() as tx:
        assert tx.instance.name == "The wall"
    assert await done(instance) == [
        ("ada", "setting.change", "instance.name"),
        ("ada", "setting.change", "instance.training_crawlers"),
        ("ada", "setting.change", "registrations.mode"),
        ("ada", "setting.change", "registrations.reserved_names"),
    ]
    async with signed_in(instance, "ada") as visitor:
        back = await press(visitor, PAGE, f"{PAGE}/instance", reset="instance.name")
        assert back.status == 303
    assert instance.easel.settings.instance.name == "Test Easel"
    assert instance.easel.settings.instance.training_crawlers
    async with instance.easel.database.read() as session:
        rows = (await session.exec(select(Setting.name))).all()
        [entry] = (
            await session.exec(select(AuditEntry).where(AuditEntry.target == "registrations.mode"))
        ).all()
    assert "instance.name" not in rows and entry.details == {"to": "invite"}


async def test_what_cannot_be_is_refused_whole_and_shown_again(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    await appoint(instance, "ada", "admin")
    before = instance.easel.settings
    async with signed_in(instance, "ada") as visitor:
        for section, typed, why in (
            ("painting", {"painting.max_steps": "0"}, "Must be at least 1."),
            ("painting", {"painting.max_steps": "many"}, "Must be a whole number."),
            ("painting", {"painting.command": "two words"}, "Must be one word"),
            ("safety", {"safety.refuse_at": "nan"}, "Must be a"),
            ("registrations", {"registrations.mode": "sometimes"}, "Must be 'closed'"),
            ("registrations", {"registrations.blocked_email_domains": "a b"}, "is no domain"),
            ("instance", {"instance.name": "a\nb"}, "Must be on one line"),
            ("instance", {"instance.name": "a\u202eb"}, "letters and signs"),
            ("media", {"media.max_upload_mb": ""}, "Must be a whole number."),
        ):
            seen = await press(visitor, PAGE, f"{PAGE}/{section}", **typed)
            assert seen.status == 422 and why in seen.page.text, (typed, seen.page.text[:300])
            [(name, value)] = typed.items()
            if name != "registrations.mode":  # whose field has no other values
                assert value.split("\n")[0] in seen.body
        monkeypatch.setenv("EASEL_INSTANCE__NAME", "Fixed")
        page = await visitor.get(PAGE)
        [field] = page.page.all("input", name="instance.name")
        assert "disabled" in field.attributes and "EASEL_INSTANCE__NAME" in page.body
        forced = await press(visitor, PAGE, f"{PAGE}/instance", **{"instance.name": "Other"})
        assert forced.status == 303
    assert instance.easel.settings == before and await done(instance) == []


async def test_every_process_takes_it_over(
    new_database: rig.NewDatabase, tmp_path: Path, clock: FakeClock
) -> None:
    """Another process by what the database tells, a later one when it starts; and what another
    Easel kept that makes no sense here is left out."""
    url = new_database()
    async with rig.serve_instance(tmp_path, url, clock=clock) as served:
        other = await Easel.open(served.easel.base)
        try:
            async with other.database.write() as tx:
                wanted = {"registrations.mode": "open", "painting.max_waiting": 3}
                await adjusting.change(tx, other.base, wanted)
                tx.add(Setting(name="trends.review", value="perhaps", changed_at=tx.now))
                tx.add(Setting(name="server.port", value=1, changed_at=tx.now))
            clock.advance(timedelta(seconds=3))  # nobody tells it: it looks by itself

            def heard() -> bool:
                return served.easel.settings.painting.max_waiting == 3

            await rig.until(heard)
            for easel in (served.easel, await Easel.open(other.base)):
                assert easel.settings.registrations.mode == "open"
                assert easel.settings.trends.review is False
                assert easel.settings.server == other.base.server
                if easel is not served.easel:
                    await easel.close()
        finally:
            await other.close()


async def test_commands_change_them_while_the_server_runs(tmp_path: Path) -> None:
    server = rig.ServerProcess(tmp_path)
    await server.start()
    try:
        assert "registrations.mode" in await server.easel("settings", "list")
        said = await server.easel("settings", "set", "instance.name", "By command")
        assert said == 'instance.name = "By command"'
        async with rig.open_browser() as browser:

            async def named() -> bool:
                async with browser.get(f"{server.url}/about") as answer:
                    return "By command" in await answer.text()

            await rig.until(named)
            listed = await server.easel("settings", "list")
            assert '"By command"' in listed and '"Easel"' in listed
            assert await server.easel("settings", "unset", "instance.name") == (
                'instance.name = "Easel"'
            )
        with pytest.raises(AssertionError, match="no setting that can be changed"):
            await server.easel("settings", "set", "server.port", "1")
        with pytest.raises(AssertionError, match="must be at least 1"):
            await server.easel("settings", "set", "painting.max_steps", "0")
    finally:
        await server.stop()
