"""Pictures and other media on a post or profile."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from activitypub.errors import Malformed
from activitypub.objects import values

ATTACHMENTS_LIMIT = 32
"""Attachments read of one object; Pixelfed allows 20, Mastodon keeps 4."""

ALT_LIMIT = 10_000
"""Characters of alt text (Mastodon truncates there)."""

SIDE_LIMIT = 1_000_000
"""Pixels a side that can be believed in a declaration."""

PROMPT_LIMIT = 10_000
"""Characters of prompt and model names that are kept."""

MEDIA_TYPES = frozenset({"Image", "Document", "Video", "Audio", "Page", "Link"})
"""Types seen on attachments: Misskey and Akkoma write Document, Lemmy Link."""

RECIPE_LIMIT = 24
"""Fields of a recipe that are read; ours have thirteen."""

_BLURHASH = re.compile(r"[0-9A-Za-z#$%*+,\-.:;=?@\[\]^_{|}~]{6,164}")
_MEDIA_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,127}/[a-z0-9!#$&^_.+-]{1,127}")
_DIGEST = re.compile(r"[A-Za-z0-9+/=_-]{16,200}")


class Attachment(Struct, frozen=True, kw_only=True):
    """One medium, in the shape that every known receiver accepts.

    `name` is the alt text and is written as `name` (Misskey, Pixelfed, Akkoma) and as `summary`
    (GoToSocial, Mastodon). `width` and `height` are pixels, `size` bytes, `focal_point` is
    `(x, y)` from -1 to 1, `digest_multibase` follows FEP-1311. `url` is None only in what an
    app posts to ask for a picture. `digital_source_type` is a term of
    http://cv.iptc.org/newscodes/digitalsourcetype/; `ai_system`, `ai_system_version` and
    `ai_prompt` are the fields of IPTC 2025.1. `recipe` is what Easel paints the picture from, JSON
    that is not looked into here.
    """

    type: str = "Image"
    url: str | None = None
    media_type: str | None = None
    name: str | None = None
    width: int | None = None
    height: int | None = None
    blurhash: str | None = None
    focal_point: tuple[float, float] | None = None
    digest_multibase: str | None = None
    size: int | None = None
    sensitive: bool | None = None
    license: str | None = None
    digital_source_type: str | None = None
    ai_system: str | None = None
    ai_system_version: str | None = None
    ai_prompt: str | None = None
    recipe: dict[str, Any] | None = None

    @classmethod
    def parse(cls, document: Mapping[str, Any] | str) -> Attachment:
        """Read an attachment, an `icon` or an `image`; a bare string is its address.

        Raises `Malformed` if it is neither, or of a type that is no medium.
        """
        if isinstance(document, str):
            document = {"type": "Image", "url": document}
        if not isinstance(document, Mapping):
            raise Malformed("An attachment is no object.")
        type_ = values.kind(document)
        if type_ not in MEDIA_TYPES:
            raise Malformed(f"An attachment of type {type_} is no medium.")
        url, media_type = _address(document)
        return cls(
            type=type_,
            url=url,
            media_type=media_type,
            name=values.mapped(document, "summary", ALT_LIMIT)[0]
            or values.mapped(document, "name", ALT_LIMIT)[0],
            width=values.integer(document.get("width"), minimum=1, maximum=SIDE_LIMIT),
            height=values.integer(document.get("height"), minimum=1, maximum=SIDE_LIMIT),
            blurhash=_matching(_BLURHASH, document.get("blurhash")),
            focal_point=_focal_point(document.get("focalPoint")),
            digest_multibase=_matching(_DIGEST, document.get("digestMultibase")),
            size=values.integer(document.get("size")),
            sensitive=values.boolean(document.get("sensitive")),
            license=_license(document.get("license")),
            digital_source_type=values.web_uri(document.get("digitalSourceType")),
            ai_system=_said(document, "AISystemUsed"),
            ai_system_version=_said(document, "AISystemVersionUsed"),
            ai_prompt=_said(document, "AIPromptInformation"),
            recipe=_recipe(document.get("recipe")),
        )

    def document(self) -> dict[str, Any]:
        return values.compact(
            {
                "type": self.type,
                "mediaType": self.media_type,
                "url": self.url,
                "name": self.name,
                "summary": self.name,
                "width": self.width,
                "height": self.height,
                "blurhash": self.blurhash,
                "focalPoint": list(self.focal_point) if self.focal_point else None,
                "digestMultibase": self.digest_multibase,
                "size": self.size,
                "sensitive": self.sensitive,
                "license": self.license,
                "digitalSourceType": self.digital_source_type,
                "AISystemUsed": self.ai_system,
                "AISystemVersionUsed": self.ai_system_version,
                "AIPromptInformation": self.ai_prompt,
                "recipe": self.recipe,
            }
        )


def parse_attachments(value: Any, *, wishes: bool = False) -> tuple[Attachment, ...]:
    """The media among an `attachment` property; those without an address only with `wishes`."""
    found = values.records(value, ATTACHMENTS_LIMIT, Attachment.parse)
    return tuple(attachment for attachment in found if attachment.url or wishes)


def _address(document: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Address and media type: of the object, or of the first Link in `url` or `href`."""
    media_type = _media_type(document.get("mediaType"))
    for entry in values.entries(document.get("url") or document.get("href"), 20):
        if url := values.web_uri(entry):
            if isinstance(entry, Mapping):
                media_type = _media_type(entry.get("mediaType")) or media_type
            return url, media_type
    return None, media_type


def _media_type(value: Any) -> str | None:
    if not isinstance(value, str):
        return None
    return _matching(_MEDIA_TYPE, value[:256].split(";")[0].strip().lower())


def _matching(pattern: re.Pattern[str], value: Any) -> str | None:
    return value if isinstance(value, str) and pattern.fullmatch(value) else None


def _focal_point(value: Any) -> tuple[float, float] | None:
    if not isinstance(value, list | tuple) or len(value) != 2:
        return None
    x, y = values.number(value[0]), values.number(value[1])
    if x is None or y is None or abs(x) > 1 or abs(y) > 1:
        return None
    return x, y


def _license(value: Any) -> str | None:
    # Pixelfed writes a name, others an address or an object with either
    if isinstance(value, Mapping):
        value = value.get("id") or value.get("url") or value.get("name")
    return values.text(value, values.NAME_LIMIT)


def _recipe(value: Any) -> dict[str, Any] | None:
    return dict(value) if isinstance(value, Mapping) and 0 < len(value) <= RECIPE_LIMIT else None


def _said(document: Mapping[str, Any], name: str) -> str | None:
    value = document.get(name)
    return values.text(
        value if value is not None else document.get(f"Iptc4xmpExt:{name}"), PROMPT_LIMIT
    )
