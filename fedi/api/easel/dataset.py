"""What authors let others train on, for those who train: live, for whom an administrator let
listen (`easel dataset grant`); and for everybody the signed list of what was withdrawn.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import AsyncGenerator
from typing import Any
from weakref import WeakKeyDictionary

from sqlmodel import col, select
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from activitypub.context import LD_JSON
from fedi import ids
from fedi.api import auth
from fedi.database import Session
from fedi.database.tables import DatasetExport, DatasetItem, MediaAttachment
from fedi.events import Listener
from fedi.runtime import Easel, easel_of
from fedi.social import attempts
from fedi.social.errors import TooMany
from fedi.social.spreading import STATUSES
from fedi.social.training import grants, ledger, offers, pseudonyms, standing
from fedi.storage import Missing
from fedi.studio import gate
from fedi.studio.dataset import samples, withdrawals

STREAM = "/api/easel/v1/dataset/stream"
PICTURES = "/api/easel/v1/dataset/pictures"
PICTURES_OF_GRANT = attempts.Limit("pictures that a grant fetches", 600, 60)
LISTS_OF_ADDRESS = attempts.Limit("lists of what was withdrawn, for an address", 60, 300)
MAX_STREAMS = 4  # of one grant in one process
HEARTBEAT_S = 15.0  # proxies cut a silent connection after 30 to 60 seconds; and rows are looked at
PAUSE_S = 5.0  # between two looks, however much happens: each is at all that a grant was told
BATCH = 100  # events at once

_open: WeakKeyDictionary[Easel, Counter[int]] = WeakKeyDictionary()


async def withdrawn(request: Request) -> Response:
    """`GET /api/easel/v1/dataset/withdrawn?since=EXPORT`: the signed list; needs no token."""
    easel = easel_of(request)
    host = request.client.host if request.client is not None else ""
    attempts.by_address(easel, LISTS_OF_ADDRESS, host)
    since = None
    if "since" in request.query_params:
        async with easel.database.read() as session:
            since = await ledger.find(session, ids.parse(request.query_params["since"]))
    after = ids.parse(request.query_params.get("after", "0"))
    if after is None:
        raise HTTPException(400, "“after” must be a number.")
    page, _ = await withdrawals.page(easel, since, after)
    return JSONResponse(page, media_type=LD_JSON, headers={"Cache-Control": "no-store"})


async def stream(request: Request) -> Response:
    """`GET /api/easel/v1/dataset/stream`: server-sent events, `item` and `withdrawn`.

    With `Last-Event-ID` it goes on behind that event; without, it begins with the first.

    Raises:
        401 without the token of a grant, 429 for too many at once.
    """
    easel = easel_of(request)
    grant = await _grant(request)
    position = ids.parse(request.headers.get("last-event-id")) or 0
    return _Stream(easel, grant, position)


async def picture(request: Request) -> Response:
    """`GET /api/easel/v1/dataset/pictures/KEY`: the file of an item, to a grant that was told of it
    and as long as it is offered.

    Raises:
        401 without the token of a grant, 404 for what it was not told of, 429 for too many, 503
        while too many pictures are looked at.
    """
    easel = easel_of(request)
    grant = await _grant(request)
    attempts.of(easel).take(PICTURES_OF_GRANT, str(grant.id), easel.clock.now())
    key = request.path_params["key"]
    query = (
        offers.offered(sensitive=grant.sensitive)
        .join(DatasetItem, col(DatasetItem.media_id) == col(MediaAttachment.id))
        .where(col(DatasetItem.export_id) == grant.id, col(DatasetItem.key) == key)
    )
    async with easel.database.read() as session:
        found = (await session.exec(query)).first()
    if found is None:
        raise HTTPException(404, "There is no such picture, or it was withdrawn.")
    media: MediaAttachment = found[0]
    try:
        content = await samples.picture(easel, media, gate.of(easel).request())
    except Missing:
        raise HTTPException(404, "There is no such picture, or it was withdrawn.") from None
    headers = {
        "Cache-Control": "private, no-store",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
    return Response(content, media_type=media.media_type, headers=headers)


async def _grant(request: Request) -> DatasetExport:
    token = auth.bearer(request)
    grant = None
    if token is not None:
        async with easel_of(request).database.read() as session:
            grant = await grants.authenticate(session, token)
    if grant is None:
        raise auth.challenge(
            request, "This needs the token of a grant (`easel dataset grant`).", "invalid_token"
        )
    return grant


class _Stream(StreamingResponse):
    """A stream, counted among those of its grant from before its first byte to its end.

    Raises:
        TooMany: there are as many already.
    """

    def __init__(self, easel: Easel, grant: DatasetExport, position: int) -> None:
        self._seats, self._grant_id = _open.setdefault(easel, Counter()), grant.id
        if self._seats[grant.id] >= MAX_STREAMS:
            raise TooMany("This grant has too many streams open.", int(HEARTBEAT_S))
        self._told = _told(easel, grant, position)
        headers = {"Cache-Control": "private, no-store", "X-Accel-Buffering": "no"}
        super().__init__(self._told, headers=headers, media_type="text/event-stream")
        self._seats[grant.id] += 1

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._seats[self._grant_id] -= 1
            await self._told.aclose()


async def _told(easel: Easel, grant: DatasetExport, position: int) -> AsyncGenerator[bytes, None]:
    key = await pseudonyms.secret(easel)
    # Listening begins before the first look, so that nothing can happen unseen between them.
    with easel.events.listen([STATUSES, standing.TOPIC]) as listener:
        yield b"retry: 10000\n\n"
        while await _holds(easel, grant):  # also between two batches of a long past
            more = await _write_down(easel, grant, key)
            async with easel.database.read() as session:
                events = await grants.told(session, grant.id, position, BATCH)
                pieces = await _pieces(easel, session, grant, events, key)
            for piece in pieces:
                yield piece
            position = events[-1][0] if events else position
            if not more and not events and not await _heard(listener):
                yield b": still here\n\n"


async def _write_down(easel: Easel, grant: DatasetExport, key: bytes) -> int:
    """What is to be told next is a row before it is told. How much that was."""
    async with easel.database.read() as session:
        news = await grants.untold(session, grant, 1)
        overdue = await ledger.is_overdue(session, grant.id)
    if not news and not overdue:
        return 0
    async with easel.database.write() as tx:
        back = await ledger.withdraw(tx, export_id=grant.id) if overdue else 0
        return back + await grants.take(tx, grant.id, BATCH, key)


async def _pieces(
    easel: Easel,
    session: Session,
    grant: DatasetExport,
    events: list[tuple[int, str, DatasetItem]],
    key: bytes,
) -> list[bytes]:
    """What is said of some events; of an item that is not offered any more, nothing: that it was
    withdrawn comes next."""
    wanted = [row.media_id for _, kind, row in events if kind == "item"]
    query = offers.offered(sensitive=grant.sensitive).where(col(MediaAttachment.id).in_(wanted))
    found = [(media, status, who) for media, status, who in (await session.exec(query)).all()]
    instance = easel.settings.instance
    documents = await samples.documents(session, instance, found, key)
    said = {media.id: told for (media, _, _), told in zip(found, documents, strict=True)}
    pieces = []
    for position, kind, row in events:
        document: dict[str, Any] | None = said.get(row.media_id)
        if kind == "withdrawn":
            assert row.withdrawn_at is not None
            at = row.withdrawn_at.isoformat(timespec="seconds").replace("+00:00", "Z")
            document = {"key": row.key, "at": at, "reason": row.reason}
        elif document is not None:
            picture = f"{instance.url}{PICTURES}/{row.key}"
            document = document | {"key": row.key, "picture": picture}
        if document is not None:
            data = json.dumps(document, ensure_ascii=False)
            pieces.append(f"id: {position}\nevent: {kind}\ndata: {data}\n\n".encode())
    return pieces


async def _heard(listener: Listener) -> bool:
    """Whether anything has happened; False if nothing has for a while."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(HEARTBEAT_S):
            await listener.next()
            await asyncio.sleep(PAUSE_S)
            listener.drain()
            return True
    return False


async def _holds(easel: Easel, grant: DatasetExport) -> bool:
    query = select(DatasetExport.id).where(
        col(DatasetExport.id) == grant.id, col(DatasetExport.revoked_at).is_(None)
    )
    async with easel.database.read() as session:
        return (await session.exec(query)).first() is not None


routes: list[BaseRoute] = [
    Route(withdrawals.PATH, withdrawn, methods=["GET"]),
    Route(STREAM, stream, methods=["GET"]),
    Route(f"{PICTURES}/{{key}}", picture, methods=["GET"]),
]
