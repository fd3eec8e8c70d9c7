"""`/api/oembed`: a post of ours, as other sites show it inside their pages."""

from __future__ import annotations

from html import escape

from msgspec import Struct
from starlette.routing import BaseRoute

from fedi import ids
from fedi.api.mastodon import entities
from fedi.api.mastodon.route import NO_RECORD, Call, route
from fedi.database.tables import Status
from fedi.social import posts, statuses, text
from fedi.social.errors import NotFound
from fedi.social.posts import Post
from fedi.studio import media

KEPT_S = 86_400  # by who shows it; Mastodon's
WIDTH = 400  # pixels, if none is asked for
MAX_WIDTH = 2000
MAX_TITLE = 80


class Asked(Struct, kw_only=True):
    url: str
    maxwidth: int = WIDTH
    maxheight: int | None = None


async def embed(call: Call) -> entities.OEmbed:
    asked = await call.read(Asked)
    instance = call.easel.settings.instance
    address = asked.url.partition("?")[0].partition("#")[0].rstrip("/")
    async with call.easel.database.read() as session:
        status = await statuses.load(session, None, ids.parse(address.rpartition("/")[2]) or 0)
        if status is None or not _named(status, address):
            raise NotFound(NO_RECORD)
        [post] = await posts.assemble(session, [status], None)
    call.headers["Cache-Control"] = f"public, max-age={KEPT_S // 24}"
    name = post.account.display_name or post.account.username
    words = text.plain(status.spoiler_text or status.content)
    title = f"{name}: {words[:MAX_TITLE]}" if words else name
    width = max(1, min(asked.maxwidth, MAX_WIDTH))
    return entities.OEmbed(
        type="rich",
        version="1.0",
        title=title,
        author_name=name,
        author_url=post.account.url,
        provider_name=instance.name,
        provider_url=f"{instance.url}/",
        cache_age=KEPT_S,
        html=_html(call, post, name, width),
        width=width,
    )


def _named(status: Status, address: str) -> bool:
    return status.local and status.reblog_of_id is None and address in {status.url, status.uri}


def _html(call: Call, post: Post, name: str, width: int) -> str:
    """A quotation with what is in the post: nobody has to run or frame anything of ours. What is
    sensitive is linked, and not shown."""
    status, link = post.status, escape(post.status.url)
    body = f"<p>{escape(status.spoiler_text)}</p>" if status.spoiler_text else status.content
    if not status.sensitive:
        for medium in post.media:
            key = medium.preview_file or medium.file
            if key:
                source = escape(media.address(call.easel.settings.instance, key))
                alt = escape(medium.description)
                body += (
                    f'<p><a href="{link}"><img src="{source}" alt="{alt}" width="{width}"></a></p>'
                )
    handle = f"@{post.account.username}@{call.easel.settings.instance.domain}"
    return (
        f'<blockquote class="mastodon-embed" cite="{link}">{body}'
        f'<footer>— <a href="{link}">{escape(name)} ({escape(handle)})</a></footer></blockquote>'
    )


routes: list[BaseRoute] = [route("GET", "/api/oembed", embed)]
