"""`/api/oembed`: posts and accounts of ours, as other sites show them in their pages (oEmbed 1.0).

The page of either says where (`web.cards`). Sites that take no HTML from strangers show the title
and the picture of it.
"""

from __future__ import annotations

from html import escape
from typing import Any

from msgspec import Struct
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute

from fedi import ids
from fedi.api.mastodon import entities
from fedi.api.mastodon.route import NO_RECORD, Call, route
from fedi.database.tables import Account, MediaAttachment, Status
from fedi.settings import InstanceSettings
from fedi.social import accounts, posts, statuses, text
from fedi.social.errors import NotFound
from fedi.social.posts import Post
from fedi.studio import faces, media, pictures

KEPT_S = 86_400  # by who shows it; Mastodon's
WIDTH = 400  # pixels, if none is asked for
MAX_WIDTH = 2000
MAX_TITLE = 80


class Asked(Struct, kw_only=True):
    url: str
    maxwidth: int = WIDTH
    maxheight: int | None = None
    format: str = "json"


async def embed(call: Call) -> entities.OEmbed:
    asked = await call.read(Asked)
    if asked.format != "json":
        raise HTTPException(501, "How to show it is told as JSON alone.")  # its section 2.2
    address = asked.url.partition("?")[0].partition("#")[0].rstrip("/")
    last = address.rpartition("/")[2]
    async with call.easel.database.read() as session:
        status = await statuses.load(session, None, ids.parse(last) or 0)
        if status is not None and _named(status, address):
            [post] = await posts.assemble(session, [status], None)
            shown = _post(call.easel.settings.instance, post, asked)
        else:
            account = await accounts.find_local(session, last.removeprefix("@"))
            if account is None or not _there(account, address):
                raise NotFound(NO_RECORD)
            shown = _account(call.easel.settings.instance, account, asked)
    call.headers["Cache-Control"] = f"public, max-age={KEPT_S // 24}"
    return shown


def _post(instance: InstanceSettings, post: Post, asked: Asked) -> entities.OEmbed:
    name, width = _name(post.account), _width(asked)
    words = text.plain(post.status.spoiler_text or post.status.content)
    title = f"{name}: {words[:MAX_TITLE]}" if words else name
    thumbnail = _thumbnail(instance, post, width, asked.maxheight)
    html = _html(instance, post, name, width)
    return _embed(instance, post.account, title, html, width, thumbnail)


def _account(instance: InstanceSettings, account: Account, asked: Asked) -> entities.OEmbed:
    """Who somebody is: their name, what they say of themselves, and their face."""
    name, width = _name(account), _width(asked)
    handle, link = f"@{account.username}@{instance.domain}", escape(account.url)
    html = (
        f'<blockquote class="mastodon-embed" cite="{link}">{account.note}'
        f'<footer><a href="{link}">{escape(name)} ({escape(handle)})</a></footer></blockquote>'
    )
    thumbnail = None
    if account.avatar:
        side = max(1, min(faces.SIZES["avatar"][0], width, asked.maxheight or MAX_WIDTH))
        thumbnail = media.address(instance, account.avatar), side, side  # they are kept square
    return _embed(instance, account, f"{name} ({handle})", html, width, thumbnail)


def _embed(
    instance: InstanceSettings,
    account: Account,
    title: str,
    html: str,
    width: int,
    thumbnail: tuple[str, int, int] | None,
) -> entities.OEmbed:
    more: dict[str, Any] = {}
    if thumbnail is not None:
        names = ("thumbnail_url", "thumbnail_width", "thumbnail_height")
        more = dict(zip(names, thumbnail, strict=True))
    return entities.OEmbed(
        type="rich",
        version="1.0",
        title=title,
        author_name=_name(account),
        author_url=account.url,
        provider_name=instance.name,
        provider_url=f"{instance.url}/",
        cache_age=KEPT_S,
        html=html,
        width=width,
        **more,
    )


def _name(account: Account) -> str:
    return account.display_name or account.username


def _width(asked: Asked) -> int:
    return max(1, min(asked.maxwidth, MAX_WIDTH))


def _there(account: Account, address: str) -> bool:
    gone = account.suspended_at is not None or account.deleted_at is not None
    return not gone and address in {account.url, account.uri}


def _named(status: Status, address: str) -> bool:
    return status.local and status.reblog_of_id is None and address in {status.url, status.uri}


def _shown(post: Post) -> list[tuple[str, MediaAttachment]]:
    """What of a post has no warning: storage keys of pictures, and whose they are."""
    if post.sensitive or post.status.spoiler_text:
        return []
    kept = [(medium.preview_file or medium.file, medium) for medium in post.media]
    return [(key, one) for key, one in kept if key and (one.preview_file or one.type == "image")]


def _thumbnail(
    instance: InstanceSettings, post: Post, width: int, height: int | None
) -> tuple[str, int, int] | None:
    """The first picture, and its width and height in pixels where it has so much room."""
    for key, medium in _shown(post):
        if medium.width and medium.height:
            size = pictures.shrunk_size((medium.width, medium.height), pictures.PREVIEW_PIXELS)
            if medium.preview_width and medium.preview_height:
                size = medium.preview_width, medium.preview_height
            room = min(1.0, width / size[0], (height or size[1]) / size[1])
            wide, high = (max(1, int(side * room)) for side in size)
            return media.address(instance, key), wide, high
    return None


def _html(instance: InstanceSettings, post: Post, name: str, width: int) -> str:
    """A quotation with what is in the post: nobody has to run or frame anything of ours. What is
    sensitive is linked, and not shown."""
    status, link = post.status, escape(post.status.url)
    body = f"<p>{escape(status.spoiler_text)}</p>" if status.spoiler_text else status.content
    for key, medium in _shown(post):
        source, alt = escape(media.address(instance, key)), escape(medium.description)
        body += f'<p><a href="{link}"><img src="{source}" alt="{alt}" width="{width}"></a></p>'
    handle = f"@{post.account.username}@{instance.domain}"
    return (
        f'<blockquote class="mastodon-embed" cite="{link}">{body}'
        f'<footer>— <a href="{link}">{escape(name)} ({escape(handle)})</a></footer></blockquote>'
    )


routes: list[BaseRoute] = [route("GET", "/api/oembed", embed)]
