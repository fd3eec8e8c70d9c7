"""Pictures before they are posted."""

from __future__ import annotations

import asyncio
import io

import aiohttp
import pytest
from PIL import Image

from fedi.api.mastodon import entities
from fedi.database.tables import Account, MediaAttachment, Status
from fedi.social import statuses
from fedi.social.drafts import Draft
from fedi.social.edits import Further
from fedi.studio import paintings
from generation.recipe import Recipe
from tests import rig
from tests.api.apps import Answer, App
from tests.api.mastodon.apps import form, held, post
from tests.api.mastodon.test_timelines import upload
from tests.web.hanging import png

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


async def test_another_picture_stands_for_one_where_it_is_small(
    alice: App, instance: rig.Instance
) -> None:
    red, blue = png(900, 900, "#cc2222"), png(60, 90, "#2222cc")
    made = held(
        await send(alice, "POST", "/api/v2/media", file=png(), thumbnail=red),
        entities.MediaAttachment,
    )
    assert made.meta.original == entities.Dimensions(
        width=64, height=48, size="64x48", aspect=64 / 48
    )
    assert made.meta.small == entities.Dimensions(width=480, height=480, size="480x480", aspect=1)
    assert made.preview_url is not None and await _colour(alice, made.preview_url) == "red"
    path = f"{MEDIA}/{made.id}"
    changed = held(await send(alice, "PUT", path, thumbnail=blue), entities.MediaAttachment)
    assert (changed.url, changed.description) == (made.url, made.description)
    assert changed.preview_url is not None and await _colour(alice, changed.preview_url) == "blue"
    assert changed.blurhash != made.blurhash and isinstance(changed.meta.small, entities.Dimensions)
    assert changed.meta.small.size == "60x90"
    await instance.run_jobs()
    assert (await alice.get(made.preview_url)).status == 404  # nothing is left of the first
    refused = await send(alice, "PUT", path, thumbnail=b"<svg onload=alert(1)>")
    assert refused.status == 422 and "picture" in refused.error
    refused = await send(alice, "POST", "/api/v2/media", file=png(), thumbnail=b"none")
    assert refused.status == 422
    bob = await App.of(instance, alice.browser, "bob")
    assert (await send(bob, "PUT", path, thumbnail=red)).status == 404
    status = await post(alice, "", media_ids=[made.id])
    assert status.media_attachments == [changed]


async def test_what_was_painted_keeps_the_preview_that_is_signed_with_it(
    alice: App, instance: rig.Instance
) -> None:
    made = (await upload(alice)).body
    async with instance.easel.database.write() as tx:
        row = await tx.get_one(MediaAttachment, int(made["id"]))
        settings = instance.easel.settings.painting
        painting = await paintings.request(tx, settings, alice.account, Recipe(prompt="a fox"))
        row.painting_id = painting.id
        tx.add(row)
    refused = await send(alice, "PUT", f"{MEDIA}/{made['id']}", thumbnail=png())
    assert refused.status == 422 and "signed" in refused.error


async def send(app: App, method: str, path: str, **files: bytes) -> Answer:
    """A form with files."""
    sent = aiohttp.FormData()
    for name, content in files.items():
        sent.add_field(name, content, filename=f"{name}.png", content_type="image/png")
    body = sent()
    headers = {"Content-Type": body.headers["Content-Type"]}
    return await app.ask(method, path, await body.as_bytes(), headers=headers)


async def _colour(app: App, address: str) -> str:
    content = (await app.get(address)).body
    with Image.open(io.BytesIO(content)) as image:
        red, _, blue = image.convert("RGB").resize((1, 1)).getpixel((0, 0))
    return "red" if red > blue else "blue"


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
