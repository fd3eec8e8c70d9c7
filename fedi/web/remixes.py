"""Remixes on pages: what a post is made of, what was made of it, and how to make another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from fedi.database import Session
from fedi.database.tables import Account, Status
from fedi.runtime import easel_of
from fedi.social import posts, remixes
from fedi.social.posts import Post
from fedi.studio.remote_files import claims, gallery
from fedi.web import cards, profiles, visitors
from fedi.web.render import ROBOTS_NOWHERE, page
from fedi.web.views import pictures
from fedi.web.views import posts as post_views

SHOWN = 12  # remixes on the page of a post: two rows on a phone


@dataclass(frozen=True, slots=True)
class Kin:
    """What a post is a remix of, and its remixes, as its viewer may see them."""

    parent: Post | None = None
    remixes: Sequence[Post] = field(default_factory=tuple)

    @property
    def posts(self) -> list[Post]:
        return [*([self.parent] if self.parent else []), *self.remixes]


async def of(session: Session, viewer: Account | None, status: Status) -> Kin:
    """The kin of a post."""
    above = await remixes.parent(session, viewer, status)
    below = await remixes.remixes(session, viewer, status, limit=SHOWN)
    found = await posts.assemble(session, [*([above] if above else []), *below], viewer)
    return Kin(found[0], found[1:]) if above else Kin(None, found)


def remixable(post: Post) -> bool:
    """Whether the author of a post shares the recipe of its first picture."""
    first = next((medium for medium in post.media if medium.type == "image"), None)
    return first is not None and first.share_recipe


async def show(request: Request) -> Response:
    """`GET /@NAME/ID/remix`: how to make another picture of this one."""
    easel = easel_of(request)
    missing = "There is no such post here, or its recipe is not shared."
    viewer = await visitors.viewer(request)
    async with easel.database.read() as session:
        status = await profiles.find_post(session, request, viewer, nobody=missing)
        (found,) = await posts.assemble(session, [status], viewer)
        hung = await gallery.of(easel, session, claims.of_posts([found]))
    if not remixable(found):
        raise HTTPException(404, missing)
    return page(
        request,
        "remix.html",
        robots=ROBOTS_NOWHERE,
        card=cards.post(found, hung),
        post=post_views.shown(found, hung, viewer),
        recipes=[recipe for media in found.media if (recipe := pictures.shared(media))][:1],
        status_id=str(status.id),
    )


routes: list[BaseRoute] = [Route("/@{name}/{id:int}/remix", show)]
