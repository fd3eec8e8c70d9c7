"""Pictures and faces of other servers on our pages: from our own origin, or told of and linked."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import aiohttp
from aiohttp import web

from fedi.database.tables import Account, Status
from fedi.social.statuses import ReceivedMedia
from tests.federation.peer import Internet
from tests.rig import Instance
from tests.studio import hostile_files as files
from tests.web import hanging
from tests.web.reading import Element, get
from tests.web.test_hostile import inspect

HASH = hanging.hash_of((10, 90, 10))


def serve(internet: Internet, path: str, content: bytes) -> str:
    url = f"http://{internet.host('files')}/{path}"
    internet.pages[url] = lambda _: web.Response(body=content)
    return url


async def answered(instance: Instance, *media: ReceivedMedia, **author: Any) -> Status:
    """A post of ours that somebody elsewhere answers with these media."""
    alice: Account = await hanging.join(instance)
    main = await hanging.publish(instance, alice, text="main")
    sam = await hanging.stranger(instance, **author)
    await hanging.receive(
        instance, sam, content="<p>mine</p>", in_reply_to_uri=main.uri, media=media
    )
    return main


async def page(instance: Instance, browser: aiohttp.ClientSession, status: Status) -> Element:
    found = (await get(browser, hanging.address(instance, status))).page
    inspect(found)
    return found


async def test_a_picture_of_another_server_is_shown_from_here(
    instance: Instance, internet: Internet, browser: aiohttp.ClientSession
) -> None:
    content = files.jpeg(300, 200)
    url = serve(internet, "a.jpg", content)
    picture = ReceivedMedia(
        remote_url=url, media_type="image/jpeg", description="A hill", blurhash=HASH,
        width=3000, height=1000,
    )  # fmt: skip
    main = await answered(instance, picture)
    first = (await page(instance, browser, main)).one("img", _class="picture")
    assert first["src"].startswith("/media/remote/")
    assert (first["alt"], first["width"], first["height"]) == ("A hill", "3000", "1000")
    assert internet.asked[url] == 0  # nobody has looked at it yet
    answer = await get(browser, instance.url + first["src"], Accept="image/*")
    assert (answer.status, answer.body) == (200, content)
    again = await page(instance, browser, main)
    shown = again.one("img", _class="picture")
    assert (shown["width"], shown["height"]) == ("300", "200")  # what it is, not what was said
    assert again.one("div", _class="ratio-148").one("img", _class="haze")


async def test_a_haze_is_made_for_a_picture_that_came_without(
    instance: Instance, internet: Internet, browser: aiohttp.ClientSession
) -> None:
    url = serve(internet, "a.png", files.png())
    main = await answered(instance, ReceivedMedia(remote_url=url, media_type="image/png"))
    before = await page(instance, browser, main)
    assert not before.all("img", _class="haze")
    await get(browser, instance.url + before.one("img", _class="picture")["src"])
    after = await page(instance, browser, main)
    assert after.one("img", _class="haze")["src"].startswith("data:image/bmp;base64,")
    assert after.one("img", _class="picture")["width"] == "96"


async def test_what_cannot_be_had_is_told_of_and_linked(
    instance: Instance, internet: Internet, browser: aiohttp.ClientSession
) -> None:
    url = f"http://{internet.host('files')}/a.png"
    internet.fail(url, 404)
    picture = ReceivedMedia(
        remote_url=url, media_type="image/png", description="A hill", blurhash=HASH
    )
    main = await answered(instance, picture)
    shown = (await page(instance, browser, main)).one("img", _class="picture")
    assert (await get(browser, instance.url + shown["src"], Accept="image/*")).status == 404
    link = (await page(instance, browser, main)).one("a", _class="elsewhere")
    assert link["href"] == url
    assert link.text == "Picture on files.localhost A hill"
    assert link.one("img", _class="haze")
    # When it may be tried again it is shown again, and so it is tried.
    instance.clock.advance(timedelta(days=2))
    serve(internet, "a.png", files.png())
    shown = (await page(instance, browser, main)).one("img", _class="picture")
    assert (await get(browser, instance.url + shown["src"])).status == 200


async def test_a_picture_that_is_another_than_was_posted_is_not_shown(
    instance: Instance, internet: Internet, browser: aiohttp.ClientSession
) -> None:
    url = serve(internet, "a.png", files.png())
    picture = ReceivedMedia(remote_url=url, media_type="image/png", digest="f1220" + "00" * 32)
    main = await answered(instance, picture)
    shown = (await page(instance, browser, main)).one("img", _class="picture")
    answer = await get(browser, instance.url + shown["src"], Accept="image/*")
    assert answer.status == 404 and b"promised" in answer.body
    assert (await page(instance, browser, main)).one("a", _class="elsewhere")["href"] == url


KINDS = [
    ("film", "video/mp4", "video", "video"),
    ("sound", "audio/mpeg", "audio", "audio"),
    ("paper", "application/pdf", "unknown", None),
    ("page", "", "unknown", None),
    ("Photo.PNG", "", "unknown", "img"),
]


async def test_each_kind_of_medium_is_shown_as_what_it_is(
    instance: Instance, internet: Internet, browser: aiohttp.ClientSession
) -> None:
    base = f"http://{internet.host('files')}"
    media = [
        ReceivedMedia(remote_url=f"{base}/{path}", description=path, media_type=type_, type=kind)
        for path, type_, kind, _ in KINDS
    ]
    found = await page(instance, browser, await answered(instance, *media))
    thread = found.one("section", _class="thread")
    for path, _, _, element in KINDS:
        if element is None:
            (link,) = [link for link in thread.all("a") if link["href"] == f"{base}/{path}"]
            assert path in link.text
        else:
            shown = thread.one(element)
            assert shown["src"].startswith("/media/remote/") and shown["src"].endswith("/original")
            assert shown.attributes.get("preload", "none") == "none"


async def test_a_face_of_another_server_is_shown_from_here(
    instance: Instance, internet: Internet, browser: aiohttp.ClientSession
) -> None:
    url = serve(internet, "face.png", files.png(500, 500))
    main = await answered(instance, avatar=url, display_name="Sam Vimes")
    face = (await page(instance, browser, main)).one("section", _class="thread")
    source = face.one("span", _class="face").one("img")["src"]
    assert source.startswith("/media/remote/") and source.endswith("/small")
    assert (await get(browser, instance.url + source)).status == 200


async def test_a_face_that_cannot_be_had_is_initials(
    instance: Instance, internet: Internet, browser: aiohttp.ClientSession
) -> None:
    url = f"http://{internet.host('files')}/face.png"
    main = await answered(instance, avatar=url, display_name="Sam Vimes")
    thread = (await page(instance, browser, main)).one("section", _class="thread")
    source = thread.one("span", _class="face").one("img")["src"]
    assert (await get(browser, instance.url + source)).status == 404
    thread = (await page(instance, browser, main)).one("section", _class="thread")
    assert thread.one("span", _class="face").text == "SV"
