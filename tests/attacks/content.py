"""Attacks 55 to 61: what others write, as we show it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests import rig
from tests.api.apps import App
from tests.attacks.world import TAKEN, World, attack
from tests.federation import seeing
from tests.federation.peer import PUBLIC, Document
from tests.web.reading import Element, parse
from tests.web.test_hostile import inspect

MARKUP = {
    "script": "<script>alert(1)</script>",
    "script-broken": "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "handler": '<p onclick="alert(1)" onmouseover=alert(1)>x</p><b/onload=alert(1)>',
    "javascript": '<a href="javascript:alert(1)">x</a><a href=" JaVaScRiPt:alert(1)">x</a>',
    "javascript-hidden": '<a href="java&#x09;script:alert(1)">x</a><a href="\x01javascript:x">x</a>'
    '<a href="java\nscript:alert(1)">x</a><a href="&#106;avascript&colon;alert(1)">x</a>',
    "data": '<a href="data:text/html,<script>alert(1)</script>">x</a><a href="vbscript:x">x</a>',
    "svg": '<svg onload=alert(1)><a xlink:href="javascript:alert(1)">x</a></svg>',
    "mathml": "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 "
    "onerror=alert(1)&gt;'>",
    "mutation": '<noscript><p title="</noscript><img src=x onerror=alert(1)>">x</noscript>',
    "mutation-in-svg": "<svg></p><style><a id='</style><img src=1 onerror=alert(1)>'>x</a></svg>",
    "style": "<style>body{display:none}</style><p style='position:fixed'>x</p>",
    "form": "<form action=https://evil.example><input name=password><button>x</button></form>",
    "frame": "<iframe src=https://evil.example></iframe><object data=x></object><embed src=x>",
    "image": "<img src=https://evil.example/x.png><video src=x></video><audio src=x></audio>",
    "meta": '<meta http-equiv=refresh content="0;url=https://evil.example"><base href="//evil">',
    "class": '<p class="masthead tile">x</p><span class="u-url mention masthead">x</span>',
    "closing": "</p></div></article></main></body></html>x<p>",
    "comment": "<!-- x --><![CDATA[ x ]]><?php x ?><!doctype x>",
    "nested": "<div>" * 20_000 + "x",
    "nested-lists": "<ul><li>" * 10_000 + "x",
    "nested-pre": "<pre>" * 20_000 + "x",
    "nested-bold": "<b><i><p>" * 10_000 + "x",
    "headings": "<h1>" * 30_000 + "x",
    "unclosed": "<a href='https://evil.example" * 3000,
    "angles": "<" * 100_000,
    "entities": "&#0;&#xd800;&#x110000;&amp;lt;script&amp;gt;&lt;script&gt;",
    "template": "{{ 7*7 }}{% raw %}${7*7}<template><script>x</script></template>",
}


async def _page(world: World, answer: Document) -> Element:
    """alice's post with what was answered to it."""
    key = world.post.rsplit("/", 1)[1]
    status, body = await world.get(f"/@alice/{key}", accept="text/html")
    assert status == 200, answer
    return parse(body.decode())


async def _answered(world: World, person: Any, **note: Any) -> Element:
    """Somebody answers alice's post; the page of both. Then they are gone again."""
    answer = person.note(inReplyTo=world.post, to=[PUBLIC, world.alice.uri], **note)
    assert await world.says(person, person.create(answer)) in TAKEN
    assert await seeing.seen(world.instance, None, answer["id"]) is not None
    page = await _page(world, answer)
    replies = await world.get(f"{world.post}/replies?page=true")
    assert answer["id"] in json.loads(replies[1])["items"]
    _, profile = await world.get(f"/@{person.handle}", accept="text/html")
    inspect(parse(profile.decode()))
    await _look_by_an_app(world, answer["id"])
    assert await world.says(person, person.activity("Delete", person.uri)) in TAKEN
    inspect(page)
    return page


async def _look_by_an_app(world: World, uri: str) -> None:
    """What apps are told of an answer, of who wrote it, and of both in a notification: their HTML
    is harmless, and their addresses lead to the web."""
    async with rig.open_browser() as browser:
        app = await App.of(world.instance, browser, "alice", "read")
        key = world.post.rsplit("/", 1)[1]
        below = await app.get(f"/api/v1/statuses/{key}/context")
        [status] = [one for one in below.body["descendants"] if one["uri"] == uri]
        told = await app.get("/api/v1/notifications")
        account = await app.get(f"/api/v1/accounts/{status['account']['id']}")
        again = await app.get(f"/api/v1/statuses/{status['id']}")
    assert uri in [(one.get("status") or {}).get("uri") for one in told.body]
    for name, value in _strings("", [status, told.body, account.body, again.body]):
        if name in {"content", "note", "value"}:
            inspect(parse(f"<html><body><main>{value}</main></body></html>"))
        if name == "url" or name.endswith(("_url", "avatar", "header", "_static")):
            assert value.startswith(("http://", "https://")), (name, value)


def _strings(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """Every string in a document, with the name under which it stands."""
    if isinstance(value, dict):
        for key, entry in value.items():
            yield from _strings(key, entry)
    elif isinstance(value, list):
        for entry in value:
            yield from _strings(name, entry)
    elif isinstance(value, str):
        yield name, value


@attack("55-markup", *MARKUP)
async def markup(world: World, how: str) -> None:
    """In a post, its warning, a name, a biography, a field, an alt text: words, nothing more."""
    hostile = MARKUP[how]
    mallory = world.stranger(
        name=hostile[:500], summary=hostile, url="javascript:alert(1)",
        attachment=[{"type": "PropertyValue", "name": hostile, "value": hostile}],
    )  # fmt: skip
    picture = {
        "type": "Image", "url": f"{mallory.origin}/x.png", "mediaType": "image/png",
        "name": hostile[:5000], "blurhash": hostile, "width": 7, "height": 7,
    }  # fmt: skip
    await _answered(
        world, mallory, content=f"<p>hello</p>{hostile}", summary=hostile[:500],
        url="javascript:alert(1)", attachment=[picture], contentMap={hostile[:30]: "x"},
        generator={"type": "Application", "name": hostile},
    )  # fmt: skip


@attack("56-misleading", "link-text", "folded-link", "turned-text", "turned-name", "invisible",
        "long-word", "long-name", "combining", "four-bytes")  # fmt: skip
async def misleading(world: World, how: str) -> None:
    name = {
        "turned-name": "\u202emoc.elgoog\u2066",
        "long-name": "x" * 2000,
        "combining": "Z" + "\u0336\u0321\u0346" * 300,
        "four-bytes": "\U0001f469\u200d\U0001f3a8" * 100,
    }.get(how, "mallory")
    content = {
        "link-text": '<a href="https://evil.example">https://good.example</a>',
        "folded-link": '<a href="https://evil.example"><span class="invisible">https://evil.example'
        '</span><span>good.example</span></a>',
        "turned-text": "<p>\u202emoc.elgoog//:sptth</p>",
        "invisible": '<span class="invisible">hidden</span>\u200b\u2060\ufeff',
        "long-word": "x" * 100_000,
    }.get(how, "<p>hello</p>")  # fmt: skip
    mallory = world.stranger(name=name)
    page = await _answered(world, mallory, content=content)
    thread = page.one("section", _class="thread")
    if how in {"folded-link", "invisible"}:  # all of a link's address is seen, all words are
        assert not thread.all("span", _class="invisible")
    if how == "turned-name":
        assert all("\u202e" not in who.text for who in thread.all("a", _class="who"))
    if how == "long-name":
        assert all(len(who.text) < 400 for who in thread.all("a", _class="who"))


@attack("60-emoji", "path", "markup", "long", "javascript", "many", "no-icon")
async def emoji(world: World, how: str) -> None:
    mallory = world.stranger()
    one = {"type": "Emoji", "name": ":x:", "icon": {"type": "Image", "url": f"{mallory.origin}/x"}}
    tag: Any = {
        "path": {**one, "name": ":../../../etc/passwd:"},
        "markup": {**one, "name": ":\"><script>alert(1)</script>:"},
        "long": {**one, "name": f":{'x' * 100_000}:"},
        "javascript": {**one, "icon": {"type": "Image", "url": "javascript:alert(1)"}},
        "many": [one] * 2000,
        "no-icon": {**one, "icon": [[]]},
    }[how]  # fmt: skip
    world.internet.show(mallory.uri, mallory.document(tag=tag))
    named = tag["name"][:200] if isinstance(tag, dict) else ":x:"
    await _answered(world, mallory, content=f"<p>hello {named}</p>", tag=tag)


@attack("61-words-about-a-picture", "markup", "long", "number", "object", "array", "turned")
async def picture_words(world: World, how: str) -> None:
    hostile: Any = {
        "markup": '"><script>alert(1)</script>',
        "long": "x" * 800_000,
        "number": 1e300,
        "object": {"@value": "<script>"},
        "array": [["x"]],
        "turned": "\u202ex\u0000"[:2],
    }[how]
    mallory = world.stranger()
    names = ("AISystemUsed", "AISystemVersionUsed", "AIPromptInformation", "digitalSourceType",
             "digestMultibase", "blurhash", "focalPoint", "size", "mediaType", "width")  # fmt: skip
    short = {name: hostile if how != "long" else "y" * 60_000 for name in names}
    picture = {
        "type": "Image", "url": f"{mallory.origin}/x.png", "mediaType": "image/png",
        "name": hostile if how != "long" else "z", **short,
    }  # fmt: skip
    page = await _answered(world, mallory, content="<p>hello</p>", attachment=[picture])
    assert len(page.text) < 200_000
