"""Feeds, written as RSS 2.0, Atom (RFC 4287) and JSON Feed 1.1."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from html import escape
from typing import Any
from xml.etree.ElementTree import Element, SubElement, register_namespace, tostring

from fedi.social import text
from fedi.social.posts import Post
from fedi.studio.remote_files.gallery import Gallery
from fedi.web.views.links import excerpt
from fedi.web.views.pictures import Picture
from fedi.web.views.posts import Shown, shown

TITLE_LENGTH = 80  # characters

_ATOM = "http://www.w3.org/2005/Atom"
_MEDIA = "http://search.yahoo.com/mrss/"
_DUBLIN = "http://purl.org/dc/elements/1.1/"  # RSS itself knows authors by their mail alone
register_namespace("atom", _ATOM)
register_namespace("media", _MEDIA)
register_namespace("dc", _DUBLIN)
# What XML 1.0 cannot hold.
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Feed:
    """What is posted in one place.

    Attributes:
        title, description: of the place.
        page: its address for people.
        address: of this feed, in this format.
        icon: a picture of it; empty: none.
        entries: its posts, the latest first.
    """

    title: str
    description: str
    page: str
    address: str
    icon: str
    entries: Sequence[Entry]

    @property
    def updated(self) -> datetime | None:
        return max((entry.changed for entry in self.entries), default=None)


@dataclass(frozen=True, slots=True)
class Entry:
    """A post of a feed. What stands behind a warning is not in it, nor a sensitive picture."""

    id: str
    page: str
    title: str
    html: str
    author: str
    author_page: str
    tags: Sequence[str]
    pictures: Sequence[Picture]
    language: str | None
    posted: datetime
    changed: datetime


def entry(post: Post, gallery: Gallery) -> Entry:
    """A post as feeds tell of it."""
    status, seen, home = post.status, shown(post, gallery), gallery.instance.url
    pictures = [] if seen.spoiler else [one for one in seen.pictures if not one.sensitive]
    page = seen.href if "://" in seen.href else f"{home}{seen.href}"
    author = seen.maker.href if "://" in seen.maker.href else f"{home}{seen.maker.href}"
    words = seen.spoiler or text.plain(status.content) or "; ".join(seen.described)
    return Entry(
        id=status.uri,
        page=page,
        title=excerpt(words or f"A post by {seen.maker.name}", TITLE_LENGTH),
        html=_html(status.content, seen, pictures),
        author=seen.maker.name,
        author_page=author,
        tags=[tag.display_name for tag in post.tags],
        pictures=pictures,
        language=status.language,
        posted=status.created_at,
        changed=status.edited_at or status.created_at,
    )


def _html(content: str, seen: Shown, pictures: Sequence[Picture]) -> str:
    if seen.spoiler:
        return f"<p>{escape(seen.spoiler)}</p>"
    parts = [content]
    for picture in pictures:
        if picture.kind == "Picture":
            address, alt = escape(picture.address), escape(picture.alt)
            parts.append(f'<p><img src="{address}" alt="{alt}"></p>')
    if seen.label:
        parts.append(f"<p>{escape(seen.label)}</p>")
    return "".join(parts)


def atom(feed: Feed) -> bytes:
    root = Element("feed", xmlns=_ATOM)
    _add(root, "id", feed.page)
    _add(root, "title", feed.title)
    _add(root, "subtitle", feed.description)
    _add(root, "link", rel="alternate", type="text/html", href=feed.page)
    _add(root, "link", rel="self", type="application/atom+xml", href=feed.address)
    _add(root, "updated", _iso(feed.updated or datetime(1970, 1, 1)))
    if feed.icon:
        _add(root, "icon", feed.icon)
    for one in feed.entries:
        item = _add(root, "entry")
        if one.language:
            item.set("xml:lang", one.language)
        _add(item, "id", one.id)
        _add(item, "title", one.title)
        _add(item, "link", rel="alternate", type="text/html", href=one.page)
        _add(item, "published", _iso(one.posted))
        _add(item, "updated", _iso(one.changed))
        author = _add(item, "author")
        _add(author, "name", one.author)
        _add(author, "uri", one.author_page)
        for tag in one.tags:
            _add(item, "category", term=tag)
        for picture in one.pictures:
            about = {"rel": "enclosure", "href": picture.address} | _type(picture)
            if picture.size:
                about["length"] = str(picture.size)
            _add(item, "link", **about)
        _add(item, "content", one.html, type="html")
    return _written(root)


def rss(feed: Feed) -> bytes:
    root = Element("rss", version="2.0")
    channel = SubElement(root, "channel")
    _add(channel, "title", feed.title)
    _add(channel, "link", feed.page)
    _add(channel, "description", feed.description)
    here = {"rel": "self", "type": "application/rss+xml", "href": feed.address}
    SubElement(channel, f"{{{_ATOM}}}link", here)
    if feed.updated:
        _add(channel, "lastBuildDate", _rfc(feed.updated))
    if feed.icon:
        image = SubElement(channel, "image")
        _add(image, "url", feed.icon)
        _add(image, "title", feed.title)
        _add(image, "link", feed.page)
    for one in feed.entries:
        item = SubElement(channel, "item")
        _add(item, "title", one.title)
        _add(item, "link", one.page)
        _add(item, "guid", one.id, isPermaLink="false")
        _add(item, "pubDate", _rfc(one.posted))
        SubElement(item, f"{{{_DUBLIN}}}creator").text = _UNWRITABLE.sub("", one.author)
        _add(item, "description", one.html)
        for tag in one.tags:
            _add(item, "category", tag)
        # An item has one enclosure, and says how long that is: readers and players ask for no more.
        for picture in one.pictures[:1]:
            if picture.size and picture.media_type:
                _add(
                    item,
                    "enclosure",
                    url=picture.address,
                    length=str(picture.size),
                    type=picture.media_type,
                )
        for picture in one.pictures:
            about = {"url": picture.address, "medium": "image"} | _type(picture)
            if picture.size:
                about["fileSize"] = str(picture.size)
            if picture.width and picture.height:
                about |= {"width": str(picture.width), "height": str(picture.height)}
            media = SubElement(item, f"{{{_MEDIA}}}content", _writable(about))
            described = SubElement(media, f"{{{_MEDIA}}}description", type="plain")
            described.text = _UNWRITABLE.sub("", picture.alt)
    return _written(root)


def json_feed(feed: Feed) -> bytes:
    """https://www.jsonfeed.org/version/1.1/"""
    about: dict[str, Any] = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed.title,
        "description": feed.description,
        "home_page_url": feed.page,
        "feed_url": feed.address,
        "icon": feed.icon or None,
        "items": [
            _filled(
                {
                    "id": one.id,
                    "url": one.page,
                    "title": one.title,
                    "content_html": one.html,
                    "image": one.pictures[0].address if one.pictures else None,
                    "date_published": _iso(one.posted),
                    "date_modified": _iso(one.changed),
                    "authors": [{"name": one.author, "url": one.author_page}],
                    "tags": list(one.tags),
                    "language": one.language,
                    "attachments": [
                        _filled(
                            {
                                "url": picture.address,
                                "mime_type": picture.media_type,
                                "size_in_bytes": picture.size,
                            }
                        )
                        for picture in one.pictures
                        if picture.media_type
                    ],
                }
            )
            for one in feed.entries
        ],
    }
    return json.dumps(_filled(about), ensure_ascii=False).encode()


# Ending: how it is written, and its media type.
FORMATS: dict[str, tuple[Callable[[Feed], bytes], str]] = {
    ".rss": (rss, "application/rss+xml; charset=utf-8"),
    ".atom": (atom, "application/atom+xml; charset=utf-8"),
    "/feed.json": (json_feed, "application/feed+json"),
}


def _filled(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _add(parent: Element, name: str, words: str = "", **attributes: str) -> Element:
    child = SubElement(parent, name, _writable(attributes))
    child.text = _UNWRITABLE.sub("", words) or None
    return child


def _writable(attributes: dict[str, str]) -> dict[str, str]:
    return {name: _UNWRITABLE.sub("", value) for name, value in attributes.items()}


def _type(picture: Picture) -> dict[str, str]:
    return {"type": picture.media_type} if picture.media_type else {}


def _written(root: Element) -> bytes:
    written: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def _iso(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def _rfc(when: datetime) -> str:
    return format_datetime(when)
