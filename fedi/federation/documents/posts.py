"""Posts and their activities, as other servers read them: each only to those who may see it."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from activitypub.objects import activity as activities
from fedi.database import Session
from fedi.database.tables import Status
from fedi.federation import translate
from fedi.federation.documents.reading import (
    COUNTED,
    VARY,
    answer,
    easel_of,
    reader_of,
    status_of,
    wants_page,
)
from fedi.federation.outgoing import announce_of
from fedi.social import accounts, posts, statuses


async def note(request: Request) -> Response:
    """`GET /users/NAME/statuses/KEY`."""
    easel = easel_of(request)
    reader = await reader_of(request, easel)
    async with easel.database.read() as session:
        found = await status_of(request, session, reader)
        if isinstance(found, Response):
            return found
        status, post = found
        if wants_page(request):
            return RedirectResponse(status.url, 302, headers=VARY)
        document = translate.note(post, session.instance).document()
        return answer(document, public=status.visibility in COUNTED)


async def activity(request: Request) -> Response:
    """`GET /users/NAME/statuses/KEY/activity`: the Create of a post, or a boost's Announce."""
    easel = easel_of(request)
    reader = await reader_of(request, easel)
    params = request.path_params
    async with easel.database.read() as session:
        uri = f"{session.instance.url}/users/{params['name']}/statuses/{params['key']}/activity"
        boost = await statuses.load_by_uri(session, reader.account, uri)
        if boost is not None and boost.reblog_of_id is not None:
            document = await announce_document(session, boost)
            return answer(document, public=boost.visibility in COUNTED)
        found = await status_of(request, session, reader)
        if isinstance(found, Response):
            return found
        document = create_document(session, found[1])
        return answer(document, public=found[0].visibility in COUNTED)


async def announce_document(session: Session, boost: Status) -> dict[str, Any]:
    """The Announce that a boost is."""
    author = await accounts.by_id(session, boost.account_id)
    assert author is not None
    made = await announce_of(session, boost, author)
    assert made is not None  # what it boosts goes only together with it
    return made.document()


def create_document(session: Session, post: posts.Post) -> dict[str, Any]:
    """The Create of a post, as its author sees it."""
    document = translate.note(post, session.instance).document()
    return activities.create(post.status.activity_uri, post.account.uri, document).document()


routes: list[BaseRoute] = [
    Route("/users/{name}/statuses/{key}", note),
    Route("/users/{name}/statuses/{key}/activity", activity),
]
