"""`/admin/trends`: what many people do something with, why, and whether it may be shown so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from fedi.database import Session
from fedi.database.tables import Account
from fedi.runtime import Easel, easel_of
from fedi.social import posts, text
from fedi.social.errors import Invalid, SocialError
from fedi.social.posts import Post
from fedi.social.sessions import SignedIn
from fedi.social.trends import items, listing, verdicts
from fedi.social.trends.items import Item
from fedi.social.trends.subjects import Kind
from fedi.studio.remote_files import claims, gallery
from fedi.studio.remote_files.gallery import Gallery
from fedi.web.admin import access
from fedi.web.admin.access import Deed, Fields
from fedi.web.views import people
from fedi.web.views import posts as views
from fedi.web.views.links import excerpt, safe_link
from fedi.web.views.posts import Tile

LENGTH = 40  # of a kind on the page, the first: nobody sees more of them anywhere
EXCERPT = 240  # characters of a post or a prompt
PATH = "/admin/trends"
NAMES: dict[Kind, str] = {
    "status": "Posts",
    "tag": "Tags",
    "prompt": "Prompts",
    "chain": "Remixes",
    "link": "Links",
}


@dataclass(frozen=True, slots=True)
class Subject:
    """Something that trends.

    Attributes:
        words: what it is: the hashtag, the address, the prompt, the words of the post.
        lang: of these words, if it is known.
        by: whose post it is, or shows it; nothing of a hashtag or a link.
        allowed: what moderators said; None if nobody has.
    """

    id: str
    words: str
    lang: str
    href: str
    by: str
    tile: Tile | None
    why: str
    allowed: bool | None


@access.only("taxonomies")
async def show(request: Request, visitor: SignedIn) -> Response:
    """`GET /admin/trends?kind=KIND`: those of a kind, what most people talk about first."""
    return await _page(request, visitor, {})


async def _page(
    request: Request, visitor: SignedIn, fields: Fields, error: SocialError | None = None
) -> Response:
    easel = easel_of(request)
    kind = _kind(fields.get("kind") or request.query_params.get("kind", "status"))
    if kind is None:
        raise HTTPException(404, access.NOTHING)
    async with easel.database.read() as session:
        found = await items.of_kind(session, None, kind, "all", limit=LENGTH, offset=0)
        subjects = await _subjects(easel, session, visitor.account, kind, found)
    return access.page(
        request,
        visitor,
        "trends",
        "trends",
        error=error,
        kinds=[
            (access.address(PATH, ("kind", one)), words, one == kind)
            for one, words in NAMES.items()
        ],
        kind=kind,
        subjects=subjects,
        review=easel.settings.trends.review,
    )


async def _subjects(
    easel: Easel, session: Session, viewer: Account, kind: Kind, found: Sequence[Item]
) -> list[Subject]:
    numbers = [item.number for item in found]
    why = await listing.reasons(session, kind, numbers)
    judged = await verdicts.of(session, kind, numbers)
    rows = [item.post for item in found if item.post is not None]
    whole = {post.status.id: post for post in await posts.assemble(session, rows, viewer)}
    hung = await gallery.of(easel, session, claims.of_posts(list(whole.values())))
    return [
        _subject(kind, item, why[item.number].words, judged.get(item.number), whole, hung, viewer)
        for item in found
    ]


def _subject(
    kind: Kind,
    item: Item,
    why: str,
    allowed: bool | None,
    whole: Mapping[int, Post],
    hung: Gallery,
    viewer: Account,
) -> Subject:
    number = str(item.number)
    if item.post is None:
        href = f"/tags/{item.words}" if kind == "tag" else safe_link(item.words)
        words = f"#{item.words}" if kind == "tag" else excerpt(item.words, EXCERPT)
        return Subject(number, words, "", href, "", None, why, allowed)
    post = whole[item.post.id]
    status = post.status
    words = item.words or status.spoiler_text or text.plain(status.content)
    return Subject(
        id=number,
        words=excerpt(words, EXCERPT),
        lang="" if item.words else status.language or "",
        href=views.post_href(post, viewer),
        by=people.maker(post.account, hung, viewer).handle,
        tile=next(iter(views.tiles([post], hung, viewer)), None),
        why=why,
        allowed=allowed,
    )


def _kind(words: str) -> Kind | None:
    return next((kind for kind in NAMES if kind == words), None)


async def _approve(deed: Deed) -> str:
    return await _decide(deed, allowed=True)


async def _reject(deed: Deed) -> str:
    return await _decide(deed, allowed=False)


async def _decide(deed: Deed, *, allowed: bool) -> str:
    kind = _kind(deed.fields.get("kind", ""))
    if kind is None:
        raise Invalid("Say what kind of trend it is.")
    await verdicts.decide(deed.tx, deed.who, kind, deed.id, allowed=allowed)
    return access.address(PATH, ("kind", kind))


routes: list[BaseRoute] = [
    Route(PATH, show, methods=["GET"]),
    access.deed("/trends/{id:int}/approve", "taxonomies", _approve),
    access.deed("/trends/{id:int}/reject", "taxonomies", _reject),
]
