"""Pictures: where they are shown from, and what is honest to say of them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

import msgspec

from fedi.database.tables import MediaAttachment
from fedi.social.posts import Post
from fedi.studio.remote_files import claims
from fedi.studio.remote_files.gallery import Framed, Gallery
from fedi.web import shapes
from fedi.web.views.links import excerpt, media_path, safe_link
from generation.catalogue import STARTER
from generation.recipe import Recipe

STARTER_HINT = (
    "This small model comes with Easel, for trying things out. "
    "Whoever runs this server chooses a real one under Models."
)

HASH_LENGTH = 10  # as A1111 shows the hash of a model
ALT_LENGTH = 1500  # characters, as Mastodon's; other servers send up to 10,000

LABELS = {"generated": "Made with AI", "edited": "Edited with AI"}
_SOURCES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
# What IPTC's digital source types mean, in words; schema.org's name for them, for search engines.
_WAYS = {
    "trainedAlgorithmicMedia": ("painted from words", "TrainedAlgorithmicMediaDigitalSource"),
    "compositeWithTrainedAlgorithmicMedia": (
        "painted over another picture",
        "CompositeWithTrainedAlgorithmicMediaDigitalSource",
    ),
    "algorithmicallyEnhanced": ("enhanced", "AlgorithmicallyEnhancedDigitalSource"),
}
_LABEL_BY_SOURCE = {
    "trainedAlgorithmicMedia": "generated",
    "compositeWithTrainedAlgorithmicMedia": "generated",
    "compositeSynthetic": "generated",
    "algorithmicallyEnhanced": "edited",
}
_ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".avif")
_KINDS = {"image": "Picture", "gifv": "Animation", "video": "Video", "audio": "Sound"}


@dataclass(frozen=True, slots=True)
class Picture:
    """A media attachment, from our own origin. Without `source` it is only linked, at `address`.
    `told` is whether its size is only what another server says."""

    kind: str
    source: str | None
    preview: str | None
    address: str  # absolute
    host: str
    media_type: str
    width: int | None
    height: int | None
    ratio: int
    haze: str | None
    alt: str
    sensitive: bool
    label: str
    told: bool = False
    size: int | None = None  # bytes, of what lies here


@dataclass(frozen=True, slots=True)
class Shared:
    """A recipe that its author shares: long texts, and short facts."""

    texts: list[tuple[str, str]]
    facts: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Origin:
    """The honest label of pictures that came into being in the same way."""

    label: str
    model: str = ""
    version: str = ""
    way: str = ""
    terms: str = ""  # schema.org's address of the digital source type
    hint: str = ""  # about the model, where the host should know
    addresses: tuple[str, ...] = ()


def picture(media: MediaAttachment, sensitive: bool, gallery: Gallery) -> Picture:
    framed = None if media.file else gallery.find(claims.of_media(media))
    seen = Picture(
        kind=_kind(media, framed),
        source=media_path(media.file) if media.file else None,
        preview=media_path(media.preview_file or media.file) if media.file else None,
        address=safe_link(media.remote_url or ""),
        host=urlsplit(safe_link(media.remote_url or "")).hostname or "another server",
        media_type=media.media_type,
        width=media.width,
        height=media.height,
        ratio=shapes.ratio(media.width, media.height),
        haze=shapes.haze(media.blurhash),
        alt=excerpt(media.description, ALT_LENGTH, keep_lines=True),
        sensitive=sensitive,
        label=_label(media),
        size=media.size if media.file else None,
    )
    if framed is not None:
        seen = _framed(seen, framed)
    if seen.source is None:
        return seen
    return replace(seen, address=f"{gallery.instance.url}{seen.source}")


def _framed(seen: Picture, framed: Framed) -> Picture:
    """A picture from elsewhere, with what was found out about it since it was fetched."""
    width, height = framed.width or seen.width, framed.height or seen.height
    shown = seen.kind != "File" and not framed.error
    return replace(
        seen,
        source=framed.original if shown else None,
        preview=framed.small if shown and seen.kind == "Picture" else None,
        media_type=framed.media_type or seen.media_type,
        width=width,
        height=height,
        ratio=shapes.ratio(width, height),
        haze=seen.haze or shapes.haze(framed.blurhash),
        told=framed.width is None,
    )


def _kind(media: MediaAttachment, framed: Framed | None) -> str:
    """What a medium is called: by what came, else by what its server says, else by its name."""
    if framed is not None and framed.media_type:
        return _KINDS.get(framed.media_type.partition("/")[0], "File")
    if media.type == "unknown" and not media.media_type:  # Mastodon takes these for what they are
        path = urlsplit(safe_link(media.remote_url or "")).path.lower()
        return "Picture" if path.endswith(_ENDINGS) else "File"
    return _KINDS.get(media.type, "File")


def origins(post: Post, gallery: Gallery) -> list[Origin]:
    """The labels of a post's pictures; of the post itself, if its pictures carry none."""
    found: dict[Origin, list[str]] = {}
    for media in post.media:
        if label := _label(media):
            way, schema = _WAYS.get(_source(media), ("", ""))
            terms = f"https://schema.org/{schema}" if schema else ""
            hint = STARTER_HINT if media.ai_system == STARTER.name and post.status.local else ""
            version = _short(media.ai_system_version)
            origin = Origin(label, media.ai_system, version, way, terms, hint)
            found.setdefault(origin, []).append(picture(media, False, gallery).address)
    if not found and (label := LABELS.get(post.status.ai, "")):
        return [Origin(label, post.status.generator)]
    return [replace(origin, addresses=tuple(addresses)) for origin, addresses in found.items()]


def shared(media: MediaAttachment) -> Shared | None:
    """The recipe of a picture, if its author shares it."""
    if not media.share_recipe:
        return None
    try:
        recipe = Recipe.from_document(media.recipe or {})
    except msgspec.ValidationError:  # none is kept, or none that this version reads
        recipe = Recipe(prompt=media.ai_prompt)
    texts = [("Prompt", recipe.prompt), ("Without", recipe.negative_prompt)]
    size = f"{recipe.width} × {recipe.height}" if recipe.width and recipe.height else None
    facts = [
        ("Model", recipe.model or media.ai_system),
        ("Seed", recipe.seed),
        ("Size", size),
        ("Steps", recipe.steps),
        ("Guidance", None if recipe.guidance is None else f"{recipe.guidance:g}"),
    ]
    return Shared(
        texts=[(name, text) for name, text in texts if text],
        facts=[(name, str(value)) for name, value in facts if value not in (None, "")],
    )


def _short(version: str) -> str:
    """A version as people read it: of a hash, its beginning."""
    return version[:HASH_LENGTH] if re.fullmatch("[0-9a-f]{40,64}", version) else version


def _label(media: MediaAttachment) -> str:
    return LABELS.get(_LABEL_BY_SOURCE.get(_source(media), ""), "")


def _source(media: MediaAttachment) -> str:
    return (media.digital_source_type or "").removeprefix(_SOURCES)
