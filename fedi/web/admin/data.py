"""`/admin/data`: what was given away to train on, who may listen, and what was learned here."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from fedi.database.tables import DatasetExport
from fedi.runtime import easel_of
from fedi.social.paging import MAX_PAGE, Page
from fedi.social.sessions import SignedIn
from fedi.social.training import grants, ledger, lessons
from fedi.web.admin import access
from fedi.web.admin.access import Deed
from fedi.web.views.posts import Moment, moment

PATH = "/admin/data"


@dataclass(frozen=True, slots=True)
class Entry:
    """An export, somebody who may listen, or a style (`purpose` is its name). `until`: since when
    they may not any more, or it is gone. `asked`: its author asked for it."""

    id: str
    to: str
    purpose: str
    pictures: int
    since: Moment
    until: Moment | None
    asked: bool


@access.only("house")
async def show(request: Request, visitor: SignedIn) -> Response:
    """`GET /admin/data`."""
    async with easel_of(request).database.read() as session:
        files = await ledger.exports(session, ledger.FILES, Page(MAX_PAGE))
        streams = await ledger.exports(session, ledger.STREAM, Page(MAX_PAGE))
        learned = await lessons.styles(session, Page(MAX_PAGE))
    return access.page(
        request,
        visitor,
        "data",
        "data",
        exports=[_entry(row) for row in files],
        listeners=[_entry(row) for row in streams],
        styles=[_entry(row) for row in learned],
    )


def _entry(row: DatasetExport) -> Entry:
    return Entry(
        id=str(row.id),
        to=row.recipient,
        purpose=row.purpose,
        pictures=row.items,
        since=moment(row.created_at),
        until=None if row.revoked_at is None else moment(row.revoked_at),
        asked=row.kind == lessons.ASKED,
    )


async def _revoke(deed: Deed) -> str:
    row = await deed.row(DatasetExport)
    await grants.revoke(deed.tx, row.recipient)
    await deed.note("dataset.revoke", row.recipient, row.id)
    return PATH


routes: list[BaseRoute] = [
    Route(PATH, show, methods=["GET"]),
    access.deed("/data/{id:int}/revoke", "house", _revoke),
]
