"""A picture that is painted here says so, on every face that publishes it and in every file that is
served, whatever its author does about it."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

import aiohttp
import pytest
from PIL import Image

from activitypub.context import ACTIVITY_JSON
from fedi.social import seals, statuses
from fedi.social.statuses import Draft
from fedi.studio import pictures, testimony
from generation import credentials, provenance
from tests.api.apps import PUBLIC, App
from tests.journeys.people import Person
from tests.journeys.test_two_servers import settle
from tests.rig import Instance
from tests.studio.asking import reaches
from tests.studio.easel_painter import Hand, connected, picture
from tests.web.reading import get

PATH = "/api/easel/v1/paintings"
SECRET = "a lighthouse nobody knows of"


async def painted(alice: App, hand: Hand, painting: int, content: bytes) -> None:
    given = await hand.given()
    async with reaches(alice.instance.easel, painting, "done"):
        await hand.finish(given, content)


async def by_outbox(alice: App, hand: Hand, content: bytes) -> str:
    """C2S: the picture is asked for inside the Note."""
    wish = {"type": "Image", "AIPromptInformation": SECRET}
    note = {"type": "Note", "content": "Look.", "to": [PUBLIC], "attachment": [wish]}
    answer = await alice.submit(note | {"shareRecipe": False})
    [painting] = (await alice.get(PATH)).body
    await painted(alice, hand, int(painting["id"]), content)
    return str(answer.headers["Location"]).removesuffix("/activity")


async def by_painting(alice: App, hand: Hand, content: bytes) -> str:
    """Our own API: the post waits for the picture."""
    asked = {"recipe": {"prompt": SECRET}, "post": {"text": "Look."}}
    painting = (await alice.post(PATH, asked)).body
    await painted(alice, hand, int(painting["id"]), content)
    return str(painting["status"]["uri"])


async def by_attaching(alice: App, hand: Hand, content: bytes) -> str:
    """Painted first, attached later, by an app that says it is a photo."""
    painting = (await alice.post(PATH, {"recipe": {"prompt": SECRET}})).body
    await painted(alice, hand, int(painting["id"]), content)
    done = (await alice.get(f"{PATH}/{painting['id']}")).body
    camera = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"
    mine = {"type": "Image", "url": done["media"]["url"], "digitalSourceType": camera}
    answer = await alice.submit(
        {"type": "Note", "content": "My photo.", "to": [PUBLIC], "attachment": [mine]}
    )
    return str(answer.headers["Location"]).removesuffix("/activity")


async def fetched(browser: aiohttp.ClientSession, url: str) -> bytes:
    async with browser.get(url) as answer:
        assert answer.status == 200
        return await answer.read()


async def check_object(browser: aiohttp.ClientSession, uri: str) -> dict[str, Any]:
    document = json.loads(await (await browser.get(uri, headers={"Accept": ACTIVITY_JSON})).text())
    [attachment] = document["attachment"]
    assert attachment["digitalSourceType"] == provenance.TRAINED_ALGORITHMIC_MEDIA
    assert attachment["AISystemUsed"] == "Flat colours"
    assert "AIPromptInformation" not in attachment and SECRET not in str(document)
    assert "#AIgenerated" in [tag["name"] for tag in document["tag"]]
    assert document["generator"]["name"] == "Flat colours"
    found: dict[str, Any] = document
    return found


async def check_file(instance: Instance, content: bytes, media_type: str) -> None:
    said = provenance.read(content)
    assert said.digital_source_type == provenance.TRAINED_ALGORITHMIC_MEDIA
    assert said.ai_system == "Flat colours" and said.mining == provenance.NO_TRAINING
    async with instance.easel.database.read() as session:
        authority = await seals.authority(session)
    assert authority is not None
    manifest = credentials.read(content, media_type, {"here": authority})
    assert (manifest.state, manifest.vouched) == ("valid", "here")
    assert manifest.signer == instance.domain
    assert manifest.digital_source_type == provenance.TRAINED_ALGORITHMIC_MEDIA
    assert (manifest.ai_system, manifest.training) == ("Flat colours", "notAllowed")
    assert SECRET.encode() not in content and manifest.prompt == ""


@pytest.mark.parametrize("publish", [by_outbox, by_painting, by_attaching])
async def test_every_face_and_every_file_says_it(
    two_instances: tuple[Instance, Instance],
    browser: aiohttp.ClientSession,
    publish: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(testimony, "PATIENCE_S", 60.0)  # however busy the machine is
    a, b = two_instances
    alice = await App.of(a, browser, "alice")
    bob = await Person.join(b, "bob")
    await bob.follow(Person(a, "alice", alice.token or ""))
    await settle(a, b)
    async with connected(a) as hand:
        uri = await publish(alice, hand, picture())
    await settle(a, b)

    document = await check_object(browser, uri)
    page = (await get(browser, document["url"])).page
    assert "Made with AI" in page.one("section", _class="origin").text
    fold = page.one("details", _class="said")
    assert f"Signed by this instance, {a.domain}, and not altered since." in fold.text
    assert SECRET not in page.text
    files = {document["attachment"][0]["url"]}
    for address in ("/", "/@alice"):
        wall = (await get(browser, a.url + address)).page
        assert "Made with AI" in wall.one("a", _class="tile").text
        files.add(a.url + wall.one("a", _class="tile").one("img", _class="picture")["src"])
    files |= {a.url + each["src"] for each in page.all("img", _class="picture")}
    assert len(files) == 2
    for url in files:
        await check_file(
            a, await fetched(browser, url), "image/webp" if url.endswith("webp") else "image/png"
        )

    [post] = await bob.home()
    assert (post.status.uri, post.status.ai) == (uri, "generated")

    # An edit can change the words, and nothing of this.
    async with a.easel.database.write() as tx:
        status = await statuses.load_by_uri(tx, alice.account, uri)
        assert status is not None
        await statuses.edit(tx, alice.account, status, Draft(text="No AI here."))
    await settle(a, b)
    again = await check_object(browser, uri)
    assert "No AI here." in again["content"]
    [post] = await bob.home()
    assert post.status.ai == "generated"


async def test_what_is_too_large_for_a_png_is_signed_as_a_webp(
    instance: Instance, browser: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "MAX_BYTES", 60_000)
    noise = Image.effect_noise((200, 200), 90).convert("RGB")
    out = BytesIO()
    noise.save(out, "PNG")
    alice = await App.of(instance, browser, "alice")
    async with connected(instance) as hand:
        uri = await by_painting(alice, hand, out.getvalue())
    [attachment] = (await check_object(browser, uri))["attachment"]
    assert attachment["mediaType"] == "image/webp"
    await check_file(instance, await fetched(browser, attachment["url"]), "image/webp")
