"""What paintings began with goes when nobody needs it any more; and so do files without a row."""

from __future__ import annotations

import io
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from PIL import Image
from sqlalchemy import text
from sqlmodel import select

from fedi.database.tables import Account, InputPicture, MediaAttachment, PaintingInput, Status
from fedi.social import accounts, statuses
from fedi.storage import PART, FolderStorage, new_key
from fedi.studio import cleaning, orphans
from tests import rig
from tests.api.apps import Answer, App
from tests.api.beginning import PATH, PUBLIC_POST, ask, form, painted, upload
from tests.studio.asking import reaches
from tests.studio.easel_painter import connected, picture

KEPT = timedelta(days=30)


@pytest.fixture
async def alice(instance: rig.Instance, browser: aiohttp.ClientSession) -> App:
    return await App.of(instance, browser, "alice")


@pytest.fixture
async def bob(instance: rig.Instance, browser: aiohttp.ClientSession) -> App:
    return await App.of(instance, browser, "bob")


async def time_passes(instance: rig.Instance, time: timedelta) -> None:
    """So much time, the jobs of every day included."""
    await instance.run_jobs()
    instance.clock.advance(cleaning.LOOK)
    await instance.run_jobs()
    instance.clock.advance(max(time, cleaning.EVERY))
    await instance.run_jobs()


async def copies(instance: rig.Instance) -> dict[str, str]:
    """The copies that are kept: storage keys by digest, each of which is really there."""
    async with instance.easel.database.read() as session:
        rows = (await session.exec(select(InputPicture))).all()
        ties = set((await session.exec(select(PaintingInput.digest))).all())
    assert ties == {row.digest for row in rows}
    for row in rows:
        assert await instance.easel.storage.size(row.file) == row.size
    return {row.digest: row.file for row in rows}


def files(instance: rig.Instance) -> set[str]:
    folder = instance.easel.settings.media.folder
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


async def paint(who: App, made: Answer, colour: str = "plum") -> dict[str, Any]:
    """The painter's part."""
    assert made.status == 201, made.body
    async with connected(who.instance) as card:
        given = await card.given()
        assert given.painting == made.body["id"]
        async with reaches(who.instance.easel, int(given.painting), "done"):
            await card.finish(given, picture(96, 64, colour))
    return dict((await who.get(f"{PATH}/{made.body['id']}")).body)


async def delete(instance: rig.Instance, status_id: str) -> None:
    async with instance.easel.database.write() as tx:
        status = await tx.get(Status, int(status_id))
        assert status is not None
        await statuses.delete(tx, status)


async def sent(who: App, content: bytes) -> Answer:
    recipe = {"prompt": "a boat", "source": {"upload": "photo"}}
    return await form(who, {"recipe": recipe}, {"photo": content})


async def test_a_file_that_was_sent_goes_a_time_after_it_was_last_painted_from(alice: App) -> None:
    instance = alice.instance
    first = await paint(alice, await sent(alice, picture(96, 64, "red")))
    [(digest, file)] = (await copies(instance)).items()
    await time_passes(instance, KEPT - timedelta(days=2))
    assert await copies(instance) == {digest: file}
    # Its recipe is repeated, which needs no file; and so it stays for another while.
    await paint(alice, await alice.post(PATH, {"variation_of": first["id"]}))
    await time_passes(instance, KEPT - timedelta(days=2))
    assert await copies(instance) == {digest: file}
    await time_passes(instance, timedelta(days=3))
    assert await copies(instance) == {} and file not in files(instance)
    for asked in ({"variation_of": first["id"]}, {"recipe": {"prompt": "x", "source": digest}}):
        again = await alice.post(PATH, asked)
        assert again.status == 404 and again.error == "The picture to start from is not there."
    # It can be sent again.
    assert (await sent(alice, picture(96, 64, "red"))).body["recipe"]["source"] == digest


async def test_what_waits_keeps_what_it_begins_with(alice: App) -> None:
    made = await sent(alice, picture(96, 64, "red"))
    await time_passes(alice.instance, 2 * KEPT)
    assert len(await copies(alice.instance)) == 1
    assert (await paint(alice, made))["state"] == "done"


async def test_a_copy_goes_with_its_source_once_nothing_waits_for_it(alice: App, bob: App) -> None:
    instance = alice.instance
    shared = await painted(alice, post=PUBLIC_POST)
    source = {"status_id": shared["status"]["id"]}
    done = await paint(bob, await ask(bob, {"source": source}))
    digest = done["recipe"]["source"]
    assert (await ask(bob, {"source": digest})).status == 201  # it waits
    await delete(alice.instance, shared["status"]["id"])
    await instance.run_jobs()
    [(kept, file)] = (await copies(instance)).items()
    assert kept == digest
    # Its digest is no key to it: to whoever may not see the source, it is not there.
    for asked in ({"recipe": {"prompt": "x", "source": digest}}, {"variation_of": done["id"]}):
        refused = await bob.post(PATH, asked)
        assert (refused.status, refused.error) == (404, "The picture to start from is not there.")
    async with connected(instance) as card:  # what was allowed when it was asked for is painted
        given = await card.given()
        assert list(card.pictures) == [digest]
        async with reaches(instance.easel, int(given.painting), "done"):
            await card.finish(given, picture(96, 64, "plum"))
    await time_passes(instance, cleaning.EVERY)
    assert await copies(instance) == {} and file not in files(instance)
    assert (await ask(alice, {"source": digest})).status == 201  # her own picture is still hers


async def test_it_goes_at_once_where_nothing_waits(alice: App, bob: App) -> None:
    shared = await painted(alice, post=PUBLIC_POST)
    other = await painted(alice, post=PUBLIC_POST)
    for one in (shared, other):
        await paint(bob, await ask(bob, {"references": [{"status_id": one["status"]["id"]}]}))
    await paint(bob, await sent(bob, picture(96, 64, "red")))
    async with alice.instance.easel.database.read() as session:
        medium = await session.get(MediaAttachment, int(shared["media"]["id"]))
    assert medium is not None and medium.digest
    before = await copies(alice.instance)
    await delete(alice.instance, shared["status"]["id"])
    await alice.instance.run_jobs()
    after = await copies(alice.instance)
    assert len(before) == 3 and before.keys() - after.keys() == {medium.digest}
    async with alice.instance.easel.database.write() as tx:  # and her account with all the rest
        account = await tx.get(Account, alice.account.id)
        assert account is not None
        await accounts.delete_account(tx, account)
    await alice.instance.run_jobs()
    [mine] = await copies(alice.instance)
    async with alice.instance.easel.database.write() as tx:  # and his with what he sent
        account = await tx.get(Account, bob.account.id)
        assert account is not None
        await accounts.delete_account(tx, account)
    await alice.instance.run_jobs()
    assert mine in before and await copies(alice.instance) == {}


async def test_who_stops_sharing_is_not_begun_with_any_more(alice: App, bob: App) -> None:
    shared = await painted(alice, post=PUBLIC_POST)
    done = await paint(bob, await ask(bob, {"source": {"status_id": shared["status"]["id"]}}))
    remix = await paint(bob, await bob.post(PATH, {"remix_of": shared["status"]["id"]}))
    digest = done["recipe"]["source"]
    assert (await ask(bob, {"source": digest})).body["remix_of"] == shared["status"]["uri"]
    async with alice.instance.easel.database.write() as tx:
        medium = await tx.get(MediaAttachment, int(shared["media"]["id"]))
        assert medium is not None
        medium.share_recipe = False
    refused = await ask(bob, {"source": digest})
    assert refused.status == 403 and "does not share" in refused.error
    await bob.ask("DELETE", f"{PATH}/{(await bob.get(PATH)).body[0]['id']}")
    await time_passes(alice.instance, cleaning.EVERY)
    assert await copies(alice.instance) == {}
    # The words of a remix are its author's own, and can be varied without the picture.
    assert (await bob.post(PATH, {"variation_of": remix["id"]})).status == 201


async def test_what_a_moderator_suspends_is_not_painted_from(alice: App, bob: App) -> None:
    shared = await painted(alice, post=PUBLIC_POST)
    made = (await ask(bob, {"source": {"status_id": shared["status"]["id"]}})).body
    async with alice.instance.easel.database.write() as tx:
        account = await tx.get(Account, alice.account.id)
        assert account is not None
        account.suspended_at = tx.now
    await time_passes(alice.instance, cleaning.EVERY)
    assert await copies(alice.instance) == {}
    later = (await ask(bob, {})).body
    async with connected(alice.instance) as card:
        assert (await card.given()).painting == later["id"]
    failed = (await bob.get(f"{PATH}/{made['id']}")).body
    assert (failed["state"], failed["error"]) == (
        "failed", "A picture that this begins with is not there any more.",
    )  # fmt: skip


async def test_one_account_keeps_so_much(
    new_database: rig.NewDatabase, tmp_path: Path, browser: aiohttp.ClientSession
) -> None:
    limits = {"max_inputs_mb": 1}
    async with rig.serve_instance(tmp_path, new_database(), painting=limits) as instance:
        alice = await App.of(instance, browser, "alice")
        bob = await App.of(instance, browser, "bob")
        first = await sent(alice, noise())
        second = await sent(alice, noise())
        assert (first.status, second.status) == (201, 201)
        full = await sent(alice, noise())
        assert full.status == 422
        assert full.error == (
            "The pictures that your waiting paintings begin with are too large together: at most "
            "1 MB and 500 pictures are kept for one account. Ask again when some are painted."
        )
        same = await ask(alice, {"source": first.body["recipe"]["source"]})
        assert same.status == 201  # the same picture takes no more room
        before = await copies(instance)
        assert len(before) == 2 and files(instance) == set(before.values())
        assert (await sent(bob, noise())).status == 201  # each has a place of their own
        for made in (first, second, same):
            assert (await alice.ask("DELETE", f"{PATH}/{made.body['id']}")).status == 200
        third = await sent(alice, noise())
        assert third.status == 201
        await instance.run_jobs()
        kept = await copies(instance)
        wanted = {each.body["recipe"]["source"] for each in (first, third)}
        assert len(kept) == 3 and wanted < kept.keys()  # the second gave way: it was used first
        assert set(kept.values()) == files(instance)


def noise() -> bytes:
    """A picture of some 400 kB, unlike any other."""
    out = io.BytesIO()
    Image.frombytes("RGB", (384, 320), os.urandom(384 * 320 * 3)).save(out, "PNG")
    return out.getvalue()


async def test_files_that_no_row_names_go_when_they_are_old(alice: App) -> None:
    instance, storage = alice.instance, folder_of(alice.instance)
    await upload(alice)
    await sent(alice, picture(96, 64, "red"))
    face, lost, fresh = new_key("png"), new_key("png"), new_key("webp")
    for key in (face, lost, fresh):
        await storage.put(key, b"content")
    (storage.folder / "readme.txt").write_text("This is somebody else's.")
    broken = storage.path(lost).with_name(f".0123456789abcdef{PART}")
    being_written = storage.path(lost).with_name(f".fedcba9876543210{PART}")
    for path in (broken, being_written):
        path.write_bytes(b"half")
    async with instance.easel.database.write() as tx:
        account = await tx.get(Account, alice.account.id)
        assert account is not None
        account.avatar = face
    before = files(instance)
    later = (instance.clock.now() + cleaning.EVERY).timestamp()
    for path in (storage.path(fresh), being_written):
        os.utime(path, (later, later))
    await time_passes(instance, cleaning.EVERY)
    assert before - files(instance) == {lost, str(broken.relative_to(storage.folder))}
    await time_passes(instance, cleaning.EVERY)
    assert before - files(instance) >= {fresh, str(being_written.relative_to(storage.folder))}
    async with instance.easel.database.read() as session:
        shown = (await session.exec(select(MediaAttachment))).all()
    wanted = {face, *(await copies(instance)).values(), "readme.txt"}
    wanted |= {key for row in shown for key in (row.file, row.preview_file) if key}
    assert files(instance) == wanted and len(wanted) == 5


async def test_what_waits_for_a_moderator_is_named(
    new_database: rig.NewDatabase, tmp_path: Path, browser: aiohttp.ClientSession
) -> None:
    strict = {"review_at": 0.5, "review_unjudged": True}
    async with rig.serve_instance(tmp_path, new_database(), safety=strict) as instance:
        alice = await App.of(instance, browser, "alice")
        made = (await ask(alice, {})).body
        async with connected(instance) as card:
            given = await card.given()
            async with reaches(instance.easel, int(made["id"]), "review"):
                await card.finish(given)
        before = files(instance)
        await time_passes(instance, 3 * cleaning.EVERY)
        assert files(instance) == before and len(before) == 2


async def test_a_large_store_is_looked_through_in_parts(
    alice: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orphans, "PAGE", 7)
    monkeypatch.setattr(orphans, "PAGES", 2)
    storage = folder_of(alice.instance)
    kept = [(await upload(alice)).file for _ in range(10)]
    lost = [new_key("png") for _ in range(40)]
    for key in lost:
        await storage.put(key, b"content")
    everything, after = [], ""
    while page := await storage.page(after, 7):
        everything += [file.key for file in page]
        after = page[-1].key
    assert everything == sorted(files(alice.instance)) and len(everything) == 60
    await time_passes(alice.instance, cleaning.EVERY)
    assert len(files(alice.instance)) == 20 and set(kept) < files(alice.instance)


async def test_the_store_of_another_instance_is_left_alone(alice: App) -> None:
    storage = folder_of(alice.instance)
    await ask(alice, {})
    for _ in range(orphans.SUSPICIOUS):
        await storage.put(new_key("png"), b"content")
    before = files(alice.instance)
    await time_passes(alice.instance, cleaning.EVERY)
    assert files(alice.instance) == before
    await upload(alice)  # this one is ours, and so is the folder
    await time_passes(alice.instance, cleaning.EVERY)
    assert len(files(alice.instance)) == 2


async def test_files_are_found_by_index(sqlite_template: Path, tmp_path: Path) -> None:
    found = orphans.key_columns()
    assert {f"{column.table.name}.{column.name}" for column in found} == {
        "archive.file",
        "custom_emoji.file",
        "custom_emoji.still_file",
        "input_picture.file",
        "media_attachment.file",
        "media_attachment.preview_file",
        "remote_file.file",
        "remote_file.preview_file",
    }
    settings = rig.settings_for(tmp_path, rig.SQLiteFiles(sqlite_template, tmp_path).new())
    async with rig.opened(settings) as easel, easel.database.read() as session:
        for column in found:
            query = (
                f"SELECT {column.name} FROM {column.table.name} WHERE {column.name} IN ('a','b')"
            )
            plan = (await session.execute(text(f"EXPLAIN QUERY PLAN {query}"))).all()
            assert "SCAN" not in str(plan) and "INDEX" in str(plan), plan


def folder_of(instance: rig.Instance) -> FolderStorage:
    storage = instance.easel.storage
    assert isinstance(storage, FolderStorage)
    return storage
