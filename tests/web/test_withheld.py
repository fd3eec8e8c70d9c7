"""Files of who is suspended are served to nobody, and again when that is taken back."""

from __future__ import annotations

from datetime import timedelta

import aiohttp

from fedi.database import Database, marks
from fedi.database.tables import Account
from fedi.social import moderation
from fedi.social.moderation import Undoing
from tests import rig
from tests.api.apps import App
from tests.api.mastodon.test_profiles import UPDATE, photo, send
from tests.api.mastodon.test_timelines import upload


async def files_of(app: App) -> list[str]:
    made = (await upload(app)).body
    own = (await send(app, UPDATE, {}, avatar=photo(), header=photo())).body
    waiting = (await upload(app)).body  # which no post has yet
    await app.post("/api/v1/statuses", {"status": "look", "media_ids": [made["id"]]})
    return [
        made["url"], made["preview_url"], own["avatar"], own["header"], waiting["url"],
    ]  # fmt: skip


async def statuses(browser: aiohttp.ClientSession, urls: list[str]) -> set[int]:
    found = set()
    for url in urls:
        for headers in ({}, {"If-None-Match": f'"{url.rpartition("/media/")[2]}"'}):
            async with browser.get(url, headers=headers) as answer:
                found.add(answer.status)
    return found


async def test_files_go_with_who_is_suspended_and_come_back_with_them(
    instance: rig.Instance, browser: aiohttp.ClientSession
) -> None:
    mallory = await App.of(instance, browser, "mallory")
    bob = await App.of(instance, browser, "bob")
    hers, his = await files_of(mallory), await files_of(bob)
    assert await statuses(browser, [*hers, *his]) == {200, 304}

    async def act(database: Database, undo: Undoing | None = None) -> None:
        async with database.write() as tx:
            target = await tx.get_one(Account, mallory.account.id)
            if undo is None:
                await moderation.act(tx, None, target, "suspend")
            else:
                await moderation.undo(tx, None, target, undo)

    await act(instance.easel.database)
    assert await statuses(browser, hers) == {404}
    assert await statuses(browser, his) == {200, 304}
    await act(instance.easel.database, "unsuspend")
    assert await statuses(browser, hers) == {200, 304}

    # A command has a process, and a database, of its own.
    settings = instance.easel.settings
    command = Database(settings.database, settings.instance, clock=instance.easel.clock)
    try:
        await act(command)
    finally:
        await command.close()
    instance.clock.advance(marks.LOOK_EVERY + timedelta(seconds=1))
    assert await statuses(browser, hers) == {404}
    assert await statuses(browser, his) == {200, 304}
