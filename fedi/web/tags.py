"""The page of a hashtag, and following it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from fedi.database import Session
from fedi.database.tables import Account, Status
from fedi.runtime import easel_of
from fedi.social import attempts, followed_tags, text, timelines
from fedi.social.sessions import SignedIn
from fedi.social.timelines import Page
from fedi.web import cards, feed_pages, forms, visitors
from fedi.web.choosing import Choice
from fedi.web.feed_pages import Feed

_TAG = re.compile(rf"\w{{1,{text.MAX_TAG_LENGTH}}}")


async def show(request: Request) -> Response:
    """`GET /tags/NAME`: what is public under a hashtag, of all that this instance knows."""
    easel = easel_of(request)
    name = tag_name(request)
    viewer = await visitors.viewer(request)
    followed = None
    if viewer is not None:
        async with easel.database.read() as session:
            followed = await followed_tags.is_followed(session, viewer, name)
    return await feed_pages.show(
        request,
        viewer,
        _feed(viewer, name),
        card=cards.tag(name, easel.settings.instance),
        followed=followed,
    )


async def count(request: Request) -> Response:
    """`GET /tags/NAME/new?since_id=ID`."""
    viewer = await visitors.viewer(request)
    return await feed_pages.count(request, viewer, _feed(viewer, tag_name(request)))


def _feed(viewer: Account | None, name: str) -> Feed:
    async def read(session: Session, page: Page) -> Sequence[Status]:
        return await timelines.tagged(session, viewer, name, page)

    blank = "What is posted in public under this hashtag comes here."
    return Feed("tag", f"#{name}", f"/tags/{quote(name)}", read, Choice("posts"), blank)


@visitors.signed_in
async def follow(request: Request, visitor: SignedIn) -> Response:
    """`POST /tags/NAME/follow` and `/unfollow`: what is public under it comes home."""
    await forms.read(request)
    easel = easel_of(request)
    name = tag_name(request)
    attempts.by_account(easel, attempts.DEEDS_OF_ACCOUNT, visitor.account)
    unfollow = request.url.path.endswith("/unfollow")
    deed = followed_tags.unfollow if unfollow else followed_tags.follow
    async with easel.database.write() as tx:
        await deed(tx, await tx.get_one(Account, visitor.account.id), name)
    return RedirectResponse(f"/tags/{quote(name)}", 303, {"Cache-Control": "no-store"})


def tag_name(request: Request) -> str:
    """The hashtag that an address names, as it is kept.

    Raises:
        HTTPException: that is none.
    """
    if not _TAG.fullmatch(request.path_params["name"]):
        raise HTTPException(404, "That is no hashtag.")
    return text.normal_tag(request.path_params["name"])


routes: list[BaseRoute] = [
    Route("/tags/{name}", show, methods=["GET"]),
    Route("/tags/{name}/new", count, methods=["GET"]),
    Route("/tags/{name}/follow", follow, methods=["POST"]),
    Route("/tags/{name}/unfollow", follow, methods=["POST"]),
]
