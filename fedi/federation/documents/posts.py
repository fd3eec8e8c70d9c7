"""Posts and their activities, as other servers read them: each only to those who may see it."""

from __future__ import annotations

from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from activitypub.objects import Approval
from activitypub.objects import activity as activities
from fedi import ids
from fedi.database import Session
from fedi.database.tables import Account, OutboxActivity, Status
from fedi.federation.documents.reading import (
    VARY,
    OfPost,
    account_of,
    answer,
    for_all,
    of_post,
    reader_of,
    status_of,
    wants_page,
)
from fedi.federation.outgoing.activities import extension
from fedi.federation.outgoing.posts import announce_of
from fedi.federation.translate import outward
from fedi.runtime import easel_of
from fedi.social import accounts, posts, quotes, statuses


@of_post
async def note(asked: OfPost) -> Response:
    """`GET /users/NAME/statuses/KEY`."""
    request, session, reader, status, post = asked
    if wants_page(request):
        return RedirectResponse(status.url, 302, headers=VARY)
    document = note_document(session, post, reader.account)
    return answer(document, public=for_all(status))


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
            return answer(document, public=for_all(boost))
        found = await status_of(request, session, reader)
        if isinstance(found, Response):
            return found
        document = create_document(session, found[1], reader.account)
        return answer(document, public=for_all(found[0]))


async def announce_document(session: Session, boost: Status) -> dict[str, Any]:
    """The Announce that a boost is."""
    author = await accounts.by_id(session, boost.account_id)
    assert author is not None
    made = await announce_of(session, boost, author)
    assert made is not None  # what it boosts goes only together with it
    return made.document()


def note_document(session: Session, post: posts.Post, reader: Account | None) -> dict[str, Any]:
    """A post, as its author sees it. To whom it went unseen, only they are told: a client shows
    what it sent (ActivityPub 6)."""
    document = outward.note(post, session.instance, session.now).document()
    if post.blind and reader is not None and reader.id == post.account.id:
        document["bcc"] = [other.uri for other in post.blind]
    return document


def create_document(
    session: Session, post: posts.Post, reader: Account | None = None
) -> dict[str, Any]:
    """The Create of a post, as its author sees it.

    Args:
        reader: who reads it, if that is to make a difference.
    """
    document = note_document(session, post, reader)
    made = activities.create(post.status.activity_uri, post.account.uri, document).document()
    return made | ({"bcc": document["bcc"]} if "bcc" in document else {})


def kept_document(row: OutboxActivity) -> tuple[dict[str, Any], tuple[Any, ...]]:
    """A kept activity as it is read, and what its author adds to our @context."""
    made = extension(row)
    return made.document(), made.terms


def kept_member(row: OutboxActivity) -> dict[str, Any]:
    """A kept activity among others, of which each has its own terms."""
    document, terms = kept_document(row)
    return {"@context": list(terms), **document} if terms else document


async def stamp(request: Request) -> Response:
    """`GET /users/NAME/stamps/KEY`: that an author agrees to being quoted (FEP-044f).

    Readable by all: it says nothing but which two posts it is about.
    """
    key = request.path_params["key"]
    async with easel_of(request).database.read() as session:
        account = await account_of(session, request)
        found = await quotes.find_stamp(session, account, ids.parse(key) or 0)
        quoted = await session.get(Status, found.status_id) if found is not None else None
        if found is None or quoted is None:
            raise HTTPException(404, "There is no such leave, or no longer.", headers=VARY)
        return answer(
            Approval(
                id=quotes.stamp_uri(account, found),
                type="QuoteAuthorization",
                attributed_to=account.uri,
                object=found.quoting_uri,
                target=quoted.uri,
            ).document()
        )


routes: list[BaseRoute] = [
    Route("/users/{name}/stamps/{key}", stamp),
    Route("/users/{name}/statuses/{key}", note),
    Route("/users/{name}/statuses/{key}/activity", activity),
]
