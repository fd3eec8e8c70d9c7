"""Pages of the web: read as far as needed, and gone through for the markup that says something."""

from __future__ import annotations

import codecs
import html
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from fedi.runtime import Easel

MAX_PAGE = 1024 * 1024  # bytes, as Mastodon; what describes a page stands at its beginning
PAGES = ("text/html", "application/xhtml+xml")
MAX_LABEL = 40  # characters of the name of a charset
HEAD = 1024  # bytes in which a page says its charset (WHATWG HTML, 4.2.5.4)

# What browsers read (WHATWG Encoding, 4.2), by Python's names, and what they read it as where that
# is more. No other: among Python's are some that take the square of a page's length.
_READ_AS = {
    "ascii": "cp1252", "iso8859-1": "cp1252", "iso8859-9": "cp1254", "shift_jis": "cp932",
    "gb2312": "gb18030", "gbk": "gb18030", "euc_kr": "cp949", "tis-620": "cp874",
}  # fmt: skip
CHARSETS = frozenset({
    "utf-8", "utf-16", "utf-16-le", "utf-16-be", "koi8-r", "koi8-u", "cp866", "cp874", "cp932",
    "cp949", "gb18030", "big5", "big5hkscs", "euc_jp", "iso2022_jp", "mac-roman", "mac-cyrillic",
    *(f"cp{number}" for number in range(1250, 1259)),
    *(f"iso8859-{number}" for number in range(2, 17)),
})  # fmt: skip
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"),
          (codecs.BOM_UTF16_BE, "utf-16"))  # fmt: skip
_CHARSET = re.compile(r"""charset\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE | re.ASCII)

# What is markup in a page, in one pass: comments and elements whose content is none are stepped
# over, or a page would vouch for what strangers wrote into a form or a script of it. Nothing in it
# goes back (the possessive `+`), so that no page takes longer than its length.
_MARKUP = re.compile(
    r"""<!--.*?(?:-->|\Z)
    |<(?P<raw>script|style|textarea|title|iframe|noscript|template|xmp|noembed|noframes)\b
      .*?(?:</(?P=raw)\b|\Z)
    |<(?P<name>/?[a-z][a-z0-9:-]*+)(?P<rest>(?:[^<>"']++|"[^"]*+"|'[^']*+')*+)>""",
    re.DOTALL | re.IGNORECASE | re.VERBOSE,
)
_ATTRIBUTE = re.compile(
    r"""([^\s"'<>/=]++)(?:\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"'=<>`]++)))?""",
)


@dataclass(frozen=True, slots=True)
class Page:
    """The beginning of a page: its text, and the address that it came from."""

    url: str
    text: str


@dataclass(frozen=True, slots=True)
class Element:
    """An element of a page, its name and those of its attributes in lower case. `content` is that
    of an element which holds nothing but text."""

    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    content: str = ""


async def read(easel: Easel, address: str) -> Page:
    """The beginning of a page.

    Raises:
        FetchError: it could not be read, or is none.
    """
    got = await easel.client.get_page(address, MAX_PAGE, PAGES)
    return Page(got.url, decoded(got.body, got.content_type))


def decoded(body: bytes, content_type: str) -> str:
    """The text of a page: by what its first bytes, its header or its markup say of its charset,
    the first that is no lie; else as browsers read what says nothing."""
    marked = next((name for mark, name in _MARKS if body.startswith(mark)), None)
    said = (content_type, body[:HEAD].decode("ascii", "replace"))
    claimed = [charset(found[1]) for words in said if (found := _CHARSET.search(words))]
    for name in (marked, *claimed, "utf-8"):
        if name is not None:
            try:  # the last letter may be cut
                return codecs.getincrementaldecoder(name)().decode(body)
            except UnicodeError:
                continue
    return body.decode("cp1252", "replace")


def charset(label: str) -> str | None:
    """Python's name of a charset; None for what is none of a page."""
    try:
        name = codecs.lookup(label[:MAX_LABEL].lower().removeprefix("x-")).name
    except (LookupError, ValueError):
        return None
    name = _READ_AS.get(name, name)
    return name if name in CHARSETS else None


def elements(page: str, names: Collection[str]) -> Iterator[Element]:
    """The elements of a page that have one of these names."""
    for found in _MARKUP.finditer(page):
        name = (found["raw"] or found["name"] or "").lower()
        if name not in names:
            continue
        if found["raw"]:
            inside, closed, rest = found[0].partition(">")[2].rpartition("</")
            yield Element(name, content=html.unescape(inside if closed else rest))
            continue
        values: dict[str, str] = {}
        for attribute, *given in _ATTRIBUTE.findall(found["rest"]):
            values.setdefault(attribute.lower(), html.unescape("".join(given)))
        yield Element(name, values)
