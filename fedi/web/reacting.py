"""Liking and boosting from a link elsewhere (FEP-3b86): the post, and a button."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from activitypub.objects import values
from fedi import ids
from fedi.database import Transaction
from fedi.database.tables import Account, Status
from fedi.federation import lookup
from fedi.runtime import Easel, easel_of
from fedi.social import attempts, favourites, posts, reblogs, statuses
from fedi.social.errors import SocialError
from fedi.social.posts import Post
from fedi.social.sessions import SignedIn
from fedi.studio.remote_files import claims, gallery
from fedi.web import forms, returning, visitors
from fedi.web.render import private_page
from fedi.web.returning import Ways
from fedi.web.views import posts as post_views

# Each may make us ask another server.
LOOK_UPS = attempts.Limit("look-ups of a post", 60, 600)
REACTIONS = attempts.Limit("reactions of an account by pages", 300, 10_800)
NOTHING = "There is no such post, or it is not for you."


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that is done to a post.

    Attributes:
        path: of its page.
        words: what the button says.
        done_words: what is said of a post to which it is done.
        do: does it; twice is once.
        done: whether the viewer of a post has.
    """

    path: str
    words: str
    done_words: str
    do: Callable[[Transaction, Account, Status], Awaitable[Any]]
    done: Callable[[Post], bool]


DEEDS = (
    Deed("/intents/like", "Like", "You like this", favourites.add, lambda post: post.favourited),
    Deed(
        "/intents/announce", "Boost", "You boosted this", reblogs.add, lambda post: post.reblogged
    ),
)


async def named(easel: Easel, visitor: SignedIn, address: str) -> Status:
    """The post of an address, asked for elsewhere if need be; of a boost, what was boosted.

    Raises:
        HTTPException: 400 for what is no address, 404 if there is no such post.
        TooMany: somebody asked for too many.
    """
    uri = values.web_uri(address)
    if uri is None:
        raise HTTPException(400, "Name a post by its address.")
    attempts.by_account(easel, LOOK_UPS, visitor.account)
    found = await lookup.address(easel, visitor.account, uri)
    if not isinstance(found, Status):
        raise HTTPException(404, NOTHING)
    return found


def _asking(deed: Deed) -> visitors.Page:
    @visitors.signed_in
    async def ask(request: Request, visitor: SignedIn) -> Response:
        """`GET /intents/…?object=ID`: the post, and a button."""
        query = forms.parsed(request.url.query)
        status = await named(easel_of(request), visitor, query.get("object", "").strip())
        return await _page(request, visitor, deed, status.id, returning.read(query))

    return ask


def _doing(deed: Deed) -> visitors.Page:
    @visitors.signed_in
    async def do(request: Request, visitor: SignedIn) -> Response:
        """`POST /intents/…`: the button was pressed."""
        fields = await forms.read(request)
        number = ids.parse(fields.get("id"))
        if number is None:
            raise HTTPException(400, "The id must be a number.")
        easel = easel_of(request)
        error = None
        try:
            attempts.by_account(easel, REACTIONS, visitor.account)
            async with easel.database.write() as tx:
                account = await tx.get_one(Account, visitor.account.id)
                status = await statuses.load(tx, account, number)
                if status is None:
                    raise HTTPException(404, NOTHING)
                await deed.do(tx, account, status)
        except SocialError as reason:
            error = reason
        return await _page(request, visitor, deed, number, returning.read(fields), error)

    return do


async def _page(
    request: Request,
    visitor: SignedIn,
    deed: Deed,
    status_id: int,
    ways: Ways,
    error: SocialError | None = None,
) -> Response:
    easel = easel_of(request)
    async with easel.database.read() as session:
        status = await statuses.load(session, visitor.account, status_id)
        if status is None:
            raise HTTPException(404, NOTHING)
        [post] = await posts.assemble(session, [status], visitor.account)
        hung = await gallery.of(easel, session, claims.of_posts([post]))
    post = post.reblog or post
    return private_page(
        request,
        "react.html",
        status=error.status if error is not None else 200,
        visitor=visitor,
        form_key=forms.key(request),
        error=str(error) if error is not None else "",
        deed=deed,
        done=deed.done(post),
        post=post_views.shown(post, hung),
        post_id=str(post.status.id),
        ways=ways,
    )


routes: list[BaseRoute] = [
    *(Route(deed.path, _asking(deed), methods=["GET"]) for deed in DEEDS),
    *(Route(deed.path, _doing(deed), methods=["POST"]) for deed in DEEDS),
]
