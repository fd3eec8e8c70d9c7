"""`/admin/pictures`: pictures that nobody sees before one of the staff has seen them."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from fedi.database.tables import Account, Painting
from fedi.runtime import easel_of
from fedi.social.errors import SocialError
from fedi.social.sessions import SignedIn
from fedi.studio import reviews
from fedi.studio.remote_files import claims, gallery
from fedi.studio.remote_files.gallery import Gallery
from fedi.web import forms
from fedi.web.admin import access
from fedi.web.admin.access import Deed, Fields
from fedi.web.views import people
from fedi.web.views.people import Maker
from fedi.web.views.posts import Moment, moment

LENGTH = 20  # pictures on the page, the oldest, which are to be dealt with first
PATH = "/admin/pictures"
MARKS = {"": "As it is marked now", "yes": "Sensitive", "no": "Not sensitive"}


@dataclass(frozen=True, slots=True)
class Held:
    """A picture that waits.

    Attributes:
        file: where those who may review see it.
        scores: what the classifier says, the likeliest first.
    """

    id: str
    author: Maker
    author_id: str
    file: str
    prompt: str
    scores: list[tuple[str, str]]
    classifier: str
    sensitive: bool
    created: Moment


@access.only("reports")
async def show(request: Request, visitor: SignedIn) -> Response:
    """`GET /admin/pictures`: what waits, the oldest first."""
    return await _page(request, visitor, {})


async def _page(
    request: Request, visitor: SignedIn, fields: Fields, error: SocialError | None = None
) -> Response:
    easel = easel_of(request)
    async with easel.database.read() as session:
        found = await reviews.waiting(session, limit=LENGTH)
        total = await reviews.count(session)
        faces = [claim for _, author in found for claim in claims.of_account(author)]
        hung = await gallery.of(easel, session, faces)
    return access.page(
        request,
        visitor,
        "pictures",
        "pictures",
        error=error,
        pictures=[_held(painting, author, hung, visitor.account) for painting, author in found],
        more=total - len(found),
        marks=MARKS,
        longest=reviews.MAX_REASON,
    )


def _held(painting: Painting, author: Account, hung: Gallery, viewer: Account) -> Held:
    judgement = painting.judgement or {}
    scores = sorted(judgement.get("scores", {}).items(), key=lambda one: -one[1])
    return Held(
        id=str(painting.id),
        author=people.maker(author, hung, viewer),
        author_id=str(author.id),
        file=f"{PATH}/{painting.id}/file",
        prompt=str(painting.recipe.get("prompt", "")),
        scores=[(name, f"{score:.0%}") for name, score in scores],
        classifier=str(judgement.get("model", "")),
        sensitive=painting.sensitive,
        created=moment(painting.created_at),
    )


@access.only("reports")
async def file(request: Request, visitor: SignedIn) -> Response:
    """`GET /admin/pictures/ID/file`: the picture itself."""
    easel = easel_of(request)
    async with easel.database.read() as session:
        painting = await reviews.find(session, access.id_of(request))
    content, media_type = await reviews.picture(easel.storage, painting)
    return Response(content, media_type=media_type, headers=reviews.HEADERS)


@access.only("reports")
async def approve(request: Request, visitor: SignedIn) -> Response:
    """`POST /admin/pictures/ID/approve`: its post publishes itself."""
    fields = await forms.read(request)
    sensitive = {"yes": True, "no": False}.get(fields.get("sensitive", ""))
    try:
        access.count(request, visitor)
        await reviews.approve(
            easel_of(request), access.id_of(request), sensitive=sensitive, by=visitor.account
        )
    except SocialError as error:
        return await access.refused(request, visitor, fields, error, _page)
    return access.done(PATH)


async def _refuse(deed: Deed) -> str:
    await reviews.refuse(deed.tx, deed.id, deed.fields.get("reason", ""), by=deed.who)
    return PATH


routes: list[BaseRoute] = [
    Route(PATH, show, methods=["GET"]),
    Route(f"{PATH}/{{id:int}}/file", file, methods=["GET"]),
    Route(f"{PATH}/{{id:int}}/approve", approve, methods=["POST"]),
    access.deed("/pictures/{id:int}/refuse", "reports", _refuse, _page),
]
