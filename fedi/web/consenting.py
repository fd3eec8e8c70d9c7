"""Whether a page may be trained on: only if everybody may that is on it."""

from __future__ import annotations

from collections.abc import Sequence

from fedi.database import Session
from fedi.runtime import Easel
from fedi.social.posts import Post
from fedi.social.training import offers, standing


async def all_of(easel: Easel, session: Session, shown: Sequence[Post]) -> bool:
    """Whether the authors of all posts on a page let others train on them, and all pictures on it
    are offered."""
    if not await standing.somebody_consents(easel):
        return False
    found = [post.reblog or post for post in shown]
    found += [post.quote for post in found if post.quote is not None]
    if not all(standing.allows(post.account, post.status) for post in found):
        return False
    return await offers.are_offered(session, [media.id for post in found for media in post.media])
