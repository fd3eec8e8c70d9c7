"""Mentions, hashtags and custom emoji: the `tag` of a note or actor."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from activitypub.errors import Malformed
from activitypub.objects import values

TAGS_LIMIT = 500
"""Tags read of one object."""

EMOJI_LIMIT = 2048
"""Characters of a shortcode (Mastodon FEDERATION.md)."""


class Mention(Struct, frozen=True, kw_only=True):
    """An actor named in the text. `name` is `@user@host`, and may be missing."""

    href: str
    name: str | None = None

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Mention:
        return cls(
            href=values.required_uri(document, "href"),
            name=values.text(document.get("name"), values.NAME_LIMIT),
        )

    def document(self) -> dict[str, Any]:
        return values.compact({"type": "Mention", "href": self.href, "name": self.name})


class Hashtag(Struct, frozen=True, kw_only=True):
    """A hashtag. `name` is without `#`; it is written with one."""

    name: str
    href: str | None = None

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Hashtag:
        name = (values.text(document.get("name"), values.NAME_LIMIT) or "").strip().lstrip("#")
        if not name or any(character.isspace() for character in name):
            raise Malformed("A hashtag has no name.")
        return cls(name=name, href=values.web_uri(document.get("href")))

    def document(self) -> dict[str, Any]:
        return values.compact({"type": "Hashtag", "href": self.href, "name": f"#{self.name}"})


class Emoji(Struct, frozen=True, kw_only=True):
    """A custom emoji. `name` is the shortcode without colons; `url` is the image's address."""

    name: str
    url: str
    id: str | None = None
    media_type: str | None = None
    updated: datetime | None = None

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Emoji:
        name = (values.text(document.get("name"), EMOJI_LIMIT) or "").strip(":")
        icon = document.get("icon")
        url = values.web_uri(icon.get("url")) if isinstance(icon, Mapping) else None
        if not name or url is None:
            raise Malformed("An emoji has no name or no image.")
        return cls(
            name=name,
            url=url,
            id=values.uri(document.get("id")),
            media_type=values.text(icon.get("mediaType"), 256) if icon else None,
            updated=values.moment(document.get("updated")),
        )

    def document(self) -> dict[str, Any]:
        icon = values.compact({"type": "Image", "mediaType": self.media_type, "url": self.url})
        return values.compact(
            {
                "id": self.id,
                "type": "Emoji",
                "name": f":{self.name}:",
                "updated": values.stamp(self.updated),
                "icon": icon,
            }
        )


Tag = Mention | Hashtag | Emoji


def parse_tags(value: Any) -> tuple[Tag, ...]:
    """The tags we know among a `tag` property; unknown and broken ones are left out."""
    return values.records(value, TAGS_LIMIT, _parse)


def _parse(entry: Any) -> Tag | None:
    if not isinstance(entry, Mapping):
        return None
    match values.kind(entry):
        case "Mention":
            return Mention.parse(entry)
        case "Hashtag":
            return Hashtag.parse(entry)
        case "Emoji" | "toot:Emoji":
            return Emoji.parse(entry)
        case _:
            return None
