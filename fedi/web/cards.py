"""What a page says of itself: OpenGraph, Twitter's card, description and canonical address.

This is what a link to a page looks like when it is posted elsewhere. A post with a warning shows
its warning there and nothing else, and a sensitive picture is never a preview.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from fedi.database.tables import Account
from fedi.settings import InstanceSettings
from fedi.social import text
from fedi.social.posts import Post
from fedi.social.visibility import SHOWN_TO_ALL
from fedi.studio.remote_files.gallery import Gallery
from fedi.web.views import people, posts
from fedi.web.views.links import excerpt
from fedi.web.views.pictures import Picture
from fedi.web.views.posts import Tile

TITLE_LENGTH = 70  # characters; search engines cut longer titles
DESCRIPTION_LENGTH = 300  # characters; what previews show of a post
MAX_PREVIEWS = 4  # pictures of one post, as many as Mastodon shows


@dataclass(frozen=True, slots=True)
class Preview:
    """A picture for a card; width and height in pixels."""

    address: str
    media_type: str = ""
    width: int | None = None
    height: int | None = None
    alt: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """What stands in the head of a page.

    Args:
        type: OpenGraph's type of the page.
        large: whether the first picture is the point of the page.
        more: further OpenGraph properties.
        creator: whom Mastodon names beside a link to the page (`fediverse:creator`).
        activity: the id of the ActivityPub object that the page shows.
        embed: where its oEmbed is; empty: it has none.
        feeds: whether there are feeds beside it (`web.feeds`).
    """

    title: str
    description: str
    url: str
    type: str = "website"
    pictures: Sequence[Preview] = ()
    large: bool = False
    more: Sequence[tuple[str, str]] = ()
    creator: str = ""
    activity: str = ""
    embed: str = ""
    feeds: bool = False


def front(instance: InstanceSettings, tiles: Sequence[Tile]) -> Card:
    pictures = [_preview(tile.picture) for tile in tiles if not tile.picture.sensitive][:1]
    return Card(
        instance.name, instance.description, f"{instance.url}/", pictures=pictures, large=True
    )


def about(instance: InstanceSettings) -> Card:
    return Card(f"About {instance.name}", instance.description, f"{instance.url}/about")


def local(instance: InstanceSettings) -> Card:
    title = f"What is new on {instance.name}"
    return Card(title, instance.description, f"{instance.url}/local")


def join(instance: InstanceSettings) -> Card:
    """Of the page to which an invitation leads, which people post."""
    return Card(f"Join {instance.name}", instance.description, f"{instance.url}/sign-up")


def tag(name: str, instance: InstanceSettings) -> Card:
    return Card(
        f"#{name}",
        f"Posts with the hashtag #{name}, seen from {instance.name}.",
        f"{instance.url}/tags/{quote(name)}",
        feeds=True,
    )


def explore(instance: InstanceSettings, activity: str) -> Card:
    return Card(
        f"Explore {instance.name}",
        f"What people do something with these days, seen from {instance.name}.",
        f"{instance.url}/explore",
        activity=activity,
        feeds=True,
    )


def profile(account: Account, gallery: Gallery) -> Card:
    instance, maker = gallery.instance, people.maker(account, gallery)
    words = excerpt(text.plain(account.note), DESCRIPTION_LENGTH)
    return Card(
        title=f"{excerpt(maker.name, TITLE_LENGTH)} ({maker.handle})",
        description=words or f"Pictures and posts by {maker.name}.",
        url=f"{instance.url}{maker.href}",
        type="profile",
        pictures=[Preview(f"{instance.url}{maker.avatar}", alt=account.avatar_description)]
        if maker.avatar
        else [],
        more=[("profile:username", maker.handle.removeprefix("@"))],
        activity=account.uri,
        embed=_embed(account.url, instance),
        feeds=True,
    )


def post(found: Post, gallery: Gallery) -> Card:
    instance = gallery.instance
    status, shown = found.status, posts.shown(found, gallery)
    words = shown.spoiler or text.plain(status.content)
    described = shown.described[0] if shown.described and not found.sensitive else ""
    subject = excerpt(words or described, TITLE_LENGTH)
    name = excerpt(shown.maker.name, TITLE_LENGTH)
    more = [("article:published_time", shown.created.iso)]
    if shown.edited:
        more.append(("article:modified_time", shown.edited.iso))
    more.append(("article:author", _absolute(shown.maker.href, instance)))
    more += [("article:tag", tag.display_name) for tag in found.tags]
    pictures = [
        _preview(picture)
        for picture in shown.pictures
        if picture.source and picture.kind == "Picture" and not picture.sensitive
    ]
    label = f"{shown.label}. " if shown.label else ""
    return Card(
        title=f"{name}: “{subject}”" if subject else f"A post by {name}",
        description=label + excerpt(words or described, DESCRIPTION_LENGTH),
        url=_absolute(shown.href, instance),
        type="article",
        pictures=pictures[:MAX_PREVIEWS],
        large=bool(pictures),
        more=more,
        creator=shown.maker.handle,
        activity=status.uri,
        embed=_embed(status.url, instance)
        if status.local and status.visibility in SHOWN_TO_ALL
        else "",
    )


def _absolute(href: str, instance: InstanceSettings) -> str:
    """A link of a page as others may follow it; what is elsewhere leads there already."""
    return f"{instance.url}{href}" if href.startswith("/") else href


def _embed(url: str, instance: InstanceSettings) -> str:
    """Where others ask how to show a page of ours inside theirs (`api.mastodon.oembed`)."""
    return f"{instance.url}/api/oembed?{urlencode({'format': 'json', 'url': url})}"


def _preview(picture: Picture) -> Preview:
    return Preview(picture.address, picture.media_type, picture.width, picture.height, picture.alt)
