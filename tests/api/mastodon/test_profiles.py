"""A profile is changed, with its pictures; who follows elsewhere is told."""

from __future__ import annotations

import io
from typing import Any

import aiohttp
import pytest
from PIL import Image

from fedi.api.mastodon import entities
from fedi.database.tables import Account
from fedi.social import accounts, follows
from tests import rig
from tests.api.apps import Answer, App
from tests.api.mastodon.apps import form, held
from tests.journeys.people import Person
from tests.studio import hostile_files as files

UPDATE, PROFILE = "/api/v1/accounts/update_credentials", "/api/v1/profile"


@pytest.fixture
async def alice(instance: rig.Instance, browser: aiohttp.ClientSession) -> App:
    return await App.of(instance, browser, "alice")


def photo(width: int = 900, height: int = 600, format: str = "JPEG") -> bytes:
    out = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).convert("RGB").save(out, format)
    return out.getvalue()


async def send(app: App, path: str, words: dict[str, str], **pictures: bytes) -> Answer:
    """A multipart form, as apps send it."""
    sent = aiohttp.FormData(default_to_multipart=True)
    for name, value in words.items():
        sent.add_field(name, value)
    for name, content in pictures.items():
        sent.add_field(name, content, filename=f"../{name}.jpg", content_type="image/jpeg")
    payload = sent()
    return await app.ask(
        "PATCH",
        path,
        await payload.as_bytes(),
        headers={"Content-Type": str(payload.headers["Content-Type"])},
    )


async def size(app: App, url: str) -> tuple[int, int]:
    answer = await app.get(url)
    assert answer.status == 200
    return Image.open(io.BytesIO(answer.body)).size


async def test_everything_of_a_profile_is_changed_at_once(alice: App) -> None:
    await App.of(alice.instance, alice.browser, "bob")
    words = {
        "display_name": "  Alice \n of the easel ",
        "note": "I paint #clouds with @bob\nhttps://alice.example/",
        "locked": "true",
        "bot": "1",
        "discoverable": "false",
        "indexable": "true",
        "hide_collections": "true",
        "avatar_description": "A grey slope",
        "fields_attributes[0][name]": "Page",
        "fields_attributes[0][value]": "https://alice.example/",
        "fields_attributes[1][name]": "",
        "fields_attributes[1][value]": "",
        "attribution_domains[]": "https://Alice.example/",
        "source[privacy]": "unlisted",
        "source[sensitive]": "true",
        "source[language]": "de",
        "source[quote_policy]": "followers",
    }
    answer = await send(alice, UPDATE, words, avatar=photo(), header=photo())
    found = held(answer, entities.CredentialAccount)
    assert found.display_name == "Alice of the easel"
    assert (found.locked, found.bot, found.discoverable, found.indexable) == (
        True, True, False, True,
    )  # fmt: skip
    assert found.hide_collections and found.avatar_description == "A grey slope"
    assert 'class="u-url mention"' in found.note and 'class="mention hashtag"' in found.note
    assert found.source.note == words["note"]
    [line] = found.fields
    assert line.name == "Page" and 'href="https://alice.example/"' in line.value
    assert found.source.fields[0].value == "https://alice.example/"
    assert found.source.attribution_domains == ["alice.example"]
    assert await size(alice, found.avatar) == (400, 400)
    assert await size(alice, found.header) == (900, 300)
    usual = held(await alice.get("/api/v1/preferences"), entities.Preferences)
    assert (usual.posting_visibility, usual.posting_sensitive) == ("unlisted", True)
    assert (usual.posting_language, usual.posting_quoters) == ("de", "followers")

    answer = await alice.ask("PATCH", UPDATE, {"fields_attributes": [], "bot": False})
    later = held(answer, entities.CredentialAccount)
    assert later.fields == [] and not later.bot
    assert later.avatar == found.avatar and later.note == found.note


async def test_a_picture_is_cleaned_and_goes_when_another_comes(
    alice: App, instance: rig.Instance
) -> None:
    secret = files.jpeg(exif=files.exif())
    first = held(await send(alice, UPDATE, {}, avatar=secret), entities.CredentialAccount)
    kept = (await alice.get(first.avatar)).body
    assert Image.open(io.BytesIO(kept)).getexif() == {}
    second = held(
        await send(alice, UPDATE, {}, avatar=photo(20, 30, "PNG")), entities.CredentialAccount
    )
    assert second.avatar != first.avatar and await size(alice, second.avatar) == (20, 20)
    await instance.run_jobs()
    assert (await alice.get(first.avatar)).status == 404
    shown = held(await alice.get(PROFILE), entities.Profile)
    assert shown.avatar == second.avatar and shown.header is None and shown.show_media

    answer = await alice.ask("DELETE", f"{PROFILE}/avatar")
    assert held(answer, entities.CredentialAccount).avatar.endswith("missing.png")
    assert (await alice.ask("DELETE", f"{PROFILE}/header")).status == 200
    await instance.run_jobs()
    assert (await alice.get(second.avatar)).status == 404


async def test_the_pictures_of_who_is_deleted_go(alice: App, instance: rig.Instance) -> None:
    answer = await send(alice, UPDATE, {}, avatar=photo(), header=photo())
    found = held(answer, entities.CredentialAccount)
    async with instance.easel.database.write() as tx:
        await accounts.delete_account(tx, await tx.get_one(Account, alice.account.id))
    await instance.run_jobs()
    for picture in (found.avatar, found.header):
        async with alice.browser.get(picture) as gone:
            assert gone.status == 404


async def test_a_profile_by_its_newer_form(alice: App) -> None:
    answer = await form(
        alice, "PATCH", PROFILE, ("show_media", "false"), ("note", "Hi"), ("display_name", "A")
    )
    found = held(answer, entities.Profile)
    assert (found.show_media, found.show_featured, found.note) == (False, True, "Hi")
    assert found.avatar is None and found.display_name == "A"


@pytest.mark.parametrize(
    "changes",
    [
        {"display_name": "x" * 101},
        {"note": "x" * 5001},
        {"fields_attributes": [{"name": "a", "value": "x" * 501}]},
        {"fields_attributes": [{"name": "", "value": "x"}]},
        {"fields_attributes": [{"name": str(n), "value": "x"} for n in range(11)]},
        {"avatar_description": "x" * 1501},
        {"attribution_domains": ["a b"]},
        {"attribution_domains": [f"{n}.example" for n in range(11)]},
        {"source": {"privacy": "secret"}},
        {"source": {"language": "!"}},
        {"source": {"quote_policy": "all"}},
        {"locked": "maybe"},
        {"avatar": "x"},
    ],
)
async def test_what_makes_no_sense_changes_nothing(alice: App, changes: dict[str, Any]) -> None:
    before = (await alice.get(PROFILE)).body
    answer = await alice.ask("PATCH", UPDATE, {"header_description": "new", **changes})
    assert answer.status == 422 and answer.error.startswith("Validation failed: ")
    assert (await alice.get(PROFILE)).body == before


@pytest.mark.parametrize(
    "content", [b"GIF89a", b"<svg/>", files.png_of(60_000, 60_000), b"\xff" * 99]
)
async def test_what_is_no_picture_is_refused(alice: App, content: bytes) -> None:
    answer = await send(alice, UPDATE, {}, avatar=content)
    assert answer.status == 422 and answer.error


async def test_who_asked_need_not_wait_when_the_lock_goes(
    alice: App, instance: rig.Instance, browser: aiohttp.ClientSession
) -> None:
    await alice.ask("PATCH", UPDATE, {"locked": True})
    bob = await App.of(instance, browser, "bob")
    async with instance.easel.database.write() as tx:
        target = await tx.get_one(Account, alice.account.id)
        follow = await follows.request(tx, bob.account, target)
        assert follow.state == follows.PENDING
    await alice.ask("PATCH", UPDATE, {"locked": False})
    await instance.run_jobs()
    async with instance.easel.database.read() as session:
        held_ = await follows.find(session, bob.account.id, alice.account.id)
    assert held_ is not None and held_.state == follows.ACCEPTED


async def test_who_follows_elsewhere_sees_the_new_profile(
    two_instances: tuple[rig.Instance, rig.Instance], browser: aiohttp.ClientSession
) -> None:
    here, there = two_instances
    alice, bob = await App.of(here, browser, "alice"), await Person.join(there, "bob")
    person = Person(here, "alice", alice.token or "")
    await bob.follow(person)
    for instance in (there, here, there):
        await instance.run_jobs()
    words = {"display_name": "Alice", "fields_attributes[0][name]": "Page"}
    words["fields_attributes[0][value]"] = "https://alice.example/"
    await send(alice, UPDATE, words, avatar=photo())
    await here.run_jobs()
    await there.run_jobs()
    known = await bob.knows(person)
    assert known.display_name == "Alice" and known.avatar
    assert known.avatar.startswith(f"{here.url}/media/")
    assert 'href="https://alice.example/"' in known.fields[0]["value"]


async def test_an_app_that_may_only_read_changes_nothing(
    instance: rig.Instance, browser: aiohttp.ClientSession
) -> None:
    reader = await App.of(instance, browser, "alice", "read")
    assert (await reader.ask("PATCH", UPDATE, {"note": "x"})).status == 403
    assert (await reader.ask("DELETE", f"{PROFILE}/avatar")).status == 403
