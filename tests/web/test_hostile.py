"""What people may type, or other servers may send, and what must come of it: words."""

from __future__ import annotations

import base64
import io

import aiohttp
import pytest
from PIL import Image, ImageStat
from starlette.applications import Starlette
from starlette.requests import Request

from fedi.settings import Settings
from fedi.social.statuses import ReceivedMedia
from fedi.web import error_page, shapes
from fedi.web.views import links, people
from tests.rig import Instance
from tests.web import hanging
from tests.web.reading import Element, get, parse

STRINGS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</title><svg onload=alert(1)>",
    "</textarea></style></noscript><iframe src=javascript:alert(1)>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--><img src onerror=alert(1)>'>",
    "{{ 7*7 }} {% raw %} ${7*7} #{7*7}",
    "javascript:alert(1)",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "\u202egnp.exe\u2066 \u200b\u200d\ufeff zero",
    "Zalgo H\u0336\u0321\u0346e\u0322 \U0001f469\u200d\U0001f3a8",
    "x" * 400,
]
HTML = [
    "<p onclick=alert(1) style='position:fixed'>hello<script>alert(1)</script></p>",
    "<a href='javascript:alert(1)'>hello</a><a href='data:text/html,x'>x</a>",
    "<a href='jav&#x09;ascript:alert(1)'>hello</a>",
    "<iframe src=//evil.example></iframe><form action=//evil.example><input></form>hello",
    "<svg onload=alert(1)><style>body{display:none}</style>hello</svg>",
    "<img src=//evil.example/x.png><video src=//evil.example/v></video>hello",
    "<p class='masthead tile'>hello</p></main></body><p>",
    "<div>" * 2000 + "hello",
    "<!--hello--><p>hello",
]
FORBIDDEN = {
    "script", "style", "iframe", "object", "embed", "form", "input", "svg", "math", "base",
    "textarea", "table", "mglyph",
}  # fmt: skip


def inspect(page: Element) -> None:
    """Nothing on this page acts, styles or loads from elsewhere."""
    for element in page.walk():
        assert element.name not in FORBIDDEN
        for name, value in element.attributes.items():
            assert name != "style" and not name.startswith("on"), element
            if name == "href":
                assert value.startswith(("/", "#", "http://", "https://", "mailto:")), value
            if name == "src":
                assert value.startswith(("/static/", "/media/", "data:image/bmp;base64,")), value
            if name == "class":
                assert element.name in {"header", "a"} or "masthead" not in value
    assert len(page.all("main")) == len(page.all("body")) == 1


async def test_what_people_type_stays_words(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    for number, hostile in enumerate(STRINGS):
        await _type(instance, browser, f"alice{number}", hostile)


async def _type(
    instance: Instance, browser: aiohttp.ClientSession, name: str, hostile: str
) -> None:
    alice = await hanging.join(
        instance,
        name,
        display_name=hostile,
        note="<p>safe</p>",
        fields=[{"name": hostile, "value": hostile}],
    )
    recipe = {**hanging.RECIPE, "prompt": hostile, "negative_prompt": hostile, "model": hostile}
    picture = await hanging.paint(
        instance,
        alice,
        description=hostile,
        ai_system=hostile,
        ai_system_version=hostile,
        share_recipe=True,
        recipe=recipe,
    )
    status = await hanging.publish(instance, alice, text=hostile, media_ids=[picture])
    words = await hanging.publish(
        instance, alice, text="answer", spoiler_text=hostile, in_reply_to_id=status.id
    )
    shown = " ".join(hostile.split())
    for path in ("/", f"/@{name}", f"/@{name}/posts"):
        page = (await get(browser, instance.url + path)).page
        inspect(page)
        assert shown in page.text
    page = (await get(browser, hanging.address(instance, status))).page
    inspect(page)
    assert page.one("img", _class="picture")["alt"] == hostile.strip()
    assert page.one("div", _class="folds").text.count(shown) >= 3
    assert shown in page.one("section", _class="origin").text
    page = (await get(browser, hanging.address(instance, words))).page
    inspect(page)
    assert shown in page.one("article", _class="exhibit").one("summary").text


async def test_what_other_servers_send_is_harmless(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    alice = await hanging.join(instance)
    for number, hostile in enumerate(HTML):
        status = await hanging.publish(instance, alice, text="main")
        sam = await hanging.stranger(
            instance,
            f"sam{number}",
            display_name=STRINGS[1],
            note=hostile,
            url="javascript:alert(1)",
        )
        picture = ReceivedMedia(
            remote_url="javascript:alert(1)",
            description=STRINGS[1],
            blurhash="<script>alert(1)</script>",
            width=-5,
            height=2**31 - 1,
            ai_system=STRINGS[0],
            digital_source_type='"><script>alert(1)</script>',
        )
        await hanging.receive(
            instance,
            sam,
            content=hostile,
            url="data:text/html,x",
            language='en" onclick="alert(1)',
            media=(picture,),
            generator=STRINGS[0],
            ai="generated",
            in_reply_to_uri=status.uri,
        )
        page = (await get(browser, hanging.address(instance, status))).page
        inspect(page)
        answer = page.one("section", _class="thread")
        assert "hello" in answer.text
        assert answer.one("a", _class="who").one("b").text == STRINGS[1]


def test_an_error_says_its_message_as_words() -> None:
    class Opened:
        settings = Settings()

    app = Starlette()
    app.state.easel = Opened()
    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": []}
    request = Request({**scope, "app": app})
    for status in range(400, 600):
        answer = error_page(request, status, STRINGS[0])
        page = parse(bytes(answer.body).decode())
        inspect(page)
        assert answer.status_code == status and STRINGS[0] in page.text


@pytest.mark.parametrize(
    "code",
    [
        None,
        "",
        "x",
        "<script>",
        "LEHV6nWB2yk8pyo0adR*.7kCMdnj" * 9,
        "é" * 28,
        "00000\x00",
        "~" * 166,
    ],
)
def test_a_blurhash_that_is_none_makes_no_haze(code: str | None) -> None:
    assert shapes.haze(code) is None


def test_a_haze_has_the_colours_of_its_picture() -> None:
    haze = shapes.haze(hanging.hash_of((200, 100, 50)))
    assert haze is not None
    with Image.open(io.BytesIO(base64.b64decode(haze.partition(",")[2]))) as image:
        assert image.format == "BMP" and image.size == (6, 6)
        mean = ImageStat.Stat(image.convert("RGB")).mean
    # The encoder is no exact one: it leans towards the first row and column.
    assert all(abs(a - b) < 20 for a, b in zip(mean, (200, 100, 50), strict=True))


@pytest.mark.parametrize(
    ("size", "ratio"),
    [
        ((1024, 1024), 100),
        ((1216, 832), 148),
        ((768, 1344), 58),
        ((1, 10**9), 42),
        ((10**9, 1), 293),
        ((None, 5), 100),
        ((0, 0), 100),
        ((-3, 4), 100),
    ],
)
def test_every_picture_has_a_shape(size: tuple[int | None, int | None], ratio: int) -> None:
    assert shapes.ratio(*size) == ratio


@pytest.mark.parametrize(
    ("name", "initials"),
    [
        ("Alice", "A"),
        ("Alice Marlowe", "AM"),
        ("alice von der marlowe", "AM"),
        ("\U0001f3a8 Bob", "B"),
        ("\U0001f3a8", "?"),
        ("", "?"),
        ("(Ω) 3d", "Ω3"),
    ],
)
def test_initials_stand_for_a_face(name: str, initials: str) -> None:
    assert people.initials(name) == initials


def test_words_are_cut_between_words() -> None:
    assert links.excerpt("a  b\n c", 10) == "a b c"
    assert links.excerpt("the quick brown fox", 12) == "the quick…"
    assert links.excerpt("x" * 50, 10) == "x" * 9 + "…"
