"""Pictures before they are posted."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from fedi.api.mastodon import entities
from fedi.database.tables import Account, Status
from fedi.social import statuses
from fedi.social.drafts import Draft
from fedi.social.edits import Further
from tests import rig
from tests.api.apps import App
from tests.api.mastodon.apps import form, held, post
from tests.api.mastodon.test_timelines import upload

MEDIA = "/api/v1/media"


@pytest.fixture
async def alice(instance: rig.Instance, browser: aiohttp.ClientSession) -> App:
    return await App.of(instance, browser, "alice")


async def test_a_picture_is_taken_described_and_posted(
    alice: App, instance: rig.Instance, browser: aiohttp.ClientSession
) -> None:
    bob = await App.of(instance, browser, "bob")
    made = held(
        await upload(alice, description="A boat", focus="0.5,-0.25"), entities.MediaAttachment
    )
    assert (made.type, made.description) == ("image", "A boat")
    assert made.meta.original == entities.Dimensions(
        width=64, height=48, size="64x48", aspect=64 / 48
    )
    assert made.meta.focus == entities.Focus(x=0.5, y=-0.25) and made.blurhash
    for address in (made.url, made.preview_url):
        assert address is not None and (await bob.get(address)).status == 200
    assert held(await alice.get(f"{MEDIA}/{made.id}"), entities.MediaAttachment) == made
    changed = held(
        await form(alice, "PUT", f"{MEDIA}/{made.id}", ("description", "A red boat")),
        entities.MediaAttachment,
    )
    assert changed.description == "A red boat" and changed.meta.focus == made.meta.focus
    for method in ("GET", "PUT", "DELETE"):
        assert (await bob.ask(method, f"{MEDIA}/{made.id}")).status == 404
    status = await post(alice, "", media_ids=[made.id])
    assert status.media_attachments == [changed]
    assert (await alice.ask("DELETE", f"{MEDIA}/{made.id}")).status == 422
    again = await alice.post("/api/v1/statuses", {"status": "x", "media_ids": [made.id]})
    assert again.status == 422


async def test_a_picture_can_be_posted_anew_or_deleted_with_its_post(
    alice: App, instance: rig.Instance
) -> None:
    made = (await upload(alice)).body
    first = await post(alice, "one", media_ids=[made["id"]])
    gone = await alice.ask("DELETE", f"/api/v1/statuses/{first.id}")
    assert [one["id"] for one in gone.body["media_attachments"]] == [made["id"]]
    second = await post(alice, "two", media_ids=[made["id"]])
    await alice.ask("DELETE", f"/api/v1/statuses/{second.id}?delete_media=true")
    assert (await alice.get(f"{MEDIA}/{made['id']}")).status == 404
    await instance.run_jobs()
    assert (await alice.get(made["url"])).status == 404


async def test_an_upload_can_be_thrown_away(alice: App, instance: rig.Instance) -> None:
    made = (await upload(alice)).body
    assert (await alice.ask("DELETE", f"{MEDIA}/{made['id']}")).body == {}
    assert (await alice.get(f"{MEDIA}/{made['id']}")).status == 404
    await instance.run_jobs()
    for address in (made["url"], made["preview_url"]):
        assert (await alice.get(address)).status == 404


async def test_what_is_posted_at_that_moment_keeps_its_files(
    alice: App, instance: rig.Instance
) -> None:
    made = (await upload(alice)).body
    async with instance.easel.database.write() as tx:
        author = await tx.get_one(Account, alice.account.id)
        await statuses.publish(tx, author, Draft(text="look", media_ids=[int(made["id"])]))
        deleting = asyncio.create_task(alice.ask("DELETE", f"{MEDIA}/{made['id']}"))
        await rig.somebody_waits(instance.easel.database)
    assert (await deleting).status == 422
    await instance.run_jobs()
    for address in (made["url"], made["preview_url"]):
        assert (await alice.get(address)).status == 200


async def test_what_an_edit_and_another_post_took_keeps_its_files(
    alice: App, instance: rig.Instance
) -> None:
    made = (await upload(alice)).body
    first = await post(alice, "one", media_ids=[made["id"]])
    async with instance.easel.database.write() as tx:
        author = await tx.get_one(Account, alice.account.id)
        row = await tx.get_one(Status, int(first.id))
        draft, all_media = Draft(text="none"), Further(all_media=True)
        await statuses.edit(tx, author, row, draft, all_media)
        await statuses.publish(tx, author, Draft(text="two", media_ids=[int(made["id"])]))
        path = f"/api/v1/statuses/{first.id}?delete_media=true"
        deleting = asyncio.create_task(alice.ask("DELETE", path))
        await rig.somebody_waits(instance.easel.database)
    assert (await deleting).status == 200
    await instance.run_jobs()
    for address in (made["url"], made["preview_url"]):
        assert (await alice.get(address)).status == 200


async def test_what_is_no_picture_is_refused(alice: App) -> None:
    assert (await upload(alice, focus="2,0")).status == 422
    assert (await upload(alice, focus="nan,0")).status == 422
    assert (await upload(alice, description="x" * 20_000)).status == 422
    data = aiohttp.FormData()
    data.add_field("file", b"<html>", filename="../../a.png", content_type="image/png")
    payload = data()
    headers = {"Content-Type": payload.headers["Content-Type"]}
    answer = await alice.ask("POST", "/api/v2/media", await payload.as_bytes(), headers=headers)
    assert answer.status == 422 and answer.error.startswith("Validation failed: ")
    for nothing in (None, {"description": "x"}):
        assert (await alice.post("/api/v2/media", nothing)).status == 422
    assert (await form(alice, "POST", "/api/v1/media", ("file", "x"))).status == 422
