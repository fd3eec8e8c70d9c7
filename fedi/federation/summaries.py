"""What a page says of itself to those who link to it: OpenGraph, Twitter's card, its title and
description, who wrote it, and what its oEmbed adds.

All of it is a stranger's word: text stays text, addresses are those of the web or none, and no
markup of an oEmbed is ever kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

from msgspec.structs import replace

from activitypub import origin
from fedi.federation import pages
from fedi.federation.pages import Page
from fedi.social import drafts, text
from fedi.social.errors import Invalid
from fedi.social.previews import Summary

MAX_TITLE, MAX_DESCRIPTION, MAX_NAME = 300, 1000, 200  # characters
MAX_ADDRESS = 2048
MAX_SIDE = 20_000  # pixels that a page may say of its picture

JSON_OEMBED = "application/json+oembed"
DOCUMENTS = ("application/activity+json", "application/ld+json")
_HANDLE = re.compile(r"@?([\w.-]+@[\w.-]+(?::\d{1,5})?)", re.ASCII)
_SIDE = re.compile(r"\d{1,5}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Described:
    """A page that was gone through.

    Attributes:
        said: what it says of itself; None if that is not worth showing.
        oembed: where its oEmbed is; empty: nowhere.
        documents: where it says that it is an object of ActivityPub, too.
    """

    said: Summary | None
    oembed: str = ""
    documents: list[str] = field(default_factory=list)


def read(page: Page, *, secure: bool) -> Described:
    """Go through a page. It takes as long as the page is: call it in a thread.

    Args:
        page: its beginning.
        secure: whether pictures are only fetched by https.
    """
    metas: dict[str, str] = {}
    title = language = oembed = ""
    documents: list[str] = []
    for element in pages.elements(page.text, {"html", "meta", "title", "link"}):
        given = element.attributes
        match element.name:
            case "title":
                title = title or element.content
            case "html":
                language = language or given.get("lang", "")
            case "meta":
                for name in {given.get("property", "").lower(), given.get("name", "").lower()}:
                    if name and given.get("content", "").strip():
                        metas.setdefault(name, given["content"])
            case "link" if "alternate" in given.get("rel", "").lower().split():
                kind = given.get("type", "").partition(";")[0].strip().lower()
                address = _address(page.url, given.get("href", ""))
                if kind == JSON_OEMBED:
                    oembed = oembed or address
                elif kind in DOCUMENTS and address:
                    documents.append(address)
    said = _summary(page, metas, title, language, secure)
    return Described(said if said.title else None, oembed, documents)


def _summary(
    page: Page, metas: Mapping[str, str], title: str, language: str, secure: bool
) -> Summary:
    def first(*names: str) -> str:
        return next((metas[name] for name in names if name in metas), "")

    author = first("author", "article:author", "dc.creator")
    author_url = _address(page.url, author) if _is_address(author) else ""
    creator = _HANDLE.fullmatch(first("fediverse:creator").strip())
    return Summary(
        title=text.name(first("og:title", "twitter:title") or title, MAX_TITLE),
        description=text.name(
            first("og:description", "twitter:description", "description"), MAX_DESCRIPTION
        ),
        author_name="" if author_url else text.name(author, MAX_NAME),
        author_url=author_url,
        provider_name=text.name(first("og:site_name"), MAX_NAME),
        image_url=_picture(
            page.url,
            first("og:image:secure_url", "og:image", "og:image:url", "twitter:image"),
            secure,
        ),
        image_description=text.name(first("og:image:alt", "twitter:image:alt"), MAX_DESCRIPTION),
        image_width=_side(first("og:image:width")),
        image_height=_side(first("og:image:height")),
        language=_language(language or first("og:locale").replace("_", "-")),
        published_at=_moment(first("article:published_time", "og:article:published_time")),
        creator=creator[1].lower() if creator else "",
    )


def embedded(
    summary: Summary | None, oembed: Mapping[str, Any], page: Page, *, secure: bool
) -> Summary | None:
    """A page with what its oEmbed says: a photo, or whatever else as a link.

    Args:
        summary: what the page says.
        oembed: the document.
        page: from which addresses start.
        secure: whether pictures are only fetched by https.
    """

    def said(name: str, limit: int = MAX_NAME) -> str:
        value = oembed.get(name)
        return text.name(value, limit) if isinstance(value, str) else ""

    title = (summary.title if summary else "") or said("title", MAX_TITLE)
    if oembed.get("type") not in {"photo", "video", "link", "rich"} or not title:
        return summary
    known = summary or Summary(title=title)
    changes: dict[str, Any] = {
        "author_name": said("author_name") or known.author_name,
        "author_url": _address(page.url, said("author_url", MAX_ADDRESS)) or known.author_url,
        "provider_name": said("provider_name") or known.provider_name,
        "provider_url": _address(page.url, said("provider_url", MAX_ADDRESS)),
    }
    photo = oembed["type"] == "photo"
    name, prefix = ("url", "") if photo else ("thumbnail_url", "thumbnail_")
    image = _picture(page.url, said(name, MAX_ADDRESS), secure)
    if image and (photo or not known.image_url):
        changes |= {
            "image_url": image,
            "image_width": _side(str(oembed.get(f"{prefix}width", ""))),
            "image_height": _side(str(oembed.get(f"{prefix}height", ""))),
            "type": "photo" if photo else "link",
        }
    return replace(known, **changes)


def _is_address(words: str) -> bool:
    return words.strip().lower().startswith(("http://", "https://"))


def _address(base: str, value: str) -> str:
    """An address of the web, as it is meant on a page; empty for any other."""
    try:
        found = urljoin(base, value.strip()) if value.strip() else ""
        urlsplit(found)
    except ValueError:
        return ""
    return found if len(found) <= MAX_ADDRESS and origin.origin(found) is not None else ""


def _picture(base: str, value: str, secure: bool) -> str:
    found = _address(base, value)
    insecure = secure and found[:5].lower() == "http:"  # most of these are there by https, too
    return f"https:{found[5:]}" if insecure else found


def _side(words: str) -> int:
    number = int(words) if _SIDE.fullmatch(words.strip()) else 0
    return number if number <= MAX_SIDE else 0


def _language(tag: str) -> str | None:
    tag = tag.strip()[:35]
    try:
        drafts.check_language(tag)
    except Invalid:
        return None
    return tag


def _moment(words: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(words.strip())
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
