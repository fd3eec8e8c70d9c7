"""What people do here from a link elsewhere (FEP-3b86), as far as it needs nobody signed in."""

from __future__ import annotations

from typing import cast

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from activitypub import origin
from activitypub.objects import values
from fedi.runtime import Easel
from fedi.social import accounts, statuses
from fedi.web.render import ROBOTS_NOWHERE, page


async def see(request: Request) -> Response:
    """`GET /intents/object?object=ID`: something by its id. What is ours has a page; to what is
    elsewhere leads a link, and nobody is sent on unasked.

    Raises:
        HTTPException: that is no address.
    """
    uri = values.web_uri(request.query_params.get("object"))
    host = origin.host(uri) if uri is not None else None
    if uri is None or host is None:
        raise HTTPException(400, "The parameter object must be the address of something.")
    easel = cast(Easel, request.app.state.easel)
    async with easel.database.read() as session:
        status = await statuses.load_by_uri(session, None, uri)
        account = await accounts.by_uri(session, uri)
    if status is not None and status.local:
        return RedirectResponse(status.url, 302)
    if account is not None and account.local and accounts.is_person(account):
        return RedirectResponse(account.url, 302)
    if origin.same_origin(uri, easel.settings.instance.url):
        raise HTTPException(404, "There is no such thing here, or it is not for everybody.")
    return page(request, "elsewhere.html", robots=ROBOTS_NOWHERE, uri=uri, host=host)


routes: list[BaseRoute] = [Route("/intents/object", see)]
