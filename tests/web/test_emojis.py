"""Custom emoji of other servers, in names, words and warnings."""

from __future__ import annotations

from typing import Any

import aiohttp

from fedi.studio.remote_files import gallery
from fedi.web import emojis
from tests.federation.peer import Internet
from tests.rig import Instance
from tests.studio import hostile_files as files
from tests.web import hanging
from tests.web.reading import get, parse
from tests.web.test_elsewhere import page, serve
from tests.web.test_hostile import STRINGS, inspect


def emoji(url: str, code: str = "cat") -> dict[str, str]:
    return {"shortcode": code, "url": url}


async def draw(instance: Instance, html: str, known: list[dict[str, str]]) -> str:
    async with instance.easel.database.read() as session:
        shown = await gallery.of(instance.easel, session, [])
    return emojis.drawn(html, known, shown)


async def test_emoji_stand_where_their_shortcodes_are(
    instance: Instance, internet: Internet, browser: aiohttp.ClientSession
) -> None:
    url = serve(internet, "cat.png", files.png(20, 20))
    alice = await hanging.join(instance)
    main = await hanging.publish(instance, alice, text="main :cat:")
    sam: Any = await hanging.stranger(instance, display_name="Sam :cat: <b>", emojis=(emoji(url),))
    await hanging.receive(
        instance,
        sam,
        content="<p>a :cat: and :dog: in <code>:cat:</code></p>",
        spoiler_text="mind the :cat:",
        emojis=(emoji(url),),
        in_reply_to_uri=main.uri,
    )
    found = await page(instance, browser, main)
    answer = found.one("section", _class="thread")
    pictures = answer.all("img", _class="emoji")
    assert [picture["alt"] for picture in pictures] == [":cat:"] * 3
    assert answer.one("a", _class="who").one("b").text == "Sam <b>"
    assert answer.one("div", _class="prose").text == "a and :dog: in :cat:"
    assert answer.one("summary").text == "mind the"
    # Nobody but the author's server says what its shortcodes are.
    assert not found.one("article", _class="exhibit").all("img", _class="emoji")
    shown = await get(browser, instance.url + pictures[0]["src"])
    assert (shown.status, shown.headers["Content-Type"]) == (200, "image/webp")


async def test_an_emoji_that_cannot_be_had_is_its_shortcode(
    instance: Instance, internet: Internet, browser: aiohttp.ClientSession
) -> None:
    url = f"http://{internet.host('files')}/cat.png"
    alice = await hanging.join(instance)
    main = await hanging.publish(instance, alice, text="main")
    sam = await hanging.stranger(instance)
    await hanging.receive(
        instance, sam, content=":cat:", emojis=(emoji(url),), in_reply_to_uri=main.uri
    )
    drawn = (await page(instance, browser, main)).one("img", _class="emoji")
    assert (await get(browser, instance.url + drawn["src"])).status == 404
    again = (await page(instance, browser, main)).one("section", _class="thread")
    assert ":cat:" in again.text and not again.all("img", _class="emoji")


async def test_no_shortcode_breaks_out(instance: Instance) -> None:
    """Attack 60."""
    url = "https://peer.example/cat.png"
    for code in (*STRINGS, "../../etc/passwd", 'cat" onload="x', "cat<b>", "a:b", "&lt;", ""):
        text = str(await draw(instance, f"<p>x :{code.replace('<', '&lt;')}: y</p>", []))
        assert await draw(instance, text, [emoji(url, code), emoji(code, "cat")])
        for known in (emoji(url, code), emoji(code, "cat")):
            html = str(await draw(instance, "<p>x :cat: y :&amp;: </p>", [known]))
            inspect(parse(f"<html><body><main>{html}</main></body></html>"))


async def test_tags_and_their_attributes_stay_as_they_are(instance: Instance) -> None:
    known = [emoji("https://peer.example/cat.png")]
    for html in (
        '<a href="https://a.example/:cat:/x" rel="me">x</a>',
        '<a href="https://a.example/?a=>:cat:">x</a>',
        "<pre><code>:cat:</code>:cat:</pre>",
        ":c at: :: :cat :" + "x" * 65 + ":",
    ):
        assert await draw(instance, html, known) == html


async def test_a_flood_of_emoji_is_bounded(instance: Instance) -> None:
    drawn = await draw(instance, ":cat:" * 10_000, [emoji("https://peer.example/cat.png")])
    assert drawn.count("<img") == emojis.MAX_DRAWN
