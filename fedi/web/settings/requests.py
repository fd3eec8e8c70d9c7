"""`/settings/requests`: who wants to follow, and whose notifications were set aside."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from fedi.runtime import easel_of
from fedi.social import notification_requests, requests
from fedi.social.paging import Page
from fedi.social.sessions import SignedIn
from fedi.studio.remote_files import gallery
from fedi.web import cursors, forms, visitors
from fedi.web.settings import sheets
from fedi.web.settings.people import LENGTH, TIES, of_many
from fedi.web.views import people

HERE = "/settings/requests"
DECISIONS = {"hear": notification_requests.accept, "forget": notification_requests.dismiss}


@visitors.signed_in
async def show(request: Request, visitor: SignedIn) -> Response:
    """`GET /settings/requests`."""
    easel, account = easel_of(request), visitor.account
    max_id, aside_id = cursors.max_id(request), cursors.number(request, "aside")
    async with easel.database.read() as session:
        asking = await requests.listed(session, account, Page(LENGTH + 1, max_id))
        aside = await notification_requests.listed(session, account, Page(LENGTH + 1, aside_id))
        known = [other for _, other in asking] + [one.account for one in aside]
        hung = await gallery.of(easel, session, of_many(known))
    older = None
    if len(asking) > LENGTH:
        older = f"{HERE}?max_id={asking[LENGTH - 1][0].id}"
    elif len(aside) > LENGTH:
        older = f"{HERE}?aside={aside[LENGTH - 1].request.id}"
    return sheets.show(
        request,
        "requests.html",
        kin=TIES,
        asking=[
            (people.maker(other, hung, account), str(other.id)) for _, other in asking[:LENGTH]
        ],
        aside=[
            (people.maker(one.account, hung, account), str(one.request.id), one.count)
            for one in aside[:LENGTH]
        ],
        older=older,
        newer=HERE if max_id or aside_id else None,
    )


@visitors.signed_in
async def decide(request: Request, visitor: SignedIn) -> Response:
    """`POST /settings/requests/hear` and `…/forget`: of what was set aside."""
    fields = await forms.read(request)
    decision = DECISIONS.get(request.path_params["decision"])
    if decision is None:
        raise HTTPException(404, "Nothing of that kind can be done with what was set aside.")
    number = sheets.number(fields)
    sheets.count(request, visitor)
    async with easel_of(request).database.write() as tx:
        await notification_requests.find(tx, visitor.account, number)
        await decision(tx, visitor.account, [number])
    return sheets.back(HERE)


routes: list[BaseRoute] = [
    Route(HERE, show, methods=["GET"]),
    Route(f"{HERE}/{{decision}}", decide, methods=["POST"]),
]
