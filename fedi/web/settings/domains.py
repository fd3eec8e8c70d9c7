"""`/settings/domains`: whole servers of which somebody does not want to see anything."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from fedi.runtime import easel_of
from fedi.social import hiding
from fedi.social.errors import SocialError
from fedi.social.paging import Page
from fedi.social.sessions import SignedIn
from fedi.web import cursors, forms, visitors
from fedi.web.settings import sheets
from fedi.web.settings.people import LENGTH, UNSEEN

HERE = "/settings/domains"


@visitors.signed_in
async def show(request: Request, visitor: SignedIn) -> Response:
    """`GET /settings/domains`."""
    return await _page(request, visitor)


@visitors.signed_in
async def hide(request: Request, visitor: SignedIn) -> Response:
    """`POST /settings/domains`: hide one more."""
    typed = (await forms.read(request)).get("domain", "")
    try:
        sheets.count(request, visitor)
        async with easel_of(request).database.write() as tx:
            await hiding.add(tx, visitor.account, typed.strip().lower())
    except SocialError as error:
        return await _page(request, visitor, typed, error)
    return sheets.back(HERE)


@visitors.signed_in
async def show_again(request: Request, visitor: SignedIn) -> Response:
    """`POST /settings/domains/show`: hide one no more."""
    typed = (await forms.read(request)).get("domain", "")
    sheets.count(request, visitor)
    async with easel_of(request).database.write() as tx:
        await hiding.remove(tx, visitor.account, typed)
    return sheets.back(HERE)


async def _page(
    request: Request, visitor: SignedIn, typed: str = "", error: SocialError | None = None
) -> Response:
    max_id = cursors.max_id(request)
    async with easel_of(request).database.read() as session:
        rows = await hiding.listed(session, visitor.account, Page(LENGTH + 1, max_id))
    found = rows[:LENGTH]
    return sheets.show(
        request,
        "hidden_domains.html",
        error=error,
        kin=UNSEEN,
        typed=typed,
        domains=[row.domain for row in found],
        older=f"{HERE}?max_id={found[-1].id}" if len(rows) > LENGTH else None,
        newer=HERE if max_id else None,
    )


routes: list[BaseRoute] = [
    Route(HERE, show, methods=["GET"]),
    Route(HERE, hide, methods=["POST"]),
    Route(f"{HERE}/show", show_again, methods=["POST"]),
]
