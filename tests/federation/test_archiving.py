"""All that somebody made, in one file."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from fedi.database.tables import Account, Archive, Status
from fedi.federation import archiving
from fedi.social import accounts, bookmarks, favourites, profiles, reblogs, statuses
from fedi.social.errors import TooMany
from fedi.social.profiles import Changes
from fedi.social.statuses import Draft
from fedi.storage import Missing
from fedi.studio import faces, media
from tests.rig import Instance
from tests.studio import hostile_files as files


def read(archive: zipfile.ZipFile, name: str) -> Any:
    return json.loads(archive.read(name))


async def publish(instance: Instance, account: Account, text: str, **more: Any) -> Status:
    async with instance.easel.database.write() as tx:
        return await statuses.publish(tx, account, Draft(text=text, **more))


async def picture(instance: Instance, account: Account) -> int:
    prepared = await media.prepare_upload(files.png(64, 64), instance.easel.settings.media)
    stored = await media.store(instance.easel.storage, prepared)
    async with instance.easel.database.write() as tx:
        return media.add_upload(tx, account, stored, description="A scene").id


async def test_an_archive_has_everything_of_somebody_and_nothing_of_others(
    instance: Instance, alice: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archiving, "PAGE", 2)
    async with instance.easel.database.write() as tx:
        dave = await accounts.create_local(tx, "dave")
    avatar = await faces.store(instance.easel, "avatar", files.png(80, 80))
    async with instance.easel.database.write() as tx:
        alice = await tx.get_one(Account, alice.id)
        await profiles.change(tx, alice, Changes(note="I paint", avatar=avatar))
    shown = await publish(
        instance, alice, "look", media_ids=[await picture(instance, alice)], visibility="private"
    )
    theirs = await publish(instance, dave, "by dave")
    posts = [shown, *[await publish(instance, alice, f"post {n}") for n in range(4)]]
    secret = await publish(instance, alice, "psst @dave", visibility="direct")
    gone = await publish(instance, alice, "gone")
    async with instance.easel.database.write() as tx:
        await reblogs.add(tx, alice, theirs)
        await favourites.add(tx, alice, theirs)
        await bookmarks.add(tx, alice, theirs)
        await bookmarks.add(tx, alice, shown)
        await statuses.delete(tx, await tx.get_one(Status, gone.id))

    path = tmp_path / "alice.zip"
    assert await archiving.write(instance.easel, alice, path) == 7
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        actor, outbox = read(archive, "actor.json"), read(archive, "outbox.json")
        assert (actor["id"], actor["outbox"]) == (alice.uri, "outbox.json")
        assert "privateKey" not in str(actor) and actor["icon"]["url"] in archive.namelist()
        assert outbox["totalItems"] == len(outbox["orderedItems"]) == 7
        *created, announce = outbox["orderedItems"]
        assert [one["object"]["id"] for one in created] == [one.uri for one in (*posts, secret)]
        assert (announce["type"], announce["object"]) == ("Announce", theirs.uri)
        [attachment] = created[0]["object"]["attachment"]
        assert archive.read(attachment["url"]).startswith(b"\x89PNG")
        assert [name for name in archive.namelist() if name.startswith("media/")] == [
            attachment["url"]
        ]
        assert read(archive, "likes.json")["orderedItems"] == [theirs.uri]
        assert read(archive, "bookmarks.json")["orderedItems"] == [theirs.uri, shown.uri]


async def test_an_archive_is_written_by_a_job_once_a_week_where_no_address_leads(
    instance: Instance, alice: Account, browser: aiohttp.ClientSession
) -> None:
    await publish(instance, alice, "one")

    async def ask() -> Archive:
        async with instance.easel.database.write() as tx:
            return await archiving.ask(tx, alice)

    first = await ask()
    with pytest.raises(TooMany):
        await ask()
    await instance.run_jobs()
    async with instance.easel.database.read() as session:
        made = await archiving.of_account(session, alice)
    assert made is not None and made.id == first.id and made.file and made.finished_at
    content = await instance.easel.storage.read(made.file)
    assert len(content) == made.bytes
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert read(archive, "outbox.json")["totalItems"] == 1
    async with browser.get(f"{instance.url}/media/{made.file}") as answer:
        assert answer.status == 404

    instance.clock.advance(archiving.EVERY + timedelta(seconds=1))
    await ask()
    await instance.run_jobs()
    with pytest.raises(Missing):
        await instance.easel.storage.read(made.file)
    async with instance.easel.database.read() as session:
        again = await archiving.of_account(session, alice)
    assert again is not None and again.file != made.file


async def test_an_account_without_anything_has_an_archive(
    instance: Instance, alice: Account, tmp_path: Path
) -> None:
    path = tmp_path / "alice.zip"
    assert await archiving.write(instance.easel, alice, path) == 0
    with zipfile.ZipFile(path) as archive:
        assert read(archive, "outbox.json")["orderedItems"] == []
        assert read(archive, "likes.json")["totalItems"] == 0
    with pytest.raises(FileExistsError):
        await archiving.write(instance.easel, alice, path)
