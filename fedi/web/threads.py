"""The conversation around a post, as its viewer may see it, in the order it is read."""

from __future__ import annotations

from dataclasses import dataclass

from fedi.database import Session
from fedi.database.tables import Account, Status
from fedi.social import conversations, posts
from fedi.social.posts import Post
from fedi.studio.remote_files.gallery import Gallery
from fedi.studio.testimony import Heard
from fedi.web.sifting import Sieve
from fedi.web.views import files_said
from fedi.web.views import posts as views
from fedi.web.views.files_said import Said
from fedi.web.views.posts import Shown


@dataclass(frozen=True, slots=True)
class Answer:
    """A post in a conversation, `depth` answers below the post of the page (0 above it)."""

    post: Post
    depth: int


@dataclass(frozen=True, slots=True)
class Reply:
    """A post in a thread as it is shown, with what its files say."""

    post: Shown
    depth: int
    said: list[Said]


async def before(session: Session, viewer: Account | None, status: Status) -> list[Answer]:
    """What the post answers, the oldest first."""
    chain = await conversations.before(session, viewer, status)
    return [Answer(post, 0) for post in await posts.assemble(session, chain, viewer)]


async def after(session: Session, viewer: Account | None, status: Status) -> list[Answer]:
    """The answers, each followed by its own, the oldest first."""
    found = await conversations.after(session, viewer, status)
    assembled = await posts.assemble(session, [answer for answer, _ in found], viewer)
    return [Answer(post, depth) for post, (_, depth) in zip(assembled, found, strict=True)]


def shown(found: list[Answer], gallery: Gallery, heard: Heard, sieve: Sieve) -> list[Reply]:
    """A conversation, but for what its reader's filters hide."""
    return [
        Reply(
            sieve.folded(views.shown(one.post, gallery, sieve.viewer), one.post),
            one.depth,
            files_said.of(one.post, gallery, heard),
        )
        for one in found
        if not sieve.hides(one.post)
    ]
