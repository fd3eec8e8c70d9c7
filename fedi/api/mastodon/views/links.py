"""Pages that people link to, as apps get them: what is known of them, else their address."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from fedi.api.mastodon import entities
from fedi.api.mastodon.views.tags import history
from fedi.database import Session
from fedi.database.tables import LinkPreview
from fedi.runtime import Easel
from fedi.social import previews
from fedi.social.trends import histories
from fedi.social.trends.listing import Link
from fedi.studio.remote_files import claims, gallery
from fedi.studio.remote_files.gallery import Gallery


async def show(easel: Easel, session: Session, links: Sequence[Link]) -> list[entities.TrendsLink]:
    """Links that trend, in the same order."""
    numbers = [link.number for link in links]
    used = await histories.of_trends(session, "link", numbers)
    known = await previews.ready(session, numbers)
    pictures = [claim for page in known.values() for claim in claims.of_preview(page)]
    hung = await gallery.of(easel, session, pictures)
    return [
        entities.TrendsLink(
            **(
                parts(known[link.number], hung)
                if link.number in known
                else _of_address(link.address)
            ),
            history=history(used[link.number]),
        )
        for link in links
    ]


def card(
    preview: LinkPreview, gallery: Gallery, writer: entities.Account | None
) -> entities.PreviewCard:
    """The page that a status links to.

    Args:
        writer: who wrote it, if they have an account that says so.
    """
    return entities.PreviewCard(**parts(preview, gallery, writer))


def parts(
    preview: LinkPreview, gallery: Gallery, writer: entities.Account | None = None
) -> dict[str, Any]:
    """The parts of an `entities.PreviewCard`. No markup of strangers is among them."""
    found = next((gallery.find(claim) for claim in claims.of_preview(preview)), None)
    framed = found if found is not None and not found.error else None
    image = gallery.instance.url + framed.original if framed else None
    width = height = 0
    if framed is not None:
        width = framed.width or preview.image_width
        height = framed.height or preview.image_height
    named = writer is not None or preview.author_name or preview.author_url
    author = entities.PreviewCardAuthor(
        name=preview.author_name or (writer.display_name if writer else ""),
        url=preview.author_url or (writer.url if writer else ""),
        account=writer,
    )
    photo = preview.type == "photo" and image is not None
    return _of_address(preview.url) | {
        "title": preview.title,
        "description": preview.description,
        "language": preview.language,
        "type": "photo" if photo else "link",
        "author_name": preview.author_name,
        "author_url": preview.author_url,
        "authors": [author] if named else [],
        "provider_name": preview.provider_name,
        "provider_url": preview.provider_url,
        "width": width,
        "height": height,
        "image": image,
        "image_description": preview.image_description,
        "embed_url": image if photo else "",
        "blurhash": framed.blurhash if framed else None,
        "published_at": entities.optional_moment(preview.published_at),
    }


def _of_address(address: str) -> dict[str, Any]:
    """What a page is called of which nothing else is known."""
    there = urlsplit(address)
    return {
        "url": address,
        "title": f"{there.netloc}{there.path}".rstrip("/"),
        "description": "",
        "type": "link",
        "author_name": "",
        "author_url": "",
        "authors": [],
        "provider_name": there.netloc,
        "provider_url": f"{there.scheme}://{there.netloc}",
        "html": "",
        "width": 0,
        "height": 0,
        "image": None,
        "embed_url": "",
        "blurhash": None,
        "published_at": None,
    }
