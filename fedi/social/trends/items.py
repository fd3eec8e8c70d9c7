"""What trends, of each kind told alike: a number, words, and a post that shows it."""

from __future__ import annotations

from dataclasses import dataclass

from fedi.database import Session
from fedi.database.tables import Account, Status
from fedi.social.trends import listing
from fedi.social.trends.subjects import Kind
from fedi.social.trends.verdicts import Which


@dataclass(frozen=True, slots=True)
class Item:
    """Something that trends.

    Attributes:
        number: by which moderators name it.
        words: the hashtag, the address, or the prompt; none of a post or a chain.
        post: itself, the latest with the prompt, or what the chain began with; none of a hashtag
            or a link.
    """

    number: int
    words: str = ""
    post: Status | None = None


async def of_kind(
    session: Session, viewer: Account | None, kind: Kind, which: Which, *, limit: int, offset: int
) -> list[Item]:
    """What trends of one kind, as `listing` has it."""
    if kind == "tag":
        tags = await listing.tags(session, viewer, which, limit=limit, offset=offset)
        return [Item(tag.id, tag.display_name) for tag in tags]
    if kind == "link":
        links = await listing.links(session, viewer, which, limit=limit, offset=offset)
        return [Item(link.number, link.address) for link in links]
    if kind == "prompt":
        prompts = await listing.prompts(session, viewer, which, limit=limit, offset=offset)
        return [Item(one.number, one.words, one.example) for one in prompts]
    read = listing.statuses if kind == "status" else listing.chains
    posts = await read(session, viewer, which, limit=limit, offset=offset)
    return [Item(post.id, post=post) for post in posts]
