"""Words: what authors type becomes HTML, and what others send becomes harmless.

The HTML is what Mastodon 4.6 makes and keeps: paragraphs, links whose scheme is folded away,
mentions and hashtags with the classes that its clients look for.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from urllib.parse import quote, urlsplit

import nh3
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

PLAIN = "text/plain"
MARKDOWN = "text/markdown"

MAX_TEXT = 5000  # characters of a local post
MAX_REMOTE_HTML = 200_000  # characters of HTML that are looked at; a long article has 100,000
MAX_REMOTE_TAGS = 5000  # elements in it: reading them when nested takes their square (0.1 s)
MAX_DEPTH = 100  # elements inside each other; apps walk through them by recursion
MAX_TAGS = 50  # hashtags of one post
MAX_MENTIONS = 50  # people whom one post may name
MAX_TAG_LENGTH = 100
SHOWN_LINK = 30  # characters of a link that are shown, as Mastodon does

# Mastodon 4.6 keeps these (MASTODON_STRICT) and makes the headings bold paragraphs.
TAGS = {
    "p", "br", "span", "a", "del", "s", "pre", "blockquote", "code", "b", "strong", "u", "i",
    "em", "ul", "ol", "li", "ruby", "rt", "rp",
}  # fmt: skip
ATTRIBUTES = {
    "*": {"lang"},
    "a": {"href", "class", "translate"},
    "span": {"class", "translate"},
    "p": {"class"},
    "ol": {"start", "reversed"},
    "li": {"value"},
}
SCHEMES = {
    "http", "https", "dat", "dweb", "ipfs", "ipns", "ssb", "gopher", "xmpp", "magnet", "gemini",
}  # fmt: skip
CLASSES = re.compile(
    r"(?:h|p|u|dt|e)-[\w-]+|mention|hashtag|ellipsis|invisible|quote-inline", re.ASCII
)
BLOCK_CLASSES = re.compile(r"(?:h|p|u|dt|e)-[\w-]+|quote-inline", re.ASCII)

_OPENING = re.compile(r"<[a-z]", re.IGNORECASE)
_HEADING = re.compile(r"<(/?)h[1-6](?:\s[^<>]*)?>", re.IGNORECASE)
_PREFORMATTED = re.compile(r"(<pre>.*?</pre>)", re.DOTALL)
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_BLOCK_END = re.compile(r"</(?:p|li|blockquote|pre|div|h[1-6])>", re.IGNORECASE)
_UNSAFE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
# Signs that turn the direction of what comes after them, far beyond a name.
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")
# Links and spans as nh3 writes them: attributes in double quotes, which it escapes inside.
_LINK = re.compile(r'<a((?: [a-z-]+="[^"]*")*)>(.*?)</a>', re.DOTALL)
_HREF = re.compile(r' href="([^"]*)"')
_MENTION_CLASS = re.compile(r' class="(?:[^"]* )?mention(?: [^"]*)?"')
_TAG_CLASS = re.compile(r' class="(?:[^"]* )?hashtag(?: [^"]*)?"')
_FOLDED = re.compile(r'(<span[^>]*) class="[^"]*\b(?:invisible|ellipsis)\b[^"]*"')
_ELEMENT = re.compile(r'<(/?)([a-z]+)(?: [a-z-]+="[^"]*")*>')
_ANY_TAG = re.compile(r"<[^>]*>")

_USERNAME = r"[A-Za-z0-9_]+(?:[.-]+[A-Za-z0-9_]+)*"
_HOST = r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::\d{1,5})?"
_WORDS = re.compile(
    r"(?P<link>https?://[^\s<>\"'`{}|\\^]+)"
    rf"|(?<![\w/@.])@(?P<mention>{_USERNAME}(?:@{_HOST})?)"
    r"|(?<![\w/#&])#(?P<tag>\w+)",
    re.IGNORECASE,
)
_TRAILING = ".,:;!?)]}'\"»”’…"


@dataclass(frozen=True)
class Named:
    """An account that a text may name: the handle as it is written, and where it leads."""

    acct: str
    url: str


@dataclass
class Rendered:
    """What an author typed, as HTML.

    Attributes:
        html: safe to show.
        mentions: handles that the text names and that are known, in lower case.
        tags: hashtags as they were written, without '#', each once.
    """

    html: str
    mentions: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)


def clean(text: str) -> str:
    """Text without control characters and lone surrogates, in Unicode's composed form."""
    return unicodedata.normalize("NFC", _UNSAFE.sub("", text.replace("\r\n", "\n")))


def name(text: str, limit: int) -> str:
    """A name in one line that stays in its place: no line ends, nothing that turns the writing."""
    return _TURNING.sub("", " ".join(clean(text).split()))[:limit]


def handles(text: str) -> list[str]:
    """The handles that a text may name, in lower case, each once."""
    found = (match["mention"] for match in _WORDS.finditer(text) if match["mention"])
    return list(dict.fromkeys(handle.lower() for handle in found))[:MAX_MENTIONS]


def hashtags(text: str) -> list[str]:
    """The hashtags of a text as they are written, without '#', each once."""
    found: dict[str, str] = {}
    for match in _WORDS.finditer(text):
        if match["tag"] and _is_tag(match["tag"]):
            found.setdefault(normal_tag(match["tag"]), match["tag"])
    return list(found.values())[:MAX_TAGS]


def normal_tag(tag: str) -> str:
    """The form under which a hashtag is found: folded, without '#'."""
    return unicodedata.normalize("NFKC", tag.lstrip("#")).casefold()[:MAX_TAG_LENGTH]


def _is_tag(tag: str) -> bool:
    """A hashtag has a letter somewhere: #1 is a number."""
    return any(sign.isalpha() for sign in tag) and len(tag) <= MAX_TAG_LENGTH


def render(
    text: str, known: Mapping[str, Named], instance_url: str, *, markdown: bool = False
) -> Rendered:
    """What an author typed, as HTML.

    Args:
        text: as it was typed.
        known: accounts by handle in lower case; other handles stay text.
        instance_url: where hashtags lead.
        markdown: read emphasis, code, quotes, lists and links; else only lines and paragraphs.
    """
    rendered = Rendered("")
    environment = {"known": known, "url": instance_url, "rendered": rendered}
    made = _parser(markdown).render(clean(text).strip(), environment)
    # Mastodon shows every line end that it finds, so there is none but where it counts.
    made = "".join(
        part if part.startswith("<pre>") else part.replace("\n", "")
        for part in _PREFORMATTED.split(made)
    )
    rendered.html = sanitise(made) if markdown else made
    return rendered


@cache
def _parser(markdown: bool) -> MarkdownIt:
    if markdown:
        parser = MarkdownIt("commonmark", {"html": False, "breaks": True})
        parser.disable(["heading", "lheading", "image", "hr", "reference", "html_block"])
    else:
        parser = MarkdownIt("zero", {"breaks": True})
        parser.enable(["newline"])
    parser.core.ruler.push("words", _link_words)
    return parser


def _link_words(state: StateCore) -> None:
    """Make links, mentions and hashtags of plain words, outside of links and code."""
    for block in state.tokens:
        if block.type != "inline" or block.children is None:
            continue
        children: list[Token] = []
        inside_link = 0
        for token in block.children:
            inside_link += {"link_open": 1, "link_close": -1}.get(token.type, 0)
            if token.type == "text" and not inside_link:
                children += _words(token.content, state.env)
            else:
                children.append(token)
        block.children = children


def _words(text: str, environment: Mapping[str, object]) -> list[Token]:
    known, url, rendered = environment["known"], environment["url"], environment["rendered"]
    assert isinstance(known, Mapping) and isinstance(rendered, Rendered)
    tokens: list[Token] = []
    end = 0

    def plain_until(position: int) -> None:
        if position > end:
            tokens.append(Token("text", "", 0, content=text[end:position]))

    for match in _WORDS.finditer(text):
        start, stop, made = match.start(), match.end(), ""
        if match["link"]:
            link = match["link"].rstrip(_TRAILING)
            # A bracket that was opened inside the link belongs to it.
            if match["link"][len(link) :].startswith(")") and link.count("(") > link.count(")"):
                link += ")"
            stop = start + len(link)
            made = link_to(link)
        elif match["mention"]:
            account = known.get(match["mention"].lower())
            if account is not None:
                if match["mention"].lower() not in rendered.mentions:
                    rendered.mentions.append(match["mention"].lower())
                made = mention(account)
        elif _is_tag(match["tag"]):
            if normal_tag(match["tag"]) not in map(normal_tag, rendered.tags):
                rendered.tags.append(match["tag"])
            made = hashtag_link(match["tag"], str(url))
        if made:
            plain_until(start)
            tokens.append(Token("html_inline", "", 0, content=made))
            end = stop
    plain_until(len(text))
    return tokens


def link_to(url: str) -> str:
    """An address as Mastodon writes it; nothing for what is none."""
    try:
        host = urlsplit(url).hostname
    except ValueError:
        host = None
    if not host:
        return ""
    scheme = url[: url.index("//") + 2]
    shown = url[len(scheme) :]
    if shown.lower().startswith("www."):
        scheme, shown = scheme + shown[:4], shown[4:]
    visible, rest = shown[:SHOWN_LINK], shown[SHOWN_LINK:]
    middle = ' class="ellipsis"' if rest else ""
    return (
        f'<a href="{html.escape(url)}" rel="nofollow noopener" translate="no">'
        f'<span class="invisible">{html.escape(scheme)}</span>'
        f"<span{middle}>{html.escape(visible)}</span>"
        f'<span class="invisible">{html.escape(rest)}</span></a>'
    )


def mention(account: Named) -> str:
    """Somebody's name as Mastodon writes it."""
    name = html.escape(account.acct.split("@")[0])
    return (
        f'<span class="h-card" translate="no"><a href="{html.escape(account.url)}" '
        f'class="u-url mention">@<span>{name}</span></a></span>'
    )


def hashtag_link(tag: str, instance_url: str) -> str:
    """A hashtag as Mastodon writes it."""
    return (
        f'<a href="{html.escape(tag_url(tag, instance_url))}" class="mention hashtag" rel="tag">'
        f"#<span>{html.escape(tag)}</span></a>"
    )


def tag_url(tag: str, instance_url: str) -> str:
    """The address of a hashtag's page."""
    return f"{instance_url}/tags/{quote(normal_tag(tag))}"


def sanitise(markup: str) -> str:
    """Somebody's HTML without anything that acts, styles or loads.

    Too much of it is cut; what Mastodon would strip is stripped, and what is left is balanced.
    """
    markup = _bounded(_UNSAFE.sub("", markup))
    markup = _HEADING.sub(lambda tag: "</strong></p>" if tag.group(1) else "<p><strong>", markup)
    cleaned: str = nh3.clean(
        markup,
        tags=TAGS,
        clean_content_tags={"script", "style", "noscript", "template", "title"},
        attributes=ATTRIBUTES,
        attribute_filter=_keep_attribute,
        url_schemes=SCHEMES,
        link_rel="nofollow noopener",
        strip_comments=True,
        url_relative="deny",
    )
    cleaned = _shallow(cleaned)
    parts, end = [], 0
    for link in _LINK.finditer(cleaned):
        parts += [_unfolded(cleaned[end : link.start()]), _honest(link)]
        end = link.end()
    return "".join([*parts, _unfolded(cleaned[end:])]).strip()


def _bounded(markup: str) -> str:
    """As much of somebody's HTML as is looked at."""
    markup = markup[:MAX_REMOTE_HTML]
    if markup.count("<") <= MAX_REMOTE_TAGS:
        return markup
    beyond = next(islice(_OPENING.finditer(markup), MAX_REMOTE_TAGS, None), None)
    return markup[: beyond.start()] if beyond else markup


def _shallow(markup: str) -> str:
    """Balanced HTML without the elements that are too deep inside others; their words stay."""
    if markup.count("<") <= 2 * MAX_DEPTH:
        return markup
    depth = 0

    def keep(element: re.Match[str]) -> str:
        nonlocal depth
        if element[2] == "br":
            return element[0]
        if element[1]:
            depth -= 1
            return element[0] if depth < MAX_DEPTH else ""
        depth += 1
        return element[0] if depth <= MAX_DEPTH else ""

    return _ELEMENT.sub(keep, markup)


def _honest(link: re.Match[str]) -> str:
    """A link may fold parts of its own address away, and nothing else (CVE-2023-36462)."""
    found = _HREF.search(link[1])
    address = html.unescape(found[1]) if found else ""
    if _words_of(link[2]).rstrip("/") == address.rstrip("/"):
        return link[0]
    return f"<a{link[1]}>{_unfolded(link[2])}</a>"


def _unfolded(markup: str) -> str:
    return _FOLDED.sub(r"\1", markup)


def _words_of(markup: str) -> str:
    return html.unescape(_ANY_TAG.sub("", markup))


def mention_links(markup: str) -> tuple[list[str], str]:
    """The addresses of people whom sanitised HTML links to as mentions, and its other words."""
    addresses: list[str] = []

    def take(link: re.Match[str]) -> str:
        if not _MENTION_CLASS.search(link[1]) or _TAG_CLASS.search(link[1]):
            return link[0]
        if found := _HREF.search(link[1]):
            addresses.append(html.unescape(found[1]))
        return ""

    rest = plain(_LINK.sub(take, markup))
    return list(dict.fromkeys(addresses))[:MAX_MENTIONS], rest


def links(markup: str) -> list[str]:
    """The addresses that sanitised HTML links to, without people and hashtags, each once."""
    found = (
        html.unescape(address[1])
        for link in _LINK.finditer(_bounded(markup))
        if not _MENTION_CLASS.search(link[1])
        and not _TAG_CLASS.search(link[1])
        and (address := _HREF.search(link[1]))
    )
    return list(dict.fromkeys(found))


def _keep_attribute(tag: str, name: str, value: str) -> str | None:
    match name:
        case "class":
            allowed = CLASSES if tag in {"a", "span"} else BLOCK_CLASSES
            return " ".join(word for word in value.split() if allowed.fullmatch(word)) or None
        case "translate":
            return value if value == "no" else None
        case "lang":
            return value if len(value) <= 35 and value.replace("-", "").isalnum() else None
        case "start" | "value":
            return value if len(value) <= 9 and value.lstrip("-").isdigit() else None
        case _:
            return value


def plain(markup: str) -> str:
    """The words of HTML, with its lines."""
    lines = _BLOCK_END.sub("\n\n", _BREAK.sub("\n", _bounded(markup)))
    words: str = nh3.clean(lines, tags=set(), clean_content_tags={"script", "style"})
    return re.sub(r"\n{3,}", "\n\n", html.unescape(words)).strip()
