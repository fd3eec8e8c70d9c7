"""What somebody does not want to see: their filters, as pages keep to them.

Apps are told of the filters and keep to them by themselves; here the server does it. What is to be
hidden is left out; what comes with a warning is folded under it, and hangs on no wall.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from fedi.database import Session
from fedi.database.tables import Account
from fedi.social import filters
from fedi.social.filters import Match, Whole
from fedi.social.posts import Post
from fedi.studio.remote_files.gallery import Gallery
from fedi.web.views import posts as views
from fedi.web.views.posts import Shown, Tile

Context = Literal["home", "notifications", "public", "thread", "account"]


@dataclass(frozen=True, slots=True)
class Sieve:
    """The filters of who looks, in one context; of nobody, none."""

    viewer: Account | None
    wanted: Sequence[Whole]

    def hides(self, post: Post) -> bool:
        """Whether it is not to be seen at all."""
        return any(match.filter.action == "hide" for match in self._matches(post))

    def shown(self, found: Iterable[Post], gallery: Gallery) -> list[Shown]:
        """Posts, those with a warning under it."""
        return [
            self.folded(views.shown(post, gallery, self.viewer), post)
            for post in found
            if not self.hides(post)
        ]

    def folded(self, shown: Shown, post: Post) -> Shown:
        """A post with the names of the filters that warn of it."""
        titles = dict.fromkeys(match.filter.title for match in self._matches(post))
        return replace(shown, filtered=", ".join(titles)) if titles else shown

    def tiles(self, found: Iterable[Post], gallery: Gallery) -> list[Tile]:
        """The pictures of posts of which no filter warns."""
        clear = [post for post in found if not self._matches(post)]
        return views.tiles(clear, gallery, self.viewer)

    def _matches(self, post: Post) -> list[Match]:
        author = (post.reblog or post).account
        if not self.wanted or (self.viewer is not None and author.id == self.viewer.id):
            return []
        return filters.matches(self.wanted, post)


async def sieve(session: Session, viewer: Account | None, context: Context) -> Sieve:
    """What who looks does not want to see there."""
    if viewer is None:
        return Sieve(None, ())
    held = await filters.active(session, viewer, session.now)
    return Sieve(viewer, [one for one in held if context in one.filter.context])
