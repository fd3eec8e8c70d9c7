"""How pages look in this browser: light, dark, or as the system has it."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from fedi.web import cookies, forms, visitors
from fedi.web.render import private_page

THEMES = {"": "As the system has it", "light": "Light", "dark": "Dark"}


async def ask(request: Request) -> Response:
    """`GET /settings/appearance`: for everybody, because it is about the browser."""
    await visitors.of(request)
    chosen = cookies.theme(request)
    answer = private_page(
        request,
        "appearance.html",
        here="settings",
        form_key=forms.key(request),
        themes=THEMES,
        chosen=chosen,
    )
    return forms.remember(request, answer)


async def choose(request: Request) -> Response:
    """`POST /settings/appearance`."""
    fields = await forms.read(request)
    theme = fields.get("theme", "")
    if theme not in THEMES:
        raise HTTPException(422, "There is no such appearance.")
    answer = RedirectResponse("/settings/appearance", 303, {"Cache-Control": "no-store"})
    cookies.set_theme(request, answer, theme)
    return answer


routes: list[BaseRoute] = [
    Route("/settings/appearance", ask, methods=["GET"]),
    Route("/settings/appearance", choose, methods=["POST"]),
]
