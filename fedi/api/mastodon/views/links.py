"""Links that people post, as apps get them: by their address, since pages are not fetched here."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from fedi.api.mastodon import entities
from fedi.api.mastodon.views.tags import history
from fedi.database import Session
from fedi.social.trends import histories
from fedi.social.trends.listing import Link


async def show(session: Session, links: Sequence[Link]) -> list[entities.TrendsLink]:
    """Links, in the same order."""
    used = await histories.of_trends(session, "link", [link.number for link in links])
    shown = []
    for link in links:
        parts = urlsplit(link.address)
        shown.append(
            entities.TrendsLink(
                url=link.address,
                title=f"{parts.netloc}{parts.path}".rstrip("/"),
                description="",
                type="link",
                author_name="",
                author_url="",
                authors=[],
                provider_name=parts.netloc,
                provider_url=f"{parts.scheme}://{parts.netloc}",
                html="",
                width=0,
                height=0,
                image=None,
                embed_url="",
                blurhash=None,
                published_at=None,
                history=history(used[link.number]),
            )
        )
    return shown
