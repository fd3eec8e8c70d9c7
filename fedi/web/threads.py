"""The conversation around a post, as its viewer may see it, in the order it is read."""

from __future__ import annotations

from dataclasses import dataclass

from fedi.database import Session
from fedi.database.tables import Account, Status
from fedi.social import conversations, posts
from fedi.social.posts import Post


@dataclass(frozen=True, slots=True)
class Answer:
    """A post in a conversation, `depth` answers below the post of the page (0 above it)."""

    post: Post
    depth: int


async def before(session: Session, viewer: Account | None, status: Status) -> list[Answer]:
    """What the post answers, the oldest first."""
    chain = await conversations.before(session, viewer, status)
    return [Answer(post, 0) for post in await posts.assemble(session, chain, viewer)]


async def after(session: Session, viewer: Account | None, status: Status) -> list[Answer]:
    """The answers, each followed by its own, the oldest first."""
    found = await conversations.after(session, viewer, status)
    assembled = await posts.assemble(session, [answer for answer, _ in found], viewer)
    return [Answer(post, depth) for post, (_, depth) in zip(assembled, found, strict=True)]
