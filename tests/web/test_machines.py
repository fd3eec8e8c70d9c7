"""What machines read of the pages: feeds, maps, what crawlers are told, the app."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from pathlib import Path
from urllib.robotparser import RobotFileParser
from xml.etree import ElementTree

import aiohttp
import pytest
from PIL import Image

from fedi.clock import FakeClock
from tests import rig
from tests.api.oauth.person import at, join
from tests.rig import Instance
from tests.web import hanging
from tests.web.reading import get

ATOM = "{http://www.w3.org/2005/Atom}"
MEDIA = "{http://search.yahoo.com/mrss/}"
MAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


async def test_an_account_in_three_formats(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    alice = await hanging.join(instance, display_name="Alice & co <x>")
    picture = await hanging.hang(instance, alice, text="Tides & fog #sea")
    await hanging.hang(instance, alice, text="for followers", visibility="private")
    hidden = await hanging.publish(instance, alice, text="the secret", spoiler_text="Spoiled")
    await hanging.publish(instance, alice, text="an answer to myself", in_reply_to_id=picture.id)
    bob = await hanging.join(instance, "bob")
    other = await hanging.publish(instance, bob, text="hello")
    await hanging.publish(instance, alice, text="an answer to bob", in_reply_to_id=other.id)
    home = f"{instance.url}/@alice"

    answer = await get(browser, f"{home}.atom")
    assert answer.headers["Content-Type"] == "application/atom+xml; charset=utf-8"
    feed = ElementTree.fromstring(answer.body)
    assert feed.findtext(f"{ATOM}title") == f"Alice & co <x> (@alice@{instance.domain})"
    entries = feed.findall(f"{ATOM}entry")
    assert [entry.findtext(f"{ATOM}title") for entry in entries] == [
        "an answer to myself", "Spoiled", "Tides & fog #sea #AIgenerated",
    ]  # fmt: skip
    assert entries[2].findtext(f"{ATOM}id") == picture.uri
    tags = {tag.attrib["term"] for tag in entries[2].findall(f"{ATOM}category")}
    assert tags == {"sea", "AIgenerated"}
    links = {link.attrib["rel"]: link.attrib for link in entries[2].findall(f"{ATOM}link")}
    assert links["alternate"]["href"] == f"{home}/{picture.id}"
    async with browser.get(links["enclosure"]["href"]) as file:
        assert file.status == 200 and file.content_type == links["enclosure"]["type"]
    assert "the secret" not in answer.body.decode()

    answer = await get(browser, f"{home}.rss")
    assert answer.headers["Content-Type"] == "application/rss+xml; charset=utf-8"
    items = ElementTree.fromstring(answer.body).findall("channel/item")
    assert [item.findtext("guid") for item in items][1:] == [hidden.uri, picture.uri]
    shown = items[2].find(f"{MEDIA}content")
    assert shown is not None and shown.attrib["url"] == links["enclosure"]["href"]
    assert shown.findtext(f"{MEDIA}description") == "A lighthouse in fog."
    assert items[1].findtext("description") == "<p>Spoiled</p>"

    answer = await get(browser, f"{home}/feed.json")
    assert answer.headers["Content-Type"] == "application/feed+json"
    told = json.loads(answer.body)
    assert told["feed_url"] == f"{home}/feed.json" and told["home_page_url"] == home
    assert [item["id"] for item in told["items"]][1:] == [hidden.uri, picture.uri]
    assert told["items"][2]["attachments"][0]["url"] == links["enclosure"]["href"]
    assert set(told["items"][2]["tags"]) == tags

    page = (await get(browser, home)).page
    alternates = {link["type"]: link["href"] for link in page.all("link", rel="alternate")}
    for kind in ("application/atom+xml", "application/rss+xml", "application/feed+json"):
        again = await get(browser, alternates[kind])
        assert again.status == 200
        assert (
            await get(browser, alternates[kind], if_none_match=again.headers["ETag"])
        ).status == 304


async def test_what_xml_cannot_hold_breaks_no_feed(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    alice = await hanging.join(instance, display_name="A\x0bl\ufffeice")
    await hanging.publish(instance, alice, text="vertical\x0btab ]]> <b>&amp;</b> \U0001f3a8")
    for ending in (".atom", ".rss"):
        body = (await get(browser, f"{instance.url}/@alice{ending}")).body
        assert "\U0001f3a8" in ElementTree.tostring(ElementTree.fromstring(body), "unicode")


async def test_a_hashtag_has_feeds(instance: Instance, browser: aiohttp.ClientSession) -> None:
    alice = await hanging.join(instance)
    status = await hanging.publish(instance, alice, text="a #Größe")
    for ending in (".atom", ".rss", "/feed.json"):
        answer = await get(browser, f"{instance.url}/tags/größe{ending}")
        assert answer.status == 200
        assert status.uri in answer.body.decode()
        assert (await get(browser, f"{instance.url}/tags/a%20b{ending}")).status == 404
        assert (await get(browser, f"{instance.url}/@nobody{ending}")).status == 404


@pytest.mark.parametrize("let_in", [False, True])
async def test_crawlers_that_train_are_refused_by_default(
    new_database: rig.NewDatabase, tmp_path: Path, browser: aiohttp.ClientSession, let_in: bool
) -> None:
    more = {"instance": {"training_crawlers": True}} if let_in else {}
    async with rig.serve_instance(tmp_path, new_database(), clock=FakeClock(), **more) as instance:
        answer = await get(browser, f"{instance.url}/robots.txt")
        rules = RobotFileParser()
        rules.parse(answer.body.decode().splitlines())
        post, api = f"{instance.url}/@alice/1", f"{instance.url}/api/v1/instance"
        for name in ("GPTBot", "CCBot", "img2dataset"):
            assert rules.can_fetch(name, post) is let_in
            assert not rules.can_fetch(name, api)
        assert rules.can_fetch("Googlebot", post)
        assert rules.site_maps() == [f"{instance.url}/sitemap.xml"]


async def test_the_map_names_who_wants_to_be_found(
    instance: Instance, browser: aiohttp.ClientSession, clock: FakeClock
) -> None:
    async def named(address: str) -> list[str]:
        root = ElementTree.fromstring((await get(browser, address)).body)
        return [place.text or "" for place in root.iter(f"{MAP}loc")]

    home = instance.url
    assert await named(f"{home}/sitemap.xml") == [f"{home}/sitemap/people.xml"]
    alice = await hanging.join(instance)
    shy = await hanging.join(instance, "shy", discoverable=False)
    first = await hanging.publish(instance, alice, text="first")
    await hanging.publish(instance, alice, text="quiet", visibility="unlisted")
    await hanging.publish(instance, shy, text="shy")
    clock.advance(timedelta(days=62))
    last = await hanging.publish(instance, alice, text="last")
    people, *months = await named(f"{home}/sitemap.xml")
    assert await named(people) == [f"{home}/", f"{home}/about", f"{home}/@alice"]
    assert len(months) == 3
    assert [await named(month) for month in months] == [[first.url], [], [last.url]]
    for month in ("2026-13", "x", "0000-01"):
        assert (await get(browser, f"{home}/sitemap/{month}.xml")).status == 404


async def test_the_pages_are_an_app(instance: Instance, browser: aiohttp.ClientSession) -> None:
    link = (await get(browser, instance.url)).page.one("link", rel="manifest")
    answer = await get(browser, f"{instance.url}{link['href']}")
    assert answer.headers["Content-Type"] == "application/manifest+json"
    told = json.loads(answer.body)
    assert told["name"] == "Test Easel"
    await join(instance)
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        assert (await visitor.get(told["shortcuts"][0]["url"])).status == 200
    for icon in told["icons"]:
        file = await get(browser, f"{instance.url}{icon['src']}")
        assert (file.status, file.headers["Content-Type"]) == (200, icon["type"])
        if icon["type"] == "image/png":
            with Image.open(io.BytesIO(file.body)) as image:
                assert "x".join(map(str, image.size)) == icon["sizes"]
