"""`/admin/log`: what was done in the name of this instance, and by whom."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from fedi.runtime import easel_of
from fedi.social import audit
from fedi.social.paging import Page
from fedi.social.sessions import SignedIn
from fedi.web import cursors
from fedi.web.admin import access
from fedi.web.views import audit as views

LENGTH = 40  # deeds on one page
PATH = "/admin/log"


@access.only("dashboard")
async def show(request: Request, visitor: SignedIn) -> Response:
    """`GET /admin/log?by=NAME&about=TARGET`: what was done, the newest first."""
    by, about = (_asked(request, name) for name in ("by", "about"))
    before = cursors.max_id(request)
    async with easel_of(request).database.read() as session:
        page = Page(LENGTH + 1, before)
        rows = await audit.newest(session, page, actor=by.removeprefix("@"), target=about)
    kept = [(name, value) for name, value in (("by", by), ("about", about)) if value]
    return access.page(
        request,
        visitor,
        "log",
        "log",
        entries=[views.entry(row) for row in rows[:LENGTH]],
        by=by,
        about=about,
        longest=audit.MAX_TARGET,
        older=access.address(PATH, *kept, ("max_id", str(rows[LENGTH - 1].id)))
        if len(rows) > LENGTH
        else None,
        newer=access.address(PATH, *kept) if before is not None else None,
    )


def _asked(request: Request, name: str) -> str:
    text = request.query_params.get(name, "")
    return text.replace("\0", "").strip()[: audit.MAX_TARGET]


routes: list[BaseRoute] = [Route(PATH, show, methods=["GET"])]
