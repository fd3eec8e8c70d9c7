"""Pictures, faces and emoji as apps get them: by addresses under our own origin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from fedi.api.mastodon import entities
from fedi.database.tables import Account, MediaAttachment
from fedi.settings import InstanceSettings
from fedi.studio import media, pictures
from fedi.studio.remote_files import claims
from fedi.studio.remote_files.claims import Claim
from fedi.studio.remote_files.gallery import Framed, Gallery

# What an account without a picture has. Clients know it by the end of its name.
MISSING = {"avatar": "/static/avatars/missing.png", "header": "/static/headers/missing.png"}

_TYPES: Mapping[str, entities.MediaType] = {
    "image": "image",
    "video": "video",
    "audio": "audio",
}


def face(account: Account, kind: Literal["avatar", "header"], gallery: Gallery) -> tuple[str, str]:
    """The addresses of somebody's avatar or header: as it is, and one that does not move."""
    base = gallery.instance.url
    key = account.avatar if kind == "avatar" else account.header
    if not key:
        return base + MISSING[kind], base + MISSING[kind]
    if account.local:
        return media.address(gallery.instance, key), media.address(gallery.instance, key)
    framed = gallery.find(Claim(kind, key))
    if framed is None or framed.error:
        return base + MISSING[kind], base + MISSING[kind]
    return base + framed.original, base + framed.small


def emojis(known: Iterable[Mapping[str, str]], gallery: Gallery) -> list[entities.CustomEmoji]:
    """Custom emoji, as accounts and statuses keep them."""
    found: dict[str, entities.CustomEmoji] = {}
    for emoji in known:
        code, url = emoji.get("shortcode"), emoji.get("url")
        framed = gallery.find(Claim("emoji", url)) if code and url else None
        if code and framed is not None and not framed.error:
            found[code] = entities.CustomEmoji(
                shortcode=code,
                url=gallery.instance.url + framed.original,
                static_url=emoji.get("static_url") or gallery.instance.url + framed.small,
                visible_in_picker=False,
            )
    return list(found.values())


def attachment(medium: MediaAttachment, gallery: Gallery) -> entities.MediaAttachment:
    """A picture; one that is still in the making has no address yet."""
    framed = None if medium.file else gallery.find(claims.of_media(medium))
    url, preview = _addresses(medium, framed, gallery.instance)
    width, height = medium.width, medium.height
    if framed is not None:
        width, height = framed.width or width, framed.height or height
    blurhash = medium.blurhash or (framed.blurhash if framed else None)
    return entities.MediaAttachment(
        id=str(medium.id),
        type=_kind(medium, framed),
        url=url,
        preview_url=preview,
        remote_url=medium.remote_url,
        meta=_meta(width, height, medium),
        description=medium.description or None,
        blurhash=blurhash,
    )


def _addresses(
    medium: MediaAttachment, framed: Framed | None, instance: InstanceSettings
) -> tuple[str | None, str | None]:
    if medium.file:
        small = medium.preview_file or medium.file
        return media.address(instance, medium.file), media.address(instance, small)
    if framed is None or framed.error:
        return None, None
    return instance.url + framed.original, instance.url + framed.small


def _kind(medium: MediaAttachment, framed: Framed | None) -> entities.MediaType:
    if medium.remote_url and (framed is None or framed.error):
        return "unknown"  # Mastodon's word for what is only linked
    if framed is not None and framed.media_type:
        return _TYPES.get(framed.media_type.partition("/")[0], "unknown")
    if medium.type == "gifv":
        return "gifv"
    return _TYPES.get(medium.type, "unknown")


def _meta(width: int | None, height: int | None, medium: MediaAttachment) -> entities.MediaMeta:
    focus: entities.Focus | entities.Omitted = entities.UNSET
    if medium.focus_x is not None and medium.focus_y is not None:
        focus = entities.Focus(x=medium.focus_x, y=medium.focus_y)
    if not width or not height:
        return entities.MediaMeta(focus=focus)
    small = pictures.shrunk_size((width, height), pictures.PREVIEW_PIXELS)
    if medium.preview_width and medium.preview_height:
        small = medium.preview_width, medium.preview_height
    return entities.MediaMeta(
        original=_dimensions(width, height), small=_dimensions(*small), focus=focus
    )


def _dimensions(width: int, height: int) -> entities.Dimensions:
    return entities.Dimensions(
        width=width, height=height, size=f"{width}x{height}", aspect=width / height
    )
