"""What templates show, made from posts and accounts: plain values, nothing to decide.

Strings in these records are text, and templates escape them; `Markup` is HTML that was sanitised
when it came in (`social.text`).
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal
from urllib.parse import quote, urlsplit

import msgspec
from markupsafe import Markup

from fedi.database.tables import Account, MediaAttachment
from fedi.social import text
from fedi.social.posts import Post
from fedi.studio.remote_files import claims
from fedi.studio.remote_files.claims import Claim
from fedi.studio.remote_files.gallery import Framed, Gallery
from fedi.web import emojis, shapes
from fedi.web.threads import Answer
from generation.recipe import Recipe

PIGMENTS = 8  # colours of initials in static/css/pages.css
ALT_LENGTH = 1500  # characters, as Mastodon's; other servers send up to 10,000

_LABELS = {"generated": "Made with AI", "edited": "Edited with AI"}
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
_AUDIENCES = {"public": "Public", "unlisted": "Quiet public"}
_ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".avif")
_KINDS = {"image": "Picture", "gifv": "Animation", "video": "Video", "audio": "Sound"}


@dataclass(frozen=True, slots=True)
class Moment:
    iso: str
    text: str
    day: str


@dataclass(frozen=True, slots=True)
class Maker:
    """An account, as it is named beside what it made. `drawn` is its name with its emoji."""

    name: str
    drawn: Markup
    handle: str
    href: str
    remote: bool
    avatar: str | None
    initials: str
    pigment: int


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


@dataclass(frozen=True, slots=True)
class Tile:
    """A picture on a wall, which leads to its post."""

    picture: Picture
    maker: Maker
    href: str
    warning: str


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
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Shown:
    """A post."""

    href: str
    maker: Maker
    boosted_by: Maker | None
    content: Markup
    spoiler: str
    warning: Markup  # the spoiler with its emoji
    language: str | None
    pictures: list[Picture]
    described: list[str]
    label: str
    model: str
    remix_of: str | None
    audience: str
    created: Moment
    edited: Moment | None
    replies: int
    boosts: int
    favourites: int


@dataclass(frozen=True, slots=True)
class Reply:
    """A post in a thread, `depth` answers below the one of the page."""

    post: Shown
    depth: int


@dataclass(frozen=True, slots=True)
class Profile:
    """What an account says of itself."""

    header: str | None
    header_description: str
    note: Markup
    fields: list[Mapping[str, Any]]
    counts: list[tuple[str, int]]


def moment(when: datetime) -> Moment:
    iso = when.strftime("%Y-%m-%dT%H:%M:%SZ")
    return Moment(iso, f"{when.day} {when:%B %Y, %H:%M} UTC", f"{when.day} {when:%b %Y}")


def maker(account: Account, gallery: Gallery) -> Maker:
    """An account as it is named here; a remote one is linked to its own server."""
    name = " ".join(account.display_name.split()) or account.username
    return Maker(
        name=name,
        drawn=emojis.drawn_text(name, account.emojis, gallery),
        handle=f"@{account.username}@{account.domain or gallery.instance.domain}",
        href=f"/@{account.username}" if account.local else safe_link(account.url or account.uri),
        remote=not account.local,
        avatar=_face(account, "avatar", gallery),
        initials=initials(name),
        pigment=account.id % PIGMENTS if account.id else 0,
    )


def _face(account: Account, kind: Literal["avatar", "header"], gallery: Gallery) -> str | None:
    """The path of somebody's avatar or header, if they have one that can be shown."""
    value = account.avatar if kind == "avatar" else account.header
    if not value:
        return None
    if account.local:
        return media_path(value)
    framed = gallery.find(Claim(kind, value))
    return framed.small if framed and not framed.error else None


def profile(account: Account, gallery: Gallery) -> Profile:
    return Profile(
        header=_face(account, "header", gallery),
        header_description=account.header_description,
        note=emojis.drawn(account.note, account.emojis, gallery),
        fields=[
            {
                "name": emojis.drawn_text(entry.get("name", ""), account.emojis, gallery),
                "value": emojis.drawn(
                    text.sanitise(entry.get("value", "")), account.emojis, gallery
                ),
            }
            for entry in account.fields
        ],
        counts=[
            ("post" if account.statuses_count == 1 else "posts", account.statuses_count),
            ("follower" if account.followers_count == 1 else "followers", account.followers_count),
            ("following", account.following_count),
        ],
    )


def initials(name: str) -> str:
    """Up to two letters for a face without a picture: of the first and the last word."""
    words = [
        letters[0]
        for word in name.split()
        if (letters := [sign for sign in word if unicodedata.category(sign)[0] in "LN"])
    ]
    return "".join(words[:1] + words[1:][-1:]).upper() or "?"


def shown(post: Post, gallery: Gallery) -> Shown:
    """A post; of a boost, the post that was boosted."""
    booster = None
    if post.reblog is not None:
        booster, post = maker(post.account, gallery), post.reblog
    status = post.status
    pictures = [picture(media, status.sensitive, gallery) for media in post.media]
    return Shown(
        href=post_href(post),
        maker=maker(post.account, gallery),
        boosted_by=booster,
        content=emojis.drawn(status.content, status.emojis, gallery),
        spoiler=status.spoiler_text,
        warning=emojis.drawn_text(status.spoiler_text, status.emojis, gallery),
        language=status.language,
        pictures=pictures,
        described=[entry.alt for entry in pictures if entry.alt],
        label=_LABELS.get(status.ai, ""),
        model=status.generator,
        remix_of=safe_link(status.based_on_uri) if status.based_on_uri else None,
        audience=_AUDIENCES.get(status.visibility, ""),
        created=moment(status.created_at),
        edited=moment(status.edited_at) if status.edited_at else None,
        replies=status.replies_count,
        boosts=status.reblogs_count,
        favourites=status.favourites_count,
    )


def reactions(found: Counter[tuple[str, str | None]]) -> list[tuple[str, int]]:
    """Emoji and how often they were put to a post, the most frequent first.

    Custom ones by their names: their images lie on other servers.
    """
    return [(f":{name}:" if url else name, count) for (name, url), count in found.most_common()]


def answer(found: Answer, gallery: Gallery) -> Reply:
    return Reply(shown(found.post, gallery), found.depth)


def tiles(posts: Sequence[Post], gallery: Gallery) -> list[Tile]:
    """The pictures of these posts for a wall; what is no picture of ours is left out."""
    return [
        Tile(seen, maker(post.account, gallery), post_href(post), post.status.spoiler_text)
        for post in posts
        for media in post.media
        if (seen := picture(media, post.status.sensitive, gallery)).preview
        and seen.kind == "Picture"
    ]


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
            origin = Origin(label, media.ai_system, media.ai_system_version, way, terms)
            found.setdefault(origin, []).append(picture(media, False, gallery).address)
    if not found and (label := _LABELS.get(post.status.ai, "")):
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


def post_href(post: Post) -> str:
    """Where a post is read: here if it is ours, else on its own server."""
    if post.status.local:
        return f"/@{post.account.username}/{post.status.id}"
    return safe_link(post.status.url or post.status.uri)


def media_path(key: str) -> str:
    return f"/media/{quote(key)}"


def safe_link(address: str) -> str:
    """An address that may stand in a link: http or https with a host, else nowhere."""
    try:
        parts = urlsplit(address)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        return "#"
    return address if usable else "#"


def excerpt(text: str, length: int, *, keep_lines: bool = False) -> str:
    """At most `length` characters, cut between words where that is possible."""
    text = text.strip() if keep_lines else " ".join(text.split())
    if len(text) <= length:
        return text
    cut = text[: length - 1]
    at = cut.rfind(" ")
    return (cut[:at] if at > length // 2 else cut).rstrip(" ,.;:") + "…"


def _label(media: MediaAttachment) -> str:
    return _LABELS.get(_LABEL_BY_SOURCE.get(_source(media), ""), "")


def _source(media: MediaAttachment) -> str:
    return (media.digital_source_type or "").removeprefix(_SOURCES)
