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
from fedi.database.tables import Account
from fedi.studio import faces
from tests import rig
from tests.api.oauth.person import at, join
from tests.rig import Instance
from tests.web import hanging
from tests.web.reading import get

ATOM = "{http://www.w3.org/2005/Atom}"
MEDIA = "{http://search.yahoo.com/mrss/}"
DUBLIN = "{http://purl.org/dc/elements/1.1/}"
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
    links = {link["href"] for link in page.all("a")}
    for kind in ("application/atom+xml", "application/rss+xml", "application/feed+json"):
        assert alternates[kind] in links  # for who reads the page
        again = await get(browser, alternates[kind])
        assert again.status == 200
        assert (
            await get(browser, alternates[kind], if_none_match=again.headers["ETag"])
        ).status == 304


async def test_a_feed_says_who_wrote_and_how_large_a_picture_is(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    """What an enclosure of RSS 2.0 must have, and who fetches pictures beforehand asks for."""
    alice = await hanging.join(instance, display_name="Alice")
    pictures = [await hanging.paint(instance, alice, size=1000 + number) for number in (1, 2)]
    await hanging.publish(instance, alice, text="two #fog", media_ids=pictures)
    home = f"{instance.url}/tags/fog"

    item = ElementTree.fromstring((await get(browser, f"{home}.rss")).body).find("channel/item")
    assert item is not None and item.findtext(f"{DUBLIN}creator") == "Alice"
    [enclosure] = item.findall("enclosure")
    assert (enclosure.attrib["length"], enclosure.attrib["type"]) == ("1001", "image/png")
    shown = [one.attrib for one in item.findall(f"{MEDIA}content")]
    assert [one["fileSize"] for one in shown] == ["1001", "1002"]
    assert enclosure.attrib["url"] == shown[0]["url"]

    entry = ElementTree.fromstring((await get(browser, f"{home}.atom")).body).find(f"{ATOM}entry")
    assert entry is not None
    links = [link.attrib for link in entry.findall(f"{ATOM}link[@rel='enclosure']")]
    assert [link["length"] for link in links] == ["1001", "1002"]
    [told] = json.loads((await get(browser, f"{home}/feed.json")).body)["items"]
    assert [one["size_in_bytes"] for one in told["attachments"]] == [1001, 1002]


async def test_other_sites_find_how_to_show_a_post(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    """As WordPress does: the page names the address, which is asked with some more of its own."""
    alice = await hanging.join(instance)
    post = await hanging.hang(instance, alice, text="Tides & fog")
    quiet = await hanging.hang(instance, alice, text="quiet", visibility="unlisted")
    for status in (post, quiet):
        page = (await get(browser, hanging.address(instance, status))).page
        address = page.one("link", type="application/json+oembed")["href"]
        answer = await get(browser, f"{address}&maxwidth=320&maxheight=120&dnt=1")
        told = json.loads(answer.body)
        assert (answer.status, told["type"], told["author_name"]) == (200, "rich", "alice")
        assert (told["thumbnail_width"], told["thumbnail_height"]) == (160, 120)
        assert (await get(browser, told["thumbnail_url"])).status == 200
        assert told["thumbnail_url"] in told["html"]
        assert (await get(browser, address.replace("format=json", "format=xml"))).status == 501


async def test_other_sites_find_how_to_show_somebody(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    face = await faces.store(instance.easel, "avatar", hanging.png(400, 400))
    note = "<p>Tides &amp; fog</p>"
    alice = await hanging.join(instance, display_name="Alice <b>", note=note, avatar=face)
    for tab in ("", "/posts"):
        page = (await get(browser, f"{instance.url}/@alice{tab}")).page
        address = page.one("link", type="application/json+oembed")["href"]
        told = json.loads((await get(browser, f"{address}&maxwidth=320&maxheight=120")).body)
        assert told["title"] == f"Alice <b> (@alice@{instance.domain})"
        assert (told["type"], told["width"], told["author_url"]) == ("rich", 320, alice.url)
        assert (told["thumbnail_width"], told["thumbnail_height"]) == (120, 120)
        assert (await get(browser, told["thumbnail_url"])).status == 200
        assert note in told["html"] and "Alice &lt;b&gt;" in told["html"]
    by_id = f"{instance.url}/api/oembed?url={alice.uri}"
    assert (await get(browser, by_id)).status == 200
    sam = await hanging.stranger(instance)
    for url in (sam.url, sam.uri, f"{instance.url}/@sam", f"{instance.url}/x/@alice"):
        assert (await get(browser, f"{instance.url}/api/oembed?url={url}")).status == 404, url
    async with instance.easel.database.write() as tx:
        (await tx.get_one(Account, alice.id)).suspended_at = tx.now
    assert (await get(browser, by_id)).status == 404


async def test_a_page_says_what_it_is_where_it_is_linked(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    """OpenGraph's properties of whatever page people post a link to."""
    await hanging.hang(instance, await hanging.join(instance), text="#fog")
    for path in ("/", "/@alice", "/tags/fog", "/explore", "/local", "/about"):
        page = (await get(browser, f"{instance.url}{path}")).page
        assert page.meta("og:url") == f"{instance.url}{path}"
        assert page.one("link", rel="canonical")["href"] == page.meta("og:url")
        assert page.meta("og:type") in {"website", "profile"} and page.meta("og:title")
        assert page.meta("og:site_name") == "Test Easel" and page.meta("twitter:card")
        assert page.meta("og:description") == page.meta("description") is not None


async def test_what_is_behind_a_warning_is_in_no_page_of_others(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    alice = await hanging.join(instance)
    post = await hanging.hang(instance, alice, text="fog", spoiler_text="Spoiled")
    bob = await hanging.join(instance, "bob")
    marked = await hanging.hang(instance, bob, text="more fog")
    async with instance.easel.database.write() as tx:
        bob.sensitized_at = tx.now  # by a moderator: all that bob posts
        tx.add(bob)
    for status in (post, marked):
        address = f"{instance.url}/api/oembed?url={status.url}"
        told = json.loads((await get(browser, address)).body)
        assert "/media/" not in str(told)
        assert "thumbnail_url" not in told


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
