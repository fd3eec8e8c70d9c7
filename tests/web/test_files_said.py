"""What the files of pictures say of themselves, on the page of a post."""

from __future__ import annotations

from datetime import timedelta

import aiohttp
import pytest

from fedi.database.tables import Account, MediaAttachment, Status
from fedi.social import seals
from fedi.social.statuses import ReceivedMedia
from fedi.studio import testimony
from fedi.web.views import files_said
from generation import provenance
from generation.credentials import Claim
from tests.federation import peer
from tests.federation.peer import Internet
from tests.generation import signing
from tests.rig import Instance
from tests.studio import hostile_files as files
from tests.web import hanging
from tests.web.reading import Element, get
from tests.web.test_elsewhere import answered, serve
from tests.web.test_hostile import HTML, inspect


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages wait until a file was read, however busy the machine is."""
    monkeypatch.setattr(testimony, "PATIENCE_S", 60.0)


async def hang(instance: Instance, alice: Account, content: bytes) -> Status:
    """Post a picture whose file is this."""
    number = await hanging.paint(instance, alice)
    async with instance.easel.database.read() as session:
        row = await session.get_one(MediaAttachment, number)
    assert row.file is not None
    await instance.easel.storage.put(row.file, content)
    return await hanging.publish(instance, alice, media_ids=[number])


async def page(instance: Instance, browser: aiohttp.ClientSession, status: Status) -> Element:
    found = (await get(browser, hanging.address(instance, status))).page
    inspect(found)
    return found


async def test_a_picture_of_ours_says_who_made_and_who_signed_it(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    alice = await hanging.join(instance)
    status = await hang(instance, alice, signing.signed(await seals.of(instance.easel)))
    said = (await page(instance, browser, status)).one("details", _class="said")
    assert said.one("summary").text == "What the file says"
    seal = said.one("p", _class="seal")
    assert seal.text == f"Signed by this instance, {instance.domain}, and not altered since."
    assert "holds" in seal["class"]
    for words in (
        "Made by AI, from words",
        "Model FLUX.2 klein 0123456789",
        "With Easel 0.1",
        "Seed 7, Steps 4",
        "Training Not allowed",
        "a lighthouse",
    ):
        assert words in said.text


async def test_a_file_that_was_changed_on_the_disk_is_noticed(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    alice = await hanging.join(instance)
    content = signing.signed(await seals.of(instance.easel))
    altered = await hang(instance, alice, signing.with_another_pixel(content))
    stripped = await hang(instance, alice, signing.stripped(content))
    for status, words in ((altered, "It was altered after"), (stripped, "were taken out of it")):
        seal = (await page(instance, browser, status)).one("p", _class="seal")
        assert words in seal.text and "broken" in seal["class"]


async def shown(
    instance: Instance, browser: aiohttp.ClientSession, internet: Internet, content: bytes
) -> Element:
    """The page on which a picture from elsewhere is shown, after it was looked at."""
    url = serve(internet, "a.png", content)
    main = await answered(instance, ReceivedMedia(remote_url=url, media_type="image/png"))
    first = await page(instance, browser, main)
    assert not first.all("details", _class="said")  # nobody has looked at the file yet
    assert (
        await get(browser, instance.url + first.one("img", _class="picture")["src"])
    ).status == 200
    return await page(instance, browser, main)


async def test_a_picture_of_another_instance_is_held_against_what_its_domain_shows(
    instance: Instance, internet: Internet, browser: aiohttp.ClientSession
) -> None:
    domain = internet.host("studio")
    authority, by = signing.chain(domain)
    internet.show(f"http://{domain}{seals.PATH}", {})
    internet.pages[f"http://{domain}{seals.PATH}"] = lambda _: peer.web.Response(text=authority)
    await hanging.stranger(instance, "kim", domain=domain)
    found = await shown(instance, browser, internet, signing.signed(by))
    said = found.one("details", _class="said")
    assert said.one("p", _class="seal").text == f"Signed by {domain}, and not altered since."
    assert f"So says the file from {internet.host('files').partition(':')[0]}" in said.text
    assert "FLUX.2 klein" in said.text and "a lighthouse" in said.text
    assert internet.asked[f"http://{domain}{seals.PATH}"] == 1


async def test_nobody_is_asked_whom_a_file_only_names(
    instance: Instance, internet: Internet, browser: aiohttp.ClientSession
) -> None:
    domain = internet.host("victim")
    authority, by = signing.chain(domain)
    internet.pages[f"http://{domain}{seals.PATH}"] = lambda _: peer.web.Response(text=authority)
    found = await shown(instance, browser, internet, signing.signed(by))
    seal = found.one("p", _class="seal")
    assert "nobody known here vouches for that" in seal.text and "open" in seal["class"]
    assert internet.asked[f"http://{domain}{seals.PATH}"] == 0


async def test_who_calls_themselves_us_is_not_believed(
    instance: Instance, internet: Internet, browser: aiohttp.ClientSession
) -> None:
    _, impostor = signing.chain(instance.domain)
    seal = (await shown(instance, browser, internet, signing.signed(impostor))).one(
        "p", _class="seal"
    )
    assert seal.text.startswith("Not altered since it was signed, by a key that calls itself")
    assert "Signed by this instance" not in seal.text


async def test_the_words_of_a_hostile_file_are_only_words(
    instance: Instance, internet: Internet, browser: aiohttp.ClientSession
) -> None:
    evil = "".join(HTML)
    _, by = signing.chain(evil[:300])
    content = signing.signed(by, claim=Claim(model=evil, software=evil), shared=False)
    found = await shown(instance, browser, internet, content)
    assert found.all("p", _class="seal")
    assert not found.all("script")


@pytest.mark.parametrize("manifest", [b"jumb c2pa", b"\xff\xff\xff\xffjumb" + b"c2pa" * 100])
async def test_damaged_credentials_are_told_of(
    instance: Instance, internet: Internet, browser: aiohttp.ClientSession, manifest: bytes
) -> None:
    found = await shown(instance, browser, internet, signing.with_manifest(manifest))
    said = found.one("details", _class="said")
    assert "damaged" in said.one("p", _class="seal").text


async def test_a_file_that_says_nothing_has_nothing_to_show(
    instance: Instance, internet: Internet, browser: aiohttp.ClientSession
) -> None:
    found = await shown(instance, browser, internet, files.png())
    assert not found.all("details", _class="said")


async def test_a_page_does_not_wait_for_what_takes_long(
    instance: Instance, browser: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(testimony, "PATIENCE_S", 0.0)
    alice = await hanging.join(instance)
    status = await hang(instance, alice, signing.signed(await seals.of(instance.easel)))
    assert not (await page(instance, browser, status)).all("details", _class="said")
    monkeypatch.setattr(testimony, "PATIENCE_S", 60.0)
    assert (await page(instance, browser, status)).one("details", _class="said")


async def test_an_authority_that_could_not_be_had_is_asked_for_again(
    instance: Instance, internet: Internet, browser: aiohttp.ClientSession
) -> None:
    domain = internet.host("studio")
    authority, by = signing.chain(domain)
    address = f"http://{domain}{seals.PATH}"
    internet.fail(address, 503)
    await hanging.stranger(instance, "kim", domain=domain)
    url = serve(internet, "a.png", signing.signed(by))
    main = await answered(instance, ReceivedMedia(remote_url=url, media_type="image/png"))
    source = (await page(instance, browser, main)).one("img", _class="picture")["src"]
    assert (await get(browser, instance.url + source)).status == 200
    assert "nobody known" in (await page(instance, browser, main)).one("p", _class="seal").text
    internet.pages[address] = lambda _: peer.web.Response(text=authority)
    assert "nobody known" in (await page(instance, browser, main)).one("p", _class="seal").text
    instance.clock.advance(testimony.ASK_AGAIN + timedelta(minutes=1))
    assert (
        f"Signed by {domain}" in (await page(instance, browser, main)).one("p", _class="seal").text
    )


def test_every_kind_of_source_that_easel_writes_has_words() -> None:
    for source in (provenance.TRAINED_ALGORITHMIC_MEDIA, provenance.COMPOSITE):
        assert source.rpartition("/")[2] in files_said._MADE
