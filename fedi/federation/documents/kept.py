"""What apps posted that is no post, as others read it who may: activities, objects, collections."""

from __future__ import annotations

from sqlmodel import col
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from fedi.database import Session
from fedi.database.tables import Account, CollectionItem, OutboxActivity
from fedi.federation.documents.collections import addresses
from fedi.federation.documents.paging import Listing, asks_for_page
from fedi.federation.documents.posts import kept_document
from fedi.federation.documents.reading import VARY, Reader, account_of, answer, reader_of
from fedi.runtime import easel_of
from fedi.social import activities, collections
from fedi.social.visibility import SHOWN_TO_ALL


async def activity(request: Request) -> Response:
    """`GET /users/NAME/activities/KEY`: what an app posted that is no post, for whom it is."""
    easel = easel_of(request)
    reader = await reader_of(request, easel)
    async with easel.database.read() as session:
        account = await account_of(session, request)
        uri = f"{account.uri}/activities/{request.path_params['key']}"
        row = await activities.load(session, reader.account, uri)
        if row is None:
            raise HTTPException(404, "There is no such activity.", headers=VARY)
        return answer(*kept_document(row), public=row.visibility in SHOWN_TO_ALL)


async def thing(request: Request) -> Response:
    """`GET /users/NAME/objects/KEY`: an object of a type that means nothing here, or a collection
    that an app made."""
    easel = easel_of(request)
    reader = await reader_of(request, easel)
    async with easel.database.read() as session:
        account = await account_of(session, request)
        uri = f"{account.uri}/objects/{request.path_params['key']}"
        row = await activities.creation(session, reader.account, account, uri)
        if row is None:
            raise HTTPException(404, "There is no such object.", headers=VARY)
        if collections.is_collection(row):
            return await _collection(request, session, reader, account, row)
        document, terms = kept_document(row)
        status = 200 if row.undone_at is None else 410  # then it is a Tombstone
        public = row.visibility in SHOWN_TO_ALL
        return answer(document["object"], terms, status=status, public=public)


async def _collection(
    request: Request, session: Session, reader: Reader, account: Account, row: OutboxActivity
) -> Response:
    """A collection, or a page of it: what is in it for this reader, the newest first."""
    document, terms = kept_document(row)
    object_ = document["object"]
    listing = Listing(
        uri=object_["id"],
        query=collections.members(reader.account, row),
        key=col(CollectionItem.id),
        ordered=object_["type"] == "OrderedCollection",
        attributed_to=account.uri,
    )
    public = row.visibility in SHOWN_TO_ALL and reader.account is None
    if asks_for_page(request):
        part = await listing.part(session, request)
        return answer(listing.page(part, await addresses(part.rows)).document(), public=public)
    whole = listing.whole(await listing.total(session))
    return answer({**object_, **whole}, terms, public=public)


routes: list[BaseRoute] = [
    Route("/users/{name}/activities/{key:path}", activity),
    Route("/users/{name}/objects/{key}", thing),
]
