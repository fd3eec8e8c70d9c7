"""`/admin/models`: which models there are, which are here, and which one paints."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from fedi.runtime import Easel, easel_of
from fedi.social.errors import SocialError
from fedi.social.sessions import SignedIn
from fedi.web import forms, models
from fedi.web.admin import access
from fedi.web.admin.access import Fields
from fedi.web.views import models as views

PATH = "/admin/models"

Act = Callable[[Easel, SignedIn, str], Awaitable[None]]


@access.only("house")
async def show(request: Request, visitor: SignedIn) -> Response:
    """`GET /admin/models`."""
    return await _page(request, visitor, {})


@access.only("house")
async def events(request: Request, visitor: SignedIn) -> Response:
    """`GET /admin/models/events`: what is being fetched, as `web.models.stream` tells it."""
    return models.stream(request, visitor)


async def _page(
    request: Request, visitor: SignedIn, fields: Fields, error: SocialError | None = None
) -> Response:
    shown = await models.look(easel_of(request))
    all_of_them = views.choices(shown.found, shown.place)
    pulled = {one.key for one in shown.pulls}
    return access.page(
        request,
        visitor,
        "models",
        "models",
        error=error,
        modules=("models",),
        shown=shown,
        present=[one for one in all_of_them if one.here and one.paints],
        offered=[
            one for one in all_of_them if not one.here and one.paints and one.key not in pulled
        ],
        helpers=[one for one in all_of_them if not one.paints and one.key not in pulled],
        typed=fields.get("id", "") if "typed" in fields else "",
        path=PATH,
    )


def _deed(name: str, act: Act) -> Route:
    """`POST /admin/models/NAME`: do something with the model that the field `id` names."""

    @access.only("house")
    async def do(request: Request, visitor: SignedIn) -> Response:
        fields = await forms.read(request)
        try:
            access.count(request, visitor)
            await act(easel_of(request), visitor, fields.get("id", ""))
        except SocialError as error:
            return await access.refused(request, visitor, fields, error, _page)
        return access.done(PATH)

    return Route(f"{PATH}/{name}", do, methods=["POST"])


routes: list[BaseRoute] = [
    Route(PATH, show, methods=["GET"]),
    Route(f"{PATH}/events", events, methods=["GET"]),
    _deed("pull", models.fetch),
    _deed("stop", models.stop),
    _deed("default", models.choose),
    _deed("remove", models.remove),
]
