"""Reading pages as a browser's parser does: which elements there are, and what they say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import aiohttp

VOID = {"meta", "link", "img", "br", "hr", "input", "wbr", "source", "area", "base", "col", "embed"}


@dataclass
class Element:
    name: str
    attributes: dict[str, str]
    parts: list[Element | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The words in it, with single spaces."""
        return " ".join("".join(self._strings()).split())

    def _strings(self) -> Iterator[str]:
        for part in self.parts:
            if isinstance(part, str):
                yield part
            else:
                yield " "
                yield from part._strings()

    def __getitem__(self, attribute: str) -> str:
        return self.attributes[attribute]

    def walk(self) -> Iterator[Element]:
        yield self
        for part in self.parts:
            if isinstance(part, Element):
                yield from part.walk()

    def all(self, name: str = "", /, **attributes: str) -> list[Element]:
        """The elements of this name with these attributes (`_class` finds one of the classes)."""
        wanted_class = attributes.pop("_class", None)
        return [
            element
            for element in self.walk()
            if (not name or element.name == name)
            and all(element.attributes.get(key) == value for key, value in attributes.items())
            and (
                wanted_class is None or wanted_class in element.attributes.get("class", "").split()
            )
        ]

    def one(self, name: str = "", /, **attributes: str) -> Element:
        found = self.all(name, **attributes)
        assert len(found) == 1, f"{len(found)} of {name} {attributes}"
        return found[0]

    def meta(self, key: str) -> str | None:
        """What a `<meta>` says, by name or property."""
        for element in self.all("meta"):
            if key in (element.attributes.get("name"), element.attributes.get("property")):
                return element["content"]
        return None


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {})
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].parts.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].name == tag, f"</{tag}> closes <{self.open[-1].name}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].parts.append(data)


def parse(html: str) -> Element:
    """The page as a tree. Fails where an element is not closed, or closed in another's place."""
    parser = _Parser()
    parser.feed(html)
    parser.close()
    assert parser.open == [parser.root], f"<{parser.open[-1].name}> is never closed"
    return parser.root


@dataclass
class Answer:
    status: int
    headers: Any
    body: bytes

    @property
    def page(self) -> Element:
        return parse(self.body.decode())


async def get(browser: aiohttp.ClientSession, url: str, **headers: str) -> Answer:
    """Ask as a browser does; nothing is followed."""
    asked = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    async with browser.get(url, headers=asked, allow_redirects=False) as response:
        return Answer(response.status, response.headers, await response.read())
