"""Who reads a document, what it is read from, and how it is answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import wraps
from typing import Any, NamedTuple

from sqlmodel import select
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from activitypub import json
from activitypub.context import ACTIVITY_JSON, accepts_activity, with_context
from activitypub.objects import Tombstone
from activitypub.signatures import Refused
from fedi.database import Session
from fedi.database.tables import Account, Status
from fedi.federation.inbox import again, signed_by
from fedi.runtime import Easel, easel_of
from fedi.social import accounts, credentials, pending, posts, statuses
from fedi.social.credentials import App
from fedi.social.visibility import SHOWN_TO_ALL

MAX_AGE_S = 60  # how long a public document may be kept by a cache in front of us
VARY = {"Vary": "Accept, Authorization, Signature"}

Endpoint = Callable[[Request], Awaitable[Response]]


def answer(
    document: dict[str, Any],
    terms: Sequence[Any] = (),
    *,
    status: int = 200,
    public: bool = True,
) -> Response:
    """A document as ActivityStreams; `terms` are added to our @context."""
    cache = f"public, max-age={MAX_AGE_S}" if public else "private, no-store"
    return Response(
        json.encode(with_context(document, terms)),
        status,
        headers={**VARY, "Cache-Control": cache},
        media_type=ACTIVITY_JSON,
    )


def for_all(status: Status) -> bool:
    """Whether a cache in front of us may show something of a post to anybody."""
    return status.visibility in SHOWN_TO_ALL and not status.held


class Reader(NamedTuple):
    """Who reads: the owner of the key that signed, as far as we know them; or whose app it is, by
    its token; else nobody.

    Attributes:
        account: as whom posts are read. An app that may not read posts does so as nobody.
        refused: why the signature was not believed.
        app: whose app it is, and what it may read.
    """

    account: Account | None
    refused: Refused | None
    app: App | None = None

    def owns(self, account: Account, scope: str = "read:statuses") -> bool:
        """Whether it is the account's own app that reads, and may read this of it."""
        if self.app is None:
            return False
        return self.app.account.id == account.id and self.app.may(scope)


async def reader_of(request: Request, easel: Easel) -> Reader:
    """Who reads. A signature that we cannot believe counts as none: Fedify 2.3 tries its second
    kind of signature after any 4xx, and would not learn that a post is gone from a 401."""
    if credentials.bearer(request.headers) is not None:
        async with easel.database.read() as session:
            app = await credentials.app(session, request.headers)
        posts_too = app is not None and app.may("read:statuses")
        return Reader(app.account if app is not None and posts_too else None, None, app)
    if "signature" not in request.headers:
        return Reader(None, None)
    signed = await signed_by(easel, request, b"")
    if isinstance(signed, Refused):
        return Reader(None, signed)
    async with easel.database.read() as session:
        return Reader(await accounts.by_uri(session, signed.owner), None)


def wants_page(request: Request) -> bool:
    """Whether a page is meant rather than the document. Who brings a token is no browser: `ap`
    reads its own actor by `Accept: */*`."""
    accept = request.headers.get("accept", "")
    if credentials.bearer(request.headers) is not None and "text/html" not in accept:
        return False
    return not accepts_activity(accept)


async def account_of(session: Session, request: Request) -> Account:
    """The account of the path.

    Raises:
        HTTPException: there is none.
    """
    uri = f"{session.instance.url}/users/{request.path_params['name']}"
    account = here(await accounts.by_uri(session, uri))
    if account.suspended_at is not None:
        raise HTTPException(404, "There is no such account.", headers=VARY)
    return account


def here(account: Account | None) -> Account:
    """The account, if it is one of ours and alive.

    Raises:
        HTTPException: it is not.
    """
    if account is None or not account.local:
        raise HTTPException(404, "There is no such account.", headers=VARY)
    if account.deleted_at is not None:
        raise HTTPException(410, "That account is deleted.", headers=VARY)
    return account


class OfAccount(NamedTuple):
    """A request for something of an account: who reads, and which account."""

    request: Request
    session: Session
    reader: Reader
    account: Account


class OfPost(NamedTuple):
    """A request for a post or something of it, which the reader may see."""

    request: Request
    session: Session
    reader: Reader
    status: Status
    post: posts.Post


def of_account(show: Callable[[OfAccount], Awaitable[Response]]) -> Endpoint:
    """The endpoint of what there is of the account of the path: 404 and 410 are answered here."""

    @wraps(show)
    async def endpoint(request: Request) -> Response:
        easel = easel_of(request)
        reader = await reader_of(request, easel)
        async with easel.database.read() as session:
            account = await account_of(session, request)
            return await show(OfAccount(request, session, reader, account))

    return endpoint


def of_post(show: Callable[[OfPost], Awaitable[Response]]) -> Endpoint:
    """The endpoint of what there is of the post of the path: what the reader may not see, and what
    is gone, is answered here."""

    @wraps(show)
    async def endpoint(request: Request) -> Response:
        easel = easel_of(request)
        reader = await reader_of(request, easel)
        async with easel.database.read() as session:
            found = await status_of(request, session, reader)
            if isinstance(found, Response):
                return found
            return await show(OfPost(request, session, reader, *found))

    return endpoint


async def status_of(
    request: Request, session: Session, reader: Reader
) -> tuple[Status, posts.Post] | Response:
    """The status of the path, as its author sees it; or the tombstone that is left of it.

    Raises:
        HTTPException: there is none, or none for this reader: the two look alike. What could be
            there for somebody who signs well is a 401 to who signed badly.
    """
    params = request.path_params
    uri = f"{session.instance.url}/users/{params['name']}/statuses/{params['key']}"
    status = await statuses.load_by_uri(session, reader.account, uri)
    if status is not None and status.reblog_of_id is None:
        author = await accounts.by_id(session, status.account_id)
        [post] = await posts.assemble(session, [status], author)
        return status, post
    waiting = await pending.load(session, reader.account, uri)
    if waiting is not None:
        return waiting.post.status, waiting.post
    gone = (await session.exec(select(Status).where(Status.uri == uri))).first()
    if (
        gone is not None
        and gone.deleted_at is not None
        and gone.visibility in SHOWN_TO_ALL
        and not wants_page(request)
    ):
        stone = Tombstone(id=uri, former_type=gone.object_type, deleted=gone.deleted_at)
        return answer(stone.document(), status=410)
    if gone is not None and gone.deleted_at is not None and gone.visibility in SHOWN_TO_ALL:
        raise HTTPException(410, "That post is deleted.", headers=VARY)
    if reader.refused is not None:
        headers = {**VARY, **again(reader.refused)}
        raise HTTPException(reader.refused.status, reader.refused.detail, headers)
    raise HTTPException(404, "There is no such post.", headers=VARY)
