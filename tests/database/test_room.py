"""A full disk: what cannot be kept is refused in words, what is there is read, and it goes on."""

from __future__ import annotations

import errno
from pathlib import Path

import aiohttp
from asyncpg import DiskFullError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from fedi.cli import doctor
from fedi.clock import FakeClock
from fedi.database.room import is_full
from tests import rig
from tests.api.apps import App
from tests.web.reading import get


async def test_a_full_database_refuses_in_words_and_goes_on(
    sqlite_template: Path, tmp_path: Path, clock: FakeClock, browser: aiohttp.ClientSession
) -> None:
    url = rig.SQLiteFiles(sqlite_template, tmp_path).new()
    async with rig.serve_instance(tmp_path, url, clock=clock) as instance:
        app = await App.of(instance, browser, "alice")
        await limit(instance, 1)  # to what it has
        for number in range(40):
            answer = await app.post("/api/v1/statuses", {"status": f"{number} " + "long " * 80})
            if answer.status != 200:
                break
        assert answer.status == 503 and answer.error.startswith("This server has no room left")
        assert (await get(browser, f"{instance.url}/@alice")).status == 200
        await limit(instance, 1_000_000)
        assert (await app.post("/api/v1/statuses", {"status": "after"})).status == 200


async def limit(instance: rig.Instance, pages: int) -> None:
    async with instance.easel.database.write() as tx:
        await tx.execute(text(f"PRAGMA max_page_count = {pages}"))


def test_no_room_is_known_in_all_its_forms() -> None:
    full, other = OSError(errno.ENOSPC, "full"), OSError(errno.EACCES, "no")
    wrapped = DBAPIError("INSERT", {}, DiskFullError("full"))
    assert is_full(full) and is_full(wrapped)
    assert not is_full(other) and not is_full(ValueError("x"))


def test_the_doctor_says_when_there_is_no_room(tmp_path: Path) -> None:
    nowhere = rig.settings_for(tmp_path, "sqlite:///x.db", media={"folder": "/proc/self"})
    found = [one for one in doctor.check_settings(nowhere) if one.subject == "storage"]
    assert any(one.state == "problem" and "nothing can be kept" in one.message for one in found)
