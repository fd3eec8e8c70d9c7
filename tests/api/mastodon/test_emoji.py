"""The emoji of this instance: in its list, in posts and profiles, and elsewhere."""

from __future__ import annotations

import io

import aiohttp
import pytest
from PIL import Image

from fedi.api.mastodon import entities
from fedi.database.tables import Account, Status
from fedi.runtime import Easel
from fedi.social import emojis, posts, statuses
from fedi.social.errors import Invalid
from fedi.social.statuses import Draft
from fedi.studio import faces, orphans
from tests import rig
from tests.api.apps import App
from tests.api.mastodon.apps import held, nobody
from tests.journeys.people import Person
from tests.studio import hostile_files as files
from tests.web.reading import get


async def add(easel: Easel, code: str, content: bytes, category: str = "") -> None:
    file, still, media_type = await faces.store_emoji(easel.storage, content)
    async with easel.database.write() as tx:
        await emojis.put(tx, code, file, still, media_type, category)


@pytest.fixture
async def alice(instance: rig.Instance, browser: aiohttp.ClientSession) -> App:
    return await App.of(instance, browser, "alice")


async def publish(app: App, text: str) -> Status:
    async with app.instance.easel.database.write() as tx:
        author = await tx.get_one(Account, app.account.id)
        return await statuses.publish(tx, author, Draft(text=text, spoiler_text=":easel:"))


async def test_an_emoji_is_listed_and_its_file_is_ours(
    alice: App, instance: rig.Instance, browser: aiohttp.ClientSession
) -> None:
    await add(instance.easel, ":easel:", files.jpeg(64, 64, exif=files.exif()), "house")
    await add(instance.easel, "party", files.moving("GIF", 3))
    anybody = nobody(instance, browser, alice)
    found = held(await anybody.get("/api/v1/custom_emojis"), list[entities.CustomEmoji])
    party, easel = found
    assert (easel.shortcode, easel.category, party.category) == ("easel", "house", None)
    assert easel.url == easel.static_url and easel.url.startswith(f"{instance.url}/media/")
    moving, still = [
        Image.open(io.BytesIO((await anybody.get(url)).body))
        for url in (party.url, party.static_url)
    ]
    assert (moving.format, moving.n_frames, still.format) == ("GIF", 3, "PNG")  # type: ignore[attr-defined]

    await add(instance.easel, "easel", files.png(32, 32))  # another picture
    again = held(await anybody.get("/api/v1/custom_emojis"), list[entities.CustomEmoji])
    assert [one.shortcode for one in again] == ["easel", "party"]
    assert again[0].url != easel.url and (await anybody.get(easel.url)).status == 200
    async with instance.easel.database.write() as tx:
        await emojis.remove(tx, ":party:")
    assert len((await anybody.get("/api/v1/custom_emojis")).body) == 1


async def test_the_files_of_an_emoji_that_is_gone_stay_for_the_posts_that_have_it(
    easel: Easel,
) -> None:
    await add(easel, "party", files.moving("GIF", 3))
    async with easel.database.read() as session:
        [known] = await emojis.used(session, "a :party:")
    keys = [known[name].partition("/media/")[2] for name in ("url", "static_url")]
    async with easel.database.write() as tx:
        await emojis.remove(tx, "party")
    async with easel.database.read() as session:
        assert await emojis.used(session, "a :party:") == []
        assert await orphans.named(session, keys) == set(keys)


@pytest.mark.parametrize("code", ["a", "a b", "x" * 65, "../../x", "é", ""])
async def test_what_is_no_shortcode_is_refused(easel: Easel, code: str) -> None:
    with pytest.raises(Invalid):
        await add(easel, code, files.png(16, 16))


@pytest.mark.parametrize(
    "content", [b"<svg/>", files.png(300, 10), b"\x89PNG" + b"x" * faces.MAX_EMOJI_BYTES]
)
async def test_what_is_no_small_picture_is_refused(easel: Easel, content: bytes) -> None:
    with pytest.raises(Invalid):
        await add(easel, "easel", content)


async def test_a_post_and_a_profile_have_the_emoji_that_they_were_written_with(
    alice: App, instance: rig.Instance, browser: aiohttp.ClientSession
) -> None:
    await add(instance.easel, "easel", files.png(32, 32))
    await add(instance.easel, "party", files.moving("GIF", 3))
    answer = await alice.ask(
        "PATCH", "/api/v1/accounts/update_credentials", {"display_name": "Alice :party: :none:"}
    )
    [own] = held(answer, entities.CredentialAccount).emojis
    assert own.shortcode == "party" and own.static_url.endswith(".png")
    status = await publish(alice, "an :easel: and 12:party:30 :nowhere:")
    assert [emoji["shortcode"] for emoji in status.emojis] == ["easel"]
    page = await get(browser, f"{instance.url}/@alice/{status.id}")
    assert page.status == 200
    drawn = page.page.all("img", _class="emoji")
    assert {image["title"] for image in drawn} == {":easel:", ":party:"}
    assert all(image["src"].endswith(".png") for image in drawn)  # none moves


async def test_other_servers_get_the_emoji_of_a_post_and_of_its_author(
    two_instances: tuple[rig.Instance, rig.Instance], browser: aiohttp.ClientSession
) -> None:
    here, there = two_instances
    await add(here.easel, "easel", files.png(32, 32))
    alice, bob = await App.of(here, browser, "alice"), await Person.join(there, "bob")
    person = Person(here, "alice", alice.token or "")
    await bob.follow(person)
    for instance in (there, here, there):
        await instance.run_jobs()
    name = {"display_name": ":easel: Alice"}
    await alice.ask("PATCH", "/api/v1/accounts/update_credentials", name)
    status = await publish(alice, "look :easel:")
    await here.run_jobs()
    await there.run_jobs()
    async with there.easel.database.read() as session:
        received = await statuses.load_by_uri(session, None, status.uri)
        assert received is not None
        [post] = await posts.assemble(session, [received], None)
    for known in (post.status.emojis, post.account.emojis):
        [emoji] = known
        assert emoji["shortcode"] == "easel"
        assert emoji["url"].startswith(f"{here.url}/media/")
        async with browser.get(emoji["url"]) as answer:
            assert answer.status == 200
